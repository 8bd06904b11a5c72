package dynamics_test

import (
	"flag"
	"math"
	"math/rand/v2"
	"sync"
	"testing"

	"retrace/dynamics"
	"retrace/internal/rng"
)

var long = flag.Bool("long", false, "run slow statistical tests")

// top is Euler's equations of a rigid body with drag: a small nonlinear System
// in which every component feels every other.
type top struct{ a, b, c, drag float64 }

func (top) Space() dynamics.Space {
	return dynamics.Space{
		Variable: "state", Units: "1",
		Axes: []dynamics.Axis{{Name: "variable", Labels: []string{"x", "y", "z"}}},
	}
}

func (top) Initial(x []float64, r *rand.Rand) {
	for i := range x {
		x[i] = r.NormFloat64()
	}
}

func (s top) Tendency(dst, x []float64) {
	dst[0] = s.a*x[1]*x[2] - s.drag*x[0]
	dst[1] = s.b*x[2]*x[0] - s.drag*x[1]
	dst[2] = s.c*x[0]*x[1] - s.drag*x[2]
}

func (s top) Tangent(dst, x, dx []float64) {
	dst[0] = s.a*(dx[1]*x[2]+x[1]*dx[2]) - s.drag*dx[0]
	dst[1] = s.b*(dx[2]*x[0]+x[2]*dx[0]) - s.drag*dx[1]
	dst[2] = s.c*(dx[0]*x[1]+x[0]*dx[1]) - s.drag*dx[2]
}

func (s top) Cotangent(dst, x, v []float64) {
	dst[0] = s.b*x[2]*v[1] + s.c*x[1]*v[2] - s.drag*v[0]
	dst[1] = s.a*x[2]*v[0] + s.c*x[0]*v[2] - s.drag*v[1]
	dst[2] = s.a*x[1]*v[0] + s.b*x[0]*v[1] - s.drag*v[2]
}

var tumbling = top{a: 1, b: -2, c: 1.5, drag: 0.1}

// draw returns n standard normal numbers.
func draw(n int, purpose string, indices ...uint64) []float64 {
	r := rng.Stream(1, purpose, indices...)
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

func dot(a, b []float64) float64 {
	var sum float64
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

func distance(a, b []float64) float64 {
	var largest float64
	for i := range a {
		largest = max(largest, math.Abs(a[i]-b[i]))
	}
	return largest
}

// checkConcurrent runs f from many goroutines and checks that each gets the
// bytes that it gets alone.
func checkConcurrent(t *testing.T, f func(worker uint64) []float64) {
	t.Helper()
	const workers = 8
	var alone, together [workers][]float64
	for w := range alone {
		alone[w] = f(uint64(w))
	}
	var group sync.WaitGroup
	for w := range together {
		group.Go(func() {
			for range 20 {
				together[w] = f(uint64(w))
			}
		})
	}
	group.Wait()
	for w := range alone {
		if d := distance(alone[w], together[w]); d != 0 {
			t.Errorf("worker %d differs by %g from a run alone", w, d)
		}
	}
}

// checkNoAllocation checks that f does not allocate once warm.
func checkNoAllocation(t *testing.T, what string, f func()) {
	t.Helper()
	if raceEnabled {
		return
	}
	if n := testing.AllocsPerRun(100, f); n != 0 {
		t.Errorf("%s allocates %v times", what, n)
	}
}
