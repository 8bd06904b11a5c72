package reanalysis

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"os"
	"slices"

	"retrace/internal/fault"
	"retrace/internal/npy"
	"retrace/internal/zarr"
)

// Verification is what a second computation of a window says.
type Verification struct {
	Window int `json:"window"`
	// Differs names the files whose bytes differ from those recorded, and the joined
	// stores that do not hold the values computed; empty if all agree.
	Differs []string `json:"differs"`
	Files   int      `json:"files"` // compared
	Stores  int      `json:"stores"`
}

// Verify computes a finished window again, in memory, and compares the bytes of all its
// files with those recorded and on disk and, where it is joined already, the values
// in the stores of mean and members.
func (b *Batch) Verify(ctx context.Context, plan *Plan, k int) (*Verification, error) {
	if k < 0 || k >= len(plan.Jobs) {
		return nil, fault.Inputf("window %d: there are windows 0 to %d", k, len(plan.Jobs)-1)
	}
	job := plan.Jobs[k]
	record, err := b.record(job)
	if err != nil {
		return nil, err
	}
	if record == nil {
		return nil, fault.Inputf("window %d: %w; choose another, or run retrace reanalyse first", k, ErrNotReady)
	}
	parts, _, err := b.result(ctx, plan, k)
	if err != nil {
		return nil, fmt.Errorf("window %d: %w", k, err)
	}
	v := &Verification{Window: k, Differs: []string{}}
	for _, name := range slices.Sorted(maps.Keys(parts)) {
		v.Files++
		file := partFile(job.name(), name)
		if record.Files[name].SHA256 != sha(parts[name]) || !b.holds(file, parts[name]) {
			v.Differs = append(v.Differs, file)
		}
	}
	return v, b.verifyJoined(v, job, parts[statesPart])
}

// holds reports whether a file of a result has this content.
func (b *Batch) holds(file string, content []byte) bool {
	found, err := os.ReadFile(b.file(windowFolder, file))
	return err == nil && string(found) == string(content)
}

// verifyJoined compares the stores of a window that is joined.
func (b *Batch) verifyJoined(v *Verification, job Job, encoded []byte) error {
	lines, err := readLines[journalLine](b.file(diagnosticsFile))
	if err != nil {
		return err
	}
	if job.Index >= len(lines) || lines[job.Index].Fingerprint != job.Fingerprint {
		return nil
	}
	_, states, err := npy.Decode[float32](bytes.NewReader(encoded), statesPart)
	if err != nil {
		return err
	}
	n := job.Kept.Len() * b.size()
	mean, _ := moments(states, b.Members, n)
	if err := b.compareStore(v, "mean.zarr", job, 0, mean); err != nil {
		return err
	}
	if stored := min(b.Products.Members, b.Members); stored > 0 {
		return b.compareStore(v, "members.zarr", job, stored, states[:stored*n])
	}
	return nil
}

// compareStore compares the states that a window keeps with those of a store.
func (b *Batch) compareStore(v *Verification, name string, job Job, members int, want []float32) error {
	store, err := zarr.Open(b.file(name))
	if err != nil {
		return err
	}
	variable := b.Model.Space().Variable
	array, err := store.Array(variable)
	if err != nil {
		return err
	}
	lead := 0
	if members > 0 {
		lead = 1
	}
	if len(array.Shape) <= lead || array.Shape[lead] < job.Kept.End || lead == 1 && array.Shape[0] != members {
		return nil // of other settings, or not as far yet
	}
	at := zarr.Region{Start: make([]int, len(array.Shape)), Shape: slices.Clone(array.Shape)}
	at.Start[lead], at.Shape[lead] = job.Kept.First, job.Kept.Len()
	found, err := zarr.Read[float32](store, variable, at)
	if err != nil {
		return err
	}
	v.Stores++
	if !slices.Equal(found, want) {
		v.Differs = append(v.Differs, name)
	}
	return nil
}
