package trajectory_test

import (
	"errors"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/internal/zarr"
	"retrace/trajectory"
)

func save(t testing.TB, s *trajectory.Set, attributes map[string]string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "set.zarr")
	if err := trajectory.Save(path, s, attributes); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestSetsComeBackExactly(t *testing.T) {
	awkward := fields()
	awkward.Data[3] = float32(math.Copysign(0, -1))
	awkward.Data[5] = math.SmallestNonzeroFloat32
	awkward.Clock.Interval = 0.1
	single := trajectory.New(walkSpace, dynamics.Clock{Interval: 0.025, Units: "1"}, nil, 1)
	single.Start = 0.3
	for name, s := range map[string]*trajectory.Set{
		"fields": awkward, "one state": single, "one dimension": numbered(7),
		"scalar": trajectory.New(dynamics.Space{Variable: "x"}, dynamics.Clock{Interval: 2}, []trajectory.Dimension{{Name: "member", Len: 2}}, 3),
	} {
		got, err := trajectory.Load(save(t, s, nil))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		} else if !reflect.DeepEqual(got, s) {
			t.Errorf("%s: got %+v, want %+v", name, got, s)
		}
	}
}

func TestAttributesAreKept(t *testing.T) {
	path := save(t, fields(), map[string]string{"title": "My run", "fingerprint": "abc"})
	store, err := trajectory.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if want := map[string]string{"title": "My run", "fingerprint": "abc"}; !reflect.DeepEqual(store.Attributes(), want) {
		t.Errorf("attributes %v, want %v", store.Attributes(), want)
	}
	plain, err := trajectory.Open(save(t, fields(), nil))
	if err != nil || plain.Attributes()["title"] != "Trajectories of q" {
		t.Errorf("attributes %v, %v", plain.Attributes(), err)
	}
	if err := trajectory.Save(filepath.Join(t.TempDir(), "x.zarr"), fields(), map[string]string{"Conventions": "mine"}); err == nil {
		t.Error("the conventions were replaced")
	}
}

func TestEqualSetsMakeEqualBytes(t *testing.T) {
	attributes := map[string]string{"b": "2", "a": "1", "c": "3"}
	a, b := files(t, save(t, noisy(), attributes)), files(t, save(t, noisy(), attributes))
	if !reflect.DeepEqual(a, b) || len(a) < 10 {
		t.Errorf("%d and %d files differ", len(a), len(b))
	}
}

// files reads every file below a directory.
func files(t *testing.T, root string) map[string]string {
	t.Helper()
	contents := map[string]string{}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		contents[strings.TrimPrefix(path, root)] = string(content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return contents
}

func TestPartsAreReadAlone(t *testing.T) {
	s := fields()
	path := save(t, s, nil)
	store, err := trajectory.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if store.Parts() != 2 || store.Describe().Length != 4 || store.Describe().Data != nil {
		t.Errorf("%d parts, %+v", store.Parts(), store.Describe())
	}
	got, err := store.Read(1, 2)
	if err != nil || !reflect.DeepEqual(got, s.Slice(1, 2)) {
		t.Errorf("case 1: %+v, %v", got, err)
	}
}

func TestGapsAreReadOnlyIfAsked(t *testing.T) {
	s := fields()
	s.State(4, 1)[0] = float32(math.NaN())
	path := save(t, s, nil)
	_, err := trajectory.Load(path)
	if !fault.IsInput(err) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "member 1") {
		t.Errorf("NaN: %v", err)
	}
	store, err := trajectory.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	store.Gaps = true
	got, err := store.Read(0, 2)
	if err != nil || !math.IsNaN(float64(got.State(4, 1)[0])) || got.State(4, 1)[1] != s.State(4, 1)[1] {
		t.Errorf("with gaps: %v", err)
	}
	s.State(4, 1)[0] = float32(math.Inf(1))
	infinite, err := trajectory.Open(save(t, s, nil))
	if err != nil {
		t.Fatal(err)
	}
	infinite.Gaps = true
	if _, err := infinite.Read(0, 2); !fault.IsInput(err) {
		t.Errorf("infinite value: %v", err)
	}
}

func TestImpossibleSetsAreNotSaved(t *testing.T) {
	for name, change := range map[string]func(s *trajectory.Set){
		"name twice":           func(s *trajectory.Set) { s.Lead[1].Name = "case" },
		"dimension time":       func(s *trajectory.Set) { s.Lead[0].Name = "time" },
		"variable is a path":   func(s *trajectory.Set) { s.Space.Variable = "../q" },
		"axis without a name":  func(s *trajectory.Set) { s.Space.Axes[0].Name = "" },
		"variable is an axis":  func(s *trajectory.Set) { s.Space.Variable = "x" },
		"labels + coordinates": func(s *trajectory.Set) { s.Space.Axes[0].Coordinates = []float64{1, 2} },
		"no interval":          func(s *trajectory.Set) { s.Clock.Interval = 0 },
		"infinite start":       func(s *trajectory.Set) { s.Start = math.Inf(1) },
		"label with a NUL":     func(s *trajectory.Set) { s.Space.Axes[0].Labels = []string{"a\x00", "b"} },
		"empty":                func(s *trajectory.Set) { s.Lead[0].Len = 0 },
	} {
		s := fields()
		s.Space.Axes = append([]dynamics.Axis(nil), field.Axes...)
		change(s)
		dir := t.TempDir()
		if err := trajectory.Save(filepath.Join(dir, "x.zarr"), s, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
		if entries, _ := os.ReadDir(dir); len(entries) != 0 {
			t.Errorf("%s: left %v", name, entries)
		}
	}
}

// foreign writes a store of arrays as another program would, all values being
// those given or counting from 0.
func foreign(t testing.TB, arrays []zarr.Array, values map[string][]float64) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "foreign.zarr")
	w, err := zarr.Create(path, zarr.Group{Arrays: arrays})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	for _, a := range arrays {
		n := 1
		for _, length := range a.Shape {
			n *= length
		}
		v := values[a.Name]
		for i := len(v); i < n; i++ {
			v = append(v, float64(i))
		}
		if err := zarr.Write(w, a.Name, zarr.Region{}, v); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Commit(); err != nil {
		t.Fatal(err)
	}
	return path
}

func array(name string, shape []int, dimensions ...string) zarr.Array {
	return zarr.Array{Name: name, Dimensions: dimensions, Shape: shape, Type: zarr.Float64}
}

func TestForeignStoresAreRead(t *testing.T) {
	path := foreign(t, []zarr.Array{
		array("temperature", []int{2, 3, 4}, "run", "time", "depth"), array("time", []int{3}, "time"), array("mask", []int{4}, "depth"),
	}, map[string][]float64{"time": {5, 5.5, 6}})
	s, err := trajectory.Load(path)
	if err != nil {
		t.Fatal(err)
	}
	if s.Space.Variable != "temperature" || s.Lead[0] != (trajectory.Dimension{Name: "run", Len: 2}) || s.Length != 3 ||
		s.Start != 5 || s.Clock.Interval != 0.5 || len(s.Space.Axes) != 1 || s.Space.Axes[0].Coordinates[3] != 3 ||
		s.State(1, 2)[3] != 23 {
		t.Errorf("read as %+v", s)
	}
}

func TestWhatIsNotATrajectoryStoreIsSaid(t *testing.T) {
	times := array("time", []int{3}, "time")
	data := array("q", []int{3, 2}, "time", "x")
	attribute := func(a zarr.Array, key string, value any) zarr.Array {
		a.Attributes = map[string]any{key: value}
		return a
	}
	huge := array("q", []int{1}, "time")
	for name, c := range map[string]struct {
		arrays []zarr.Array
		values map[string][]float64
		want   string
	}{
		"nothing":          {nil, nil, `no array has a dimension "time"`},
		"no time":          {[]zarr.Array{array("q", []int{3}, "x")}, nil, "no array has"},
		"two variables":    {[]zarr.Array{data, array("u", []int{3}, "time"), times}, nil, `"q" "u"`},
		"no coordinate":    {[]zarr.Array{data}, nil, `no array "time"`},
		"irregular":        {[]zarr.Array{data, times}, map[string][]float64{"time": {0, 1, 3}}, "time[1]"},
		"backwards":        {[]zarr.Array{data, times}, map[string][]float64{"time": {3, 2, 1}}, "does not increase"},
		"NaN time":         {[]zarr.Array{data, times}, map[string][]float64{"time": {0, math.NaN(), 2}}, "time[1]"},
		"one time":         {[]zarr.Array{huge, array("time", []int{1}, "time")}, nil, `"interval"`},
		"other length":     {[]zarr.Array{data, array("time", []int{4}, "time")}, nil, "length 3"},
		"axis of rank 2":   {[]zarr.Array{data, times, array("x", []int{2, 1}, "x", "z")}, nil, `coordinate "x"`},
		"packed":           {[]zarr.Array{attribute(data, "scale_factor", 0.1), times}, nil, "scale_factor"},
		"empty":            {[]zarr.Array{array("q", []int{3, 0}, "time", "x"), times}, nil, "empty"},
		"odd name":         {[]zarr.Array{array("q-1", []int{3}, "time"), times}, nil, `"q-1"`},
		"too large values": {[]zarr.Array{data, times}, map[string][]float64{"q": {1e300}}, "1e+300"},
		"NaN":              {[]zarr.Array{data, times}, map[string][]float64{"q": {0, 1, math.NaN()}}, "q[x=0] is NaN"},
	} {
		path := foreign(t, c.arrays, c.values)
		_, err := trajectory.Load(path)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want an input error with %q", name, err, c.want)
		}
	}
	if _, err := trajectory.Load(filepath.Join(t.TempDir(), "absent.zarr")); !fault.IsInput(err) {
		t.Errorf("absent store: %v", err)
	}
	truncated := save(t, fields(), nil)
	if err := os.RemoveAll(filepath.Join(truncated, "q", "0")); err != nil {
		t.Fatal(err)
	}
	if _, err := trajectory.Load(truncated); !fault.IsInput(err) || !strings.Contains(err.Error(), "truncated") {
		t.Errorf("truncated store: %v", err)
	}
}

func FuzzLoad(f *testing.F) {
	path := save(f, numbered(2), nil)
	file := filepath.Join(path, ".zmetadata")
	good, err := os.ReadFile(file)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(string(good))
	f.Add(strings.ReplaceAll(string(good), `"time"`, `"case"`))
	f.Add(strings.ReplaceAll(string(good), `"<f8"`, `"<f4"`))
	f.Fuzz(func(t *testing.T, metadata string) {
		if err := os.WriteFile(file, []byte(metadata), 0o666); err != nil {
			t.Fatal(err)
		}
		s, err := trajectory.Load(path)
		if err != nil {
			if !fault.IsInput(err) {
				t.Errorf("not an input error: %v", err)
			}
			return
		}
		if len(s.Data) != s.Count()*s.Length*s.Space.Size() {
			t.Errorf("shape %v with %d values", s.Shape(), len(s.Data))
		}
	})
}

func TestBlocksMakeTheStoreThatSaveMakes(t *testing.T) {
	s := noisyEnsemble()
	attributes := map[string]string{"fingerprint": "1"}
	path := filepath.Join(t.TempDir(), "blocks.zarr")
	begin := func() *trajectory.Blocks {
		like := *s
		like.Data = nil
		b, err := trajectory.Begin(path, &like, 3, attributes)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	write := func(b *trajectory.Blocks, i int) {
		first, last := b.Range(i)
		n := s.Length * s.Space.Size()
		if err := b.Write(i, s.Data[first*n:last*n]); err != nil {
			t.Fatal(err)
		}
	}
	b := begin()
	if b.Count() != 6 {
		t.Fatalf("%d blocks of 2 rows of 7 by 3", b.Count())
	}
	covered := 0
	for i := range b.Count() {
		first, last := b.Range(i)
		if first != covered || last-first > 3 || b.Done(i) {
			t.Errorf("block %d: %d to %d, done %v", i, first, last, b.Done(i))
		}
		covered = last
	}
	if covered != s.Count() {
		t.Errorf("blocks cover %d of %d trajectories", covered, s.Count())
	}
	write(b, 4)
	write(b, 2)
	if err := b.Commit(); err == nil {
		t.Error("an incomplete store was committed")
	}
	again := begin()
	for i := range again.Count() {
		if done := i == 2 || i == 4; again.Done(i) != done {
			t.Errorf("block %d: done %v after an interruption", i, again.Done(i))
		} else if !done {
			write(again, i)
		}
	}
	if err := again.Commit(); err != nil {
		t.Fatal(err)
	}
	got, err := trajectory.Load(path)
	if err != nil || !reflect.DeepEqual(got, s) {
		t.Errorf("got %+v, %v", got, err)
	}
}

// noisyEnsemble has 2 cases of 7 members.
func noisyEnsemble() *trajectory.Set {
	s := trajectory.New(field, dynamics.Clock{Interval: 1, Units: "s"},
		[]trajectory.Dimension{{Name: "case", Len: 2}, {Name: "member", Len: 7}}, 5)
	r := rng.Stream(9, "ensemble")
	for i := range s.Data {
		s.Data[i] = float32(r.NormFloat64())
	}
	return s
}

func TestLargeBlocksAreCutAlongTime(t *testing.T) {
	space := dynamics.Space{Variable: "q", Axes: []dynamics.Axis{{Name: "x", Coordinates: make([]float64, 4096)}}}
	like := &trajectory.Set{Space: space, Clock: dynamics.Clock{Interval: 1}, Length: 512,
		Lead: []trajectory.Dimension{{Name: "member", Len: 64}}}
	path := filepath.Join(t.TempDir(), "x.zarr")
	b, err := trajectory.Begin(path, like, 4, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Write(0, make([]float32, 4*512*4096)); err != nil {
		t.Fatal(err)
	}
	if !b.Done(0) || b.Done(1) {
		t.Error("the block of several chunks is not the one that is done")
	}
	document, err := os.ReadFile(filepath.Join(path+".partial", "q", ".zarray"))
	if err != nil || !strings.Contains(strings.Join(strings.Fields(string(document)), ""), `"chunks":[4,64,4096]`) {
		t.Errorf("chunks are not 4 MB: %s, %v", document, err)
	}
	if err := errors.Join(b.Discard()); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path + ".partial"); !errors.Is(err, fs.ErrNotExist) {
		t.Error("discarded blocks are still there")
	}
}
