package em

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"

	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/scoresum"
	"retrace/trajectory"
)

// Data is what a prior is learnt from.
type Data struct {
	Space  dynamics.Space
	Clock  dynamics.Clock
	Length int // states of a trajectory
	// Records are learnt from; HeldOut, as many of them as the settings say, measure the
	// evidence. Both are in physical units.
	Records, HeldOut []Record
	// Standard is the map to the units of networks; nil: that of the Gaussian that is
	// fitted first, with a mean and scale for each of so many Entries of a state.
	Standard *trajectory.Standardiser
	Entries  int
	// Truth are trajectories to compare priors with, and Clean some to train one on for
	// comparison; nil where they are not known or not wanted.
	Truth, Clean *trajectory.Set
	Seed         int64
}

// Means are what draws and priors are made with.
type Means struct {
	Prior   scoresum.Settings // its training: of one lap
	Sampler diffusion.PredictorCorrector
}

// Progress is how far learning has come.
type Progress struct {
	Done, Total int
	// Lap is the number of the present lap, Doing what it does.
	Lap   int
	Doing string
	// Finished is a lap that has just ended; nil otherwise.
	Finished *Lap
}

// Learn learns a prior from records, in the folder dir, where it leaves the weights of
// every lap, the newest posterior draws and the ledger. It goes on where an earlier call
// with the same arguments was cut off, and the result is the same bytes with and without
// an interruption. Laps end early where the held-out evidence falls by more than twice
// its noise. It returns the prior of the lap with the most evidence and the name of its
// folder.
func Learn(ctx context.Context, s Settings, means Means, data Data, dir string, progress func(Progress)) (*scoresum.Prior, string, error) {
	if err := errors.Join(s.Validate(), means.Prior.Validate()); err != nil {
		return nil, "", err
	}
	l := &learner{Settings: s, Means: means, Data: data, dir: dir, report: progress}
	if err := l.prepare(ctx); err != nil {
		return nil, "", err
	}
	for len(l.laps) <= s.Laps && !l.stopped() {
		if err := l.lap(ctx, len(l.laps)); err != nil {
			return nil, "", err
		}
	}
	chosen := l.folder(l.choose())
	if err := errors.Join(writeLaps(dir, l.laps), l.tidy()); err != nil {
		return nil, "", err
	}
	if l.compares() && l.laps[len(l.laps)-1].Name != CleanName {
		if err := l.clean(ctx); err != nil {
			return nil, "", err
		}
	}
	prior, err := scoresum.Load(chosen)
	return prior, chosen, err
}

// Names of priors that are no laps; see Lap.
const (
	GaussianName = "gaussian"
	CleanName    = "clean"
)

// learner is the state of learning.
type learner struct {
	Settings
	Means
	Data
	dir    string
	report func(Progress)
	laps   []Lap // the first is the Gaussian

	gaussian first
	evidence *evidence
	truth    *comparison
}

// compares reports whether a prior is trained on the truth for comparison.
func (l *learner) compares() bool { return l.Settings.Clean && l.Data.Clean != nil && l.Truth != nil }

// folder is that of a lap.
func (l *learner) folder(number int) string {
	return filepath.Join(l.dir, fmt.Sprintf("lap-%02d", number))
}

func (l *learner) size() int { return l.Length * l.Space.Size() }

// stopped reports whether an earlier lap was the last.
func (l *learner) stopped() bool {
	last := l.laps[len(l.laps)-1]
	return last.Stopped != "" || last.Name == CleanName
}

// tell passes progress on: done parts of a thousand of the present activity, of which
// a lap has two.
func (l *learner) tell(number, activity int, done, total int, doing string) {
	if l.report == nil {
		return
	}
	const parts = 1000
	weight := 1 // of training in the last lap
	if number == l.Laps && activity == 1 {
		weight = l.Last
	}
	all := 2*l.Laps + l.Last - 1
	before := 2*(number-1) + activity
	if l.compares() {
		all += l.Laps + l.Last - 1
	}
	if activity == 2 { // the comparison, behind all laps
		weight, before = l.Laps+l.Last-1, 2*l.Laps+l.Last-1
	}
	l.report(Progress{
		Done: before*parts + weight*parts*done/max(total, 1), Total: all * parts, Lap: number, Doing: doing,
	})
}

// prepare fits the Gaussian, and reads what earlier laps left.
func (l *learner) prepare(ctx context.Context) (err error) {
	if len(l.Records) == 0 || len(l.Data.HeldOut) < 2 {
		return fault.Inputf("em: %d records to learn from and %d held out: both are needed", len(l.Records), len(l.Data.HeldOut))
	}
	if err := os.MkdirAll(l.folder(0), 0o777); err != nil {
		return err
	}
	if l.gaussian, err = l.first(ctx); err != nil {
		return err
	}
	held := l.Data.HeldOut[:min(l.Settings.HeldOut, len(l.Data.HeldOut))]
	l.Data.HeldOut = held
	l.evidence = newEvidence(standardised(held, *l.Standard, l.gaussian.factor()), func(i, j int) float64 {
		return l.gaussian.spread(&held[i], j)
	}, l.Seed)
	if l.Truth != nil {
		if l.truth, err = newComparison(ctx, l.Divergence, l.Truth); err != nil {
			return err
		}
	}
	l.laps, err = ReadLaps(l.dir)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	draws := make([]float32, l.Points*l.size())
	if err := l.gaussian.prior(ctx, l.Seed, draws); err != nil {
		return err
	}
	l.Standard.Forward(draws, draws)
	return l.enter(ctx, l.folder(0), Lap{Name: GaussianName, Sd: l.gaussian.factor()}, draws)
}

// enter measures a prior by its draws, in standardised units, and adds it to the ledger;
// dir is its folder.
func (l *learner) enter(ctx context.Context, dir string, lap Lap, draws []float32) error {
	measured, err := l.evidence.of(ctx, draws)
	if err != nil {
		return err
	}
	lap.Evidence, _ = moments(measured.Records)
	if l.truth != nil {
		set := &trajectory.Set{Space: l.Space, Clock: l.Clock, Lead: []trajectory.Dimension{{Name: "member", Len: l.Points}}, Length: l.Length}
		set.Data = make([]float32, len(draws))
		l.Standard.Inverse(set.Data, draws)
		divergence, err := l.truth.of(ctx, set)
		if err != nil {
			return err
		}
		lap.Divergence, lap.Floor = &divergence, &l.truth.floor
	}
	if len(l.laps) > 0 {
		best := l.best()
		before, err := readScore(l.folder(best))
		if err != nil {
			return err
		}
		lap.Gain, lap.Noise = gain(measured, before)
		if lap.Name != CleanName && lap.Gain < -2*lap.Noise {
			lap.Stopped = fmt.Sprintf("the held-out evidence is %.3g below that of %s, more than twice its noise of %.2g", -lap.Gain, l.laps[best].title(), lap.Noise)
		}
	}
	if err := writeScore(dir, measured); err != nil {
		return err
	}
	l.laps = append(l.laps, lap)
	if err := writeLaps(l.dir, l.laps); err != nil {
		return err
	}
	if l.report != nil {
		l.report(Progress{Finished: &lap})
	}
	return nil
}

func (l Lap) title() string {
	if l.Name == GaussianName || l.Name == CleanName {
		return "the " + l.Name + " prior"
	}
	return "lap " + l.Name
}

// best is the lap with the most evidence.
func (l *learner) best() int {
	best := 0
	for i, lap := range l.laps {
		if lap.Name != CleanName && lap.Evidence > l.laps[best].Evidence {
			best = i
		}
	}
	return best
}

// choose returns the lap whose prior is the result, that with the most evidence, and marks
// it. A network is wanted: the Gaussian is never chosen.
func (l *learner) choose() int {
	chosen := max(1, l.best())
	for i := range l.laps {
		l.laps[i].Chosen = i == chosen
	}
	return chosen
}

// lap makes one lap.
func (l *learner) lap(ctx context.Context, number int) error {
	dir := l.folder(number)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	drawn, err := l.drawn(ctx, number)
	if err != nil {
		return err
	}
	prior, err := l.train(ctx, number, drawn)
	if err != nil {
		return err
	}
	draws, err := l.priorDraws(ctx, prior)
	if err != nil {
		return err
	}
	lap := Lap{Name: fmt.Sprint(number), Sd: l.gaussian.factor(), Residual: drawn.residual, Dropped: drawn.dropped}
	if err := l.enter(ctx, dir, lap, draws); err != nil {
		return err
	}
	return l.tidy()
}

// tidy removes the posterior draws of all laps but the last: what follows needs them no
// longer.
func (l *learner) tidy() error {
	for i := range len(l.laps) - 1 {
		for _, name := range []string{drawsName, heldOutName} {
			if l.laps[i+1].Name == CleanName {
				continue
			}
			if err := os.RemoveAll(filepath.Join(l.folder(i), name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// train trains the prior of a lap on its draws, from the weights of the one before.
func (l *learner) train(ctx context.Context, number int, d *drawn) (*scoresum.Prior, error) {
	data := scoresum.Data{
		Training: d.training, Validation: d.validation, Standard: *l.Standard,
		Seed: rng.Stream(l.Seed, "em/train", uint64(number)).Int64(),
	}
	if number > 1 {
		var err error
		if data.Start, err = scoresum.Load(l.folder(number - 1)); err != nil {
			return nil, err
		}
	}
	settings := l.Prior
	if number == l.Laps {
		settings.Training.Steps *= l.Last
	}
	return trained(ctx, settings, data, l.folder(number), func(p scoresum.Progress) {
		l.tell(number, 1, p.Step, p.Steps, fmt.Sprintf("training, step %d of %d", p.Step, p.Steps))
	})
}

// trained returns the prior of a folder, trained if it is not there.
func trained(ctx context.Context, s scoresum.Settings, data scoresum.Data, dir string, progress func(scoresum.Progress)) (*scoresum.Prior, error) {
	done, err := exists(filepath.Join(dir, scoresum.WeightsName))
	if err == nil && !done {
		_, err = scoresum.Train(ctx, s, data, dir, progress)
	}
	if err != nil {
		return nil, err
	}
	return scoresum.Load(dir)
}

// priorDraws draws what evidence and divergence are measured with, from the same noise
// in every lap.
func (l *learner) priorDraws(ctx context.Context, prior *scoresum.Prior) ([]float32, error) {
	draws := make([]float32, l.Points*l.size())
	law := l.newLaw(prior, l.Sampler, l.Length, nil)
	return draws, law.draw(ctx, nil, address{seed: l.Seed, purpose: "em/points"}, draws, nil)
}

// clean trains the prior of the comparison.
func (l *learner) clean(ctx context.Context) error {
	settings := l.Prior
	laps := len(l.laps) - 1 // of which the last may be longer
	if laps == l.Laps {
		laps += l.Last - 1
	}
	settings.Training.Steps *= laps
	dir := filepath.Join(l.dir, CleanName)
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	prior, err := trained(ctx, settings, scoresum.Data{
		Training: l.Data.Clean, Validation: l.Truth, Standard: *l.Standard, Seed: rng.Stream(l.Seed, "em/clean").Int64(),
	}, dir, func(p scoresum.Progress) {
		l.tell(l.Laps, 2, p.Step, p.Steps, fmt.Sprintf("training on the truth for comparison, step %d of %d", p.Step, p.Steps))
	})
	if err != nil {
		return err
	}
	draws, err := l.priorDraws(ctx, prior)
	if err != nil {
		return err
	}
	return l.enter(ctx, dir, Lap{Name: CleanName, Sd: 1}, draws)
}

// drawn are the posterior draws of a lap.
type drawn struct {
	training, validation *trajectory.Set // in physical units
	residual             float64         // root mean square of (y - A x)/sd
	dropped              int
}

// standardise returns the units that a Gaussian suggests: mean and spread of the values
// that share an entry, over all states.
func standardise(mean, variance []float64, entries, size int) trajectory.Standardiser {
	u := trajectory.Standardiser{Mean: make([]float64, entries), Scale: make([]float64, entries), Run: size / entries}
	n := float64(len(mean) / entries)
	entry := func(k int) int { return k % size / u.Run }
	for k, m := range mean {
		u.Mean[entry(k)] += m / n
	}
	for k, v := range variance {
		d := mean[k] - u.Mean[entry(k)]
		u.Scale[entry(k)] += (v + d*d) / n
	}
	for i, v := range u.Scale {
		u.Scale[i] = math.Sqrt(v)
	}
	return u
}
