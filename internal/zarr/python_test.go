package zarr_test

import (
	"cmp"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"retrace/internal/zarr"
)

// python runs a script with zarr, or skips the test. The variable PYTHON names
// an interpreter in place of python3.
func python(t *testing.T, script string, arguments ...string) {
	t.Helper()
	interpreter := cmp.Or(os.Getenv("PYTHON"), "python3")
	if exec.Command(interpreter, "-c", "import zarr, numcodecs").Run() != nil {
		t.Skip(interpreter + " has no zarr")
	}
	if output, err := exec.Command(interpreter, append([]string{"-c", script}, arguments...)...).CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, output)
	}
}

func TestPythonReadsEveryType(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.zarr")
	array := func(name string, kind zarr.Type, shape, chunks []int) zarr.Array {
		return zarr.Array{Name: name, Dimensions: axes(shape), Shape: shape, Chunks: chunks, Type: kind}
	}
	w, err := zarr.Create(path, zarr.Group{
		Attributes: map[string]any{"title": "ä"},
		Arrays: []zarr.Array{
			array("floats", zarr.Float32, []int{5, 3}, []int{2, 2}), array("doubles", zarr.Float64, []int{3}, nil),
			array("longs", zarr.Int64, []int{2}, nil), array("ints", zarr.Int32, []int{2}, nil),
			array("labels", zarr.Text(3), []int{3}, []int{2}), array("scalar", zarr.Float64, []int{}, nil),
			array("noise", zarr.Float32, []int{4000}, nil),
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	floats, noise := make([]float32, 15), make([]float32, 4000)
	for i := range floats {
		floats[i] = float32(i)
	}
	for i := range noise {
		noise[i] = math.Float32frombits(uint32(i+1) * 2654435761)
	}
	for _, err := range []error{
		zarr.Write(w, "floats", zarr.Region{}, floats),
		zarr.Write(w, "doubles", zarr.Region{}, []float64{math.Pi, math.NaN(), math.Inf(-1)}),
		zarr.Write(w, "longs", zarr.Region{}, []int64{-1 << 62, 5}),
		zarr.Write(w, "ints", zarr.Region{}, []int32{-7, 1 << 30}),
		zarr.Write(w, "labels", zarr.Region{}, []string{"x", "ψ₁", ""}),
		zarr.Write(w, "scalar", zarr.Region{}, []float64{2.5}),
		zarr.Write(w, "noise", zarr.Region{}, noise),
		w.Commit(),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	python(t, `
import sys, numpy as np, zarr
g = zarr.open_consolidated(sys.argv[1])
assert g.attrs["title"] == "ä"
assert np.array_equal(g["floats"][:], np.arange(15, dtype="<f4").reshape(5, 3))
assert g["floats"].attrs["_ARRAY_DIMENSIONS"] == ["a", "b"]
assert np.array_equal(g["doubles"][:], [np.pi, np.nan, -np.inf], equal_nan=True)
assert g["longs"][:].tolist() == [-2**62, 5] and g["longs"].dtype == "<i8"
assert g["ints"][:].tolist() == [-7, 2**30] and g["ints"].dtype == "<i4"
assert g["labels"][:].tolist() == ["x", "ψ₁", ""] and g["labels"].dtype == "<U3"
assert g["scalar"][()] == 2.5
bits = (np.arange(1, 4001, dtype=np.uint32) * np.uint32(2654435761))
assert np.array_equal(g["noise"][:].view(np.uint32), bits)
`, path)
}

func TestStoresWrittenByPythonAreRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.zarr")
	python(t, `
import sys, numpy as np, zarr, numcodecs
new = not zarr.__version__.startswith("2.")
g = zarr.open_group(sys.argv[1], mode="w", **({"zarr_format": 2} if new else {"zarr_version": 2}))
g.attrs["title"] = "from Python"
def put(name, values, chunks=None, compressor=None, filters=None, separator="."):
    if new:
        a = g.create_array(name, data=values, chunks=chunks or values.shape, compressors=compressor, filters=filters,
            chunk_key_encoding={"name": "v2", "separator": separator})
    else:
        a = g.create_dataset(name, data=values, chunks=chunks or values.shape, compressor=compressor, filters=filters,
            dimension_separator=separator)
    a.attrs["_ARRAY_DIMENSIONS"] = [f"d{i}" for i in range(values.ndim)]
v = np.arange(35.0).reshape(5, 7)
put("zstd", v.astype("<f4"), chunks=(2, 3), compressor=numcodecs.Zstd(7))
put("plain", v, chunks=(3, 7), separator="/")
put("shuffled", v.astype("<i4"), chunks=(3, 7), compressor=numcodecs.Zstd(), filters=[numcodecs.Shuffle(4)])
put("twice", v, chunks=(3, 7), filters=[numcodecs.Shuffle(8), numcodecs.Shuffle(2)])
put("labels", np.array(["u", "βγ"]))
put("blosc", v, compressor=numcodecs.Blosc())
zarr.consolidate_metadata(sys.argv[1])
`, path)
	if t.Failed() || t.Skipped() {
		return
	}
	s := open(t, path)
	want := make([]float64, 35)
	for i := range want {
		want[i] = float64(i)
	}
	for _, name := range []string{"zstd", "plain", "shuffled", "twice"} {
		if got, err := zarr.Read[float64](s, name, zarr.Region{}); err != nil || !slices.Equal(got, want) {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	if got, err := zarr.Read[string](s, "labels", zarr.Region{}); err != nil || !slices.Equal(got, []string{"u", "βγ"}) {
		t.Errorf("labels: %q, %v", got, err)
	}
	if _, err := zarr.Read[float64](s, "blosc", zarr.Region{}); err == nil {
		t.Error("blosc is read")
	}
	if s.Attributes["title"] != "from Python" {
		t.Errorf("attributes are %v", s.Attributes)
	}
}
