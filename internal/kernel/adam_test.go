package kernel_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"retrace/internal/kernel"
)

func TestAdamWAgreesWithFloat64(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 3))
		for _, n := range lengths {
			s := kernel.AdamStep{
				Scale: 0.5, Beta1: 0.9, Beta2: 0.99, Correction: 3, Epsilon: 1e-3, Decay: 0.999, Rate: 0.01, Fresh: 0.1,
			}
			var m kernel.Moments
			var checks []func(*testing.T)
			for _, slab := range []*[]float32{&m.Parameters, &m.First, &m.Second, &m.Average} {
				x, check := guarded(n)
				copy(x, normal(r, n))
				*slab = x
				checks = append(checks, check)
			}
			for i := range m.Second {
				m.Second[i] = float32(math.Abs(float64(m.Second[i])))
			}
			gradient := normal(r, n)
			var want [4][]float64
			for i := range n {
				g := float64(s.Scale) * float64(gradient[i])
				first := float64(s.Beta1)*float64(m.First[i]) + float64(1-s.Beta1)*g
				second := float64(s.Beta2)*float64(m.Second[i]) + float64(1-s.Beta2)*g*g
				p := float64(s.Decay)*float64(m.Parameters[i]) -
					float64(s.Rate)*first/(math.Sqrt(float64(s.Correction)*second)+float64(s.Epsilon))
				average := float64(m.Average[i]) + float64(s.Fresh)*(p-float64(m.Average[i]))
				for j, v := range []float64{p, first, second, average} {
					want[j] = append(want[j], v)
				}
			}
			kernel.AdamW(m, gradient, s)
			for j, slab := range [][]float32{m.Parameters, m.First, m.Second, m.Average} {
				checks[j](t)
				for i, x := range slab {
					if !near(x, want[j][i], 1e-6, 1e-6) {
						t.Fatalf("%d values: slab %d at %d is %g, want %g", n, j, i, x, want[j][i])
					}
				}
			}
		}
	})
}
