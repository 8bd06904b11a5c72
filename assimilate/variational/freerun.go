package variational

import (
	"context"
	"fmt"

	"retrace/assimilate"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/trajectory"
)

// FreeRun lets the model run from its initial law, noise included, and ignores the
// observations: the forecast that assimilation must beat. Member k depends on
// seed, case and k alone.
type FreeRun struct{}

// Cycle implements assimilate.Sequential; an Analysis is its Forecast.
func (FreeRun) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	return freeRun(ctx, &p, watch)
}

// Assimilate implements assimilate.Method. The error wraps ErrDiverged if the model
// leaves the finite numbers.
func (FreeRun) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	if err := checkProblem(&p); err != nil {
		return nil, err
	}
	return collect(&p, progress, func(watch func(assimilate.Estimate) error) error { return freeRun(ctx, &p, watch) })
}

// collect keeps the analyses of a run as trajectories: each member costs one free
// run of the model.
func collect(p *assimilate.Problem, progress func(done, total int), run func(watch func(assimilate.Estimate) error) error) (*assimilate.Result, error) {
	set := trajectory.New(p.Model.Space(), p.Model.Clock(), []trajectory.Dimension{{Name: "member", Len: p.Members}}, p.Length)
	err := run(func(e assimilate.Estimate) error {
		if e.Stage == assimilate.Analysis {
			storeMembers(set, e.Index, e.Ensemble)
			if progress != nil {
				progress(e.Index+1, p.Length)
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &assimilate.Result{Ensemble: set, Evaluations: p.Length - 1 + spinUp(p)}, nil
}

// spinUp is the number of transitions that a draw of state 0 takes.
func spinUp(p *assimilate.Problem) int {
	if p.Initial != nil {
		return 0
	}
	return p.Model.SpinUp()
}

// storeMembers keeps the members of state t.
func storeMembers(set *trajectory.Set, t int, ensemble []float64) {
	size := set.Space.Size()
	for k := range set.Count() {
		dst := set.State(k, t)
		for i, x := range ensemble[k*size : (k+1)*size] {
			dst[i] = float32(x)
		}
	}
}

func freeRun(ctx context.Context, p *assimilate.Problem, watch func(assimilate.Estimate) error) error {
	if err := checkProblem(p); err != nil {
		return err
	}
	e := newEnsemble(p)
	for t := range p.Length {
		if err := e.forecast(ctx, t); err != nil {
			return err
		}
		for _, stage := range [...]assimilate.Stage{assimilate.Forecast, assimilate.Analysis} {
			if err := watch(e.estimate(stage, t)); err != nil {
				return err
			}
		}
	}
	return nil
}

// ensemble is members that the model carries along.
type ensemble struct {
	problem        *assimilate.Problem
	size           int
	states         []float64 // members x size
	mean, variance []float64

	index   int
	sources []*rng.Source
	failed  []bool
	move    func(worker, k int)
}

func newEnsemble(p *assimilate.Problem) *ensemble {
	size := p.Model.Space().Size()
	e := &ensemble{
		problem: p, size: size, states: make([]float64, p.Members*size),
		mean: make([]float64, size), variance: make([]float64, size), failed: make([]bool, p.Members),
	}
	for range parallel.Workers(p.Members) {
		e.sources = append(e.sources, rng.NewSource(p.Seed, "variational/forecast"))
	}
	e.move = e.moveMember
	return e
}

// member is a view of member k.
func (e *ensemble) member(k int) []float64 { return e.states[k*e.size : (k+1)*e.size] }

// forecast makes the members of state t: draws of the initial law if t is 0, else
// one transition from those of the state before.
func (e *ensemble) forecast(ctx context.Context, t int) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.index = t
	e.each(e.move)
	for k, failed := range e.failed {
		if failed {
			return fmt.Errorf("%w: member %d of %T is not finite at state %d: the model is unstable there (a shorter integration step may help)",
				ErrDiverged, k, e.problem.Model, t)
		}
	}
	return nil
}

// serialValues is the number of values of an ensemble below which one core does all
// the work: others would take longer to start than to finish, above all on a busy
// machine.
const serialValues = 1 << 14

// each runs work on every member.
func (e *ensemble) each(work func(worker, k int)) {
	if len(e.states) >= serialValues {
		parallel.Run(e.problem.Members, work)
		return
	}
	for k := range e.problem.Members {
		work(0, k)
	}
}

func (e *ensemble) moveMember(worker, k int) {
	x := e.member(k)
	r := e.sources[worker].At(uint64(e.problem.Case), uint64(e.index), uint64(k)).Rand
	switch given := e.problem.InitialEnsemble; {
	case e.index == 0 && given != nil:
		copy(x, given[k*e.size:])
	case e.index == 0:
		initial(e.problem, x, r)
	default:
		e.problem.Model.Step(x, r)
	}
	e.failed[k] = !finite(x)
}

// estimate is what the members say of state t: the variance of a single one is 0.
func (e *ensemble) estimate(stage assimilate.Stage, t int) assimilate.Estimate {
	moments(e.mean, e.variance, e.states)
	return assimilate.Estimate{Stage: stage, Index: t, Mean: e.mean, Variance: e.variance, Ensemble: e.states}
}

// moments writes mean and unbiased variance of members, row by row.
func moments(mean, variance, members []float64) {
	size := len(mean)
	n := len(members) / size
	clear(mean)
	clear(variance)
	for k := range n {
		addScaled(mean, 1/float64(n), members[k*size:(k+1)*size])
	}
	for k := range n {
		for i, x := range members[k*size : (k+1)*size] {
			d := x - mean[i]
			variance[i] += d * d / float64(max(n-1, 1))
		}
	}
}
