package variational

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/lorenz"
	"retrace/observe"
)

func build(t testing.TB, b dynamics.Builder) dynamics.Model {
	t.Helper()
	m, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// noisy is Lorenz 63 with noise.
func noisy(t testing.TB) dynamics.Model { return build(t, lorenz.NewLorenz63()) }

// mixed observes the sum of all components of every third state, a value of it
// missing, and besides state 3 through a bounded response.
func mixed(t testing.TB, model dynamics.Model, length int, r *rand.Rand) observe.Sequence {
	t.Helper()
	size := model.Space().Size()
	row := make([]float64, size)
	for i := range row {
		row[i] = 1
	}
	sum, err := observe.Linear{Matrix: [][]float64{row, row}}.Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	saturate, err := (&observe.Saturate{Scale: 2}).Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	var s observe.Sequence
	for i := 0; i < length; i += 3 {
		s.Observations = append(s.Observations, observe.Observation{
			Index: i, Operator: sum, Values: []float64{r.NormFloat64(), math.NaN()}, Sd: []float64{1.5, 1},
		})
		if i == 3 {
			y, sd := make([]float64, size), make([]float64, size)
			for j := range y {
				y[j], sd[j] = 0.3*r.NormFloat64(), 0.4
			}
			s.Observations = append(s.Observations, observe.Observation{Index: i, Operator: saturate, Values: y, Sd: sd})
		}
	}
	return s
}

// windows are the windows of several models, strong and weak, with a dense root.
func windows(t *testing.T) map[string]*window {
	all := map[string]*window{}
	for name, model := range map[string]dynamics.Model{
		"lorenz63": noisy(t), "lorenz96": build(t, &lorenz.Lorenz96{N: 7, F: 8, Dt: 0.05, Steps: 1, NoiseVariance: 0.1}),
		"ar1": build(t, &dynamics.AR1{N: 3, Rho: 0.8, Variance: 2}),
	} {
		for _, constraint := range []string{"strong", "weak"} {
			v := NewFourDVar()
			v.Constraint = constraint
			r := rng.Stream(1, name)
			p := assimilate.Problem{Model: model, Length: 8, Members: 1, Initial: around(model, r)}
			p.Observations = mixed(t, model, p.Length, r)
			m, err := newMarch(v, &p)
			if err != nil {
				t.Fatal(err)
			}
			m.first.root = triangle(model.Space().Size(), r)
			all[name+", "+constraint] = m.window(0, p.Length)
		}
	}
	return all
}

// around is a law around a state that the model reaches.
func around(model dynamics.Model, r *rand.Rand) *assimilate.Normal {
	law := &assimilate.Normal{Mean: make([]float64, model.Space().Size()), Sd: make([]float64, model.Space().Size())}
	model.Initial(law.Mean, r)
	for i := range law.Sd {
		law.Sd[i] = 1
	}
	return law
}

// triangle is a dense root with correlations.
func triangle(n int, r *rand.Rand) *dense {
	d := &dense{n, make([]float64, n*n)}
	for i := range n {
		for j := range i + 1 {
			d.data[i*n+j] = 0.3 * r.NormFloat64()
		}
		d.data[i*n+i] += 1
	}
	return d
}

func normals(n int, r *rand.Rand) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

func TestGradientPassesTheTaylorTest(t *testing.T) {
	for name, w := range windows(t) {
		r := rng.Stream(2, name)
		c, d, gradient := normals(w.dim(), r), normals(w.dim(), r), make([]float64, w.dim())
		base := w.cost(c)
		w.gradient(gradient, c)
		slope := dot(gradient, d)
		remainder := func(h float64) float64 {
			moved := append([]float64(nil), c...)
			addScaled(moved, h, d)
			return math.Abs(w.cost(moved) - base - h*slope)
		}
		if order := math.Log2(remainder(2e-3) / remainder(1e-3)); math.Abs(order-2) > 0.05 {
			t.Errorf("%s: the remainder of the cost is of order %.3f, want 2", name, order)
		}
	}
}

func TestAdjointSweepIsTheTransposeOfTheTangentSweep(t *testing.T) {
	for name, w := range windows(t) {
		r := rng.Stream(3, name)
		w.cost(normals(w.dim(), r))
		l := w.linearise(newPresent(observe.Sequence{Observations: flatten(w.seen)}, w.size))
		c, e := normals(w.dim(), r), normals(l.count(), r)
		image, pulled, state := make([]float64, len(e)), make([]float64, len(c)), make([]float64, w.size)
		l.tangent(image, c, state)
		l.adjoint(pulled, e, state)
		if a, b := dot(image, e), dot(c, pulled); math.Abs(a-b) > 1e-12*norm(image)*norm(e) {
			t.Errorf("%s: <G c, e> = %v, <c, G^T e> = %v", name, a, b)
		}
	}
}

func TestTangentSweepIsTheDerivativeOfTheInnovations(t *testing.T) {
	for name, w := range windows(t) {
		r := rng.Stream(4, name)
		h := newPresent(observe.Sequence{Observations: flatten(w.seen)}, w.size)
		c, d := normals(w.dim(), r), normals(w.dim(), r)
		at := func(step float64) []float64 {
			moved := append([]float64(nil), c...)
			addScaled(moved, step, d)
			w.cost(moved)
			return w.linearise(h).innovations
		}
		const step = 1e-5
		plus, minus := at(step), at(-step)
		w.cost(c)
		l := w.linearise(h)
		got := make([]float64, l.count())
		l.tangent(got, d, make([]float64, w.size))
		for k := range got {
			want := (minus[k] - plus[k]) / (2 * step)
			if math.Abs(got[k]-want) > 1e-7*(1+norm(got)) {
				t.Errorf("%s: derivative of value %d is %v, by differences %v", name, k, got[k], want)
			}
		}
	}
}

func TestAllSolversAgree(t *testing.T) {
	for name, w := range windows(t) {
		r := rng.Stream(5, name)
		w.cost(normals(w.dim(), r))
		l := w.linearise(newPresent(observe.Sequence{Observations: flatten(w.seen)}, w.size))
		rows, err := l.byRows(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		columns, err := l.byColumns(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		z, e := normals(w.dim(), r), normals(l.count(), r)
		want := make([]float64, len(z))
		rows.solve(want, z, e)
		for i, s := range []solver{columns, iterative{l}} {
			got := make([]float64, len(z))
			s.solve(got, z, e)
			addScaled(got, -1, want)
			if norm(got) > 1e-8*norm(want) {
				t.Errorf("%s: solution of %T (%d) is off by %g of %g", name, s, i, norm(got), norm(want))
			}
		}
	}
}

// flatten is the observations of all states of a window.
func flatten(seen [][]observe.Observation) []observe.Observation {
	var all []observe.Observation
	for _, s := range seen {
		all = append(all, s...)
	}
	return all
}

// joint is the exact posterior of a whole trajectory of a linear-Gaussian system.
func joint(t *testing.T, p *assimilate.Problem) (mean *mat.VecDense, covariance *mat.Dense) {
	t.Helper()
	m, c := p.Model.(interface {
		Moments(int) ([]float64, *mat.SymDense)
	}).Moments(p.Length)
	size := p.Model.Space().Size()
	var rows, values []float64
	h := newPresent(p.Observations, size)
	for _, o := range p.Observations.Observations {
		zero := make([]float64, size)
		h.compare([]observe.Observation{o}, zero)
		values = append(values, h.innovations[:h.count]...)
		h.linearise([]observe.Observation{o}, zero)
		for k := range h.count {
			row := make([]float64, len(m))
			copy(row[o.Index*size:], h.row(k))
			rows = append(rows, row...)
		}
	}
	g := mat.NewDense(len(values), len(m), rows)
	var cg, s, gain, update mat.Dense
	cg.Mul(c, g.T())
	s.Mul(g, &cg)
	for i := range values {
		s.Set(i, i, s.At(i, i)+1)
	}
	var inverse mat.Dense
	if err := inverse.Inverse(&s); err != nil {
		t.Fatal(err)
	}
	gain.Mul(&cg, &inverse)
	mean = mat.NewVecDense(len(m), nil)
	mean.MulVec(&gain, mat.NewVecDense(len(values), values)) // the prior mean is zero
	update.Mul(&gain, cg.T())
	covariance = mat.NewDense(len(m), len(m), nil)
	covariance.Sub(c, &update)
	return mean, covariance
}

// linearProblems are linear-Gaussian systems that start in their stationary law,
// scattered observations of them.
func linearProblems(t *testing.T) map[string]assimilate.Problem {
	all := map[string]assimilate.Problem{}
	for name, b := range map[string]dynamics.Builder{
		"ar1":       &dynamics.AR1{N: 3, Rho: 0.8, Variance: 2},
		"advection": &dynamics.Advection{N: 6, Speed: 1, Damping: 0.9, Variance: 2},
	} {
		model := build(t, b)
		size := model.Space().Size()
		r := rng.Stream(7, name)
		p := assimilate.Problem{Model: model, Length: 9, Members: 1, Seed: 3}
		p.Initial = &assimilate.Normal{Mean: make([]float64, size), Sd: even(size, math.Sqrt2).sd}
		p.Observations = mixed(t, model, p.Length, r)
		o := p.Observations.Observations // without those that are not linear
		p.Observations.Observations = append(o[:2:2], o[3:]...)
		all[name] = p
	}
	return all
}

func TestModeOfALinearSystemIsTheExactMean(t *testing.T) {
	for name, p := range linearProblems(t) {
		mean, _ := joint(t, &p)
		for _, iterations := range []int{0, 100} {
			v := NewFourDVar()
			v.Shift, v.Iterations = 0, iterations
			n := 0
			if err := v.Cycle(context.Background(), p, func(e assimilate.Estimate) error {
				if e.Stage != assimilate.Analysis {
					return nil
				}
				for _, x := range e.Mean {
					if d := x - mean.AtVec(n); math.Abs(d) > 1e-10 {
						t.Errorf("%s, %d iterations: value %d is off by %g", name, iterations, n, d)
					}
					n++
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestInverseHessianOfALinearSystemIsTheExactCovariance(t *testing.T) {
	for name, p := range linearProblems(t) {
		_, want := joint(t, &p)
		v := NewFourDVar()
		v.Shift = 0
		m, err := newMarch(v, &p)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.solve(context.Background(), 0, p.Length); err != nil {
			t.Fatal(err)
		}
		got := covarianceOf(m)
		for i := range p.Length * m.valley.linear.size {
			for j := range i + 1 {
				if d := got.At(i, j) - want.At(i, j); math.Abs(d) > 1e-10 {
					t.Errorf("%s: covariance of values %d and %d is off by %g", name, i, j, d)
				}
			}
		}
	}
}

// covarianceOf maps the inverse Hessian of a linear window to its trajectories.
func covarianceOf(m *march) *mat.Dense {
	w := m.valley.linear.window
	n, values := w.dim(), w.length()*w.size
	inverse, trajectories := mat.NewDense(n, n, nil), mat.NewDense(values, n, nil)
	column, unit, p, base := make([]float64, n), make([]float64, n), make(path, values), make(path, values)
	w.run(base, unit)
	for i := range n {
		unit[i] = 1
		m.valley.solver.solve(column, unit, make([]float64, m.valley.linear.count()))
		inverse.SetCol(i, column)
		w.run(p, unit)
		addScaled(p, -1, base)
		trajectories.SetCol(i, p)
		unit[i] = 0
	}
	var half, covariance mat.Dense
	half.Mul(trajectories, inverse)
	covariance.Mul(&half, trajectories.T())
	return &covariance
}

func TestMarchReachesTheSameModeByManyWindows(t *testing.T) {
	for name, p := range linearProblems(t) {
		mean, _ := joint(t, &p)
		for _, shift := range []int{1, 2, 4} {
			v := NewFourDVar()
			v.Shift = shift
			var got []float64
			if err := v.Cycle(context.Background(), p, func(e assimilate.Estimate) error {
				if e.Stage == assimilate.Smoothed {
					got = append(got, e.Mean...)
				}
				return nil
			}); err != nil {
				t.Fatal(err)
			}
			if len(got) != mean.Len() {
				t.Fatalf("%s, shift %d: %d values are smoothed, want %d", name, shift, len(got), mean.Len())
			}
			for i, x := range got {
				if d := x - mean.AtVec(i); math.Abs(d) > 1e-9 {
					t.Errorf("%s, shift %d: value %d is off by %g", name, shift, i, d)
				}
			}
		}
	}
}

func ExampleFourDVar_windows() {
	// Which states the windows of a march hold.
	m := &march{problem: &assimilate.Problem{Length: 10}, width: 6, shift: 2}
	for m.end < m.problem.Length {
		m.begin = m.next()
		m.end = min((m.end/m.shift+1)*m.shift, m.problem.Length)
		fmt.Print(m.begin, "-", m.end-1, " ")
	}
	// Output: 0-1 0-3 0-5 2-7 4-9
}
