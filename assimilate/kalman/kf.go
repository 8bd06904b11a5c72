package kalman

import (
	"cmp"
	"context"
	"fmt"
	"math"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
)

// KF is the Kalman filter with the Rauch-Tung-Striebel smoother: the exact
// posterior of a linear-Gaussian model seen through linear operators. Start
// from NewKF.
//
// As a Method its members are independent draws of whole trajectories from the
// joint law of all states given all observations, or, without the smoother,
// draws of each state given the observations up to it. Member k does not depend
// on how many are drawn.
type KF struct {
	Smoother bool `toml:"smoother" doc:"whether members are trajectories of the smoother, given all observations; false: they are states of the filter"`
}

// NewKF returns the filter with its smoother.
func NewKF() *KF { return &KF{Smoother: true} }

// Check reports a model that is not linear.
func (m *KF) Check(model dynamics.Model) error {
	if _, ok := model.(linearGaussian); !ok {
		return fault.Inputf("kind: kf needs a linear-Gaussian model, which %T is not: choose ekf or an ensemble method", model)
	}
	return nil
}

// Cycle implements assimilate.Sequential. With the smoother it sends Smoothed at
// the end, and memory grows by two matrices of the size of the covariance a
// state; without, it does not grow.
func (m *KF) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	_, err := m.method().cycle(ctx, p, watch)
	return err
}

// Assimilate draws the members. Evaluations counts model steps per member.
func (m *KF) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	return m.method().assimilate(ctx, p, progress)
}

func (m *KF) method() gaussianMethod {
	return gaussianMethod{"kf", m.Check, 1, true, m.Smoother}
}

// EKF is the extended Kalman filter with its smoother: the Kalman filter of the
// model and the operators linearised at the mean of the analysis and of the
// forecast. Covariances are of all components, each step costs as many
// tangent-linear steps as the state has components. Start from NewEKF.
//
// As a Method its members are draws as those of KF, of the linearised posterior.
type EKF struct {
	Inflation float64 `toml:"inflation" doc:"factor on the forecast covariance in each unit of time, so that it does not depend on the sampling interval; 0.01 to 1e6"`
	Smoother  bool    `toml:"smoother" doc:"whether members are trajectories of the smoother, given all observations; false: they are states of the filter"`
}

// NewEKF returns the filter with its smoother, without inflation.
func NewEKF() *EKF { return &EKF{Inflation: 1, Smoother: true} }

// Check reports the first parameter out of range, or a model that cannot be
// linearised.
func (m *EKF) Check(model dynamics.Model) error {
	_, err := newTransition(model)
	return cmp.Or(dynamics.CheckBetween("inflation", m.Inflation, 0.01, 1e6), err)
}

// Cycle implements assimilate.Sequential, with the memory of KF. If mean or
// covariance blow up the error is a *Divergence.
func (m *EKF) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	_, err := m.method(p).cycle(ctx, p, watch)
	return err
}

// Assimilate draws the members. Evaluations counts model steps, tangent-linear
// ones included, per member.
func (m *EKF) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	return m.method(p).assimilate(ctx, p, progress)
}

func (m *EKF) method(p assimilate.Problem) gaussianMethod {
	return gaussianMethod{"ekf", m.Check, math.Pow(m.Inflation, p.Model.Clock().Interval), false, m.Smoother}
}

// gaussianMethod is what KF and EKF share.
type gaussianMethod struct {
	name      string
	check     func(dynamics.Model) error
	inflation float64 // in a step
	linear    bool
	smooth    bool
}

// mostComponents bounds covariances to 128 MB each.
const mostComponents = 4000

func (m gaussianMethod) begin(p assimilate.Problem) (*smoother, error) {
	if err := m.check(p.Model); err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	if err := checkProblem(m.name, p, 1); err != nil {
		return nil, err
	}
	if n := p.Model.Space().Size(); n > mostComponents {
		return nil, fault.Inputf("%s: a state of %d components: covariances of more than %d are too large: choose an ensemble method", m.name, n, mostComponents)
	}
	step, err := newTransition(p.Model)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.name, err)
	}
	return newSmoother(newGaussian(p, step, m.inflation, m.linear)), nil
}

func (m gaussianMethod) cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) (*smoother, error) {
	s, err := m.begin(p)
	if err != nil {
		return nil, err
	}
	visit := func(stage assimilate.Stage) error {
		return watch(assimilate.Estimate{Stage: stage, Index: s.state, Mean: s.mean, Variance: s.variances()})
	}
	if !m.smooth {
		err = s.run(ctx, visit)
	} else {
		err = s.filter(ctx, visit)
	}
	if err != nil {
		return nil, fmt.Errorf("%s, case %d: %w", m.name, p.Case, err)
	}
	if !m.smooth {
		return s, nil
	}
	s.smooth()
	for t, pass := range s.passes {
		if err := watch(assimilate.Estimate{Stage: assimilate.Smoothed, Index: t, Mean: pass.smoothed, Variance: pass.variance}); err != nil {
			return nil, fmt.Errorf("%s, case %d: %w", m.name, p.Case, err)
		}
	}
	return s, nil
}

func (m gaussianMethod) assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	r, err := newRecorder(p, assimilate.Smoothed, nil)
	if err != nil {
		return nil, err
	}
	states := newStateDraws(p)
	s, err := m.begin(p)
	if err != nil {
		return nil, err
	}
	visit := func(stage assimilate.Stage) error {
		if stage == assimilate.Analysis {
			if !m.smooth {
				states.draw(s.gaussian, r.write)
			}
			if progress != nil {
				progress(s.state+1, p.Length)
			}
		}
		return nil
	}
	if m.smooth {
		if err = s.filter(ctx, visit); err == nil {
			err = s.draw(ctx, r.write)
		}
	} else {
		err = s.run(ctx, visit)
	}
	if err != nil {
		return nil, fmt.Errorf("%s, case %d: %w", m.name, p.Case, err)
	}
	steps := s.steps
	if !m.linear {
		steps *= 1 + s.n
	}
	return r.result((steps+p.Members-1)/p.Members, s.sums), nil
}

// stateDraws draws states of a filter, independent in time.
type stateDraws struct {
	source     *rng.Source
	root, x, z []float64
}

func newStateDraws(p assimilate.Problem) *stateDraws {
	n := p.Model.Space().Size()
	return &stateDraws{rng.NewSource(p.Seed, "kalman/draw"), make([]float64, n*n), make([]float64, n), make([]float64, n)}
}

// draw draws every member of the present state.
func (d *stateDraws) draw(g *gaussian, write func(member, t int, x []float64)) {
	copy(d.root, g.cov)
	root(d.root, g.n)
	for member := range g.problem.Members {
		r := d.source.At(uint64(g.problem.Case), uint64(member), uint64(g.state))
		for i := range d.z {
			d.z[i] = r.NormFloat64()
		}
		copy(d.x, g.mean)
		multiply(d.x, 1, d.root, d.z, 1, g.n, g.n, 1)
		write(member, g.state, d.x)
	}
}
