package trajectory

import (
	"errors"
	"fmt"

	"retrace/internal/zarr"
)

// Growing is a store of trajectories that is readable at its place while states are
// appended to it.
type Growing struct {
	store *zarr.Growing
	set   Set // without data; its Length counts for nothing
	chunk int
}

// timeChunk is the number of times in a chunk: an append rewrites the last one.
const timeChunk = 1024

// Grow begins a store at path with the description of like, whose data and length
// are not used, or goes on with one that an earlier Grow with the same arguments
// began. It has chunk states in a chunk.
func Grow(path string, like *Set, chunk int, attributes map[string]string) (*Growing, error) {
	if chunk < 1 {
		panic("trajectory: a chunk needs at least one state")
	}
	g := &Growing{set: *like, chunk: chunk}
	g.set.Data, g.set.Length = nil, 1
	shape := g.set.Shape()
	shape[len(g.set.Lead)] = chunk
	group, err := g.set.group(attributes, g.cut(shape))
	if err != nil {
		return nil, fmt.Errorf("trajectory: %s cannot be written: %w", path, err)
	}
	for i := range group.Arrays {
		if group.Arrays[i].Name == timeName {
			group.Arrays[i].Chunks = []int{timeChunk}
		}
	}
	if g.store, err = zarr.Grow(path, group, timeName); err != nil {
		return nil, err
	}
	if g.store.Length() == 0 {
		g.store.Extend(1)
		err = g.set.writeCoordinates(g.store.Writer())
	}
	return g, err
}

// cut is the shape of a chunk of the data: whole where that is of moderate size.
func (g *Growing) cut(shape []int) []int {
	lead := len(g.set.Lead)
	chunks := make([]int, len(shape))
	inner := zarr.ChunkShape(shape[lead+1:], zarr.Float32)
	chunks[lead] = g.chunk
	copy(chunks[lead+1:], inner)
	size := g.chunk
	for _, n := range inner {
		size *= n
	}
	for d := lead - 1; d >= 0; d-- {
		chunks[d] = max(1, min(shape[d], growingChunk/size))
		size *= chunks[d]
	}
	return chunks
}

// growingChunk is the number of values of a chunk of a growing store, at most, if
// the states of one trajectory in a chunk are fewer.
const growingChunk = 1 << 21

// Length is the number of states that readers see.
func (g *Growing) Length() int { return g.store.Length() }

// Append stores the states from index on, of every trajectory, in place of those that
// are there and further, and makes them readable: the store then ends with them. from
// must be at a chunk and not beyond the end. data are row-major: leading dimensions,
// time, axes.
func (g *Growing) Append(from int, data []float32) error {
	row := g.set.Count() * g.set.Space.Size()
	if from%g.chunk != 0 || from > g.Length() || len(data)%row != 0 {
		panic(fmt.Sprintf("trajectory: %d values from state %d of %d, in chunks of %d", len(data), from, g.Length(), g.chunk))
	}
	length := from + len(data)/row
	g.store.Extend(length)
	whole := g.set
	whole.Length = length
	at := zarr.Region{Start: make([]int, len(whole.Shape())), Shape: whole.Shape()}
	at.Start[len(whole.Lead)], at.Shape[len(whole.Lead)] = from, length-from
	err := errors.Join(zarr.Write(g.store.Writer(), whole.Space.Variable, at, data), g.appendTimes(from, length))
	if err != nil {
		return err
	}
	return g.store.Publish()
}

// appendTimes writes the chunks of the time coordinate that hold states from to end-1.
func (g *Growing) appendTimes(from, end int) error {
	first := from / timeChunk * timeChunk
	times := make([]float64, end-first)
	for i := range times {
		times[i] = g.set.Time(first + i)
	}
	at := zarr.Region{Start: []int{first}, Shape: []int{len(times)}}
	return zarr.Write(g.store.Writer(), timeName, at, times)
}

// Truncate drops the states from length on.
func (g *Growing) Truncate(length int) error { return g.store.Truncate(length) }
