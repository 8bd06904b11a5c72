package kalman

// The Kalman filter. A Gaussian N(m, P) passes a step with Jacobian F and noise
// Q, and is corrected by values y one after the other, each with row h of the
// Jacobian of the operator at the forecast m_f, and noise of variance r:
//
//	m <- f(m),   P <- a F P F^T + Q
//	s = h P h^T + r,   k = P h^T/s
//	m <- m + k (y - h(m_f) - h (m - m_f)),   P <- P - k h P
//
// which is the update by all values at once, since their noise is independent.
// With a = 1 it is exact for linear models; a > 1 is the inflation of the
// extended filter.

import (
	"context"
	"math"
	"reflect"

	"retrace/assimilate"
	"retrace/internal/fault"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/observe"
)

// gaussian is a Kalman filter at work on one problem.
type gaussian struct {
	problem   assimilate.Problem
	step      transition
	inflation float64 // a
	linear    bool    // operators must be affine
	n         int

	state     int
	mean, cov []float64
	jacobian  []float64
	work      []float64 // n by n

	forecast, variance, column []float64
	rows                       operatorRows
	sums                       innovationSums
	steps                      int
}

func newGaussian(p assimilate.Problem, step transition, inflation float64, linear bool) *gaussian {
	n := p.Model.Space().Size()
	most := max(1, mostValues(p.Observations))
	g := &gaussian{problem: p, step: step, inflation: inflation, linear: linear, n: n}
	for _, vector := range []*[]float64{&g.mean, &g.forecast, &g.variance, &g.column} {
		*vector = make([]float64, n)
	}
	for _, matrix := range []*[]float64{&g.cov, &g.jacobian, &g.work} {
		*matrix = make([]float64, n*n)
	}
	g.rows = operatorRows{h: make([]float64, most*n), other: make([]float64, n), unit: make([]float64, most), values: make([]float64, most)}
	return g
}

// sampleSize is the number of draws from which the moments of the initial law
// of a nonlinear model are estimated, for a state of n components.
func sampleSize(n int) int { return max(256, 4*n) }

// start sets the law of state 0.
func (g *gaussian) start(ctx context.Context) error {
	clear(g.cov)
	if initial := g.problem.Initial; initial != nil {
		copy(g.mean, initial.Mean)
		for i, sd := range initial.Sd {
			g.cov[i*g.n+i] = sd * sd
		}
		return nil
	}
	if linear, ok := g.problem.Model.(linearGaussian); ok {
		law := linear.Law()
		copy(g.mean, law.Mean)
		for i := range g.n {
			for j := range g.n {
				g.cov[i*g.n+j] = law.Initial.At(i, j)
			}
		}
		return nil
	}
	return g.sample(ctx)
}

// sample estimates the initial law of a model from draws.
func (g *gaussian) sample(ctx context.Context) error {
	draws := sampleSize(g.n)
	states := make([]float64, draws*g.n)
	err := parallel.For(ctx, draws, func(_, k int) error {
		r := rng.NewSource(g.problem.Seed, "kalman/initial").At(uint64(g.problem.Case), uint64(k))
		drawInitial(g.problem, states[k*g.n:(k+1)*g.n], r)
		return nil
	})
	if err != nil {
		return err
	}
	if err := checkMembers(states, g.n, 0); err != nil {
		return err
	}
	centre(g.mean, states, g.n)
	transposedMultiply(g.cov, 1/float64(draws-1), states, states, 0, g.n, draws, g.n)
	return nil
}

// advance is the step to the next state.
func (g *gaussian) advance() error {
	g.state++
	g.steps++
	g.step.advance(g.mean, g.jacobian)
	multiply(g.work, 1, g.jacobian, g.cov, 0, g.n, g.n, g.n)
	multiplyTransposed(g.cov, g.inflation, g.work, g.jacobian, 0, g.n, g.n, g.n)
	axpy(g.cov, 1, g.step.noise())
	symmetrise(g.cov, g.n)
	return g.check()
}

// check reports a Gaussian that is not finite.
func (g *gaussian) check() error {
	if finite(g.mean) && finite(g.cov) {
		return nil
	}
	return &Divergence{State: g.state, Member: -1}
}

// correct updates by the observations of the present state.
func (g *gaussian) correct(seen []observe.Observation) error {
	copy(g.forecast, g.mean)
	for _, o := range seen {
		h, err := g.rows.of(o, g.forecast, g.linear)
		if err != nil {
			return err
		}
		predicted := g.rows.values[:len(o.Values)]
		o.Operator.Apply(predicted, g.forecast)
		for j, y := range o.Values {
			if !math.IsNaN(y) {
				g.correctBy(h[j*g.n:(j+1)*g.n], y-predicted[j], o.Sd[j])
			}
		}
	}
	symmetrise(g.cov, g.n)
	return g.check()
}

// correctBy updates by one value: its row of the Jacobian, its difference from
// what the forecast predicts, its standard deviation.
func (g *gaussian) correctBy(h []float64, difference, sd float64) {
	multiply(g.column, 1, g.cov, h, 0, g.n, g.n, 1)
	variance := dot(h, g.column)
	s := variance + sd*sd
	for i, m := range g.mean {
		difference -= h[i] * (m - g.forecast[i])
	}
	g.sums.add(square(difference)/(sd*sd), variance/(sd*sd), 1)
	axpy(g.mean, difference/s, g.column)
	for i, v := range g.column {
		axpy(g.cov[i*g.n:(i+1)*g.n], -v/s, g.column)
	}
}

// variances returns the diagonal of the covariance.
func (g *gaussian) variances() []float64 {
	for i := range g.variance {
		g.variance[i] = math.Max(g.cov[i*g.n+i], 0)
	}
	return g.variance
}

// run passes through all states, calling visit after the forecast and after the
// analysis of each.
func (g *gaussian) run(ctx context.Context, visit func(stage assimilate.Stage) error) error {
	times := timeline{g.problem.Observations.Observations}
	if err := g.start(ctx); err != nil {
		return err
	}
	for t := range g.problem.Length {
		if err := ctx.Err(); err != nil {
			return err
		}
		if t > 0 {
			if err := g.advance(); err != nil {
				return err
			}
		}
		seen, present := times.next(t)
		if err := visit(assimilate.Forecast); err != nil {
			return err
		}
		if present {
			if err := g.correct(seen); err != nil {
				return err
			}
		}
		if err := visit(assimilate.Analysis); err != nil {
			return err
		}
	}
	return nil
}

// symmetrise removes the rounding by which a differs from its transpose.
func symmetrise(a []float64, n int) {
	for i := range n {
		for j := range i {
			mean := (a[i*n+j] + a[j*n+i]) / 2
			a[i*n+j], a[j*n+i] = mean, mean
		}
	}
}

// operatorRows finds the Jacobian of operators.
type operatorRows struct {
	operator               observe.Operator // whose h is known to be constant
	h, other, unit, values []float64
}

// of returns the Jacobian of the operator of o at x, a row for each value. If
// it must be affine, a Jacobian that differs elsewhere is an error.
func (r *operatorRows) of(o observe.Observation, x []float64, affine bool) ([]float64, error) {
	n, p := len(x), len(o.Values)
	if affine && r.operator != nil && reflect.TypeOf(o.Operator).Comparable() && r.operator == o.Operator {
		return r.h[:p*n], nil
	}
	r.operator = nil
	unit := r.unit[:p]
	for j := range p {
		clear(unit)
		unit[j] = 1
		o.Operator.VJP(r.h[j*n:(j+1)*n], x, unit)
	}
	if !affine {
		return r.h[:p*n], nil
	}
	elsewhere, row := make([]float64, n), r.other
	for i := range elsewhere {
		elsewhere[i] = 1.5*x[i] + 1 + float64(i%3)
	}
	for j := range p {
		clear(unit)
		unit[j] = 1
		o.Operator.VJP(row, elsewhere, unit)
		for i, v := range row {
			if math.Abs(v-r.h[j*n+i]) > 1e-9*(math.Abs(v)+math.Abs(r.h[j*n+i])) {
				return nil, fault.Inputf("kind: the operator of the observations of state %d (%T) is not linear, so there is no exact Kalman filter: choose ekf or an ensemble method", o.Index, o.Operator)
			}
		}
	}
	r.operator = o.Operator
	return r.h[:p*n], nil
}
