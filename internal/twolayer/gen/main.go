// Command gen writes the assembly kernels of package twolayer.
package main

import (
	"flag"
	"log"

	"retrace/internal/assembly"
)

const (
	generator = "internal/twolayer/gen"
	rowBytes  = assembly.RowBytes
)

// An isa is a target of the emitter.
type isa struct{ *assembly.Target }

// targets returns the instruction sets with all kernels emitted.
func targets() []isa {
	var all []isa
	for _, t := range assembly.Targets() {
		s := isa{t}
		s.fluxes()
		s.advance()
		all = append(all, s)
	}
	return all
}

func main() {
	out := flag.String("out", ".", "folder to write to")
	flag.Parse()
	for _, s := range targets() {
		if err := s.Write(*out, generator); err != nil {
			log.Fatal(err)
		}
	}
}
