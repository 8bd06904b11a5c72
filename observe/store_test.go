package observe_test

import (
	"errors"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"retrace/internal/fault"
	"retrace/internal/zarr"
	"retrace/observe"
)

// hidden lists what WriteFile left in a directory besides finished files.
func hidden(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") {
			names = append(names, entry.Name())
		}
	}
	return names
}

func TestFilesRoundTripExactly(t *testing.T) {
	through := target
	through.Operator = build(t, observe.Mean{Labels: []string{"x", "z"}}, lorenz)
	components := build(t, observe.Components{Labels: []string{"x", "z"}}, lorenz)
	for _, name := range []string{"obs.csv", "obs.zarr"} {
		for _, test := range []struct {
			cases  []observe.Sequence
			target observe.Target
		}{{simulated(t, components), target}, {simulated(t, through.Operator), through}} {
			path := filepath.Join(t.TempDir(), name)
			for range 2 { // the second time over the first
				if err := observe.WriteFile(path, test.cases, test.target); err != nil {
					t.Fatal(err)
				}
			}
			read, err := observe.ReadFile(path, test.target)
			if err != nil {
				t.Fatal(err)
			}
			if len(read) != len(test.cases) {
				t.Fatalf("%s: %d cases are read as %d", name, len(test.cases), len(read))
			}
			for number := range read {
				if got, want := describe(read[number]), describe(test.cases[number]); got != want {
					t.Errorf("%s: case %d is read as\n%swant\n%s", name, number, got, want)
				}
			}
			if left := hidden(t, filepath.Dir(path)); len(left) > 0 {
				t.Errorf("%s: writing left %v", name, left)
			}
		}
	}
}

func TestStoreHoldsWhatATableCannot(t *testing.T) {
	first, second := build(t, observe.Components{Labels: []string{"z"}}, lorenz), build(t, observe.Components{Labels: []string{"y", "x"}}, lorenz)
	cases := []observe.Sequence{
		{},
		{Observations: []observe.Observation{
			{Index: 3, Operator: first, Values: []float64{7}, Sd: []float64{2}},
			{Index: 3, Operator: second, Values: []float64{math.NaN(), 1.5}, Sd: []float64{0.5, 0.25}},
			{Index: 64, Operator: second, Values: []float64{-1, -2}, Sd: []float64{0.5, 0.25}},
		}},
		{},
	}
	path := filepath.Join(t.TempDir(), "obs.zarr")
	if err := observe.WriteStore(path, cases, target); err != nil {
		t.Fatal(err)
	}
	read, err := observe.ReadStore(path, target)
	if err != nil {
		t.Fatal(err)
	}
	const want = "3 [x y z] [1.5 NaN 7] [0.25 0.5 2]\n64 [x y] [-2 -1] [0.25 0.5]\n"
	if len(read) != 3 || describe(read[0])+describe(read[2]) != "" || describe(read[1]) != want {
		t.Errorf("read as %q, %q, %q: want %q between empty ones", describe(read[0]), describe(read[1]), describe(read[2]), want)
	}
}

func TestFilesRefuseToHoldWhatTheyCannot(t *testing.T) {
	op := build(t, observe.Identity{}, lorenz)
	s := simulated(t, op)[0]
	infinite := layout(t, op, []int{1}, 1)
	infinite.Observations[0].Values[1] = math.Inf(1)
	twice := observe.Sequence{Observations: slices.Concat(s.Observations[:1], s.Observations)}
	for _, name := range []string{"obs.csv", "obs.zarr"} {
		path := filepath.Join(t.TempDir(), name)
		for want, cases := range map[string][]observe.Sequence{
			`two values of "x" at state 0`:  {s, twice},
			`value +Inf of "y" at state 1`:  {infinite},
			`quantity "mean", which is not`: {layout(t, build(t, observe.Mean{}, lorenz), []int{0}, 1)},
			"no observation":                {{}},
		} {
			err := observe.WriteFile(path, cases, target)
			if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s: %v: want %q and the path", name, err, want)
			}
			if _, err := os.Stat(path); err == nil {
				t.Errorf("%s was written all the same", name)
			}
		}
	}
}

func TestFilesThatCannotBeOpenedAreNamed(t *testing.T) {
	dir := t.TempDir()
	for _, test := range []struct{ path, want string }{
		{"missing.csv", "there is no such file"},
		{"missing.zarr", "no such store"},
		{"obs.nc", ".csv or .zarr"},
		{"directory.csv", "is a directory"},
		{"directory.zarr", "not a Zarr store"},
	} {
		path := filepath.Join(dir, test.path)
		if strings.HasPrefix(test.path, "directory") {
			if err := os.Mkdir(path, 0o777); err != nil {
				t.Fatal(err)
			}
		}
		_, err := observe.ReadFile(path, target)
		if err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v: want an input error with %q and the path", test.path, err, test.want)
		}
	}
	if err := observe.WriteFile(filepath.Join(dir, "obs.nc"), nil, target); !fault.IsInput(err) {
		t.Errorf("writing obs.nc: %v", err)
	}
	s := simulated(t, build(t, observe.Identity{}, lorenz))
	for _, name := range []string{"nowhere/obs.csv", "nowhere/obs.zarr"} {
		if err := observe.WriteFile(filepath.Join(dir, name), s, target); !errors.Is(err, os.ErrNotExist) || fault.IsInput(err) {
			t.Errorf("writing %s: %v: want the system's error, not marked as input", name, err)
		}
	}
}

// store describes a small store that a test may spoil before it is written.
type store struct {
	group      zarr.Group
	value, sd  []float64
	time       []float64
	quantities []string
}

// userStore is the store of one case that a user may write.
func userStore() *store {
	s := &store{
		value: []float64{1, math.NaN(), 3, 4}, sd: []float64{0.1, math.NaN(), 0.3, 0.4},
		time: []float64{10, 10.1}, quantities: []string{"z", "x"},
	}
	s.group.Arrays = []zarr.Array{
		{Name: "value", Dimensions: []string{"time", "quantity"}, Shape: []int{2, 2}, Type: zarr.Float64},
		{Name: "sd", Dimensions: []string{"time", "quantity"}, Shape: []int{2, 2}, Type: zarr.Float64},
		{Name: "time", Dimensions: []string{"time"}, Shape: []int{2}, Type: zarr.Float64},
		{Name: "quantity", Dimensions: []string{"quantity"}, Shape: []int{2}, Type: zarr.Text(8)},
	}
	return s
}

func (s *store) write(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "user.zarr")
	w, err := zarr.Create(path, s.group)
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(
		zarr.Write(w, "value", zarr.Region{}, s.value), zarr.Write(w, "sd", zarr.Region{}, s.sd),
		zarr.Write(w, "time", zarr.Region{}, s.time), zarr.Write(w, "quantity", zarr.Region{}, s.quantities),
		w.Commit())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestStoreOfOneCaseNeedsNoCaseDimension(t *testing.T) {
	cases, err := observe.ReadStore(userStore().write(t), target)
	if err != nil {
		t.Fatal(err)
	}
	if want := "0 [z] [1] [0.1]\n4 [x z] [4 3] [0.4 0.3]\n"; len(cases) != 1 || describe(cases[0]) != want {
		t.Errorf("read as\n%swant\n%s", describe(cases[0]), want)
	}
}

func TestStoreFaultsNameArrayPlaceAndCure(t *testing.T) {
	for _, test := range []struct {
		name  string
		spoil func(s *store)
		want  []string
	}{
		{"infinite value", func(s *store) { s.value[2] = math.Inf(1) }, []string{"value of z at time 10.1 of case 0: +Inf", "NaN if it is missing"}},
		{"sd of zero", func(s *store) { s.sd[3] = 0 }, []string{"sd of x at time 10.1 of case 0: 0 is not"}},
		{"no sd for a value", func(s *store) { s.sd[0] = math.NaN() }, []string{"sd of z at time 10 of case 0: NaN is not"}},
		{"infinite sd", func(s *store) { s.sd[0] = math.Inf(1) }, []string{"sd of z at time 10 of case 0: +Inf is not"}},
		{"all missing", func(s *store) { copy(s.value, slices.Repeat([]float64{math.NaN()}, 4)) }, []string{"no value is present"}},
		{"time off the grid", func(s *store) { s.time[1] = 10.01 }, []string{"time: no state at time 10.01", "nearest at 10"}},
		{"one state twice", func(s *store) { s.time[1] = 10.00001 }, []string{"quantity: z at time 10 of case 0 is given twice"}},
		{"unknown quantity", func(s *store) { s.quantities[1] = "w" }, []string{`quantity: unknown quantity "w"`, "did you mean"}},
		{"quantity twice", func(s *store) { s.quantities[1] = "z" }, []string{"quantity: z at time 10.1 of case 0 is given twice"}},
		{"transposed", func(s *store) { s.group.Arrays[0].Dimensions = []string{"quantity", "time"} }, []string{"value: its dimensions are [quantity time]", "(case, time, quantity)"}},
		{"sd of another shape", func(s *store) { s.group.Arrays[1].Shape = []int{1, 4} }, []string{"sd: its dimensions", "those of value"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := userStore()
			test.spoil(s)
			path := s.write(t)
			_, err := observe.ReadStore(path, target)
			if err == nil || !fault.IsInput(err) {
				t.Fatalf("the error is %v: want an input error", err)
			}
			if _, ok := errors.AsType[*observe.FileError](err); !ok {
				t.Error("it is not a FileError")
			}
			if first, _, _ := strings.Cut(err.Error(), "\n"); !strings.HasPrefix(first, path) {
				t.Errorf("%q does not begin with the path", first)
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not contain %q", err, part)
				}
			}
		})
	}
}

func TestTruncatedStoresAreInputErrors(t *testing.T) {
	path := filepath.Join(t.TempDir(), "obs.zarr")
	for _, missing := range []string{"value/0/0/0", "sd/0/0/0", "time/0", "quantity/0", ".zmetadata"} {
		if err := observe.WriteStore(path, simulated(t, build(t, observe.Identity{}, lorenz)), target); err != nil {
			t.Fatal(err)
		}
		if err := os.Remove(filepath.Join(path, missing)); err != nil {
			t.Fatal(err)
		}
		if _, err := observe.ReadStore(path, target); err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), path) {
			t.Errorf("without %s: %v: want an input error that names the file", missing, err)
		}
		os.RemoveAll(path)
	}
}

// exchange opens the store argv[1] in xarray, compares one value and sd with
// argv[2] and argv[3], and writes the data as the store argv[4]. It exits with
// 77 if xarray cannot open a store of its own.
const exchange = `
import os, sys, tempfile
try:
    import xarray, zarr
    own = os.path.join(tempfile.mkdtemp(), "own.zarr")
    xarray.Dataset({"a": ("x", [1.0])}).to_zarr(own, zarr_format=2, consolidated=True)
    xarray.open_zarr(own)
except Exception as e:
    print(e)
    sys.exit(77)
d = xarray.open_zarr(sys.argv[1])
assert d.value.dims == ("case", "time", "quantity"), d.value.dims
assert list(d.quantity.values) == ["x", "z"], d.quantity
assert d.value.attrs["units"] == "1" and d.time.attrs["units"] == "1", d
assert d.attrs["Conventions"] == "CF-1.10", d
at = {"case": 0, "time": 10.2, "quantity": "z"}
one = d.sel(at, method=None)
assert int(one.state) == 8, one
assert float(one.value) == float(sys.argv[2]) and float(one.sd) == float(sys.argv[3]), one
d = d.load().drop_encoding()
d["value"] = d.value + 1
plain = "compressor" if zarr.__version__ < "3" else "compressors"
d.to_zarr(sys.argv[4], zarr_format=2, consolidated=True, encoding={name: {plain: None} for name in d.variables})
`

func TestXarrayReadsAndWritesStores(t *testing.T) {
	dir := t.TempDir()
	ours, theirs := filepath.Join(dir, "ours.zarr"), filepath.Join(dir, "theirs.zarr")
	op := build(t, observe.Components{Labels: []string{"x", "z"}}, lorenz)
	states, err := timeline.Every(8, 0)
	if err != nil {
		t.Fatal(err)
	}
	cases := []observe.Sequence{simulate(t, layout(t, op, states, 0.1, math.Pi), truth(65), address)}
	if err := observe.WriteStore(ours, cases, target); err != nil {
		t.Fatal(err)
	}
	o := cases[0].Observations[1]
	out, err := exec.Command("python3", "-c", exchange, ours,
		fmt.Sprintf("%.17g", o.Values[1]), fmt.Sprintf("%.17g", o.Sd[1]), theirs).CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); !ok && err != nil || ok && exit.ExitCode() == 77 {
		t.Skipf("no Python with an xarray that opens Zarr stores is here: %v %s", err, out)
	}
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	read, err := observe.ReadStore(theirs, target)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range cases[0].Observations {
		for j := range o.Values {
			o.Values[j]++
		}
	}
	if got, want := describe(read[0]), describe(cases[0]); got != want {
		t.Errorf("what xarray wrote is read as\n%swant\n%s", got, want)
	}
}
