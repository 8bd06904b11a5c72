package fft_test

import (
	"testing"

	"retrace/internal/fft"
)

// multiply sets out[f] = in[0] in[f], with the last field where there are fewer.
func multiply(out, in []fft.Planes) {
	for f, product := range out {
		other := in[min(f, len(in)-1)]
		for i := range product.Re {
			set(product, i, at(in[0], i)*at(other, i))
		}
	}
}

// whole is what Products computes, by way of whole fields.
func whole(p *fft.Plan, in []fft.Planes, outs int) []fft.Planes {
	var fields, products, out []fft.Planes
	for _, spectrum := range in {
		fields = append(fields, inverse(p, spectrum))
	}
	for range outs {
		products = append(products, fft.NewPlanes(p.Len()))
	}
	multiply(products, fields)
	for _, product := range products {
		out = append(out, forward(p, product))
	}
	return out
}

func TestProductsAreThoseOfWholeFields(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, shape := range shapes {
			p := fft.NewPlan(shape[0], shape[1])
			in := []fft.Planes{noise(p.Len(), 30), noise(p.Len(), 31), noise(p.Len(), 32)}
			for _, counts := range [][2]int{{1, 1}, {3, 2}, {2, 3}} {
				want := whole(p, in[:counts[0]], counts[1])
				have := make([]fft.Planes, counts[1])
				for i := range have {
					have[i] = fft.NewPlanes(p.Len())
				}
				p.Products(have, in[:counts[0]], multiply)
				for i := range have {
					below(t, "product", distance(have[i], want[i]), 1e-15)
				}
			}
		}
	})
}

func TestProductsMayReplaceTheirFactors(t *testing.T) {
	p := fft.NewPlan(16, 24)
	z := []fft.Planes{noise(p.Len(), 33), noise(p.Len(), 34)}
	want := whole(p, z, 2)
	p.Products(z, z, multiply)
	for i := range z {
		below(t, "product in place of a factor", distance(z[i], want[i]), 1e-15)
	}
}

func TestPairingHasEveryWavenumberOnce(t *testing.T) {
	for ny := 1; ny < 70; ny++ {
		seen := make([]bool, ny)
		for _, pair := range fft.NewPairing(ny) {
			for column := range pair[0] {
				positive, negative := pair[0][column], pair[1][column]
				for _, ky := range []int{positive, negative} {
					if ky >= 0 && seen[ky] {
						t.Errorf("%d: %d occurs twice", ny, ky)
					}
					if ky >= 0 {
						seen[ky] = true
					}
				}
				partners := positive >= 0 && negative >= 0 && fft.Partner(positive, ny) == negative
				self := (positive < 0 || fft.Partner(positive, ny) == positive) && (negative < 0 || fft.Partner(negative, ny) == negative)
				if !partners && !self {
					t.Errorf("%d: column of %d and %d", ny, positive, negative)
				}
			}
		}
		for ky, seen := range seen {
			if !seen {
				t.Errorf("%d: %d is missing", ny, ky)
			}
		}
	}
}

// each goes through the elements that strips of a pair and whole spectra share.
func each(p *fft.Plan, l *fft.Loop, pair int, strips, spectra []fft.Planes, visit func(strip fft.Planes, i int, spectrum fft.Planes, j int)) {
	ny, nx := p.Shape()
	columns := fft.NewPairing(ny)[pair]
	for n, strip := range strips {
		for column, ky := range columns[n%2] {
			for kx := range nx {
				if ky >= 0 {
					visit(strip, l.Row(kx)+column, spectra[n/2], kx*ny+ky)
				}
			}
		}
	}
}

func TestLoopGoesThroughProducts(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, shape := range shapes {
			p := fft.NewPlan(shape[0], shape[1])
			in := []fft.Planes{noise(p.Len(), 35), noise(p.Len(), 36), noise(p.Len(), 37)}
			want := whole(p, in, 2)
			have := []fft.Planes{fft.NewPlanes(p.Len()), fft.NewPlanes(p.Len())}
			l := p.NewLoop(3, 2)
			visit := func(pair int, strips, products []fft.Planes) {
				each(p, l, pair, products, have, func(strip fft.Planes, i int, spectrum fft.Planes, j int) {
					set(spectrum, j, at(strip, i))
				})
				each(p, l, pair, strips, in, func(strip fft.Planes, i int, spectrum fft.Planes, j int) {
					set(strip, i, at(spectrum, j))
				})
			}
			l.Fill(visit)
			for range 2 {
				l.Products(multiply)
				l.Exchange(visit)
				for i := range have {
					below(t, "product of the loop", distance(have[i], want[i]), 1e-15)
				}
			}
		}
	})
}

func TestLoopDoesNotAllocate(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		p := fft.NewPlan(32, 16)
		l := p.NewLoop(2, 1)
		visit := func(_ int, in, _ []fft.Planes) { in[0].Re[0] = 1 }
		l.Fill(visit)
		if n := testing.AllocsPerRun(5, func() { l.Products(multiply); l.Exchange(visit) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}
