// Command gen writes the assembly kernels of package fft.
package main

import (
	"flag"
	"log"

	"retrace/internal/assembly"
)

const (
	generator = "internal/fft/gen"
	rowBytes  = assembly.RowBytes
)

// An isa is a target of the emitter.
type isa struct{ *assembly.Target }

// targets returns the instruction sets with all kernels emitted.
func targets() []isa {
	var all []isa
	for _, t := range assembly.Targets() {
		s := isa{t}
		for _, radix := range []int{2, 3, 4, 5, 8} {
			s.stages(radix)
		}
		s.transpose()
		s.spread()
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
