package zarr_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"retrace/internal/zarr"
)

// A store of two arrays, written whole; then one row of it is read.
func Example() {
	dir, err := os.MkdirTemp("", "zarr")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	path := filepath.Join(dir, "wind.zarr")

	w, err := zarr.Create(path, zarr.Group{
		Attributes: map[string]any{"Conventions": "CF-1.10"},
		Arrays: []zarr.Array{
			{Name: "u", Dimensions: []string{"time", "x"}, Shape: []int{2, 3}, Type: zarr.Float32,
				Attributes: map[string]any{"units": "m s-1"}},
			{Name: "time", Dimensions: []string{"time"}, Shape: []int{2}, Type: zarr.Float64,
				Attributes: map[string]any{"units": "h"}},
		},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer w.Discard()
	if err := zarr.Write(w, "u", zarr.Region{}, []float32{1, 2, 3, 4, 5, 6}); err != nil {
		log.Fatal(err)
	}
	if err := zarr.Write(w, "time", zarr.Region{}, []float64{0, 6}); err != nil {
		log.Fatal(err)
	}
	if err := w.Commit(); err != nil {
		log.Fatal(err)
	}

	store, err := zarr.Open(path)
	if err != nil {
		log.Fatal(err)
	}
	row, err := zarr.Read[float32](store, "u", zarr.Region{Start: []int{1, 0}, Shape: []int{1, 3}})
	fmt.Println(store.Names(), row, err)
	// Output: [time u] [4 5 6] <nil>
}

// Two workers fill an ensemble whose size is known; the second finds what the
// first has done.
func ExampleResume() {
	dir, err := os.MkdirTemp("", "zarr")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(dir)
	group := zarr.Group{Arrays: []zarr.Array{
		{Name: "x", Dimensions: []string{"member"}, Shape: []int{4}, Chunks: []int{2}, Type: zarr.Float32}}}

	for worker := range 2 {
		w, err := zarr.Resume(filepath.Join(dir, "ensemble.zarr"), group)
		if err != nil {
			log.Fatal(err)
		}
		block := zarr.Region{Start: []int{2 * worker}, Shape: []int{2}}
		first := zarr.Region{Start: []int{0}, Shape: []int{2}}
		fmt.Println("worker", worker, "finds the first block:", w.Has("x", first))
		if err := zarr.Write(w, "x", block, []float32{1, 2}); err != nil {
			log.Fatal(err)
		}
		if w.Has("x", zarr.Region{}) {
			fmt.Println("complete:", w.Commit())
		}
	}
	// Output:
	// worker 0 finds the first block: false
	// worker 1 finds the first block: true
	// complete: <nil>
}
