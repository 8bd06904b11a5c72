package em_test

import (
	"context"
	"errors"
	"io/fs"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"retrace/diffusion"
	"retrace/em"
	"retrace/observe"
	"retrace/scoresum"
	"retrace/trajectory"
)

// tiny is a problem of a few seconds at most: gappy records of random lines.
func tiny(t *testing.T) (em.Settings, em.Means, em.Data) {
	t.Helper()
	records := func(count int, sd float64) ([]em.Record, *trajectory.Set) {
		sequences, set := gappy(t, count, 6, sd, line)
		list, err := em.Records(sequences, 6, set.Space)
		if err != nil {
			t.Fatal(err)
		}
		return list, set
	}
	s := em.DefaultSettings()
	s.Laps, s.Last, s.Gaussian, s.Points, s.Smooth, s.Noise, s.Clean = 2, 2, 10, 128, 3, true, true
	p := scoresum.DefaultSettings()
	p.Network, p.Window, p.Width, p.Blocks = "mlp", 6, 8, 1
	p.Training.Steps, p.Training.Batch, p.Training.Checkpoint = 20, 32, 7
	schedule := diffusion.Cosine{Eta: 1e-3}
	sampler := diffusion.PredictorCorrector{Solver: diffusion.DDIM{Churn: 1}, Levels: diffusion.LogGrid(schedule, 6, diffusion.Span{High: 20, Low: 0.01})}
	data := em.Data{Length: 6, Entries: 1, Seed: 3}
	data.Records, data.Clean = records(150, 0.5)
	data.HeldOut, data.Truth = records(40, 0.5)
	data.Space, data.Clock = data.Clean.Space, data.Clean.Clock
	return s, em.Means{Prior: p, Sampler: sampler}, data
}

// contents maps the files under a folder to their bytes.
func contents(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(dir, path)
		files[name] = string(text)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// Learning that is cut off again and again leaves the same bytes as learning that is
// not: the laps, their weights and their evidence.
func TestLearningResumesToTheSameBytes(t *testing.T) {
	s, means, data := tiny(t)
	whole, pieces := t.TempDir(), t.TempDir()
	if _, _, err := em.Learn(t.Context(), s, means, data, whole, nil); err != nil {
		t.Fatal(err)
	}
	cuts := 0
	for limit := 3; ; limit += 11 {
		ctx, cancel := context.WithCancel(t.Context())
		calls := 0
		_, _, err := em.Learn(ctx, s, means, data, pieces, func(em.Progress) {
			if calls++; calls == limit {
				cancel()
			}
		})
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		cuts++
	}
	if cuts < 3 {
		t.Fatalf("learning was cut off %d times only", cuts)
	}
	want, got := contents(t, whole), contents(t, pieces)
	for name, text := range want {
		if got[name] != text {
			t.Errorf("%s differs after %d interruptions", name, cuts)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("%s is left by interruptions", name)
		}
	}
}

func TestEveryLapIsInTheLedger(t *testing.T) {
	s, means, data := tiny(t)
	dir := t.TempDir()
	last := -1
	prior, folder, err := em.Learn(t.Context(), s, means, data, dir, func(p em.Progress) {
		if p.Finished == nil && (p.Done < last || p.Done > p.Total) {
			t.Errorf("progress is %d of %d after %d", p.Done, p.Total, last)
		}
		last = max(last, p.Done)
	})
	if err != nil {
		t.Fatal(err)
	}
	laps, err := em.ReadLaps(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	chosen := ""
	for _, l := range laps {
		names = append(names, l.Name)
		if l.Chosen {
			chosen += l.Name
		}
		if l.Divergence == nil || l.Name != em.CleanName && l.Dropped > 0 {
			t.Errorf("lap %s: %+v", l.Name, l)
		}
		if l.Name != em.CleanName && l.Stopped == "" && l.Gain < -2*l.Noise {
			t.Errorf("lap %s lets the evidence fall by %v with a noise of %v, and learning goes on", l.Name, -l.Gain, l.Noise)
		}
	}
	if got := strings.Join(names, " "); got != "gaussian 1 2 clean" && got != "gaussian 1 clean" {
		t.Errorf("the laps are %q", got)
	}
	if want := filepath.Join(dir, "lap-0"+chosen); folder != want {
		t.Errorf("the result is in %s, not in %s", folder, want)
	}
	for _, lap := range names[1 : len(names)-1] {
		if _, err := scoresum.Load(filepath.Join(dir, "lap-0"+lap)); err != nil {
			t.Error(err)
		}
	}
	if prior.Dim() != 1 {
		t.Errorf("the prior is of states of %d values", prior.Dim())
	}
}

// Learning that spoils the prior stops, says why, and returns the best lap.
func TestLearningStopsWhereTheEvidenceFalls(t *testing.T) {
	s, means, data := tiny(t)
	s.Laps, s.Clean, s.Points = 4, false, 1024
	// A schedule of one step spoils posterior draws.
	means.Sampler.Levels = means.Sampler.Levels[:2]
	dir := t.TempDir()
	_, folder, err := em.Learn(t.Context(), s, means, data, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	laps, err := em.ReadLaps(dir)
	if err != nil {
		t.Fatal(err)
	}
	end := laps[len(laps)-1]
	if end.Stopped == "" || !strings.Contains(end.Stopped, "below") {
		t.Errorf("the last lap is %+v", end)
	}
	if folder == "" {
		t.Error("no lap is chosen")
	}
}

// A law of low rank learns the directions in which records vary, from records that show
// less than half of each trajectory.
func TestLowRankFindsTheDirections(t *testing.T) {
	const length = 40
	sequences, set := gappy(t, 400, length, 0.05, func(x []float32, r *rand.Rand) {
		a, b := 2*r.NormFloat64(), r.NormFloat64()
		for k := range x {
			x[k] = float32(1 + a*math.Sin(float64(k)/6) + b*math.Cos(float64(k)/4))
		}
	})
	for i := range sequences {
		sequences[i] = sequences[i].Drop(0.4, observe.Address{Seed: 5, Scenario: "test", Case: i})
	}
	records, err := em.Records(sequences, length, set.Space)
	if err != nil {
		t.Fatal(err)
	}
	g, err := em.FitLowRank(t.Context(), records, 2, 25, 1)
	if err != nil {
		t.Fatal(err)
	}
	for k := range length {
		a, b := 2*math.Sin(float64(k)/6), math.Cos(float64(k)/4)
		got := g.Variance
		for _, u := range g.Directions {
			got += u[k] * u[k]
		}
		if want := a*a + b*b; math.Abs(got-want) > 0.2*want+0.1 {
			t.Errorf("the variance of state %d is %.2f, not %.2f", k, got, want)
		}
		if math.Abs(g.Mean[k]-1) > 0.4 {
			t.Errorf("the mean of state %d is %.2f, not 1", k, g.Mean[k])
		}
	}
	if g.Variance > 0.02 {
		t.Errorf("the variance beside two directions is %v, not 0", g.Variance)
	}
}

func TestSettingsAtFaultAreNamed(t *testing.T) {
	for key, change := range map[string]func(*em.Settings){
		"laps":           func(s *em.Settings) { s.Laps = 0 },
		"covariance":     func(s *em.Settings) { s.Covariance = "tweedy" },
		"iterations":     func(s *em.Settings) { s.Iterations = 0 },
		"estimate_noise": func(s *em.Settings) { s.Noise = true },
		"points":         func(s *em.Settings) { s.Points = 1 },
		"divergence":     func(s *em.Settings) { s.Divergence = "" },
	} {
		s := em.DefaultSettings()
		change(&s)
		if err := s.Validate(); err == nil || !strings.HasPrefix(err.Error(), key) {
			t.Errorf("%s: the error is %v", key, err)
		}
	}
	if err := em.DefaultSettings().Validate(); err != nil {
		t.Error(err)
	}
}
