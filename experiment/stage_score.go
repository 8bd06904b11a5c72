package experiment

import (
	"context"
	"fmt"
	"slices"

	"retrace/internal/atomicfile"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/trajectory"
	"retrace/verify"
)

// references adds the two units that draw the reference posterior of a
// scenario, independently of each other and of every method: the distance
// between the two is the floor of w1. It returns nil if no reference is asked
// for.
func (p *planner) references(s *Scenario, observed *unit) []*unit {
	if p.Score.Reference == nil {
		return nil
	}
	var units []*unit
	for i, store := range []string{ReferenceName, ReferenceName + "-again"} {
		seed := rng.Stream(p.Seed, "reference", uint64(i)).Int64()
		u := &unit{name: "score/" + s.Name + "/" + store, stage: StageScore}
		units = append(units, p.draw(u, drawing{s, p.Score.Reference, store, seed}, observed))
	}
	return units
}

// scoring is what a unit that scores ensembles works on.
type scoring struct {
	*planner
	scenario   *Scenario
	method     string
	ensemble   *unit
	references []*unit    // nil, or two
	fields     *fieldView // nil if states are no fields
}

// scoreMethod adds the unit that scores the ensembles of a method.
func (p *planner) scoreMethod(s *Scenario, m *Method, observed, ensemble *unit, references []*unit) *unit {
	return p.scoreUnit(scoring{p, s, m.Name, ensemble, references, viewOf(p.model)}, observed)
}

// scoreReference adds the unit that scores the reference posterior itself.
func (p *planner) scoreReference(s *Scenario, observed *unit, references []*unit) *unit {
	return p.scoreUnit(scoring{p, s, ReferenceName, references[0], references, viewOf(p.model)}, observed)
}

func (p *planner) scoreUnit(work scoring, observed *unit) *unit {
	folder := work.scenario.Name + "/" + work.method
	u := &unit{name: "score/" + folder + "/metrics", stage: StageScore, outputs: []string{folder + ".scores.json", folder + ".scores.zarr"}}
	u.needs = append([]*unit{observed, work.ensemble}, work.references...)
	if work.usesTraining() {
		u.needs = append(u.needs, p.training)
	}
	f := newFingerprint(u.stage, u.name)
	f.settings("metrics", &struct {
		Metrics []string `toml:"metrics"`
	}{p.Score.Metrics})
	f.needs(u.needs...)
	u.fingerprint = f.sum()
	u.run = func(ctx context.Context, t *task) error {
		scores, byTime, err := work.all(ctx, t)
		if err != nil {
			return err
		}
		text, err := encodeScores(scores)
		if err != nil {
			return err
		}
		if err := t.save(u.outputs[1], "time-resolved scores of "+work.method+" for scenario "+work.scenario.Name, byTime); err != nil {
			return err
		}
		return atomicfile.Write(t.file(u.outputs[0]), text)
	}
	return p.add(u)
}

// all scores every case, in parallel, and lists the scores by case. byTime
// holds those of each state.
func (w scoring) all(ctx context.Context, t *task) (all []Score, byTime *trajectory.Set, err error) {
	cases, err := t.observations(w.Config, w.scenario)
	if err != nil {
		return nil, nil, err
	}
	truth, err := t.truth(w.scenario)
	if err != nil {
		return nil, nil, err
	}
	aside, err := t.setAside(w.Config, w.scenario)
	if err != nil {
		return nil, nil, err
	}
	records, err := readRecords(t.file(w.ensemble.outputs[1]), len(cases))
	if err != nil {
		return nil, nil, err
	}
	climate, err := w.climatology(t)
	if err != nil {
		return nil, nil, err
	}
	byTime = w.byTime(len(cases), truth != nil)
	scores := make([][]Score, len(cases))
	count := counter{total: len(cases), watcher: t.watcher}
	err = parallel.For(ctx, len(cases), func(_, i int) (err error) {
		if r := records[i]; r != nil && r.Divergence != "" {
			scores[i] = []Score{{Scenario: w.scenario.Name, Method: w.method, Case: i, Metric: DivergedMetric, Value: 1, Units: "1"}}
			loseTimes(byTime, i)
			count.add(1)
			return nil
		}
		s := &subject{model: w.model, seen: cases[i], fields: w.fields, climate: climate}
		if i < len(aside) {
			s.withheld = aside[i]
		}
		if s.ensemble, err = readSample(t.file(w.ensemble.outputs[0]), i); err != nil {
			return err
		}
		if truth != nil {
			if s.truth, err = sampleOf(truth, i); err != nil {
				return err
			}
		}
		if scores[i], err = w.one(t, s, i); err != nil {
			return fmt.Errorf("scoring %s/%s, case %d: %w", w.scenario.Name, w.method, i, err)
		}
		setTimes(byTime, s, i)
		if r := records[i]; r != nil {
			scores[i] = w.add(scores[i], i, "evaluations", float64(r.Evaluations))
		}
		count.add(1)
		return nil
	})
	return slices.Concat(scores...), byTime, err
}

// one scores one case.
func (w scoring) one(t *task, s *subject, i int) ([]Score, error) {
	var scores []Score
	for _, m := range Metrics() {
		if m.compute == nil || !slices.Contains(w.Score.Metrics, m.Name) || s.fields.mixed() && m.mixes() {
			continue
		}
		value, ok, err := m.compute(s)
		if err != nil {
			return nil, err
		}
		if ok {
			scores = w.add(scores, i, m.Name, value)
		}
	}
	scores = w.ofFields(scores, s, i)
	scores = w.residuals(w.spectra(scores, s, i), s.ensemble, i)
	return w.distances(t, scores, s, i)
}

// distances adds the Wasserstein distance to the reference and, for the
// reference itself and for ensembles of another size, the floor of that
// distance.
func (w scoring) distances(t *task, scores []Score, s *subject, i int) ([]Score, error) {
	if w.references == nil {
		return scores, nil
	}
	var draws [2]*verify.Sample
	for k, u := range w.references {
		var err error
		if draws[k], err = readSample(t.file(u.outputs[0]), i); err != nil {
			return nil, err
		}
	}
	n := min(s.ensemble.Members, draws[0].Members, verify.TransportCap)
	distance := func(a, b *verify.Sample) float64 {
		return verify.Wasserstein(a.Subsample(n, w.Seed), b.Subsample(n, w.Seed+1)).Distance
	}
	if slices.Contains(w.Score.Metrics, "w1") && w.method != ReferenceName {
		scores = w.add(scores, i, "w1", distance(s.ensemble, draws[0]))
	}
	own := w.method == ReferenceName || n != min(draws[0].Members, verify.TransportCap)
	if slices.Contains(w.Score.Metrics, "w1_floor") && own {
		scores = w.add(scores, i, "w1_floor", distance(draws[1], draws[0]))
	}
	return scores, nil
}

func (w scoring) add(scores []Score, i int, metric string, value float64) []Score {
	m := Metrics()[slices.Index(metricNames(), metric)]
	return append(scores, Score{
		Scenario: w.scenario.Name, Method: w.method, Case: i, Metric: metric, Value: value, Units: m.Units(w.model.Space()),
	})
}

// readSample reads the ensemble of one case of a store.
func readSample(path string, i int) (*verify.Sample, error) {
	set, err := readCase(path, i)
	if err != nil {
		return nil, err
	}
	return sampleOf(set, 0)
}

// scoreTable adds the unit that gathers all scores.
func (p *planner) scoreTable(scored []*unit) *unit {
	u := &unit{name: "score", stage: StageScore, outputs: []string{"scores.json", "scores.csv"}, needs: scored}
	f := newFingerprint(u.stage, u.name)
	f.needs(scored...)
	u.fingerprint = f.sum()
	u.run = func(ctx context.Context, t *task) error {
		var all []Score
		for _, s := range scored {
			scores, err := readScores(t.file(s.outputs[0]))
			if err != nil {
				return err
			}
			all = append(all, scores...)
		}
		text, err := encodeScores(all)
		if err != nil {
			return err
		}
		if err := atomicfile.Write(t.file("scores.json"), text); err != nil {
			return err
		}
		if text, err = tabulateScores(all); err != nil {
			return err
		}
		return atomicfile.Write(t.file("scores.csv"), text)
	}
	return p.add(u)
}
