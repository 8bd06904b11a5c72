package experiment

import (
	"context"
	"math/rand/v2"
	"runtime"
	"slices"
	"time"

	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/scoresum"
)

// Estimate is what one unit of work costs.
type Estimate struct {
	Unit string `json:"unit"`
	// Work says what is counted, Count how many of them there are.
	Work  string  `json:"work"`
	Count float64 `json:"count"`
	// Seconds is the wall time on this machine, from a measurement of a
	// moment; nil if there is none.
	Seconds *float64 `json:"seconds"`
	// Memory is held at once, Disk written, in bytes.
	Memory int64 `json:"memory_bytes"`
	Disk   int64 `json:"disk_bytes"`
}

// Cost is the work that a method does for one case.
type Cost struct {
	ModelSteps         float64 // transitions of the model
	NetworkEvaluations float64 // denoisings of a trajectory, with their gradient
	Memory             int64   // bytes besides the ensemble
}

// Costed is a MethodBuilder that knows its cost for a case of so many members
// of so many states.
type Costed interface {
	Cost(model dynamics.Model, length, members int) Cost
}

// Estimate tells what every unit of work costs, from nothing.
func (c *Config) Estimate(ctx context.Context) ([]Estimate, error) {
	list, _, err := c.Gauge(ctx)
	return list, err
}

// Gauge is Estimate with the prior that it timed: trained for a moment, it is
// good for nothing but as fast as any of the config's settings. It is nil if the
// config has none.
func (c *Config) Gauge(ctx context.Context) ([]Estimate, *scoresum.Prior, error) {
	e := estimator{Config: c, cores: float64(runtime.GOMAXPROCS(0)), size: int64(c.model.Space().Size())}
	e.measureStep()
	if c.Prior != nil {
		if err := e.measurePrior(ctx); err != nil {
			return nil, nil, err
		}
	}
	x := c.Trajectories
	e.simulation("simulate/training", x.Train, x.TrainLength)
	e.simulation("simulate/validation", x.Validation, x.TrainLength)
	e.simulation("simulate/test", x.Test, x.Length)
	switch {
	case c.Learning != nil:
		if err := e.learning(); err != nil {
			return nil, nil, err
		}
	case c.Prior != nil:
		e.training()
	}
	for i := range c.Scenarios {
		if err := e.scenario(&c.Scenarios[i]); err != nil {
			return nil, nil, err
		}
	}
	return e.needed(), e.prior, nil
}

// needed drops the estimates of units that a whole run leaves out.
func (e *estimator) needed() []Estimate {
	units, err := e.units(nil)
	if err != nil { // a config without scenarios or methods serves single stages
		return e.list
	}
	return slices.DeleteFunc(e.list, func(estimate Estimate) bool {
		return !slices.ContainsFunc(units, func(u *unit) bool { return u.name == estimate.Unit })
	})
}

// estimator adds estimates up.
type estimator struct {
	*Config
	cores float64
	size  int64   // values of a state
	step  float64 // seconds of a transition, one core
	// Seconds, one core, of a training step and of denoising one trajectory of
	// a number of states with its gradient.
	trainStep float64
	denoise   map[int]float64
	prior     *scoresum.Prior // of kind network
	list      []Estimate
}

// measureStep times the transition of the model.
func (e *estimator) measureStep() {
	r := rng.Stream(e.Seed, "estimate")
	x := make([]float64, e.size)
	e.model.Initial(x, r)
	e.step = timed(func(n int) { steps(e.model, x, r, n) })
}

func steps(model dynamics.Model, x []float64, r *rand.Rand, n int) {
	for range n {
		model.Step(x, r)
	}
}

// timed returns the seconds of one of the n equal pieces that work does: the
// best of a few measurements that are long enough to be sound, since other
// programs can only slow them down.
func timed(work func(n int)) float64 {
	const long, repeats = 20 * time.Millisecond, 3
	took := func(n int) time.Duration {
		start := time.Now()
		work(n)
		return time.Since(start)
	}
	n := 1
	best := took(n)
	for best < long && n < 1<<26 {
		n *= 4
		best = took(n)
	}
	for range repeats - 1 {
		best = min(best, took(n))
	}
	return best.Seconds() / float64(n)
}

func (e *estimator) simulation(unit string, count, length int) {
	if count == 0 {
		return
	}
	n := float64(e.Config.simulation(unit, count, length).Transitions())
	bytes := int64(count) * int64(length) * e.size * 4
	e.add(Estimate{Unit: unit, Work: "model steps", Count: n, Memory: bytes, Disk: bytes}, n*e.step/e.cores)
}

func (e *estimator) training() {
	x, p := e.Trajectories, e.Prior
	bytes := int64(x.Train+x.Validation) * int64(x.TrainLength) * e.size * 4
	if p.Kind != KindNetwork {
		e.add(Estimate{Unit: "train", Work: "prior", Count: 1, Memory: 2 * bytes}, 0)
		return
	}
	e.add(Estimate{
		Unit: "train", Work: "windows", Count: float64(p.Training.Steps) * float64(p.Training.Batch), Memory: 2 * bytes,
	}, float64(p.Training.Steps)*e.trainStep)
}

// scenario estimates the methods of a scenario, and its reference.
func (e *estimator) scenario(s *Scenario) error {
	cases := e.Trajectories.Test
	if s.File != "" {
		seen, err := e.readObservations(s)
		if err != nil {
			return err
		}
		cases = len(seen)
	}
	for i := range e.Methods {
		e.method("assimilate/"+s.Name+"/"+e.Methods[i].Name, s, &e.Methods[i], cases)
	}
	if reference := e.Score.Reference; reference != nil {
		for _, store := range []string{ReferenceName, ReferenceName + "-again"} {
			e.method("score/"+s.Name+"/"+store, s, reference, cases)
		}
	}
	return nil
}

func (e *estimator) method(unit string, s *Scenario, m *Method, cases int) {
	length := e.timeline(s).Length
	ensemble := int64(m.Members) * int64(length) * e.size * 4
	estimate := Estimate{Unit: unit, Work: "ensembles", Count: float64(cases), Memory: ensemble, Disk: int64(cases) * ensemble}
	costed, ok := m.Parameters.(Costed)
	if !ok {
		e.list = append(e.list, estimate)
		return
	}
	cost := costed.Cost(e.model, length, m.Members)
	estimate.Memory += cost.Memory
	seconds := cost.ModelSteps * e.step
	estimate.Work, estimate.Count = "model steps", float64(cases)*cost.ModelSteps
	if cost.NetworkEvaluations > 0 {
		estimate.Work, estimate.Count = "network evaluations", float64(cases)*cost.NetworkEvaluations
		seconds += cost.NetworkEvaluations * e.denoise[length]
	}
	e.add(estimate, float64(cases)*seconds/e.cores)
}

func (e *estimator) add(estimate Estimate, seconds float64) {
	estimate.Seconds = &seconds
	e.list = append(e.list, estimate)
}

// Total adds estimates up: the time and disk of all, the memory of the largest.
func Total(list []Estimate) Estimate {
	total := Estimate{Unit: "total", Seconds: new(0.0)}
	for _, e := range list {
		total.Memory = max(total.Memory, e.Memory)
		total.Disk += e.Disk
		if e.Seconds != nil {
			*total.Seconds += *e.Seconds
		}
	}
	return total
}
