//go:build amd64

package twolayer

import "retrace/internal/kernel"

//go:noescape
func fluxesAVX512(args *fluxArgs)

//go:noescape
func fluxesAVX2(args *fluxArgs)

//go:noescape
func advanceAVX512(args *stepArgs)

//go:noescape
func advanceAloneAVX512(args *stepArgs)

//go:noescape
func deriveAVX512(args *stepArgs)

//go:noescape
func deriveAloneAVX512(args *stepArgs)

//go:noescape
func advanceAVX2(args *stepArgs)

//go:noescape
func advanceAloneAVX2(args *stepArgs)

//go:noescape
func deriveAVX2(args *stepArgs)

//go:noescape
func deriveAloneAVX2(args *stepArgs)

func (f *Fluxes) assembly(args *fluxArgs) {
	if f.level == kernel.AVX512 {
		fluxesAVX512(args)
	} else {
		fluxesAVX2(args)
	}
}

// assembly makes the step at the rows that args describe, or, without products,
// only its last part, the fields.
func (s *Stepper) assembly(args *stepArgs) {
	fieldsOnly := args.out[0] == nil
	switch {
	case s.level == kernel.AVX512 && fieldsOnly:
		deriveAVX512(args)
	case s.level == kernel.AVX512:
		advanceAVX512(args)
	case fieldsOnly:
		deriveAVX2(args)
	default:
		advanceAVX2(args)
	}
}

// assemblyAlone is assembly for rows that are their own opposites.
func (s *Stepper) assemblyAlone(args *stepArgs) {
	fieldsOnly := args.out[0] == nil
	switch {
	case s.level == kernel.AVX512 && fieldsOnly:
		deriveAloneAVX512(args)
	case s.level == kernel.AVX512:
		advanceAloneAVX512(args)
	case fieldsOnly:
		deriveAloneAVX2(args)
	default:
		advanceAloneAVX2(args)
	}
}
