package kalman_test

import (
	"context"
	"flag"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/assimilate"
	"retrace/assimilate/kalman"
	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/observe"
)

var long = flag.Bool("long", false, "run slow statistical tests")

// ring is the shift of n sites by one a step, with noise of a standard deviation
// that may be 0: the linear advection of the reference cases.
type ring struct {
	n     int
	noise []float64
}

func newRing(n int, sd float64) ring {
	m := ring{n, make([]float64, n)}
	for i := range m.noise {
		m.noise[i] = sd * (1 + 0.5*math.Sin(float64(i)))
	}
	return m
}

func (m ring) Space() dynamics.Space {
	axis := dynamics.Axis{Name: "site", Units: "1", Period: float64(m.n)}
	for i := range m.n {
		axis.Coordinates = append(axis.Coordinates, float64(i))
	}
	return dynamics.Space{Variable: "state", Units: "1", Axes: []dynamics.Axis{axis}}
}
func (ring) Clock() dynamics.Clock { return dynamics.Clock{Interval: 1, Units: "1"} }
func (ring) SpinUp() int           { return 0 }

// Initial draws a sum of a few waves.
func (m ring) Initial(x []float64, r *rand.Rand) {
	clear(x)
	for k := range 6 {
		a, b := r.NormFloat64(), r.NormFloat64()
		for i := range x {
			phase := 2 * math.Pi * float64((k+1)*i) / float64(m.n)
			x[i] += a*math.Sin(phase) + b*math.Cos(phase)
		}
	}
}

func (m ring) Flow(x []float64) {
	last := x[m.n-1]
	copy(x[1:], x[:m.n-1])
	x[0] = last
}

func (m ring) Step(x []float64, r *rand.Rand) {
	m.Flow(x)
	for i, sd := range m.noise {
		if sd > 0 {
			x[i] += sd * r.NormFloat64()
		}
	}
}
func (m ring) NoiseSd() []float64 { return m.noise }

// observing sees components of states 5, 10, ... of a truth of a model, with
// noise.
func observing(t testing.TB, m dynamics.Model, length, every, members int, sd float64, indices ...int) assimilate.Problem {
	t.Helper()
	r := rng.Stream(5, "test/observing")
	x := make([]float64, m.Space().Size())
	m.Initial(x, r)
	for range m.SpinUp() {
		m.Step(x, r)
	}
	p := assimilate.Problem{Model: m, Length: length, Members: members, Seed: 11}
	operator := components(t, m.Space(), indices...)
	for k := range length {
		if k > 0 {
			m.Step(x, r)
		}
		if k%every == 0 && k > 0 {
			p.Observations.Observations = append(p.Observations.Observations, noisy(operator, k, x, sd, r))
		}
	}
	return p
}

func components(t testing.TB, space dynamics.Space, indices ...int) observe.Operator {
	t.Helper()
	operator, err := observe.Components{Indices: indices}.Build(space)
	if err != nil {
		t.Fatal(err)
	}
	return operator
}

func noisy(operator observe.Operator, index int, x []float64, sd float64, r *rand.Rand) observe.Observation {
	_, values := operator.Size()
	o := observe.Observation{Index: index, Operator: operator, Values: make([]float64, values), Sd: make([]float64, values)}
	operator.Apply(o.Values, x)
	for j := range o.Values {
		o.Values[j] += sd * r.NormFloat64()
		o.Sd[j] = sd
	}
	return o
}

// estimates are all that a method says, by stage and state.
type estimates [3][]assimilate.Estimate

func cycled(t testing.TB, m assimilate.Sequential, p assimilate.Problem) (all estimates) {
	t.Helper()
	err := m.Cycle(context.Background(), p, func(e assimilate.Estimate) error {
		if e.Index != len(all[e.Stage]) {
			t.Fatalf("%s of state %d comes after that of %d", e.Stage, e.Index, len(all[e.Stage])-1)
		}
		e.Mean, e.Variance, e.Ensemble = clone(e.Mean), clone(e.Variance), clone(e.Ensemble)
		all[e.Stage] = append(all[e.Stage], e)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func clone(x []float64) []float64 {
	if x == nil {
		return nil
	}
	return append([]float64{}, x...)
}

// apart is the largest difference of the moments that two methods give of one
// stage, and of their members.
func apart(a, b estimates, stage assimilate.Stage) (moments, members float64) {
	if len(a[stage]) != len(b[stage]) {
		return math.Inf(1), math.Inf(1)
	}
	for t, e := range a[stage] {
		moments = math.Max(moments, farthest(e.Mean, b[stage][t].Mean))
		moments = math.Max(moments, farthest(e.Variance, b[stage][t].Variance))
		members = math.Max(members, farthest(e.Ensemble, b[stage][t].Ensemble))
	}
	return moments, members
}

func farthest(a, b []float64) (most float64) {
	if len(a) != len(b) {
		return math.Inf(1)
	}
	for i, x := range a {
		if d := math.Abs(x - b[i]); !(d <= most) {
			most = d
		}
	}
	return most
}

func filter(u kalman.Update) *kalman.Filter { return kalman.NewFilter(u) }

// updates are all global ones that draw nothing but the last.
func updates() map[string]kalman.Update {
	return map[string]kalman.Update{
		"etkf": &kalman.ETKF{}, "ensrf": &kalman.EnSRF{Order: kalman.OrderGiven},
		"denkf": &kalman.DEnKF{}, "enkf-n": &kalman.EnKFN{XN: 1}, "enkf": &kalman.EnKF{},
	}
}

// covariance is the unbiased covariance of members.
func covariance(ensemble []float64, n int) *mat.SymDense {
	members := len(ensemble) / n
	mean := make([]float64, n)
	for i, x := range ensemble {
		mean[i%n] += x / float64(members)
	}
	c := mat.NewSymDense(n, nil)
	for row := 0; row < len(ensemble); row += n {
		x := mat.NewVecDense(n, clone(ensemble[row:row+n]))
		x.SubVec(x, mat.NewVecDense(n, mean))
		c.SymRankOne(c, 1/float64(members-1), x)
	}
	return c
}
