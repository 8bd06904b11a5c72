package experiment

import (
	"context"
	"math"
	"slices"

	"retrace/internal/atomicfile"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/trajectory"
	"retrace/verify"
)

// Physics of the members, beside that of the truth, which stands in the table as if it
// were a method: a sample of a posterior is as alive at every scale as the truth, and
// obeys what a state of the model obeys.

// TruthName is the method by which the physics of the truth goes.
const TruthName = "truth"

// physicsNames lists the metrics of physics. Their scores always name a part.
var physicsNames = []string{"energy", "spectrum_low", "spectrum_high", "spectrum_error", "inversion_residual", "model_residual"}

func physicsDescriptions() []Metric {
	return []Metric{
		{"energy", "energy", "mean energy of the members, for unit mass", "", math.NaN(), "", nil},
		{"spectrum_low", "spectrum, large scales", "variance of the members over that of the truth, up to half the Nyquist wavenumber; 1 is right, below 1 too smooth", "", 1, "1", nil},
		{"spectrum_high", "spectrum, small scales", "the same above half the Nyquist wavenumber", "", 1, "1", nil},
		{"spectrum_error", "spectrum, worst octave", "largest deviation of that ratio from 1 in any octave up to half the Nyquist wavenumber", "lower", math.NaN(), "1", nil},
		{"inversion_residual", "inversion residual", "how far a channel is from what follows from potential vorticity, over its size; 0 is right, and the truth's is what can be reached", "lower", math.NaN(), "1", nil},
		{"model_residual", "model residual", "how far each state is from the model's forecast from the one before, over the standard deviation; the truth's is what can be reached", "lower", math.NaN(), "1", nil},
	}
}

// examined is how many members, from the first, the residuals look at.
const examined = 4

// residuals lists the scores of a sample of trajectories by themselves: means over members.
func (w scoring) residuals(scores []Score, sample *verify.Sample, i int) []Score {
	if w.fields == nil {
		return scores
	}
	r := rng.Stream(w.Seed, "score/residual", uint64(i))
	for _, m := range []struct {
		name string
		of   func(trajectory []float32) []verify.Quantity
	}{
		{"energy", w.fields.Energy},
		{"inversion_residual", w.fields.InversionResidual},
		{"model_residual", func(x []float32) []verify.Quantity { return w.fields.ModelResidual(x, r) }},
	} {
		if !slices.Contains(w.Score.Metrics, m.name) {
			continue
		}
		members := min(sample.Members, examined)
		var mean []verify.Quantity
		for k := range members {
			list := m.of(sample.Member(k))
			if mean == nil {
				mean = make([]verify.Quantity, len(list))
			}
			for j, q := range list {
				mean[j].Part = q.Part
				mean[j].Value += q.Value / float64(members)
			}
		}
		for _, q := range mean {
			if usable(q.Value) {
				scores = w.addPart(scores, i, m.name, q)
			}
		}
	}
	return scores
}

// spectra lists the scores of the spectra of members, as ratios to those of the truth.
func (w scoring) spectra(scores []Score, s *subject, i int) []Score {
	wanted := func(name string) bool { return slices.Contains(w.Score.Metrics, name) }
	if s.fields == nil || s.truth == nil || !(wanted("spectrum_low") || wanted("spectrum_high") || wanted("spectrum_error")) {
		return scores
	}
	truth := s.fields.Spectra(s.truth.Member(0))
	members := make([][]float64, len(truth))
	for m := range s.ensemble.Members {
		for c, power := range s.fields.Spectra(s.ensemble.Member(m)) {
			if members[c] == nil {
				members[c] = make([]float64, len(power))
			}
			for k, p := range power {
				members[c][k] += p / float64(s.ensemble.Members)
			}
		}
	}
	low, high := verify.NewSpectrometer(s.fields.Axes).Bands()
	for c, channel := range s.fields.Channels {
		for _, ratio := range []struct {
			name  string
			value float64
		}{
			{"spectrum_low", low.Sum(members[c]) / low.Sum(truth[c])},
			{"spectrum_high", high.Sum(members[c]) / high.Sum(truth[c])},
			{"spectrum_error", low.Unlike(members[c], truth[c])},
		} {
			if wanted(ratio.name) && usable(ratio.value) {
				scores = w.addPart(scores, i, ratio.name, verify.Quantity{Part: channel, Value: ratio.value})
			}
		}
	}
	return scores
}

// scoreTruth adds the unit that computes the physics of the truth of a scenario; nil if
// there is no truth, or nothing to compute.
func (p *planner) scoreTruth(s *Scenario, observed *unit) *unit {
	w := scoring{planner: p, scenario: s, method: TruthName, fields: viewOf(p.model)}
	wanted := slices.ContainsFunc(p.Score.Metrics, func(m string) bool { return slices.Contains(physicsNames, m) })
	if w.fields == nil || s.File != "" || !wanted {
		return nil
	}
	u := &unit{
		name: "score/" + s.Name + "/" + TruthName, stage: StageScore,
		outputs: []string{s.Name + "/" + TruthName + ".scores.json"}, needs: []*unit{observed},
	}
	f := newFingerprint(u.stage, u.name)
	f.settings("metrics", &struct {
		Metrics []string `toml:"metrics"`
	}{p.Score.Metrics})
	f.needs(u.needs...)
	u.fingerprint = f.sum()
	u.run = func(ctx context.Context, t *task) error {
		truth, err := t.truth(s)
		if err != nil {
			return err
		}
		scores := make([][]Score, truth.Count())
		err = parallel.For(ctx, len(scores), func(_, i int) error {
			sample, err := sampleOf(truth, i)
			if err == nil {
				scores[i] = w.residuals(nil, sample, i)
			}
			return err
		})
		if err != nil {
			return err
		}
		text, err := encodeScores(slices.Concat(scores...))
		if err != nil {
			return err
		}
		return atomicfile.Write(t.file(u.outputs[0]), text)
	}
	return p.add(u)
}

// usesTraining reports whether anomalies from the training trajectories are asked for,
// and these are made anyway.
func (w scoring) usesTraining() bool {
	made := slices.ContainsFunc(w.allMethods(), func(m *Method) bool {
		entry, _ := LookupMethod(m.Kind)
		return entry.NeedsTraining
	}) || w.needsPrior()
	return made && w.training != nil && w.fields != nil && slices.Contains(w.Score.Metrics, "anomaly_correlation")
}

// climatology is the mean of each value of a state over the training trajectories, which
// are read some 64 MB at a time; nil if anomalies are not asked for.
func (w scoring) climatology(t *task) ([]float64, error) {
	if !w.usesTraining() {
		return nil, nil
	}
	if w.planner.climate != nil {
		return w.planner.climate, nil
	}
	store, err := trajectory.Open(t.file(w.training.outputs[0]))
	if err != nil {
		return nil, err
	}
	size := w.model.Space().Size()
	mean := make([]float64, size)
	described := store.Describe()
	values := size * described.Length
	share := 1 / float64(store.Parts()*described.Length)
	block := max(1, 1<<24/values)
	for k := 0; k < store.Parts(); k += block {
		set, err := store.Read(k, min(k+block, store.Parts()))
		if err != nil {
			return nil, err
		}
		for i, v := range set.Data {
			mean[i%size] += float64(v) * share
		}
	}
	w.planner.climate = mean
	return mean, nil
}
