package trajectory_test

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"retrace/dynamics"
	"retrace/trajectory"
)

// probe tells whether xarray works with the zarr that is beside it.
const probe = `
import tempfile, numcodecs, xarray
with tempfile.TemporaryDirectory() as d:
    xarray.Dataset({"a": ("x", [1.0])}).to_zarr(d + "/a.zarr", mode="w")
    assert xarray.open_zarr(d + "/a.zarr")["a"].values[0] == 1
`

// interpreter is python3, or what the variable PYTHON names, and why xarray
// cannot be used in it, if so.
var interpreter = sync.OnceValues(func() (name, problem string) {
	name = cmp.Or(os.Getenv("PYTHON"), "python3")
	output, err := exec.Command(name, "-c", probe).CombinedOutput()
	if err != nil {
		lines := strings.Split(strings.TrimSpace(string(output)), "\n")
		problem = fmt.Sprintf("%s has no xarray that works with its zarr: %v, %s", name, err, lines[len(lines)-1])
	}
	return name, problem
})

// python runs a script with xarray, or skips the test.
func python(t *testing.T, script string, arguments ...string) {
	t.Helper()
	name, problem := interpreter()
	if problem != "" {
		t.Skip(problem)
	}
	if output, err := exec.Command(name, append([]string{"-c", script}, arguments...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

func TestXarrayOpensStores(t *testing.T) {
	whole := save(t, fields(), map[string]string{"fingerprint": "abc"})
	plain := numbered(4)
	plain.Clock = dynamics.Clock{Interval: 0.25, Units: "1"}
	plain.Start = 1
	plain.Data[0] = float32(math.NaN())
	model := save(t, plain, nil)

	blocks := filepath.Join(t.TempDir(), "blocks.zarr")
	b, err := trajectory.Begin(blocks, noisyEnsemble(), 3, nil)
	if err != nil {
		t.Fatal(err)
	}
	data := noisyEnsemble().Data
	for i := range b.Count() {
		first, last := b.Range(i)
		if err := b.Write(i, data[first*60:last*60]); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	oneGo := save(t, noisyEnsemble(), nil)

	python(t, `
import sys, numpy as np, xarray as xr
d = xr.open_zarr(sys.argv[1], consolidated=True)
assert list(d.data_vars) == ["q"], d
q = d["q"]
assert q.dims == ("case", "member", "time", "layer", "y", "x"), q.dims
assert q.dtype == "float32" and np.array_equal(q.values.ravel(), np.arange(288))
assert q.attrs == {"units": "s-1", "long_name": "potential vorticity"}, q.attrs
assert d.attrs == {"Conventions": "CF-1.10", "title": "Trajectories of q", "fingerprint": "abc"}, d.attrs
for name, length in ("case", 2), ("member", 3):
    assert d[name].values.tolist() == list(range(length)) and d[name].dtype == "int64", d[name]
assert d["layer"].values.tolist() == ["upper", "lower"]
assert d["y"].values.tolist() == [0, 1e3 / 3] and d["y"].attrs == {"units": "m", "long_name": "northward distance", "axis": "Y"}
assert d["x"].values.tolist() == [0, 0.1, 0.2] and d["x"].attrs["axis"] == "X"
assert np.issubdtype(d["time"].dtype, np.datetime64), d["time"]
assert abs(d["time"].values[0] - np.datetime64("2001-01-04T03:23:53.7")) < np.timedelta64(1, "s"), d["time"]
assert d["time"].attrs["standard_name"] == "time" and d["time"].attrs["axis"] == "T"
upper = q.sel(layer="upper", x=0.1, case=1, member=2).isel(time=3)
assert upper.values.tolist() == [5 * 48 + 36 + 1, 5 * 48 + 36 + 4]

d = xr.open_zarr(sys.argv[2], consolidated=True)
assert d["time"].dtype == "float64" and d["time"].values.tolist() == [1, 1.25, 1.5], d["time"]
assert d["time"].attrs["units"] == "1" and "standard_name" not in d["time"].attrs
assert d["state"].dims == ("case", "time", "variable") and d["state"].attrs["units"] == "m"
assert d["variable"].values.tolist() == ["position", "élan"], d["variable"]
assert np.isnan(d["state"].values[0, 0, 0]) and d["state"].values[3, 0, 0] == 3

xr.testing.assert_identical(xr.open_zarr(sys.argv[3]).load(), xr.open_zarr(sys.argv[4]).load())
`, whole, model, blocks, oneGo)
}

func TestStoresWrittenByXarrayAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.zarr")
	python(t, `
import sys, numpy as np, xarray as xr, zarr, numcodecs
q = xr.DataArray(np.arange(24.0).reshape(2, 3, 4), dims=("member", "time", "site"), name="temperature",
    coords={"time": [0.5, 1.0, 1.5], "site": ["a", "b", "c", "déf"]}, attrs={"units": "K", "long_name": "air"})
q["time"].attrs["units"] = "h"
d = q.to_dataset()
d.attrs["title"] = "measured"
new = not zarr.__version__.startswith("2.")
key, version = ("compressors", {"zarr_format": 2}) if new else ("compressor", {})
d.to_zarr(sys.argv[1], mode="w", consolidated=True, **version, encoding={
    "temperature": {key: numcodecs.Zstd(), "chunks": (1, 2, 4)}, "time": {key: None}, "site": {key: None, "dtype": "<U3"}})
`, path)
	if t.Failed() || t.Skipped() {
		return
	}
	s, err := trajectory.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if s.Space.Variable != "temperature" || s.Space.Units != "K" || s.Space.LongName != "air" || s.Length != 3 ||
		s.Clock != (dynamics.Clock{Interval: 0.5, Units: "h"}) || s.Start != 0.5 || s.Space.Axes[0].Labels[3] != "déf" ||
		s.Lead[0] != (trajectory.Dimension{Name: "member", Len: 2}) || s.State(1, 2)[3] != 23 {
		t.Errorf("read as %+v", s)
	}
}
