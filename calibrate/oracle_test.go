package calibrate_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"retrace/assimilate"
	"retrace/calibrate"
	"retrace/internal/rng"
	"retrace/trajectory"
)

var long = flag.Bool("long", false, "run slow statistical tests")

func oracle(t testing.TB, cases int, seed int64) *calibrate.Study {
	t.Helper()
	s, err := calibrate.Oracle(context.Background(), cases, 64, 0.01, seed)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// planted draws from the exact posterior and spoils the ensemble.
type planted struct {
	spoil func(members *trajectory.Set, p assimilate.Problem)
	// claim changes the observations that the method is given.
	claim func(p *assimilate.Problem)
}

func (d planted) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	if d.claim != nil {
		d.claim(&p)
	}
	result, err := calibrate.Exact{}.Assimilate(ctx, p, progress)
	if err == nil && d.spoil != nil {
		d.spoil(result.Ensemble, p)
	}
	return result, err
}

// about scales members about their mean and shifts them, in their own standard
// deviations at each state.
func about(scale, shift float64) func(*trajectory.Set, assimilate.Problem) {
	return func(set *trajectory.Set, p assimilate.Problem) {
		for i := range set.Length {
			var mean, square float64
			for m := range p.Members {
				x := float64(set.Trajectory(m)[i])
				mean += x / float64(p.Members)
				square += x * x / float64(p.Members)
			}
			sd := math.Sqrt(square - mean*mean)
			for m := range p.Members {
				x := &set.Trajectory(m)[i]
				*x = float32(mean + scale*(float64(*x)-mean) + shift*sd)
			}
		}
	}
}

func shuffleTime(set *trajectory.Set, p assimilate.Problem) {
	for m := range p.Members {
		x := set.Trajectory(m)
		rng.Stream(p.Seed, "test/shuffle", uint64(p.Case), uint64(m)).Shuffle(len(x), func(i, j int) { x[i], x[j] = x[j], x[i] })
	}
}

func doubleNoise(p *assimilate.Problem) {
	observations := p.Observations
	p.Observations.Observations = nil
	for _, o := range observations.Observations {
		sd := make([]float64, len(o.Sd))
		for j := range sd {
			sd[j] = math.Sqrt2 * o.Sd[j]
		}
		o.Sd = sd
		p.Observations.Observations = append(p.Observations.Observations, o)
	}
}

var defects = map[string]planted{
	"spread x0.8":   {spoil: about(0.8, 0)},
	"spread x1.25":  {spoil: about(1.25, 0)},
	"shift 0.3 sd":  {spoil: about(1, 0.3)},
	"R doubled":     {claim: doubleNoise},
	"time shuffled": {spoil: shuffleTime},
}

// suiteCases is the documented number of cases of the suite: what Needs gives for
// the default power and spread error, and a tenth more.
const suiteCases = 240

// The suite clears the exact posterior and finds what is planted. With -long it does
// so 400 times.
func TestSuiteTellsExactFromPlanted(t *testing.T) {
	repeats := 4
	if *long {
		repeats = 400
	}
	alarms := 0
	caught := map[string]int{}
	for k := range repeats {
		study := oracle(t, suiteCases, int64(100+k))
		assess := func(name string, m assimilate.Method) *calibrate.Assessment {
			a, err := study.Assess(context.Background(), name, m, nil)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		if !assess("exact", calibrate.Exact{}).Pass {
			alarms++
		}
		for name, d := range defects {
			if !assess(name, d).Pass {
				caught[name]++
			}
		}
	}
	t.Logf("false alarms %d of %d", alarms, repeats)
	if float64(alarms) > 0.01*float64(repeats)+1.5+2.6*math.Sqrt(0.01*float64(repeats)) {
		t.Errorf("%d false alarms in %d", alarms, repeats)
	}
	for name := range defects {
		t.Logf("%s caught in %.1f %% of %d", name, 100*float64(caught[name])/float64(repeats), repeats)
		if float64(caught[name]) < 0.95*float64(repeats)-1 {
			t.Errorf("%s: caught in %d of %d", name, caught[name], repeats)
		}
	}
}

func TestReasonsNameThePlantedDefect(t *testing.T) {
	study := oracle(t, suiteCases, 7)
	for name, want := range map[string]string{
		"spread x0.8": "too narrow by 2", "spread x1.25": "too wide by 2", "shift 0.3 sd": "shifted",
	} {
		a, err := study.Assess(context.Background(), name, defects[name], nil)
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(a.Reason, want) {
			t.Errorf("%s: %q", name, a.Reason)
		}
	}
}

func TestRulesComeOutAsTheyMust(t *testing.T) {
	if !*long {
		t.Skip("half a minute; with -long")
	}
	study := oracle(t, suiteCases, 1)
	rules, err := calibrate.Rules()
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rules {
		a, err := study.Assess(context.Background(), r.Name, r.Method, nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("%s: pass %v: %s", r.Name, a.Pass, a.Reason)
		if a.Pass != r.Right {
			t.Errorf("%s: pass is %v", r.Name, a.Pass)
		}
	}
}

func TestVerdictDoesNotDependOnWhatElseIsAssessed(t *testing.T) {
	a, err := oracle(t, 30, 3).Assess(context.Background(), "exact", calibrate.Exact{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	again := oracle(t, 30, 3)
	if _, err := again.Assess(context.Background(), "other", defects["spread x0.8"], nil); err != nil {
		t.Fatal(err)
	}
	b, err := again.Assess(context.Background(), "exact", calibrate.Exact{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range a.Tests {
		if a.Tests[i] != b.Tests[i] {
			t.Errorf("test %d: %+v and %+v", i, a.Tests[i], b.Tests[i])
		}
	}
}

// failing diverges in some cases.
type failing struct{ every int }

func (f failing) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	if p.Case%f.every == 0 {
		return nil, assimilate.ErrDiverged
	}
	return calibrate.Exact{}.Assimilate(ctx, p, progress)
}

func TestMethodsThatDivergeFail(t *testing.T) {
	study := oracle(t, 20, 1)
	for every, want := range map[int]string{1: "diverged in 20 of 20 cases", 10: "diverged in 2 of 20 cases"} {
		a, err := study.Assess(context.Background(), "diverging", failing{every}, nil)
		if err != nil {
			t.Fatal(err)
		}
		if a.Pass || a.Reason != want {
			t.Errorf("every %d: pass %v, %q", every, a.Pass, a.Reason)
		}
		v := &calibrate.Verdict{Title: "test", Level: 0.01, Cases: 20, Methods: []*calibrate.Assessment{a}}
		v.Judge()
		dir := t.TempDir()
		if err := v.Save(dir); err != nil || v.Pass {
			t.Errorf("every %d: pass %v, error %v", every, v.Pass, err)
		}
		var read map[string]any
		text, err := os.ReadFile(filepath.Join(dir, calibrate.VerdictName))
		if err != nil || json.Unmarshal(text, &read) != nil {
			t.Errorf("verdict.json: %v", err)
		}
	}
}

// broken fails for another reason than divergence.
type broken struct{}

var errBroken = errors.New("out of order")

func (broken) Assimilate(context.Context, assimilate.Problem, func(done, total int)) (*assimilate.Result, error) {
	return nil, errBroken
}

func TestOtherErrorsEndAStudy(t *testing.T) {
	if _, err := oracle(t, 10, 1).Assess(context.Background(), "broken", broken{}, nil); !errors.Is(err, errBroken) {
		t.Errorf("error %v", err)
	}
}

func TestSavedPageExplainsEveryTest(t *testing.T) {
	study := oracle(t, 20, 2)
	a, err := study.Assess(context.Background(), "exact", calibrate.Exact{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	v := &calibrate.Verdict{Title: "A <title>", Level: 0.01, Cases: 20, Members: 64, Methods: []*calibrate.Assessment{a}}
	v.Judge()
	dir := t.TempDir()
	if err := v.Save(dir); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(dir, calibrate.ReportName))
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(page), "<title>A <title>") {
		t.Error("the title is not escaped")
	}
	known := map[string]bool{}
	for _, e := range calibrate.Guide() {
		known[e.Name] = e.Asks != "" && e.Cure != ""
	}
	for _, test := range a.Tests {
		if !known[test.Name] {
			t.Errorf("test %q is not explained", test.Name)
		}
	}
	for _, name := range []string{"calibration.pdf", "calibration.png", "verdict.json"} {
		if info, err := os.Stat(filepath.Join(dir, name)); err != nil || info.Size() == 0 {
			t.Errorf("%s: %v", name, err)
		}
	}
}
