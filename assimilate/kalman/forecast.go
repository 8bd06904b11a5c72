package kalman

import (
	"context"
	"fmt"
	"slices"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/observe"
)

// forecast advances the members of a problem. Members are the rows of an
// ensemble. Each transition of each member has a random stream of its own, so
// that the bytes do not depend on who advances which member.
type forecast struct {
	problem       assimilate.Problem
	model         dynamics.Model
	flow          func(x []float64) // without noise; nil if noise cannot be told apart
	quiet         bool              // the model has no noise
	members, size int
	spread        bool // over workers

	initials, noises []*rng.Source // one a worker
	steps            int           // transitions of one member so far
}

// spreadFrom is the number of values of an ensemble from which it pays to
// advance members on several cores.
const spreadFrom = 1 << 14

func newForecast(p assimilate.Problem) *forecast {
	f := &forecast{problem: p, model: p.Model, members: p.Members, size: p.Model.Space().Size()}
	if additive, ok := p.Model.(interface{ Flow(x []float64) }); ok {
		f.flow = additive.Flow
	}
	f.quiet = quiet(p.Model)
	f.spread = f.members*f.size >= spreadFrom
	workers := 1
	if f.spread {
		workers = parallel.Workers(f.members)
	}
	for range workers {
		f.initials = append(f.initials, rng.NewSource(p.Seed, "kalman/initial"))
		f.noises = append(f.noises, rng.NewSource(p.Seed, "kalman/noise"))
	}
	return f
}

// quiet reports whether a model is known to add no noise at all.
func quiet(m dynamics.Model) bool {
	additive, ok := m.(dynamics.AdditiveNoise)
	return ok && !slices.ContainsFunc(additive.NoiseSd(), func(sd float64) bool { return sd != 0 })
}

// splits reports whether a transition is a flow and noise that does not depend
// on the state, which drawNoise can draw.
func splits(m dynamics.Model) bool {
	_, additive := m.(dynamics.AdditiveNoise)
	_, linear := m.(linearGaussian)
	return additive || linear
}

// drawNoise draws the noise that each member meets on its way to state t: the
// one that advance would draw.
func (f *forecast) drawNoise(noise []float64, t int) {
	clear(noise)
	for member := range f.members {
		q := noise[member*f.size : (member+1)*f.size]
		r := f.noises[0].At(uint64(f.problem.Case), uint64(t), uint64(member)).Rand
		if additive, ok := f.model.(dynamics.AdditiveNoise); ok {
			for i, sd := range additive.NoiseSd() {
				q[i] = sd * r.NormFloat64()
			}
			continue
		}
		f.model.Step(q, r) // from the origin, which a linear flow keeps
	}
}

// checkProblem refuses what no method of this package can do.
func checkProblem(method string, p assimilate.Problem, fewest int) error {
	size := p.Model.Space().Size()
	switch {
	case p.Length < 1:
		return fault.Inputf("%s: a trajectory of %d states: ask for at least one", method, p.Length)
	case p.Members < fewest:
		return fault.Inputf("%s: members = %d: it estimates covariances from its members and needs at least %d", method, p.Members, fewest)
	case p.Initial != nil && (len(p.Initial.Mean) != size || len(p.Initial.Sd) != size):
		return fault.Inputf("%s: the initial law has %d means and %d standard deviations: the state has %d components",
			method, len(p.Initial.Mean), len(p.Initial.Sd), size)
	case p.InitialEnsemble != nil && len(p.InitialEnsemble) != p.Members*size:
		return fault.Inputf("%s: the initial ensemble has %d values: %d members of %d components have %d",
			method, len(p.InitialEnsemble), p.Members, size, p.Members*size)
	}
	if err := p.Observations.Validate(p.Length, p.Model.Space()); err != nil {
		return fault.Input(fmt.Errorf("%s: %w", method, err))
	}
	return nil
}

// initial draws state 0 of every member, if it is not given.
func (f *forecast) initial(ctx context.Context, ensemble []float64) error {
	if f.problem.InitialEnsemble != nil {
		copy(ensemble, f.problem.InitialEnsemble)
		return checkMembers(ensemble, f.size, 0)
	}
	if f.problem.Initial == nil {
		f.steps = f.model.SpinUp()
	}
	err := f.each(ctx, func(worker, member int) {
		r := f.initials[worker].At(uint64(f.problem.Case), uint64(member))
		drawInitial(f.problem, ensemble[member*f.size:(member+1)*f.size], r)
	})
	if err != nil {
		return err
	}
	return checkMembers(ensemble, f.size, 0)
}

// drawInitial draws state 0 from the initial law of a problem.
func drawInitial(p assimilate.Problem, x []float64, r *rng.Source) {
	if p.Initial != nil {
		for i := range x {
			x[i] = p.Initial.Mean[i] + p.Initial.Sd[i]*r.NormFloat64()
		}
		return
	}
	p.Model.Initial(x, r.Rand)
	for range p.Model.SpinUp() {
		p.Model.Step(x, r.Rand)
	}
}

// advance moves every member by one transition, to state t.
func (f *forecast) advance(ctx context.Context, ensemble []float64, t int) error {
	return f.transition(ctx, ensemble, t, true)
}

// advanceQuietly is advance without noise, for a model that splits.
func (f *forecast) advanceQuietly(ctx context.Context, ensemble []float64, t int) error {
	return f.transition(ctx, ensemble, t, false)
}

func (f *forecast) transition(ctx context.Context, ensemble []float64, t int, noisy bool) error {
	f.steps++
	if !f.spread { // a loop that does not allocate
		if err := ctx.Err(); err != nil {
			return err
		}
		for member := range f.members {
			f.step(0, member, ensemble, t, noisy)
		}
	} else if err := f.each(ctx, func(worker, member int) { f.step(worker, member, ensemble, t, noisy) }); err != nil {
		return err
	}
	return checkMembers(ensemble, f.size, t)
}

func (f *forecast) step(worker, member int, ensemble []float64, t int, noisy bool) {
	x := ensemble[member*f.size : (member+1)*f.size]
	if f.quiet || !noisy {
		f.flow(x)
		return
	}
	f.model.Step(x, f.noises[worker].At(uint64(f.problem.Case), uint64(t), uint64(member)).Rand)
}

// each does work for every member.
func (f *forecast) each(ctx context.Context, work func(worker, member int)) error {
	if !f.spread {
		for member := range f.members {
			if err := ctx.Err(); err != nil {
				return err
			}
			work(0, member)
		}
		return nil
	}
	return parallel.For(ctx, f.members, func(worker, member int) error {
		work(worker, member)
		return nil
	})
}

// checkMembers reports the first member of state t that is not finite.
func checkMembers(ensemble []float64, size, t int) error {
	if finite(ensemble) {
		return nil
	}
	for member := 0; ; member++ {
		if !finite(ensemble[member*size : (member+1)*size]) {
			return &Divergence{State: t, Member: member}
		}
	}
}

// Divergence is the error of a method whose ensemble is no longer finite: the
// analysis left the states for which the model is stable. It is an
// assimilate.ErrDiverged.
type Divergence struct {
	State  int // index of the state
	Member int // number of the member; -1 for a mean
}

// Error names the place and the cure.
func (d *Divergence) Error() string {
	who := "the mean"
	if d.Member >= 0 {
		who = fmt.Sprintf("member %d", d.Member)
	}
	return fmt.Sprintf("%s is not finite at state %d: the filter has diverged (more members, more inflation or localisation may help)", who, d.State)
}

// Is makes a Divergence an assimilate.ErrDiverged.
func (d *Divergence) Is(target error) bool { return target == assimilate.ErrDiverged }

// timeline hands out the observations of one state after the other.
type timeline struct{ rest []observe.Observation }

// next returns the observations of state t, and whether any value of them is
// present. States must be asked for in order.
func (l *timeline) next(t int) (seen []observe.Observation, present bool) {
	n := 0
	for n < len(l.rest) && l.rest[n].Index == t {
		n++
	}
	seen, l.rest = l.rest[:n:n], l.rest[n:]
	return seen, observe.Count(seen) > 0
}
