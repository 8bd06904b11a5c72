package trajectory

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/parallel"
	"retrace/internal/rng"
)

// Plan says which trajectories to draw.
type Plan struct {
	Count  int // trajectories
	Length int // states of each
	// SpinUp is the number of transitions discarded before the first state; a
	// model's own advice is Model.SpinUp.
	SpinUp int
	// Windows trajectories are cut from each run of the model, Gap transitions
	// lying between the last state of one and the first of the next: a way to
	// pay for a long spin-up once. 0 or 1: each trajectory is a run of its own.
	Windows int
	Gap     int // at least 1 if Windows is above 1
	Seed    int64
	// Purpose keeps sets apart that share a seed, such as "train" and "test":
	// run i takes its randomness from rng.Stream(Seed, Purpose, i).
	Purpose string
}

// perRun is the number of trajectories cut from a run.
func (p Plan) perRun() int { return max(1, p.Windows) }

// runs is the number of runs of the model.
func (p Plan) runs() int { return (p.Count + p.perRun() - 1) / p.perRun() }

// windows is the number of trajectories cut from run i: the last run makes only
// those that are left.
func (p Plan) windows(i int) int { return min(p.perRun(), p.Count-i*p.perRun()) }

// transitions is the number of transitions of a run that ends with the last
// state of so many windows.
func (p Plan) transitions(windows int) int {
	return p.SpinUp + windows*(p.Length-1) + (windows-1)*p.Gap
}

// Transitions is the number of transitions of the model that the plan takes.
func (p Plan) Transitions() int {
	full := p.Count / p.perRun()
	total := full * p.transitions(p.perRun())
	if rest := p.Count - full*p.perRun(); rest > 0 {
		total += p.transitions(rest)
	}
	return total
}

// maxSet bounds the bytes of a simulated set.
const maxSet = 1 << 40

func (p Plan) check(size int) error {
	switch {
	case p.Count < 1:
		return fault.Inputf("trajectory: the count of %d trajectories must be positive", p.Count)
	case p.Length < 1:
		return fault.Inputf("trajectory: the length of %d states must be positive", p.Length)
	case p.SpinUp < 0 || p.SpinUp > maxSet:
		return fault.Inputf("trajectory: the spin-up of %d transitions must be between 0 and 2^40", p.SpinUp)
	case p.Windows < 0 || p.Windows > 1 && (p.Gap < 1 || p.Gap > maxSet):
		return fault.Inputf("trajectory: %d windows of a run with a gap of %d transitions: the gap must be between 1 and 2^40", p.Windows, p.Gap)
	case p.Count > maxSet/4/p.Length/size:
		return fault.Inputf("trajectory: %d trajectories of %d states of %d values do not fit in memory: draw fewer or shorter ones",
			p.Count, p.Length, size)
	}
	return nil
}

// DivergedError reports a model that left the finite numbers, or those that a
// float32 can hold.
type DivergedError struct {
	Model      string // the Go type of the model, or its String
	Trajectory int
	Step       int // transitions after the initial state
	Component  string
	Value      float64
}

// Error names the place and the cure.
func (e *DivergedError) Error() string {
	return fmt.Sprintf("trajectory: model %s diverged: %s is %g in trajectory %d after %d transitions: use a smaller integration step",
		e.Model, e.Component, e.Value, e.Trajectory, e.Step)
}

// Simulate draws trajectories of a model, in parallel over runs, into a set
// with the leading dimension "case" that starts at time 0. The bytes do not
// depend on GOMAXPROCS, and trajectory i does not depend on p.Count.
//
// progress may be nil; it is called with the transitions done and their total,
// from one goroutine at a time. Errors: a *DivergedError or the error of the
// model's stepper, of the first trajectory concerned; the cancellation of ctx;
// an input error if the plan makes no sense.
func Simulate(ctx context.Context, model dynamics.Model, p Plan, progress func(done, total int)) (*Set, error) {
	if err := p.check(model.Space().Size()); err != nil {
		return nil, err
	}
	s := New(model.Space(), model.Clock(), []Dimension{{"case", p.Count}}, p.Length)
	draw := &drawing{
		set: s, model: model, plan: p,
		meter: &meter{report: progress, total: p.Transitions()},
	}
	if err := parallel.For(ctx, p.runs(), func(_, i int) error { return draw.run(ctx, i) }); err != nil {
		return nil, err
	}
	return s, nil
}

// Advance moves state x (physical units) through the given number of
// transitions in place, drawing from r: the trajectory that starts at x. It
// fails with a *DivergedError of trajectory 0 or the error of the model's
// stepper, or when ctx is cancelled.
func Advance(ctx context.Context, model dynamics.Model, x []float64, steps int, r *rand.Rand) error {
	stepper := dynamics.Continue(model, x)
	for step := 1; step <= steps; step++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := advance(stepper, model, x, r, step); err != nil {
			return err
		}
	}
	return nil
}

// advance moves a stepper on, by the transition of the given number, and x to
// its state.
func advance(s dynamics.Stepper, model dynamics.Model, x []float64, r *rand.Rand, step int) error {
	if err := s.Advance(r); err != nil {
		return fmt.Errorf("transition %d: %w", step, err)
	}
	s.State(x)
	if diverged := checkState(model, x, step); diverged != nil {
		return diverged
	}
	return nil
}

// drawing is what the workers of one Simulate share.
type drawing struct {
	set   *Set
	model dynamics.Model
	plan  Plan
	meter *meter
}

// run makes run i of the model and cuts its trajectories from it.
func (d *drawing) run(ctx context.Context, i int) error {
	r := rng.Stream(d.plan.Seed, d.plan.Purpose, uint64(i))
	x := make([]float64, d.model.Space().Size())
	stepper := dynamics.Begin(d.model, r)
	stepper.State(x)
	if diverged := checkState(d.model, x, 0); diverged != nil {
		return d.named(diverged, i)
	}
	last := d.plan.transitions(d.plan.windows(i))
	for step := 0; ; step++ {
		d.keep(i, step, x)
		if step%meterBatch == 0 || step == last {
			d.meter.add(step - max(0, step-1)/meterBatch*meterBatch)
		}
		if step == last {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := advance(stepper, d.model, x, r, step+1); err != nil {
			return d.named(err, i)
		}
	}
}

// keep stores the state after so many transitions of run i, if it is in a
// window.
func (d *drawing) keep(i, step int, x []float64) {
	period := d.plan.Length - 1 + max(1, d.plan.Gap)
	after := step - d.plan.SpinUp
	if after < 0 || after%period >= d.plan.Length {
		return
	}
	store(d.set.State(i*d.plan.perRun()+after/period, after%period), x)
}

// named says of which trajectory an error of run i is.
func (d *drawing) named(err error, i int) error {
	first := i * d.plan.perRun()
	if diverged, ok := err.(*DivergedError); ok {
		diverged.Trajectory = first
		return diverged
	}
	return fmt.Errorf("trajectory %d, %w", first, err)
}

func store(dst []float32, x []float64) {
	for k, v := range x {
		dst[k] = float32(v)
	}
}

// checkState finds values that are not finite, or too large to be stored.
func checkState(model dynamics.Model, x []float64, step int) *DivergedError {
	for k, v := range x {
		if f := float32(v); f-f != 0 {
			return &DivergedError{
				Model: modelName(model), Step: step, Component: componentName(model.Space(), k), Value: v,
			}
		}
	}
	return nil
}

func modelName(model dynamics.Model) string {
	if named, ok := model.(fmt.Stringer); ok {
		return named.String()
	}
	return strings.TrimPrefix(fmt.Sprintf("%T", model), "*")
}

// meterBatch is the number of transitions that a worker counts by itself: a
// transition may be shorter than taking a lock.
const meterBatch = 256

// meter counts work from several goroutines and reports it now and then.
type meter struct {
	report func(done, total int)
	total  int

	mutex          sync.Mutex
	done, reported int
}

func (m *meter) add(n int) {
	if m.report == nil {
		return
	}
	m.mutex.Lock()
	defer m.mutex.Unlock()
	m.done += n
	// A thousand reports are enough for any display.
	if m.done-m.reported > m.total/1000 || m.done == m.total {
		m.reported = m.done
		m.report(m.done, m.total)
	}
}
