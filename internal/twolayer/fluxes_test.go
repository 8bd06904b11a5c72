package twolayer_test

import (
	"math"
	"testing"

	"retrace/internal/fft"
	"retrace/internal/twolayer"
)

func fluxFields(n int) (out, in []fft.Planes) {
	for i := range 5 {
		z := fft.NewPlanes(n)
		for j := range z.Re {
			z.Re[j], z.Im[j] = math.Sin(float64(i+3*j)), math.Cos(float64(2*i-j))
		}
		in = append(in, z)
	}
	return in[3:], in[:3]
}

func TestFluxesAreProducts(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, n := range []int{0, 1, 8, 21, 64} {
			out, in := fluxFields(n)
			f := twolayer.NewFluxes(background)
			f.Multiply(out, in)
			var fastest [2]float64
			for layer, q := range [][]float64{in[2].Re, in[2].Im} {
				for i, q := range q {
					u, v := in[layer].Re[i]+background[layer], in[layer].Im[i]
					if out[layer].Re[i] != u*q || out[layer].Im[i] != v*q {
						t.Fatalf("flux %d of layer %d is %v, %v, want %v, %v", i, layer, out[layer].Re[i], out[layer].Im[i], u*q, v*q)
					}
					fastest = [2]float64{max(fastest[0], math.Abs(u)), max(fastest[1], math.Abs(v))}
				}
			}
			if f.Fastest != fastest {
				t.Errorf("the fastest flow is %v, want %v", f.Fastest, fastest)
			}
		}
	})
}

func TestFastestFlowShowsNaN(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, place := range []int{0, 5, 40, 63} {
			out, in := fluxFields(64)
			in[1].Im[place] = math.NaN()
			f := twolayer.NewFluxes(background)
			f.Multiply(out, in)
			if f.Fastest[0] != f.Fastest[0] || f.Fastest[1] == f.Fastest[1] {
				t.Errorf("NaN at %d: the fastest flow is %v", place, f.Fastest)
			}
		}
	})
}
