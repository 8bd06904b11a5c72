package experiment

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"

	"retrace/internal/fault"
	"retrace/internal/npy"
	"retrace/internal/parallel"
	"retrace/trajectory"
	"retrace/twin"
)

// twinRunner carries the runs of a twin experiment out, in parallel over pairs of
// a truth and a method.
type twinRunner struct {
	*TwinConfig
	*task
	experiments map[*Scenario]*twin.Experiment
	truths      map[truthKey]*sharedTruth
	training    func() (*trajectory.Set, error)
	progress    counter

	mutex   sync.Mutex
	seconds map[string][]float64 // wall time of each pair, by key
	saved   time.Time            // when seconds were last written
}

type truthKey struct {
	scenario *Scenario
	seed     int64
}

// sharedTruth is drawn when the first method needs it and let go behind the last.
type sharedTruth struct {
	once  sync.Once
	mutex sync.Mutex
	left  int
	drawn *twin.Realisation
	err   error
}

// runAll makes the records of all pairs and the tables of them.
func (c *TwinConfig) runAll(ctx context.Context, t *task, inputs []string) error {
	if err := os.MkdirAll(t.file(pairFolder), 0o777); err != nil {
		return err
	}
	pairs := c.pairs(inputs)
	records := make([]*twin.Record, len(pairs))
	var todo []int
	for i, p := range pairs {
		if records[i] = readPair(t.directory, p.key); records[i] == nil {
			todo = append(todo, i)
		}
	}
	r, err := c.runner(ctx, t, pairs, todo)
	if err != nil {
		return err
	}
	err = parallel.For(ctx, len(todo), func(_, k int) (err error) {
		records[todo[k]], err = r.run(ctx, pairs[todo[k]])
		return err
	})
	if err != nil {
		return err
	}
	if err := c.writeResult(t, pairs, records); err != nil {
		return err
	}
	return prune(t.directory, pairs)
}

// runner prepares what the pairs still to do have in common.
func (c *TwinConfig) runner(ctx context.Context, t *task, pairs []pair, todo []int) (*twinRunner, error) {
	r := &twinRunner{
		TwinConfig: c, task: t, experiments: map[*Scenario]*twin.Experiment{}, truths: map[truthKey]*sharedTruth{},
		progress: counter{watcher: t.watcher}, seconds: map[string][]float64{},
	}
	for i := range c.Scenarios {
		experiment, err := c.experiment(&c.Scenarios[i])
		if err != nil {
			return nil, err
		}
		r.experiments[&c.Scenarios[i]] = experiment
	}
	for _, p := range pairs {
		if known := t.record.Measured[p.key]; known != nil {
			r.seconds[p.key] = known
		}
	}
	for _, i := range todo {
		key := truthKey{pairs[i].scenario, pairs[i].seed}
		if r.truths[key] == nil {
			r.truths[key] = &sharedTruth{}
		}
		r.truths[key].left++
		r.progress.total += r.experiments[pairs[i].scenario].Length
	}
	r.training = sync.OnceValues(func() (*trajectory.Set, error) {
		return trajectory.Simulate(ctx, c.model, trajectory.Plan{
			Count: 1, Length: c.Twin.Training, SpinUp: c.model.SpinUp(), Seed: c.Seed, Purpose: "twin/training",
		}, nil)
	})
	return r, nil
}

// run makes and keeps the record of one pair.
func (r *twinRunner) run(ctx context.Context, p pair) (*twin.Record, error) {
	shared := r.truths[truthKey{p.scenario, p.seed}]
	defer shared.release()
	realisation, err := shared.get(func() (*twin.Realisation, error) { return r.draw(ctx, r.experiments[p.scenario], p.seed) })
	if err != nil {
		return nil, err
	}
	experiment := *r.experiments[p.scenario]
	if entry, _ := LookupMethod(p.method.Kind); entry.NeedsTraining {
		if experiment.Training, err = r.training(); err != nil {
			return nil, fmt.Errorf("the training run: %w", err)
		}
	}
	method, err := p.method.Parameters.Build(nil)
	if err != nil {
		return nil, err
	}
	start, advance := time.Now(), r.meter(experiment.Length)
	record, err := experiment.Run(ctx, realisation, twin.Contender{Method: method, Members: p.method.Members}, advance)
	advance(experiment.Length)
	if err != nil {
		return nil, fmt.Errorf("%s/%s, seed %d: %w", p.scenario.Name, p.method.Name, p.seed, err)
	}
	if err := writePair(r.directory, p.key, record); err != nil {
		return nil, err
	}
	return record, r.took(p.key, time.Since(start))
}

// meter counts the states that a run has done, in batches that make the counting
// cheap.
func (r *twinRunner) meter(length int) func(done int) {
	counted, batch := 0, max(1, length/50)
	return func(done int) {
		if n := done - counted; n >= batch || n > 0 && done == length {
			r.progress.add(done - counted)
			counted = done
		}
	}
}

// took keeps the wall time of a pair, and writes those of all now and then.
func (r *twinRunner) took(key string, wall time.Duration) error {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.seconds[key] = []float64{wall.Seconds()}
	r.record.Measured = r.seconds
	if time.Since(r.saved) < time.Second {
		return nil
	}
	r.saved = time.Now()
	return r.provenance.write(r.path)
}

func (s *sharedTruth) get(draw func() (*twin.Realisation, error)) (*twin.Realisation, error) {
	s.once.Do(func() { s.drawn, s.err = draw() })
	return s.drawn, s.err
}

func (s *sharedTruth) release() {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	if s.left--; s.left == 0 {
		s.drawn = nil
	}
}

// draw makes the truth and the observations of a seed, or reads them.
func (c *TwinConfig) draw(ctx context.Context, e *twin.Experiment, seed int64) (*twin.Realisation, error) {
	if c.Twin.Truth == "" {
		return e.Draw(ctx, seed)
	}
	_, truth, err := npy.Read[float64](c.Twin.Truth)
	if err != nil {
		return nil, err
	}
	_, values, err := npy.Read[float64](c.Twin.Observations)
	if err != nil {
		return nil, err
	}
	r, err := e.Adopt(seed, truth, values)
	if fault.IsInput(err) {
		return nil, fmt.Errorf("%s, %s: %w", c.Twin.Truth, c.Twin.Observations, err)
	}
	return r, err
}
