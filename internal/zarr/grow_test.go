package zarr_test

import (
	"os"
	"path/filepath"
	"slices"
	"testing"

	"retrace/internal/zarr"
)

// series describes a store that grows along time.
func series() zarr.Group {
	return zarr.Group{
		Attributes: map[string]any{"title": "a series"},
		Arrays: []zarr.Array{
			{Name: "x", Dimensions: []string{"member", "time"}, Shape: []int{2, 0}, Chunks: []int{2, 4}, Type: zarr.Float32},
			{Name: "member", Dimensions: []string{"member"}, Shape: []int{2}, Type: zarr.Int64},
		},
	}
}

// extend makes the series end with value number length-1, from a chunk on.
func extend(t *testing.T, g *zarr.Growing, from, length int) {
	t.Helper()
	g.Extend(length)
	var values []float32
	for m := range 2 {
		for i := from; i < length; i++ {
			values = append(values, float32(100*m+i))
		}
	}
	at := zarr.Region{Start: []int{0, from}, Shape: []int{2, length - from}}
	if err := zarr.Write(g.Writer(), "x", at, values); err != nil {
		t.Fatal(err)
	}
}

func grow(t *testing.T, path string) *zarr.Growing {
	t.Helper()
	g, err := zarr.Grow(path, series(), "time")
	if err != nil {
		t.Fatal(err)
	}
	if g.Length() == 0 {
		if err := zarr.Write(g.Writer(), "member", zarr.Region{}, []int64{0, 1}); err != nil {
			t.Fatal(err)
		}
	}
	return g
}

// reads checks that a reader sees so many values, and the right ones.
func reads(t *testing.T, path string, length int) {
	t.Helper()
	s, err := zarr.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	got, err := zarr.Read[float32](s, "x", zarr.Region{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2*length {
		t.Fatalf("%d values, want %d", len(got), 2*length)
	}
	for i, v := range got {
		if want := float32(100*(i/length) + i%length); v != want {
			t.Fatalf("value %d is %v, want %v", i, v, want)
		}
	}
}

func publish(t *testing.T, g *zarr.Growing) {
	t.Helper()
	if err := g.Publish(); err != nil {
		t.Fatal(err)
	}
}

func TestGrowingStoreIsReadableAtEveryMoment(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.zarr")
	g := grow(t, path)
	if _, err := zarr.Open(path); err == nil {
		t.Error("a store that was never published can be opened")
	}
	for _, step := range []struct{ from, length int }{{0, 3}, {0, 4}, {4, 9}, {8, 13}} {
		before := g.Length()
		extend(t, g, step.from, step.length)
		if before > 0 {
			reads(t, path, before) // what is written is not seen before it is published
		}
		publish(t, g)
		reads(t, path, step.length)
	}
}

// A process that ends, published or not, is followed by one that goes on.
func TestGrowingStoreGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.zarr")
	grow(t, path) // ended before anything was published
	g := grow(t, path)
	extend(t, g, 0, 6)
	publish(t, g)
	extend(t, g, 4, 10) // lost
	g = grow(t, path)
	if g.Length() != 6 {
		t.Fatalf("it goes on from %d, want 6", g.Length())
	}
	reads(t, path, 6)
	extend(t, g, 4, 7)
	publish(t, g)
	reads(t, path, 7)

	other := series()
	other.Attributes["title"] = "another"
	if g, err := zarr.Grow(path, other, "time"); err != nil || g.Length() != 0 {
		t.Errorf("another series goes on from %d, %v", g.Length(), err)
	}
}

func TestTruncatedStoreHasNoChunkBeyondItsEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.zarr")
	g := grow(t, path)
	extend(t, g, 0, 13)
	publish(t, g)
	if err := g.Truncate(4); err != nil {
		t.Fatal(err)
	}
	reads(t, path, 4)
	entries, err := os.ReadDir(filepath.Join(path, "x", "0"))
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 1 {
		t.Errorf("%d chunks are left, want 1", len(entries))
	}
	extend(t, g, 4, 13)
	publish(t, g)
	reads(t, path, 13)
}

func TestGrowReplacesNothingButStores(t *testing.T) {
	path := filepath.Join(t.TempDir(), "x.zarr")
	if err := os.MkdirAll(filepath.Join(path, "precious"), 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := zarr.Grow(path, series(), "time"); err == nil {
		t.Error("a folder of something else was replaced")
	}
	entries, err := os.ReadDir(path)
	if err != nil || !slices.ContainsFunc(entries, func(e os.DirEntry) bool { return e.Name() == "precious" }) {
		t.Errorf("what was there is gone: %v", err)
	}
}
