package experiment

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"retrace/em"
	"retrace/internal/atomicfile"
	"retrace/internal/fault"
	"retrace/internal/strict"
	"retrace/observe"
	"retrace/scoresum"
)

// Learning is the [em] table of a config: the prior is learnt from observations of the
// training trajectories, never from themselves.
type Learning struct {
	em.Settings  `toml:",inline"`
	Observations Observed `toml:"observations,required" doc:"what is seen of the training and validation trajectories"`
	Sampler      Sampler  `toml:"sampler" doc:"how posterior draws are made"`
}

// Choose fills in the defaults.
func (l *Learning) Choose(strict.Table) bool {
	l.Settings, l.Sampler = em.DefaultSettings(), DefaultSampler()
	l.Sampler.Steps, l.Sampler.Corrections = 64, 0
	l.Observations.Every = 1
	return true
}

// Observed says what is seen of trajectories to learn from.
type Observed struct {
	Operator *Operator      `toml:"operator,required" doc:"what is seen of a state; linear"`
	Every    int            `toml:"every" doc:"observe every n-th state"`
	Offset   int            `toml:"offset" doc:"first state observed, from 0"`
	Sd       strict.Numbers `toml:"sd,required" doc:"standard deviation of the noise: one, or one for each value observed, in their units"`
	Missing  float64        `toml:"missing" doc:"share in [0, 1) of the values that are missing, at random"`
	Stated   float64        `toml:"stated_sd" doc:"standard deviations that learning is told, over the true ones; with estimate_noise it finds out"`
}

// LearningFolder is the folder of a run directory that holds the laps.
const LearningFolder = "em"

// layout lays out the observations of one trajectory, all missing yet.
func (o *Observed) layout(c *Config) (observe.Sequence, error) {
	operator, err := o.Operator.Parameters.Build(c.model.Space())
	if err != nil {
		return observe.Sequence{}, err
	}
	indices, err := c.trainingTimeline().Every(o.Every, o.Offset)
	if err != nil {
		return observe.Sequence{}, err
	}
	return observe.Layout(operator, indices, o.Sd...)
}

func (c *Config) trainingTimeline() observe.Timeline {
	return observe.Timeline{Clock: c.model.Clock(), Length: c.Trajectories.TrainLength}
}

// learningTarget describes the observations to observe's files.
func (c *Config) learningTarget() (observe.Target, error) {
	operator, err := c.Learning.Observations.Operator.Parameters.Build(c.model.Space())
	return observe.Target{Space: c.model.Space(), Timeline: c.trainingTimeline(), Operator: operator}, err
}

// observeSet adds the unit that observes a set of trajectories to learn from.
func (p *planner) observeSet(name string, set *unit) *unit {
	u := &unit{name: "observe/" + name, stage: StageObserve, outputs: []string{"data/" + name + "-observations.zarr"}, needs: []*unit{set}}
	f := newFingerprint(u.stage, u.name)
	f.settings("observations", &p.Learning.Observations)
	f.settings("model", &p.Model)
	f.settings("seed", &struct {
		Seed int64 `toml:"seed"`
	}{p.Seed})
	f.needs(u.needs...)
	u.fingerprint = f.sum()
	u.run = func(ctx context.Context, t *task) error {
		truth, err := t.load(set)
		if err != nil {
			return err
		}
		layout, err := p.Learning.Observations.layout(p.Config)
		if err != nil {
			return err
		}
		seen := make([]observe.Sequence, truth.Count())
		for i := range seen {
			address := observe.Address{Seed: p.Seed, Scenario: "em/" + name, Case: i}
			if seen[i], err = layout.Simulate(truth.Trajectory(i), address); err != nil {
				return err
			}
			seen[i] = seen[i].Drop(p.Learning.Observations.Missing, address)
		}
		target, err := p.learningTarget()
		if err != nil {
			return err
		}
		return observe.WriteFile(t.file(u.outputs[0]), seen, target)
	}
	return p.add(u)
}

// learn adds the unit that learns the prior from observations, in place of training on
// trajectories.
func (p *planner) learn() {
	training, validation := p.observeSet("training", p.training), p.observeSet("validation", p.validation)
	u := &unit{name: "train", stage: StageTrain, outputs: []string{"prior", LearningFolder}, resumes: true}
	u.needs = []*unit{training, validation, p.validation}
	if p.Learning.Clean {
		u.needs = append(u.needs, p.training)
	}
	f := newFingerprint(u.stage, u.name)
	f.settings("em", p.Learning)
	f.settings("prior", &p.Prior.Settings)
	f.settings("standardise", &struct {
		Standardise Standardise `toml:"standardise"`
	}{p.Trajectories.Standardise})
	f.settings("seed", &struct {
		Seed int64 `toml:"seed"`
	}{p.Seed})
	f.needs(u.needs...)
	u.fingerprint = f.sum()
	u.run = func(ctx context.Context, t *task) error {
		data, err := p.learningData(t, training, validation)
		if err != nil {
			return err
		}
		return t.learnPrior(ctx, p.Config, data)
	}
	p.prior = p.add(u)
}

// learningData reads what the prior is learnt from.
func (p *planner) learningData(t *task, training, validation *unit) (data em.Data, err error) {
	space := p.model.Space()
	data = em.Data{
		Space: space, Clock: p.model.Clock(), Length: p.Trajectories.TrainLength, Entries: standardEntries(space), Seed: p.Seed,
	}
	if p.Trajectories.Standardise.Fixed != nil {
		standard, err := p.standardiser(nil)
		if err != nil {
			return data, err
		}
		data.Standard = &standard
	}
	if data.Records, err = p.records(t, training); err != nil {
		return data, err
	}
	if data.HeldOut, err = p.records(t, validation); err != nil {
		return data, err
	}
	if data.Truth, err = t.load(p.validation); err != nil || !p.Learning.Clean {
		return data, err
	}
	data.Clean, err = t.load(p.training)
	return data, err
}

// records reads the observations of a unit, with the noise that learning is told of.
func (p *planner) records(t *task, u *unit) ([]em.Record, error) {
	target, err := p.learningTarget()
	if err != nil {
		return nil, err
	}
	seen, err := observe.ReadFile(t.file(u.outputs[0]), target)
	if err != nil {
		return nil, err
	}
	if stated := p.Learning.Observations.Stated; stated != 1 {
		for _, s := range seen {
			for k, o := range s.Observations {
				sd := make([]float64, len(o.Sd))
				for j, v := range o.Sd {
					sd[j] = v * stated
				}
				s.Observations[k].Sd = sd
			}
		}
	}
	return em.Records(seen, p.Trajectories.TrainLength, p.model.Space())
}

// learnPrior learns the prior into the folders prior and em.
func (t *task) learnPrior(ctx context.Context, c *Config, data em.Data) error {
	sampler, err := c.Learning.Sampler.build()
	if err != nil {
		return err
	}
	for _, dir := range []string{"prior", LearningFolder} {
		if err := os.MkdirAll(t.file(dir), 0o777); err != nil {
			return err
		}
	}
	watch := &lapWatcher{task: t, laps: c.Learning.Laps, began: time.Now()}
	prior, folder, err := em.Learn(ctx, c.Learning.Settings, em.Means{Prior: c.Prior.Settings, Sampler: sampler}, data, t.file(LearningFolder), watch.progress)
	if err != nil {
		return err
	}
	curve, err := os.ReadFile(filepath.Join(folder, scoresum.CurveName))
	if err != nil {
		return err
	}
	return errors.Join(atomicfile.Write(t.file("prior", scoresum.CurveName), curve), prior.Save(t.file("prior")))
}

// lapWatcher passes progress on, with the figures of the last lap, and keeps the time
// that each took.
type lapWatcher struct {
	*task
	laps  int
	last  string
	began time.Time
}

func (w *lapWatcher) progress(p em.Progress) {
	if lap := p.Finished; lap != nil {
		w.last = fmt.Sprintf("; lap %s: log evidence %.4g", lap.Name, lap.Evidence)
		if lap.Divergence != nil {
			w.last += fmt.Sprintf(", divergence %.3g", *lap.Divergence)
		}
		seconds := append(w.record.Measured["lap_seconds"], time.Since(w.began).Seconds())
		w.began = time.Now()
		w.log.Info("lap ends", "lap", lap.Name, "evidence", lap.Evidence, "noise", lap.Noise, "sd_factor", lap.Sd, "dropped", lap.Dropped, "stopped", lap.Stopped)
		if lap.Stopped != "" {
			w.log.Warn("learning stops at lap " + lap.Name + ": " + lap.Stopped)
		}
		if err := w.measured("lap_seconds", seconds); err != nil {
			w.log.Warn("the time of a lap is not recorded", "error", err)
		}
		return
	}
	w.watcher.advance(p.Done, p.Total, fmt.Sprintf("lap %d of %d, %s%s", p.Lap, w.laps, p.Doing, w.last))
}

// checkLearning completes and checks the [em] table.
func (c checker) checkLearning() {
	l := c.Learning
	table, given := c.root.Table("em")
	if l == nil || !given {
		return
	}
	o := &l.Observations
	if seen, ok := table.Table("observations"); ok && !seen.Has("stated_sd") {
		o.Stated = 1
	}
	x := c.Trajectories
	err := errors.Join(l.Settings.Validate(), c.checkObserved())
	if sampler := l.Sampler.Check(); sampler != nil {
		err = errors.Join(err, fmt.Errorf("sampler: %w", sampler))
	}
	switch {
	case c.Prior.Kind != KindNetwork:
		err = errors.Join(err, fault.Inputf("prior.kind = %q: only a network is learnt from observations", c.Prior.Kind))
	case x.Train < 2 || x.Validation < 2:
		err = errors.Join(err, fault.Inputf("learns from observed trajectories: set trajectories.train and trajectories.validation to 2 at least"))
	}
	if err != nil {
		table.Failed(err)
	}
}

// checkObserved builds what is seen, to see whether it can be.
func (c checker) checkObserved() error {
	o := &c.Learning.Observations
	if !(o.Missing >= 0 && o.Missing < 1) {
		return fault.Inputf("observations.missing = %v: must be a share in [0, 1)", o.Missing)
	}
	if !(o.Stated > 0) {
		return fault.Inputf("observations.stated_sd = %v: must be above 0", o.Stated)
	}
	if c.model == nil || o.Operator == nil || o.Operator.Parameters == nil || len(o.Sd) == 0 {
		return nil // reported already
	}
	if _, err := o.layout(c.Config); err != nil {
		return fmt.Errorf("observations: %w", err)
	}
	return nil
}

// Laps reads how the prior of a run directory was learnt; none if it was trained on
// trajectories.
func Laps(dir string) ([]em.Lap, error) {
	laps, err := em.ReadLaps(filepath.Join(dir, LearningFolder))
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	return laps, err
}
