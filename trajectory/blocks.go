package trajectory

import (
	"fmt"
	"slices"

	"retrace/internal/zarr"
)

// Blocks writes a set of known shape to a store block by block, in any order
// and from any goroutine, without holding it in memory. A block is a number of
// consecutive trajectories along the innermost leading dimension.
//
// The store grows beside its path and appears there at Commit. If the process
// dies, Begin with the same arguments finds the blocks that were finished; it
// forgets them if any argument differs, so that a fingerprint of the inputs
// among the attributes keeps stale blocks out.
type Blocks struct {
	writer *zarr.Writer
	set    Set // without data
	block  int
}

// Begin starts or goes on with a store at path of the shape of like, whose
// data are not used and which has at least one leading dimension. block is the
// number of trajectories in a block; the last one of a row may be shorter.
func Begin(path string, like *Set, block int, attributes map[string]string) (*Blocks, error) {
	if len(like.Lead) == 0 || block < 1 {
		panic("trajectory: blocks need a leading dimension and at least one trajectory each")
	}
	b := &Blocks{set: *like}
	b.set.Data = nil
	b.block = min(block, like.Lead[len(like.Lead)-1].Len)
	group, err := b.set.group(attributes, b.chunks())
	if err != nil {
		return nil, fmt.Errorf("trajectory: %s cannot be written: %w", path, err)
	}
	if b.writer, err = zarr.Resume(path, group); err != nil {
		return nil, err
	}
	return b, b.set.writeCoordinates(b.writer)
}

// chunks is the shape of the chunks of the data: one block, cut along time and
// the axes if it would be too large.
func (b *Blocks) chunks() []int {
	shape := b.set.Shape()
	lead := len(b.set.Lead)
	// ChunkShape keeps inner axes whole first, so the block goes innermost.
	inner := zarr.ChunkShape(append(slices.Clone(shape[lead:]), b.block), zarr.Float32)
	chunks := make([]int, len(shape))
	for d := range chunks {
		switch {
		case d < lead-1:
			chunks[d] = 1
		case d == lead-1:
			chunks[d] = b.block
		default:
			chunks[d] = inner[d-lead]
		}
	}
	return chunks
}

// row is the length of the innermost leading dimension.
func (b *Blocks) row() int { return b.set.Lead[len(b.set.Lead)-1].Len }

// perRow is the number of blocks of a row.
func (b *Blocks) perRow() int { return (b.row() + b.block - 1) / b.block }

// Count is the number of blocks.
func (b *Blocks) Count() int { return b.set.Count() / b.row() * b.perRow() }

// Range tells the trajectories first to last-1 that make block i.
func (b *Blocks) Range(i int) (first, last int) {
	row := i / b.perRow() * b.row()
	at := i % b.perRow() * b.block
	return row + at, row + min(at+b.block, b.row())
}

// region is where block i lies in the data array.
func (b *Blocks) region(i int) zarr.Region {
	first, last := b.Range(i)
	at := zarr.Region{Start: make([]int, len(b.set.Shape())), Shape: b.set.Shape()}
	rest := first
	for d := len(b.set.Lead) - 1; d >= 0; d-- {
		at.Start[d], at.Shape[d] = rest%b.set.Lead[d].Len, 1
		rest /= b.set.Lead[d].Len
	}
	at.Shape[len(b.set.Lead)-1] = last - first
	return at
}

// Done reports whether block i has been written.
func (b *Blocks) Done(i int) bool { return b.writer.Has(b.set.Space.Variable, b.region(i)) }

// Write stores the trajectories of block i, one after another.
func (b *Blocks) Write(i int, data []float32) error {
	return zarr.Write(b.writer, b.set.Space.Variable, b.region(i), data)
}

// Commit makes the store appear at its path. It is an error if a block is
// missing.
func (b *Blocks) Commit() error { return b.writer.Commit() }

// Discard deletes the blocks written, unless they have been committed.
func (b *Blocks) Discard() error { return b.writer.Discard() }
