package reanalysis_test

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"retrace/assimilate"
	"retrace/observe"
	"retrace/reanalysis"
	"retrace/trajectory"
)

// The states beside the edges of windows are like those in the middle: error, spread and
// the step from one state to the next, in units of what the middle has. z-scores of
// their means over many windows are those of chance (p > 0.01: |z| < 2.58).
func TestJoinedWindowsHaveNoSeams(t *testing.T) {
	length := 480
	if *long {
		length = 7200
	}
	for _, join := range reanalysis.Joins() {
		t.Run(join, func(t *testing.T) {
			t.Parallel()
			r := simulate(t, model(t, "damped-spring"), length, 3, 0.3)
			b := drawing(t, r, join)
			run(t, b, r)
			members := load(t, filepath.Join(b.Dir, "members.zarr"))
			spread := load(t, filepath.Join(b.Dir, "spread.zarr"))
			mean := load(t, filepath.Join(b.Dir, "mean.zarr"))
			// Observations come every third state and windows have a multiple of that,
			// so that states are compared at the same distance from an observation.
			keep := b.Layout.Keep
			for name, value := range map[string]func(t int) float64{
				"squared error": func(t int) float64 {
					d := float64(mean.State(0, t)[0] - r.truth.State(0, t)[0])
					return d * d
				},
				"spread": func(t int) float64 { return float64(spread.State(0, t)[0]) },
				"roughness": func(t int) float64 {
					var sum float64
					for m := range members.Count() {
						d := float64(members.State(m, t)[0] - members.State(m, t-1)[0])
						sum += d * d
					}
					return sum
				},
			} {
				edge, middle := means(length, keep, value)
				if z := (edge.mean - middle.mean) / math.Hypot(edge.err, middle.err); math.Abs(z) > 2.58 {
					t.Errorf("%s is %.3g +- %.2g beside edges and %.3g +- %.2g in the middle, z = %.2f", name, edge.mean, edge.err, middle.mean, middle.err, z)
				}
			}
		})
	}
}

type estimate struct{ mean, err float64 }

// means averages a value over the states within two of an edge, and over those in the
// middle of windows at the same phase of the observations; errors are those of
// independent windows.
func means(length, keep int, value func(t int) float64) (edge, middle estimate) {
	var edges, middles []float64
	for first := keep; first+keep <= length; first += keep {
		var e, m float64
		for _, off := range []int{-1, 0, 1} {
			e += value(first+off) / 3
			m += value(first+keep/2+off) / 3
		}
		edges, middles = append(edges, e), append(middles, m)
	}
	of := func(values []float64) estimate {
		var sum, squares float64
		for _, v := range values {
			sum += v
			squares += v * v
		}
		n := float64(len(values))
		return estimate{sum / n, math.Sqrt((squares/n - sum*sum/n/n) / n)}
	}
	return of(edges), of(middles)
}

// The spread of a joined ensemble is that of the smoother that sees the whole record.
func TestJoinedSpreadIsThatOfOneWindow(t *testing.T) {
	const members = 16
	r := simulate(t, model(t, "damped-spring"), 120, 3, 0.3)
	one := drawing(t, r, reanalysis.Sequential)
	one.Layout.Keep, one.Members, one.Products.Members = 120, members, 0
	run(t, one, r)
	want := rootMeanSquare(load(t, filepath.Join(one.Dir, "spread.zarr")))
	for _, join := range reanalysis.Joins() {
		b := drawing(t, r, join)
		b.Members, b.Products.Members, b.Layout.Keep, b.Layout.Lag = members, 0, 24, 24
		run(t, b, r)
		if got := rootMeanSquare(load(t, filepath.Join(b.Dir, "spread.zarr"))); math.Abs(got/want-1) > 0.15 {
			t.Errorf("%s: spread %.4g, that of one window is %.4g", join, got, want)
		}
	}
}

func rootMeanSquare(s *trajectory.Set) float64 {
	var sum float64
	for _, v := range s.Data {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(len(s.Data)))
}

// computed counts the windows that a method computes.
type computed struct {
	assimilate.Method
	count int
}

func (c *computed) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	c.count++
	return c.Method.(assimilate.Sequential).Cycle(ctx, p, watch)
}

func fingerprints(plan *reanalysis.Plan) []string {
	var list []string
	for _, j := range plan.Jobs {
		list = append(list, j.Fingerprint)
	}
	return list
}

// New observations make those windows stale that see them and those that depend on
// them, and no others; the product is then that of a batch that had them from the start.
func TestLateObservationsRedoWhatTheyTouch(t *testing.T) {
	r := simulate(t, model(t, "damped-spring"), 120, 3, 0.3)
	early := r
	early.seen.Observations = slices.DeleteFunc(slices.Clone(r.seen.Observations), func(o observe.Observation) bool { return o.Index == 66 })
	for join, want := range map[string][]int{
		reanalysis.Independent: {5, 6, 7}, // 66 is of window 5 and in the margin of anchor 6, which 7 needs
		reanalysis.Sequential:  {5, 6, 7, 8, 9},
	} {
		b := drawing(t, early, join)
		before := fingerprints(run(t, b, early))
		whole := drawing(t, r, join)
		run(t, whole, r)
		var redone []int
		for k, f := range fingerprints(run(t, b, r)) {
			if f != before[k] {
				redone = append(redone, k)
			}
		}
		if !slices.Equal(redone, want) {
			t.Errorf("%s: windows %v were redone, want %v", join, redone, want)
		}
		if d := differences(product(t, whole.Dir), product(t, b.Dir)); len(d) > 0 {
			t.Errorf("%s: these differ: %v", join, d)
		}
	}
}

func TestFinishedBatchComputesNothing(t *testing.T) {
	r := simulate(t, model(t, "lorenz96"), 60, 2, 1)
	b := filtering(t, r)
	counter := &computed{Method: b.Method}
	b.Method = counter
	run(t, b, r)
	run(t, b, r)
	if counter.count != 3 {
		t.Errorf("3 windows were computed %d times", counter.count)
	}
}

// A gap in the record, of several windows, is bridged by the model.
func TestWindowsWithoutObservations(t *testing.T) {
	r := simulate(t, model(t, "damped-spring"), 120, 3, 0.3)
	r.seen.Observations = slices.DeleteFunc(r.seen.Observations, func(o observe.Observation) bool { return o.Index >= 30 && o.Index < 80 })
	for _, join := range reanalysis.Joins() {
		b := drawing(t, r, join)
		plan := run(t, b, r)
		spread := load(t, filepath.Join(b.Dir, "spread.zarr"))
		if in, out := spread.State(0, 55)[0], spread.State(0, 20)[0]; in < 2*out {
			t.Errorf("%s: the spread is %.3g in the gap and %.3g outside", join, in, out)
		}
		if plan.Jobs[4].Observations != "" {
			t.Errorf("%s: window 4 has observations", join)
		}
	}
}

// attempts begin the lines of a log.
var attempts = regexp.MustCompile(`(?m)^\S+ attempt \d on `)

// failing fails the windows that begin at certain times, by an error or a panic.
type failing struct {
	assimilate.Method
	calls int
}

func (f *failing) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	if len(p.Observations.Observations) > 0 && p.Observations.Observations[0].Values[0] > 1e3 {
		if f.calls++; f.calls == 1 {
			panic("a bug")
		}
		return nil, errors.New("it cannot be")
	}
	return f.Method.Assimilate(ctx, p, progress)
}

func TestFailedWindowIsGivenUpAndBlocksNoOther(t *testing.T) {
	r := simulate(t, model(t, "damped-spring"), 120, 3, 0.3)
	for i, o := range r.seen.Observations {
		if o.Index >= 42 && o.Index < 66 { // all that anchor 4 sees first
			o.Values = []float64{1e4}
			r.seen.Observations[i] = o
		}
	}
	b := drawing(t, r, reanalysis.Independent)
	b.Layout.Lag = 2
	b.Method, b.Pause = &failing{Method: b.Method}, time.Millisecond
	_, err := runUntil(t.Context(), b, r)
	failed, ok := errors.AsType[*reanalysis.FailedError](err)
	if !ok || len(failed.Windows) == 0 {
		t.Fatalf("got %v", err)
	}
	if !slices.Contains(failed.Windows, 4) {
		t.Errorf("windows %v failed, want 4 among them", failed.Windows)
	}
	done, _ := filepath.Glob(filepath.Join(b.Dir, "windows", "*.json"))
	if len(done)+len(failed.Windows)+failed.Blocked != 10 || len(done) < 6 {
		t.Errorf("%d windows are done, %d failed, %d blocked", len(done), len(failed.Windows), failed.Blocked)
	}
	logs, _ := filepath.Glob(filepath.Join(b.Dir, "failures", "*.log"))
	text, err := os.ReadFile(logs[0])
	if err != nil || !strings.Contains(string(text), "a bug") || len(attempts.FindAllString(string(text), -1)) != reanalysis.Attempts {
		t.Errorf("the log: %v\n%s", err, text)
	}
	if n, err := b.Revive(); err != nil || n != len(failed.Windows) {
		t.Errorf("%d windows revived: %v", n, err)
	}
}

func TestVerifyFindsAChangedByte(t *testing.T) {
	r := simulate(t, model(t, "lorenz96"), 60, 2, 1)
	b := filtering(t, r)
	plan := run(t, b, r)
	v, err := b.Verify(t.Context(), plan, 1)
	if err != nil || len(v.Differs) > 0 || v.Files != 3 || v.Stores != 2 {
		t.Fatalf("%+v, %v", v, err)
	}
	files, _ := filepath.Glob(filepath.Join(b.Dir, "windows", "000001-*.states.npy"))
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)-1] ^= 1
	if err := os.WriteFile(files[0], content, 0o666); err != nil {
		t.Fatal(err)
	}
	if v, err = b.Verify(t.Context(), plan, 1); err != nil || len(v.Differs) != 1 {
		t.Errorf("%+v, %v", v, err)
	}
}

// Quality control sees a background that knows nothing of the window's observations,
// and what it rejects is not used.
func TestScreenRejects(t *testing.T) {
	r := simulate(t, model(t, "lorenz96"), 60, 2, 1)
	r.seen.Observations[15].Values = append([]float64{500}, r.seen.Observations[15].Values[1:]...)
	b := filtering(t, r)
	b.Screen = func(_ reanalysis.Window, seen observe.Sequence, background *trajectory.Set) (reanalysis.Screened, error) {
		screened := reanalysis.Screened{Rejected: map[string]int{}}
		for _, o := range seen.Observations {
			o.Values = slices.Clone(o.Values)
			for j, y := range o.Values {
				if prior := background.State(0, o.Index)[2*j]; math.Abs(y-float64(prior)) > 100 {
					screened.Rejected["gross"]++
					o.Values[j] = math.NaN()
				}
			}
			screened.Used.Observations = append(screened.Used.Observations, o)
		}
		return screened, nil
	}
	run(t, b, r)
	text, err := os.ReadFile(filepath.Join(b.Dir, "diagnostics.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	rejected, used := 0, 0
	for line := range strings.Lines(string(text)) {
		var d reanalysis.Diagnostics
		if err := json.Unmarshal([]byte(line), &d); err != nil {
			t.Fatal(err)
		}
		rejected += d.Rejected["gross"]
		used += d.Used
	}
	if rejected != 1 || used != 30*20-1 {
		t.Errorf("%d rejected and %d used, want 1 and %d", rejected, used, 30*20-1)
	}
}
