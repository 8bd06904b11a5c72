package fft_test

import (
	"math"
	"math/cmplx"
	"testing"

	"retrace/internal/fft"
	"retrace/internal/kernel"
)

func phase(numerator, n int) complex128 {
	return cmplx.Rect(1, -2*math.Pi*float64(numerator%n)/float64(n))
}

func TestForwardIsTheSumOfItsDefinition(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, shape := range shapes {
			ny, nx := shape[0], shape[1]
			p := fft.NewPlan(ny, nx)
			field := noise(p.Len(), 1)
			spectrum := forward(p, field)
			for _, k := range [][2]int{{0, 0}, {1, 0}, {0, 1}, {nx / 2, 1}, {nx - 1, ny / 3}, {2 * nx / 3, ny - 1}} {
				kx, ky := k[0]%nx, k[1]%ny
				var sum complex128
				for y := range ny {
					for x := range nx {
						sum += at(field, y*nx+x) * phase(kx*x, nx) * phase(ky*y, ny)
					}
				}
				size := math.Sqrt(float64(2 * p.Len()))
				below(t, "difference from the sum", cmplx.Abs(at(spectrum, kx*ny+ky)-sum)/size, 2e-14)
			}
		}
	})
}

func TestForwardAgreesWithGonum(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, shape := range append(shapes, [2]int{512, 16}, [2]int{16, 1024}, [2]int{128, 128}, [2]int{250, 30}) {
			p := fft.NewPlan(shape[0], shape[1])
			field := noise(p.Len(), 2)
			below(t, "difference from gonum", distance(forward(p, field), byGonum(shape[0], shape[1], field)), 2e-15)
		}
	})
}

func TestInverseTakesForwardBack(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, shape := range shapes {
			p := fft.NewPlan(shape[0], shape[1])
			field := noise(p.Len(), 3)
			below(t, "after a round trip", distance(inverse(p, forward(p, field)), field), 1e-15)
		}
	})
}

func TestTransformsWorkInPlace(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, shape := range shapes {
			p := fft.NewPlan(shape[0], shape[1])
			field := noise(p.Len(), 4)
			spectrum := forward(p, field)
			z := noise(p.Len(), 4)
			p.Forward(z, z)
			below(t, "forward in place", distance(z, spectrum), 0)
			p.Inverse(z, z)
			below(t, "inverse in place", distance(z, inverse(p, spectrum)), 0)
		}
	})
}

func TestTransformKeepsSquares(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, shape := range shapes {
			p := fft.NewPlan(shape[0], shape[1])
			field := noise(p.Len(), 5)
			squares := func(z fft.Planes) float64 {
				sum := 0.0
				for i := range z.Re {
					sum += z.Re[i]*z.Re[i] + z.Im[i]*z.Im[i]
				}
				return sum
			}
			ratio := squares(forward(p, field)) / squares(field) / float64(p.Len())
			below(t, "deviation from Parseval", math.Abs(ratio-1), 1e-14)
		}
	})
}

func TestTransformIsLinear(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, shape := range shapes {
			p := fft.NewPlan(shape[0], shape[1])
			a, b, sum, want := noise(p.Len(), 6), noise(p.Len(), 7), fft.NewPlanes(p.Len()), fft.NewPlanes(p.Len())
			const f, g = 1.25 - 0.5i, -0.75i
			for i := range sum.Re {
				set(sum, i, f*at(a, i)+g*at(b, i))
			}
			fa, fb := forward(p, a), forward(p, b)
			for i := range want.Re {
				set(want, i, f*at(fa, i)+g*at(fb, i))
			}
			below(t, "deviation from linearity", distance(forward(p, sum), want), 1e-15)
		}
	})
}

func TestShiftsTurnPhases(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, shape := range shapes {
			ny, nx := shape[0], shape[1]
			p := fft.NewPlan(ny, nx)
			field, rolled := noise(p.Len(), 8), fft.NewPlanes(p.Len())
			down, right := (ny+2)/3, (nx+1)/2
			for y := range ny {
				for x := range nx {
					set(rolled, (y+down)%ny*nx+(x+right)%nx, at(field, y*nx+x))
				}
			}
			want := forward(p, field)
			for kx := range nx {
				for ky := range ny {
					i := kx*ny + ky
					set(want, i, at(want, i)*phase(kx*right, nx)*phase(ky*down, ny))
				}
			}
			below(t, "shifted field", distance(forward(p, rolled), want), 2e-15)
		}
	})
}

func TestAWaveIsOneWavenumber(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		const ny, nx, kx, ky = 32, 48, 5, 29
		p := fft.NewPlan(ny, nx)
		spectrum := fft.NewPlanes(p.Len())
		spectrum.Re[kx*ny+ky] = ny * nx
		field := inverse(p, spectrum)
		for y := range ny {
			for x := range nx {
				want := cmplx.Conj(phase(kx*x, nx) * phase(ky*y, ny))
				below(t, "wave", cmplx.Abs(at(field, y*nx+x)-want), 3e-15)
			}
		}
		below(t, "back", distance(forward(p, field), spectrum), 1e-15)
	})
}

func TestConstantIsExact(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		p := fft.NewPlan(64, 128)
		field := fft.NewPlanes(p.Len())
		for i := range field.Re {
			field.Re[i], field.Im[i] = 3, -1
		}
		for i, re := range forward(p, field).Re {
			if want := 3 * 64 * 128; i == 0 && re != float64(want) || i > 0 && re != 0 {
				t.Fatalf("element %d is %v", i, re)
			}
		}
	})
}

// TestNothingElseIsTouched puts the planes anywhere, off the cache lines, with
// values beside them that must survive.
func TestNothingElseIsTouched(t *testing.T) {
	const guard, canary = 9, 12345.678
	bed := func(n int) ([]float64, []float64) {
		whole := make([]float64, n+2*guard)
		for i := range whole {
			whole[i] = canary
		}
		return whole, whole[guard : guard+n]
	}
	atLevels(t, func(t *testing.T) {
		for _, shape := range shapes {
			p := fft.NewPlan(shape[0], shape[1])
			var whole [4][]float64
			var part [4][]float64
			for i := range whole {
				whole[i], part[i] = bed(p.Len())
			}
			field, spectrum := fft.Planes{Re: part[0], Im: part[1]}, fft.Planes{Re: part[2], Im: part[3]}
			start := noise(p.Len(), 9)
			copy(field.Re, start.Re)
			copy(field.Im, start.Im)
			p.Forward(spectrum, field)
			below(t, "the source of Forward", distance(field, start), 0)
			want := forward(p, start)
			below(t, "off the cache lines", distance(spectrum, want), 0)
			p.Inverse(field, spectrum)
			below(t, "the source of Inverse", distance(spectrum, want), 0)
			for _, w := range whole {
				for i := range guard {
					if w[i] != canary || w[len(w)-1-i] != canary {
						t.Fatalf("%v: a value beside a plane changed", shape)
					}
				}
			}
		}
	})
}

func TestLevelsAgree(t *testing.T) {
	before := kernel.Level()
	defer kernel.Use(before)
	for _, shape := range shapes {
		if err := kernel.Use(kernel.Generic); err != nil {
			t.Fatal(err)
		}
		field := noise(shape[0]*shape[1], 10)
		want := forward(fft.NewPlan(shape[0], shape[1]), field)
		for _, level := range []string{kernel.AVX2, kernel.AVX512} {
			if kernel.Use(level) != nil {
				continue
			}
			below(t, level, distance(forward(fft.NewPlan(shape[0], shape[1]), field), want), 1e-15)
		}
	}
}

func TestTransformsDoNotAllocate(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		p := fft.NewPlan(32, 48)
		field, spectrum := noise(p.Len(), 11), fft.NewPlanes(p.Len())
		in := []fft.Planes{noise(p.Len(), 12), noise(p.Len(), 13)}
		out := []fft.Planes{fft.NewPlanes(p.Len())}
		allocations := testing.AllocsPerRun(5, func() {
			p.Forward(spectrum, field)
			p.Inverse(field, spectrum)
			p.Products(out, in, multiply)
			p.Products(in, out, multiply)
		})
		if allocations != 0 {
			t.Errorf("%v allocations", allocations)
		}
	})
}

func TestWrongSizesPanic(t *testing.T) {
	p := fft.NewPlan(4, 6)
	good, bad, half := fft.NewPlanes(24), fft.NewPlanes(25), fft.NewPlanes(16)
	for name, call := range map[string]func(){
		"no rows":         func() { fft.NewPlan(0, 4) },
		"a long field":    func() { p.Forward(good, bad) },
		"a long spectrum": func() { p.Inverse(good, bad) },
		"a bad half":      func() { p.Split(half, bad, good) },
		"a bad whole":     func() { p.Merge(bad, half, half) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			call()
		})
	}
}

func FuzzShape(f *testing.F) {
	f.Add(uint8(16), uint8(32), uint64(1))
	f.Add(uint8(7), uint8(60), uint64(2))
	f.Add(uint8(40), uint8(48), uint64(3))
	f.Fuzz(func(t *testing.T, rows, columns uint8, seed uint64) {
		ny, nx := int(rows)%120+1, int(columns)%120+1
		p := fft.NewPlan(ny, nx)
		field := noise(p.Len(), seed)
		spectrum := forward(p, field)
		below(t, "difference from gonum", distance(spectrum, byGonum(ny, nx, field)), 1e-14)
		below(t, "after a round trip", distance(inverse(p, spectrum), field), 1e-14)
	})
}
