package feedback_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"retrace/dynamics"
	"retrace/feedback"
	"retrace/internal/fault"
	"retrace/observe"
	"retrace/quality"
)

// rows makes n rows of every kind: with and without places, values and moments.
func rows(n int) []feedback.Row {
	list := make([]feedback.Row, n)
	for i := range list {
		x := float64(i)
		list[i] = feedback.Row{
			Window: i / 100, Frame: i / 4, Time: 0.25 * float64(i/4), Operator: []string{"buoys", "track"}[i%2],
			Component: fmt.Sprintf("psi%d/%d", i%2+1, i%7), Value: math.Sin(x), Sd: 0.5,
			PriorMean: math.Cos(x), PriorSd: 1.5, PosteriorMean: math.Sin(x) / 2, PosteriorSd: 0.4,
			Verdict: quality.All()[i%10],
		}
		if i%3 > 0 {
			list[i].Position = []float64{x / 8, -x}
		}
		if i%5 == 0 {
			list[i].Value, list[i].PosteriorMean, list[i].PosteriorSd = math.NaN(), math.NaN(), math.NaN()
		}
	}
	return list
}

func write(t testing.TB, path string, list []feedback.Row) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	err := feedback.WriteFile(path, []string{"y", "x"}, func(w *feedback.Writer) error { return w.Write(list) })
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, path string) *feedback.Table {
	t.Helper()
	table, err := feedback.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return table
}

// scan lists the rows that meet conditions. A row without places has NaN for them.
func scan(t testing.TB, table *feedback.Table, where ...string) []feedback.Row {
	t.Helper()
	var conditions []feedback.Condition
	for _, expression := range where {
		c, err := table.ParseCondition(expression)
		if err != nil {
			t.Fatal(err)
		}
		conditions = append(conditions, c)
	}
	var list []feedback.Row
	err := table.Scan(conditions, func(r *feedback.Row) error {
		row := *r
		row.Position = slices.Clone(r.Position)
		if math.IsNaN(row.Position[0]) {
			row.Position = nil
		}
		list = append(list, row)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// equal compares rows, NaN being equal to NaN.
func equal(a, b []feedback.Row) bool { return fmt.Sprintf("%+v", a) == fmt.Sprintf("%+v", b) }

// 20,000 rows are more than a row group.
func TestRowsComeBackAsTheyWere(t *testing.T) {
	want := rows(20_000)
	path := filepath.Join(t.TempDir(), "a.parquet")
	write(t, path, want)
	if got := scan(t, open(t, path)); !equal(got, want) {
		t.Fatalf("%d rows back, the first %+v", len(got), got[:2])
	}
}

func TestColumnsStandInTheirOrder(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	write(t, path, rows(3))
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, _ := file.Stat()
	f, err := parquet.OpenFile(file, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, c := range f.Schema().Columns() {
		names = append(names, c[0])
	}
	want := strings.Fields("window frame time operator component position_y position_x value sd prior_mean prior_sd posterior_mean posterior_sd verdict verdict_code")
	if !slices.Equal(names, want) || !slices.Equal(open(t, path).Columns(), want) {
		t.Errorf("columns %v", names)
	}
}

// Whatever is skipped, a query gives what looking at every row gives.
func TestConditionsChooseRows(t *testing.T) {
	all := rows(18_000)
	path := filepath.Join(t.TempDir(), "a.parquet")
	write(t, path, all)
	table := open(t, path)
	for expression, meets := range map[string]func(r feedback.Row) bool{
		"window=3":               func(r feedback.Row) bool { return r.Window == 3 },
		"window=150:":            func(r feedback.Row) bool { return r.Window >= 150 },
		"time=10:11.25":          func(r feedback.Row) bool { return r.Time >= 10 && r.Time <= 11.25 },
		"value=0.5:":             func(r feedback.Row) bool { return r.Value >= 0.5 },
		"value=:-0.5":            func(r feedback.Row) bool { return r.Value <= -0.5 },
		"verdict=background":     func(r feedback.Row) bool { return r.Verdict == quality.Unlikely },
		"verdict_code=4:7":       func(r feedback.Row) bool { return r.Verdict >= 4 && r.Verdict <= 7 },
		"component=psi2/*":       func(r feedback.Row) bool { return strings.HasPrefix(r.Component, "psi2/") },
		"operator=track":         func(r feedback.Row) bool { return r.Operator == "track" },
		"position_x=-100:-50":    func(r feedback.Row) bool { return r.Position != nil && r.Position[1] >= -100 && r.Position[1] <= -50 },
		"prior_mean = 2 : 3":     func(r feedback.Row) bool { return false },
		"posterior_sd=-Inf:+Inf": func(r feedback.Row) bool { return !math.IsNaN(r.PosteriorSd) },
	} {
		var want []feedback.Row
		for _, r := range all {
			if meets(r) {
				want = append(want, r)
			}
		}
		if got := scan(t, table, expression); !equal(got, want) {
			t.Errorf("%s: %d rows, want %d", expression, len(got), len(want))
		}
	}
	both := scan(t, table, "operator=track", "window=0:0", "verdict=missing")
	for _, r := range both {
		if r.Operator != "track" || r.Window != 0 || r.Verdict != quality.Missing {
			t.Errorf("%+v", r)
		}
	}
	if len(both) != 10 {
		t.Errorf("%d rows meet three conditions, want 10", len(both))
	}
}

func TestConditionsAreRefusedWithTheirReason(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	write(t, path, rows(3))
	table := open(t, path)
	for expression, want := range map[string]string{
		"window":       "column=value",
		"windw=3":      `did you mean "window"`,
		"time=a:b":     "not a number",
		"time=NaN":     "not a number",
		"verdict=best": "unknown verdict",
		"value=":       "column=value",
	} {
		if _, err := table.ParseCondition(expression); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", expression, err)
		}
	}
}

// A run directory has a folder of files, one for each window.
func TestAFolderIsOneTable(t *testing.T) {
	dir := t.TempDir()
	all := rows(300)
	for i := range 3 {
		write(t, filepath.Join(dir, "feedback", fmt.Sprintf("window-%06d.parquet", i)), all[100*i:100*i+100])
	}
	if err := os.WriteFile(filepath.Join(dir, "feedback", ".window-000003.parquet.tmp"), []byte("half"), 0o666); err != nil {
		t.Fatal(err)
	}
	run := t.TempDir()
	if err := os.Rename(dir, filepath.Join(run, "reanalysis")); err != nil {
		t.Fatal(err)
	}
	dir = filepath.Join(run, "reanalysis")
	for _, path := range []string{run, dir, filepath.Join(dir, "feedback")} {
		if got := scan(t, open(t, path)); !equal(got, all) {
			t.Errorf("%s: %d rows", path, len(got))
		}
	}
}

// A window that is computed again gives the same file.
func TestBytesDependOnTheRowsOnly(t *testing.T) {
	list := rows(20_000)
	var once, often bytes.Buffer
	err := errors.Join(
		feedback.Encode(&once, []string{"y", "x"}, func(w *feedback.Writer) error { return w.Write(list) }),
		feedback.Encode(&often, []string{"y", "x"}, func(w *feedback.Writer) error {
			for chunk := range slices.Chunk(list, 777) {
				if err := w.Write(chunk); err != nil {
					return err
				}
			}
			return nil
		}))
	if err != nil || !bytes.Equal(once.Bytes(), often.Bytes()) {
		t.Errorf("%d and %d bytes, %v", once.Len(), often.Len(), err)
	}
}

func TestAFileAppearsWholeOrNotAtAll(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.parquet")
	write(t, path, rows(10))
	cause := errors.New("no more")
	err := feedback.WriteFile(path, []string{"y", "x"}, func(w *feedback.Writer) error {
		return errors.Join(w.Write(rows(20_000)), cause)
	})
	if !errors.Is(err, cause) || !strings.Contains(err.Error(), path) {
		t.Errorf("error %v", err)
	}
	if got := scan(t, open(t, path)); !equal(got, rows(10)) {
		t.Errorf("the old file has %d rows", len(got))
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 1 {
		t.Errorf("%d files are left", len(entries))
	}
}

func TestWhatIsNoTableIsRefused(t *testing.T) {
	dir := t.TempDir()
	empty, text, other, mixed := filepath.Join(dir, "empty"), filepath.Join(dir, "text.parquet"), filepath.Join(dir, "other.parquet"), filepath.Join(dir, "mixed")
	write(t, filepath.Join(mixed, "a.parquet"), rows(3))
	if err := errors.Join(
		os.Mkdir(empty, 0o777),
		os.WriteFile(text, []byte("no Parquet at all"), 0o666),
		parquet.WriteFile(other, []struct {
			Window string `parquet:"window"`
		}{{"a"}}),
		feedback.WriteFile(filepath.Join(mixed, "b.parquet"), []string{"z"}, func(w *feedback.Writer) error { return nil }),
	); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		filepath.Join(dir, "nowhere"): "no such file", empty: "no feedback table", text: "text.parquet",
		other: "no column window", mixed: "one by one",
	} {
		if _, err := feedback.Open(path); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// The rows of a window are those of the states asked for, with their places.
func TestRowsOfAWindow(t *testing.T) {
	space := dynamics.Space{Variable: "q", Units: "1", Axes: []dynamics.Axis{
		{Name: "layer", Labels: []string{"upper", "lower"}}, {Name: "x", Units: "km", Coordinates: []float64{10, 20, 30}},
	}}
	op, err := observe.Components{Indices: []int{1, 5}}.Build(space)
	if err != nil {
		t.Fatal(err)
	}
	var s observe.Sequence
	for index := range 3 {
		s.Observations = append(s.Observations, observe.Observation{Index: index, Operator: op, Values: []float64{1, math.NaN()}, Sd: []float64{0.1, 0.2}})
	}
	w := feedback.Window{
		Index: 4, First: 40, Operator: "probe", Space: space,
		Timeline:     observe.Timeline{Start: 100, Clock: dynamics.Clock{Interval: 2, Units: "h"}, Length: 100},
		Observations: s, Verdicts: quality.Begin(s),
		Prior: quality.Moments{Mean: [][]float64{{0, 0}, {7, 8}, {0, 0}}, Sd: [][]float64{{1, 1}, {2, 3}, {1, 1}}},
	}
	got := w.Rows(1, 2)
	want := []feedback.Row{
		{4, 41, 182, "probe", "upper/20", []float64{20}, 1, 0.1, 7, 2, math.NaN(), math.NaN(), quality.Accepted},
		{4, 41, 182, "probe", "lower/30", []float64{30}, math.NaN(), 0.2, 8, 3, math.NaN(), math.NaN(), quality.Missing},
	}
	if !equal(got, want) {
		t.Errorf("rows %+v\nwant %+v", got, want)
	}
	if axes := feedback.Axes(space); !reflect.DeepEqual(axes, []string{"x"}) {
		t.Errorf("axes %v", axes)
	}
}

func TestSummariesAreWhatTheirFormulasSay(t *testing.T) {
	nan := math.NaN()
	list := []feedback.Row{
		{Operator: "a", Value: 3, Sd: 3, PriorMean: 1, PriorSd: 4, PosteriorMean: 2, PosteriorSd: 1},
		{Operator: "a", Value: 0, Sd: 3, PriorMean: 4, PriorSd: 4, PosteriorMean: 3, PosteriorSd: 1},
		{Operator: "a", Value: 99, Sd: 3, PriorMean: 4, PriorSd: 4, PosteriorMean: 3, PosteriorSd: 1, Verdict: quality.GrossError},
		{Operator: "b", Value: 1, Sd: 1, PriorMean: nan, PriorSd: nan, PosteriorMean: nan, PosteriorSd: nan},
	}
	path := filepath.Join(t.TempDir(), "a.parquet")
	write(t, path, list)
	got, err := open(t, path).Summarise(nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []feedback.Summary{
		{"a", quality.Counts{quality.Accepted: 2, quality.GrossError: 1}, -1, math.Sqrt(10), math.Sqrt(5), 5, 0.4},
		{"b", quality.Counts{quality.Accepted: 1}, nan, nan, nan, nan, nan},
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("%v\nwant %v", got, want)
	}
}

// FuzzOpen: whatever the bytes, an error that names the file or rows.
func FuzzOpen(f *testing.F) {
	path := filepath.Join(f.TempDir(), "seed.parquet")
	write(f, path, rows(40))
	seed, err := os.ReadFile(path)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(seed)
	f.Add(seed[:len(seed)/2])
	f.Add([]byte("PAR1PAR1"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path := filepath.Join(t.TempDir(), "fuzz.parquet")
		if err := os.WriteFile(path, data, 0o666); err != nil {
			t.Fatal(err)
		}
		table, err := feedback.Open(path)
		if err == nil {
			err = table.Scan([]feedback.Condition{{Column: "time", Least: 1, Greatest: 2}}, func(*feedback.Row) error { return nil })
		}
		if err != nil && (!fault.IsInput(err) || !strings.Contains(err.Error(), path)) {
			t.Errorf("error %v", err)
		}
	})
}
