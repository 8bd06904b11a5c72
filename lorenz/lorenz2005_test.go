package lorenz_test

import (
	"math"
	"testing"

	"retrace/lorenz"
)

// at is a value of a ring.
func at(x []float64, i int) float64 { n := len(x); return x[((i%n)+n)%n] }

// advection is [x, y]_{k,i} as Lorenz (2005) writes it, sum by sum.
func advection(x, y []float64, k, i int) float64 {
	half := k / 2
	share := func(j int) float64 {
		if k%2 == 0 && (j == half || j == -half) {
			return 0.5
		}
		return 1
	}
	var sum float64
	for j := -half; j <= half; j++ {
		for l := -half; l <= half; l++ {
			sum += share(j) * share(l) * (-at(x, i-2*k-l)*at(y, i-k-j) + at(x, i-k+j-l)*at(y, i+k+j))
		}
	}
	return sum / float64(k*k)
}

func TestLorenz2005OfOneSiteIsLorenz96(t *testing.T) {
	p := lorenz.NewLorenz2005()
	p.N, p.K, p.F, p.Steps = 40, 1, 8, 1
	m, want := build(t, p), build(t, lorenz.NewLorenz96())
	x := state(want, 0)
	got, expected := make([]float64, 40), make([]float64, 40)
	m.Tendency(got, x)
	want.Tendency(expected, x)
	for i := range got {
		if math.Abs(got[i]-expected[i]) > 1e-11 {
			t.Errorf("site %d: %v, want %v", i, got[i], expected[i])
		}
	}
}

func TestLorenz2005HasTheTendencyOfThePaper(t *testing.T) {
	for _, p := range []lorenz.Lorenz2005{
		{N: 21, K: 4, F: 15, B: 1, Dt: 0.05, Steps: 2},
		{N: 24, K: 5, F: 15, B: 1, Dt: 0.05, Steps: 2},
		{N: 40, K: 6, F: 15, I: 4, B: 10, C: 2.5, Dt: 0.01, Steps: 2},
	} {
		m := build(t, &p)
		z := direction(m, 0)
		x, y := append([]float64{}, z...), make([]float64, p.N)
		if p.I > 0 {
			n := float64(p.I)
			alpha, beta := (3*n*n+3)/(2*n*n*n+4*n), (2*n*n+1)/(n*n*n*n+2*n*n)
			for i := range x {
				x[i] = 0
				for j := -p.I; j <= p.I; j++ {
					w := alpha - beta*math.Abs(float64(j))
					if j == p.I || j == -p.I {
						w /= 2
					}
					x[i] += w * at(z, i+j)
				}
				y[i] = z[i] - x[i]
			}
		}
		dz := make([]float64, p.N)
		m.Tendency(dz, z)
		for i := range dz {
			want := advection(x, x, p.K, i) + p.B*p.B*advection(y, y, 1, i) + p.C*advection(y, x, 1, i) - x[i] - p.B*y[i] + p.F
			if math.Abs(dz[i]-want) > 1e-10*(1+math.Abs(want)) {
				t.Errorf("n = %d, k = %d, i = %d: tendency of site %d is %v, want %v", p.N, p.K, p.I, i, dz[i], want)
			}
		}
	}
}

func TestLorenz2005AdvectionConservesEnergy(t *testing.T) {
	for _, k := range []int{1, 2, 4, 5} {
		m := build(t, &lorenz.Lorenz2005{N: 30, K: k, F: 15, B: 1, Dt: 0.05, Steps: 2})
		x := direction(m, 0)
		if got, want := energyRate(m, x), 15*sum(x)-dot(x, x); math.Abs(got-want) > 1e-11 {
			t.Errorf("k = %d: energy changes at %v, want %v", k, got, want)
		}
	}
}

func TestLorenz2005SmoothingKeepsParabolas(t *testing.T) {
	// Where Z is a parabola there are no short waves: its tendency does not know of b.
	tendency := func(b float64) []float64 {
		m := build(t, &lorenz.Lorenz2005{N: 64, K: 4, F: 0, I: 4, B: b, Dt: 0.01, Steps: 40})
		z, dz := make([]float64, 64), make([]float64, 64)
		for i := range z {
			z[i] = 1 + 0.1*float64(i) - 0.02*float64(i*i)
		}
		m.Tendency(dz, z)
		return dz
	}
	slow, fast := tendency(1), tendency(10)
	for i := 16; i < 48; i++ { // away from where the ring is closed
		if math.Abs(slow[i]-fast[i]) > 1e-9 {
			t.Errorf("site %d: %v and %v", i, slow[i], fast[i])
		}
	}
}
