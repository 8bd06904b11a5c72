package zarr_test

import (
	"bytes"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/internal/zarr"
)

// save writes a store of one array whole.
func save[T zarr.Value](t testing.TB, path string, a zarr.Array, values []T) {
	t.Helper()
	w, err := zarr.Create(path, zarr.Group{Arrays: []zarr.Array{a}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	if err := zarr.Write(w, a.Name, zarr.Region{}, values); err != nil {
		t.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB, path string) *zarr.Store {
	t.Helper()
	s, err := zarr.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// axes names as many dimensions as the shape has.
func axes(shape []int) []string { return []string{"a", "b", "c", "d"}[:len(shape)] }

func size(shape []int) int {
	n := 1
	for _, s := range shape {
		n *= s
	}
	return n
}

// shapes are pairs of array shape and chunk shape: whole, ragged, chunks
// larger than the array, no axis, an empty axis.
var shapes = []struct{ shape, chunks []int }{
	{[]int{6}, []int{3}},
	{[]int{7}, []int{3}},
	{[]int{2}, []int{5}},
	{[]int{4, 5, 3}, []int{2, 5, 3}},
	{[]int{5, 4, 3}, []int{2, 3, 2}},
	{[]int{3, 2, 2, 5}, []int{1, 1, 2, 4}},
	{[]int{}, []int{}},
	{[]int{0, 4}, []int{2, 2}},
	{[]int{4, 5}, nil},
}

func TestValuesSurviveExactly(t *testing.T) {
	special := []float64{math.NaN(), math.Inf(1), math.Inf(-1), math.Copysign(0, -1), math.SmallestNonzeroFloat32, 1e30}
	for i, c := range shapes {
		t.Run(fmt.Sprint(c.shape, c.chunks), func(t *testing.T) {
			r := rng.Stream(1, "values", uint64(i))
			n := size(c.shape)
			floats, doubles := make([]float32, n), make([]float64, n)
			longs, ints, texts := make([]int64, n), make([]int32, n), make([]string, n)
			for j := range n {
				doubles[j] = r.NormFloat64()
				if j < len(special) {
					doubles[j] = special[j]
				}
				floats[j] = float32(doubles[j])
				longs[j], ints[j] = int64(r.Uint64()), int32(r.Uint32())
				texts[j] = strings.Repeat("αβ\x00 z", j%3) + fmt.Sprint(j)
			}
			roundTrip(t, c.shape, c.chunks, zarr.Float32, floats, func(a, b float32) bool {
				return math.Float32bits(a) == math.Float32bits(b)
			})
			roundTrip(t, c.shape, c.chunks, zarr.Float64, doubles, func(a, b float64) bool {
				return math.Float64bits(a) == math.Float64bits(b)
			})
			roundTrip(t, c.shape, c.chunks, zarr.Int64, longs, func(a, b int64) bool { return a == b })
			roundTrip(t, c.shape, c.chunks, zarr.Int32, ints, func(a, b int32) bool { return a == b })
			roundTrip(t, c.shape, c.chunks, zarr.TextFor(texts), texts, func(a, b string) bool { return a == b })
		})
	}
}

func roundTrip[T zarr.Value](t *testing.T, shape, chunks []int, kind zarr.Type, values []T, same func(a, b T) bool) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "a.zarr")
	save(t, path, zarr.Array{Name: "a", Dimensions: axes(shape), Shape: shape, Chunks: chunks, Type: kind}, values)
	got, err := zarr.Read[T](open(t, path), "a", zarr.Region{})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(got, values, same) {
		t.Errorf("%s: got %v, want %v", kind, got, values)
	}
}

func TestAnyRegionIsThatPartOfTheWhole(t *testing.T) {
	r := rng.Stream(2, "regions")
	for _, c := range shapes {
		n := size(c.shape)
		values := make([]float32, n)
		for i := range values {
			values[i] = float32(i)
		}
		path := filepath.Join(t.TempDir(), "a.zarr")
		save(t, path, zarr.Array{Name: "a", Dimensions: axes(c.shape), Shape: c.shape, Chunks: c.chunks, Type: zarr.Float32}, values)
		s := open(t, path)
		for range 20 {
			at := zarr.Region{Start: make([]int, len(c.shape)), Shape: make([]int, len(c.shape))}
			for d, n := range c.shape {
				at.Start[d] = r.IntN(n + 1)
				at.Shape[d] = r.IntN(n - at.Start[d] + 1)
			}
			got, err := zarr.Read[float32](s, "a", at)
			if err != nil {
				t.Fatal(err)
			}
			if want := part(c.shape, at); !slices.Equal(got, want) {
				t.Fatalf("%v of %v in chunks %v: got %v, want %v", at, c.shape, c.chunks, got, want)
			}
		}
	}
}

// part lists the flat positions of a region, the slow and obvious way.
func part(shape []int, at zarr.Region) []float32 {
	positions := []float32{0}
	for d, n := range shape {
		var next []float32
		for _, p := range positions {
			for i := range at.Shape[d] {
				next = append(next, p*float32(n)+float32(at.Start[d]+i))
			}
		}
		positions = next
	}
	return positions
}

func TestNumbersConvertWhereNothingIsLost(t *testing.T) {
	dir := t.TempDir()
	store := func(name string, kind zarr.Type, values []float64) *zarr.Store {
		path := filepath.Join(dir, name)
		a := zarr.Array{Name: "a", Dimensions: []string{"i"}, Shape: []int{len(values)}, Type: kind}
		switch kind {
		case zarr.Float64:
			save(t, path, a, values)
		case zarr.Int64:
			longs := make([]int64, len(values))
			for i, v := range values {
				longs[i] = int64(v)
			}
			save(t, path, a, longs)
		}
		return open(t, path)
	}
	fine, long := store("fine", zarr.Float64, []float64{1.5, math.Inf(1), 0.1}), store("long", zarr.Int64, []float64{1, -2, 1 << 24})
	huge, beyond := store("huge", zarr.Float64, []float64{1, 1e300}), store("beyond", zarr.Int64, []float64{1 << 60})
	if got, err := zarr.Read[float32](fine, "a", zarr.Region{}); err != nil || got[2] != float32(0.1) {
		t.Errorf("float64 as float32: %v, %v", got, err)
	}
	if got, err := zarr.Read[float64](long, "a", zarr.Region{}); err != nil || got[1] != -2 {
		t.Errorf("int64 as float64: %v, %v", got, err)
	}
	if got, err := zarr.Read[int32](long, "a", zarr.Region{}); err != nil || got[2] != 1<<24 {
		t.Errorf("int64 as int32: %v, %v", got, err)
	}
	for name, read := range map[string]func() error{
		"1e300 as float32":   func() error { _, err := zarr.Read[float32](huge, "a", zarr.Region{}); return err },
		"2^60 as float64":    func() error { _, err := zarr.Read[float64](beyond, "a", zarr.Region{}); return err },
		"2^60 as int32":      func() error { _, err := zarr.Read[int32](beyond, "a", zarr.Region{}); return err },
		"float64 as int64":   func() error { _, err := zarr.Read[int64](fine, "a", zarr.Region{}); return err },
		"float64 as text":    func() error { _, err := zarr.Read[string](fine, "a", zarr.Region{}); return err },
		"an array not there": func() error { _, err := zarr.Read[string](fine, "b", zarr.Region{}); return err },
	} {
		if err := read(); !fault.IsInput(err) {
			t.Errorf("%s: %v is not an input error", name, err)
		}
	}
}

func TestSameContentGivesSameBytes(t *testing.T) {
	values := make([]float32, 40*1000)
	for i := range values {
		values[i] = float32(math.Sin(float64(i)))
	}
	group := zarr.Group{
		Attributes: map[string]any{"title": "ä<b>", "n": 3, "list": []string{"x", "y"}},
		Arrays: []zarr.Array{{Name: "q", Dimensions: []string{"a", "b"}, Shape: []int{40, 1000},
			Chunks: []int{3, 300}, Type: zarr.Float32, Attributes: map[string]any{"units": "1", "a": 1.5}}},
	}
	var trees []map[string]string
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(0))
	for _, workers := range []int{1, 4} {
		runtime.GOMAXPROCS(workers)
		path := filepath.Join(t.TempDir(), "q.zarr")
		w, err := zarr.Create(path, group)
		if err != nil {
			t.Fatal(err)
		}
		if err := zarr.Write(w, "q", zarr.Region{}, values); err != nil {
			t.Fatal(err)
		}
		if err := w.Commit(); err != nil {
			t.Fatal(err)
		}
		trees = append(trees, tree(t, path))
	}
	for name, content := range trees[0] {
		if trees[1][name] != content {
			t.Errorf("%s differs between 1 and 4 workers", name)
		}
	}
	if len(trees[0]) != 5+14*4 || len(trees[1]) != len(trees[0]) {
		t.Errorf("%d files, want 5 documents and 56 chunks", len(trees[0]))
	}
}

// tree reads every file below a directory.
func tree(t *testing.T, root string) map[string]string {
	t.Helper()
	files := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		name, _ := filepath.Rel(root, path)
		files[name] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func TestChunksAreNeitherTinyNorHuge(t *testing.T) {
	for _, shape := range [][]int{
		{1024, 65, 3}, {64, 1024, 65, 3}, {1, 1000000, 3}, {8, 1000, 2, 256, 256}, {5000, 5000}, {1 << 30}, {},
		{1, 1, 4096, 4096}, {100000, 2}, {3, 7, 1500, 1001},
	} {
		for _, kind := range []zarr.Type{zarr.Float32, zarr.Float64} {
			chunks := zarr.ChunkShape(shape, kind)
			bytes, whole := kind.Size(), kind.Size()
			for d, c := range chunks {
				if c < 1 || c > shape[d] {
					t.Fatalf("shape %v: chunks %v", shape, chunks)
				}
				bytes *= c
				whole *= shape[d]
			}
			if bytes > 8<<20 || bytes < min(whole, 1<<20) {
				t.Errorf("shape %v of %s: chunks %v of %d bytes", shape, kind, chunks, bytes)
			}
		}
	}
}

func TestBlocksCanBeWrittenAcrossInterruptions(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.zarr")
	group := zarr.Group{Arrays: []zarr.Array{{Name: "x", Dimensions: []string{"member", "time"},
		Shape: []int{5, 3}, Chunks: []int{2, 2}, Type: zarr.Float64}}}
	block := func(i int) zarr.Region {
		return zarr.Region{Start: []int{2 * i, 0}, Shape: []int{min(2, 5-2*i), 3}}
	}
	values := []float64{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14}
	resume := func() *zarr.Writer {
		w, err := zarr.Resume(path, group)
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	first := resume()
	if err := zarr.Write(first, "x", block(2), values[12:]); err != nil {
		t.Fatal(err)
	}
	if err := first.Commit(); err == nil || !strings.Contains(err.Error(), "x/0/0") {
		t.Fatalf("an incomplete store was committed: %v", err)
	}
	if _, err := zarr.Open(path); !fault.IsInput(err) {
		t.Errorf("an incomplete store opens: %v", err)
	}
	leftover := filepath.Join(path+".partial", "x", ".1.99-1.zarrtmp")
	if err := os.WriteFile(leftover, []byte("half"), 0o666); err != nil {
		t.Fatal(err)
	}

	second := resume()
	for i, want := range []bool{false, false, true} {
		if second.Has("x", block(i)) != want {
			t.Errorf("block %d: Has is not %v", i, want)
		}
	}
	for i := range 2 {
		if err := zarr.Write(second, "x", block(i), values[6*i:6*i+6]); err != nil {
			t.Fatal(err)
		}
	}
	if err := second.Commit(); err != nil {
		t.Fatal(err)
	}
	if got, err := zarr.Read[float64](open(t, path), "x", zarr.Region{}); err != nil || !slices.Equal(got, values) {
		t.Errorf("got %v, %v", got, err)
	}
	whole := filepath.Join(t.TempDir(), "whole.zarr")
	save(t, whole, group.Arrays[0], values)
	if a, b := tree(t, whole), tree(t, path); len(a) != len(b) || a["x/2/1"] != b["x/2/1"] || a[".zmetadata"] != b[".zmetadata"] {
		t.Error("the store differs from one written in one go")
	}
}

func TestResumeForgetsAnotherDescription(t *testing.T) {
	path := filepath.Join(t.TempDir(), "e.zarr")
	begin := func(fingerprint string) *zarr.Writer {
		w, err := zarr.Resume(path, zarr.Group{
			Attributes: map[string]any{"fingerprint": fingerprint},
			Arrays:     []zarr.Array{{Name: "x", Dimensions: []string{"i"}, Shape: []int{1}, Type: zarr.Int64}},
		})
		if err != nil {
			t.Fatal(err)
		}
		return w
	}
	if err := zarr.Write(begin("a"), "x", zarr.Region{}, []int64{7}); err != nil {
		t.Fatal(err)
	}
	if !begin("a").Has("x", zarr.Region{}) {
		t.Error("the chunk of the same description is lost")
	}
	if begin("b").Has("x", zarr.Region{}) {
		t.Error("the chunk of another description counts")
	}
}

func TestOnlyStoresAreReplaced(t *testing.T) {
	dir := t.TempDir()
	thesis := filepath.Join(dir, "thesis")
	if err := os.MkdirAll(thesis, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(thesis, "chapter1.tex"), []byte("years of work"), 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{thesis, filepath.Join(thesis, "chapter1.tex")} {
		if _, err := zarr.Create(path, zarr.Group{}); err == nil {
			t.Errorf("%s would be replaced", path)
		}
		if _, err := zarr.Resume(path, zarr.Group{}); err == nil {
			t.Errorf("%s would be replaced", path)
		}
	}
	if got := tree(t, dir); len(got) != 1 {
		t.Errorf("files were left: %v", got)
	}
}

func TestDiscardLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	w, err := zarr.Create(filepath.Join(dir, "a.zarr"), zarr.Group{})
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Discard(); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 0 {
		t.Errorf("left: %v", entries)
	}
}

func TestSweepRemovesLeftoversOnly(t *testing.T) {
	dir := t.TempDir()
	keep := []string{"a.zarr", "b.zarr.partial", ".hidden", ".c.zarrtmp.d"}
	for _, name := range append(keep, ".a.zarr.1-1.zarrtmp", ".a.zarr.previous.zarrtmp", ".gone.zarr.previous.zarrtmp") {
		if err := os.Mkdir(filepath.Join(dir, name), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	if err := zarr.Sweep(dir); err != nil {
		t.Fatal(err)
	}
	var names []string
	entries, _ := os.ReadDir(dir)
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	// gone.zarr comes back: its writer was killed between two renames.
	want := append(keep, "gone.zarr")
	slices.Sort(want)
	if !slices.Equal(names, want) {
		t.Errorf("left %v, want %v", names, want)
	}
}

func TestWrongDescriptionsAreRefused(t *testing.T) {
	good := zarr.Array{Name: "x", Dimensions: []string{"i"}, Shape: []int{4}, Type: zarr.Float32}
	for name, change := range map[string]func(a *zarr.Array){
		"name with a slash":  func(a *zarr.Array) { a.Name = "../x" },
		"empty name":         func(a *zarr.Array) { a.Name = "" },
		"hidden name":        func(a *zarr.Array) { a.Name = ".x" },
		"no type":            func(a *zarr.Array) { a.Type = zarr.Type{} },
		"negative shape":     func(a *zarr.Array) { a.Shape = []int{-4} },
		"zero chunk":         func(a *zarr.Array) { a.Chunks = []int{0} },
		"no dimensions":      func(a *zarr.Array) { a.Dimensions = nil },
		"chunk rank":         func(a *zarr.Array) { a.Chunks = []int{1, 1} },
		"NaN attribute":      func(a *zarr.Array) { a.Attributes = map[string]any{"x": math.NaN()} },
		"3 GB in one chunk":  func(a *zarr.Array) { a.Shape, a.Chunks = []int{1 << 30}, []int{1 << 30} },
		"overflowing volume": func(a *zarr.Array) { a.Shape, a.Dimensions = []int{1 << 40, 1 << 40}, []string{"i", "j"} },
	} {
		a := good
		change(&a)
		if _, err := zarr.Create(filepath.Join(t.TempDir(), "x.zarr"), zarr.Group{Arrays: []zarr.Array{a}}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	path := filepath.Join(t.TempDir(), "x.zarr")
	if _, err := zarr.Create(path, zarr.Group{Arrays: []zarr.Array{good, good}}); err == nil {
		t.Error("the same name twice: no error")
	}
	text := zarr.Array{Name: "x", Dimensions: []string{"i"}, Shape: []int{1}, Type: zarr.Text(2)}
	for _, label := range []string{"abc", "a\x00", "\xff"} {
		w, err := zarr.Create(path, zarr.Group{Arrays: []zarr.Array{text}})
		if err != nil {
			t.Fatal(err)
		}
		if err := zarr.Write(w, "x", zarr.Region{}, []string{label}); err == nil {
			t.Errorf("label %q: no error", label)
		}
		w.Discard()
	}
}

func TestProgrammingErrorsPanic(t *testing.T) {
	w, err := zarr.Create(filepath.Join(t.TempDir(), "x.zarr"), zarr.Group{Arrays: []zarr.Array{
		{Name: "x", Dimensions: []string{"i"}, Shape: []int{4}, Chunks: []int{2}, Type: zarr.Float32}}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	for name, f := range map[string]func(){
		"half a chunk":    func() { zarr.Write(w, "x", zarr.Region{Start: []int{1}, Shape: []int{1}}, []float32{1}) },
		"outside":         func() { zarr.Write(w, "x", zarr.Region{Start: []int{4}, Shape: []int{1}}, []float32{1}) },
		"too few values":  func() { zarr.Write(w, "x", zarr.Region{}, []float32{1}) },
		"another type":    func() { zarr.Write(w, "x", zarr.Region{}, []float64{1, 2, 3, 4}) },
		"an unknown name": func() { zarr.Write(w, "y", zarr.Region{}, []float32{1}) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		})
	}
}

func TestMetadataIsReadable(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.zarr")
	save(t, path, zarr.Array{Name: "q", Dimensions: []string{"y", "x"}, Shape: []int{2, 3}, Type: zarr.Float32,
		Attributes: map[string]any{"units": "s-1"}}, make([]float32, 6))
	s := open(t, path)
	a, err := s.Array("q")
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(a.Dimensions, []string{"y", "x"}) || !slices.Equal(a.Shape, []int{2, 3}) ||
		a.Type != zarr.Float32 || a.Attributes["units"] != "s-1" || len(a.Attributes) != 1 {
		t.Errorf("read back as %+v", a)
	}
	document, err := os.ReadFile(filepath.Join(path, "q", ".zarray"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{`"dimension_separator": "/"`, `"fill_value": "NaN"`, `"dtype": "<f4"`, `"id": "zstd"`, `"id": "shuffle"`} {
		if !bytes.Contains(document, []byte(want)) {
			t.Errorf(".zarray has no %s", want)
		}
	}
}
