package npy_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"retrace/internal/fault"
	"retrace/internal/npy"
)

func TestValuesSurviveExactly(t *testing.T) {
	values := []float64{0, math.Copysign(0, -1), 1.5, math.NaN(), math.Inf(1), math.Inf(-1)}
	for _, shape := range [][]int{{6}, {2, 3}, {1, 2, 1, 3}, {6, 1}} {
		check(t, shape, values)
	}
	check(t, []int{}, []float64{math.Pi})
	check(t, []int{0, 3}, []float64{})
}

func check(t *testing.T, shape []int, values []float64) {
	t.Helper()
	single := make([]float32, len(values))
	for i, v := range values {
		single[i] = float32(v)
	}
	path := filepath.Join(t.TempDir(), "x.npy")
	for _, err := range []error{npy.Write(path, shape, values), npy.Write(path+"4", shape, single)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	bits := func(a, b float64) bool { return math.Float64bits(a) == math.Float64bits(b) }
	if gotShape, got, err := npy.Read[float64](path); err != nil || !slices.Equal(gotShape, shape) || !slices.EqualFunc(got, values, bits) {
		t.Errorf("float64: %v %v, %v", gotShape, got, err)
	}
	bits4 := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
	for _, name := range []string{path, path + "4"} {
		if gotShape, got, err := npy.Read[float32](name); err != nil || !slices.Equal(gotShape, shape) || !slices.EqualFunc(got, single, bits4) {
			t.Errorf("%s as float32: %v %v, %v", name, gotShape, got, err)
		}
	}
	if entries, _ := os.ReadDir(filepath.Dir(path)); len(entries) != 2 {
		t.Errorf("temporary files are left: %v", entries)
	}
}

// file makes a version 1.0 file from a header and the bytes after it.
func file(header string, values ...byte) []byte {
	content := binary.LittleEndian.AppendUint16([]byte("\x93NUMPY\x01\x00"), uint16(len(header)))
	return append(append(content, header...), values...)
}

func TestWhatIsWrongIsSaid(t *testing.T) {
	four := make([]byte, 4)
	for name, c := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":             {nil, "header"},
		"text":              {[]byte("1,2,3\n4,5,6\n"), "not a .npy file"},
		"magic only":        {[]byte("\x93NUMPY\x01"), "ends within"},
		"version 3":         {[]byte("\x93NUMPY\x03\x00\x00\x00\x00\x00"), "3.0"},
		"cut header":        {file("{'descr': '<f4'")[:20], "ends within"},
		"open header":       {file("{'descr': '<f4'"), "expected"},
		"huge header":       {[]byte("\x93NUMPY\x02\x00\xff\xff\xff\xff"), "longer"},
		"big-endian":        {file("{'descr': '>f4', 'fortran_order': False, 'shape': (1,), }", four...), "big-endian"},
		"integers":          {file("{'descr': '<i8', 'fortran_order': False, 'shape': (1,), }", four...), "astype"},
		"objects":           {file("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", four...), "|O"},
		"structured":        {file("{'descr': [('x', '<f4')], 'fortran_order': False, 'shape': (1,), }", four...), "structured"},
		"Fortran order":     {file("{'descr': '<f4', 'fortran_order': True, 'shape': (1,), }", four...), "ascontiguousarray"},
		"a number as shape": {file("{'descr': '<f4', 'fortran_order': False, 'shape': (1), }", four...), "tuple"},
		"negative shape":    {file("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", four...), "size"},
		"huge shape":        {file("{'descr': '<f4', 'fortran_order': False, 'shape': (4294967296, 4294967296), }", four...), "too large"},
		"huge beside empty": {file("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 9223372036854775807), }"), "too large"},
		"beyond int64":      {file("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }"), "size"},
		"key twice":         {file("{'descr': '<f4', 'descr': '<f4', 'shape': (1,), }", four...), "twice"},
		"key missing":       {file("{'descr': '<f4', 'shape': (1,), }", four...), "fortran_order"},
		"unknown key":       {file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), 'x': 1}", four...), "unknown"},
		"escape":            {file(`{'de\x73cr': '<f4'}`, four...), "string"},
		"rest":              {file("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), } import os", four...), "follows"},
		"short":             {file("{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }", four...), "4 of the 8 bytes"},
		"terabytes claimed": {file("{'descr': '<f4', 'fortran_order': False, 'shape': (1000000000000,), }", four...), "4 of the"},
		"long":              {file("{'descr': '<f4', 'fortran_order': False, 'shape': (), }", append(four, 1)...), "more than"},
		"too large a value": {npy.Encode([]int{1}, []float64{1e300}), "1e+300"},
	} {
		path := filepath.Join(t.TempDir(), "x.npy")
		if err := os.WriteFile(path, c.content, 0o666); err != nil {
			t.Fatal(err)
		}
		_, _, err := npy.Read[float32](path)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want an input error with %q", name, err, c.want)
		}
	}
	if _, _, err := npy.Read[float32](filepath.Join(t.TempDir(), "absent.npy")); !fault.IsInput(err) {
		t.Errorf("absent file: %v", err)
	}
}

func TestHeaderVariantsAreRead(t *testing.T) {
	one := []byte{0, 0, 0x80, 0x3f}
	version2 := append([]byte("\x93NUMPY\x02\x00\x3a\x00\x00\x00"), append([]byte("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }\n"), one...)...)
	for name, content := range map[string][]byte{
		"version 2.0":   version2,
		"other order":   file(`{"shape":(1,),"descr":"<f4","fortran_order":False}`, one...),
		"without comma": file("{'descr': '<f4', 'fortran_order': False, 'shape': (1, 1)}  \n", one...),
	} {
		if _, values, err := npy.Decode[float64](bytes.NewReader(content), name); err != nil || !slices.Equal(values, []float64{1}) {
			t.Errorf("%s: %v, %v", name, values, err)
		}
	}
}

func TestReaderFailureIsNotTheUsersFault(t *testing.T) {
	content := npy.Encode([]int{4}, []float32{1, 2, 3, 4})
	for _, n := range []int{0, 7, 9, 30, len(content) - 1} {
		broken := io.MultiReader(bytes.NewReader(content[:n]), iotest.ErrReader(io.ErrClosedPipe))
		_, _, err := npy.Decode[float32](broken, "x.npy")
		if !errors.Is(err, io.ErrClosedPipe) || fault.IsInput(err) {
			t.Errorf("failure after %d bytes: %v", n, err)
		}
	}
}

func TestWriteFailureLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := npy.Write(filepath.Join(dir, "absent", "x.npy"), []int{1}, []float32{1}); err == nil || fault.IsInput(err) {
		t.Errorf("directory that is not there: %v", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "taken", "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := npy.Write(filepath.Join(dir, "taken"), []int{1}, []float32{1}); err == nil {
		t.Error("a directory was replaced")
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left: %v", entries)
	}
}

func TestNumpyAgrees(t *testing.T) {
	if exec.Command("python3", "-c", "import numpy").Run() != nil {
		t.Skip("python3 with numpy is not here")
	}
	dir := t.TempDir()
	if err := npy.Write(filepath.Join(dir, "ours.npy"), []int{2, 3}, []float32{0, 1, 2, 3, 4, 5}); err != nil {
		t.Fatal(err)
	}
	if err := npy.Write(filepath.Join(dir, "scalar.npy"), nil, []float64{0.1}); err != nil {
		t.Fatal(err)
	}
	script := `
import sys, numpy as np
d = sys.argv[1]
a = np.load(d + "/ours.npy")
assert a.dtype == "<f4" and np.array_equal(a, np.arange(6).reshape(2, 3)), a
assert np.load(d + "/scalar.npy")[()] == 0.1
np.save(d + "/a.npy", np.arange(24.0).reshape(2, 3, 4))
np.lib.format.write_array(open(d + "/b.npy", "wb"), np.array(0.25, dtype="<f4"), version=(2, 0))
np.save(d + "/fortran.npy", np.asfortranarray(np.ones((2, 3))))
`
	if output, err := exec.Command("python3", "-c", script, dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	if shape, values, err := npy.Read[float64](filepath.Join(dir, "a.npy")); err != nil || fmt.Sprint(shape) != "[2 3 4]" || values[23] != 23 {
		t.Errorf("a.npy: %v %v, %v", shape, values, err)
	}
	if shape, values, err := npy.Read[float32](filepath.Join(dir, "b.npy")); err != nil || len(shape) != 0 || values[0] != 0.25 {
		t.Errorf("b.npy: %v %v, %v", shape, values, err)
	}
	if _, _, err := npy.Read[float64](filepath.Join(dir, "fortran.npy")); !fault.IsInput(err) {
		t.Errorf("Fortran order: %v", err)
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(npy.Encode([]int{2, 1}, []float32{1, 2}))
	f.Add(npy.Encode([]int{}, []float64{1}))
	f.Add(file("{'descr': '>f4', 'fortran_order': True, 'shape': (1, ), }"))
	f.Add([]byte("\x93NUMPY\x02\x00\x10\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, content []byte) {
		shape, values, err := npy.Decode[float32](bytes.NewReader(content), "x.npy")
		if err != nil {
			if !fault.IsInput(err) {
				t.Errorf("not an input error: %v", err)
			}
			return
		}
		again, copied, err := npy.Decode[float32](bytes.NewReader(npy.Encode(shape, values)), "y.npy")
		if err != nil || !slices.Equal(again, shape) || len(copied) != len(values) {
			t.Errorf("%v was written as %v, %v", shape, again, err)
		}
	})
}

// One state is saved and read back in another precision.
func Example() {
	dir, err := os.MkdirTemp("", "npy")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "state.npy")
	if err := npy.Write(path, []int{3}, []float64{1, 2, 0.5}); err != nil {
		panic(err)
	}
	shape, values, err := npy.Read[float32](path)
	fmt.Println(shape, values, err)
	// Output: [3] [1 2 0.5] <nil>
}
