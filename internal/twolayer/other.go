//go:build !amd64

package twolayer

// The only level is the portable one, which calls none of these.

func (f *Fluxes) assembly(*fluxArgs) { panic("twolayer: no assembly for this processor") }

func (s *Stepper) assembly(*stepArgs) { panic("twolayer: no assembly for this processor") }

func (s *Stepper) assemblyAlone(*stepArgs) { panic("twolayer: no assembly for this processor") }
