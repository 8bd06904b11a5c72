package zarr

import "fmt"

// Region is a box of an array: the values at indices Start[d] to
// Start[d]+Shape[d]-1 of each axis d. The zero value is the whole array. Its
// values lie row by row, the last axis varying fastest.
type Region struct{ Start, Shape []int }

// of completes the zero Region and panics if the box leaves the array.
func (r Region) of(a *Array) Region {
	if r.Start == nil && r.Shape == nil {
		return Region{make([]int, len(a.Shape)), a.Shape}
	}
	if len(r.Start) != len(a.Shape) || len(r.Shape) != len(a.Shape) {
		panic("zarr: region and array differ in rank")
	}
	for d := range a.Shape {
		if r.Start[d] < 0 || r.Shape[d] < 0 || r.Start[d]+r.Shape[d] > a.Shape[d] {
			panic(fmt.Sprintf("zarr: region %v + %v is outside of shape %v", r.Start, r.Shape, a.Shape))
		}
	}
	return r
}

// wholeChunks reports whether no chunk reaches both into and out of the region.
func (r Region) wholeChunks(a *Array) bool {
	for d := range a.Shape {
		end := r.Start[d] + r.Shape[d]
		if r.Start[d]%a.Chunks[d] != 0 || end%a.Chunks[d] != 0 && end != a.Shape[d] {
			return false
		}
	}
	return true
}

// chunks lists the indices of the chunks that overlap the region, in C order.
func (r Region) chunks(a *Array) chunkRange {
	c := chunkRange{make([]int, len(a.Shape)), make([]int, len(a.Shape)), 1}
	for d := range a.Shape {
		if r.Shape[d] == 0 {
			return chunkRange{}
		}
		c.first[d] = r.Start[d] / a.Chunks[d]
		c.shape[d] = (r.Start[d]+r.Shape[d]-1)/a.Chunks[d] + 1 - c.first[d]
		c.count *= c.shape[d]
	}
	return c
}

// chunkRange is a box of the grid of chunks.
type chunkRange struct {
	first, shape []int
	count        int
}

// at is the index of the i-th chunk of the range.
func (c chunkRange) at(i int) []int {
	index := make([]int, len(c.shape))
	for d := len(index) - 1; d >= 0; d-- {
		index[d] = c.first[d] + i%c.shape[d]
		i /= c.shape[d]
	}
	return index
}

// runs calls f for every stretch of values that lies contiguously both in the
// chunk and in the region, with its first position in each and its length.
func (r Region) runs(a *Array, chunk []int, f func(inChunk, inRegion, length int)) {
	rank := len(a.Shape)
	overlap := make([]int, rank)
	chunkStride, regionStride := strides(a.Chunks), strides(r.Shape)
	c, g := 0, 0
	for d := range rank {
		origin := chunk[d] * a.Chunks[d]
		low := max(origin, r.Start[d])
		overlap[d] = min(origin+a.Chunks[d], r.Start[d]+r.Shape[d]) - low
		c += (low - origin) * chunkStride[d]
		g += (low - r.Start[d]) * regionStride[d]
	}
	length, outer := 1, rank
	for whole := true; outer > 0 && whole; {
		outer--
		length *= overlap[outer]
		whole = overlap[outer] == a.Chunks[outer] && overlap[outer] == r.Shape[outer]
	}
	index := make([]int, outer)
	for {
		f(c, g, length)
		d := outer - 1
		for ; d >= 0; d-- {
			index[d]++
			c, g = c+chunkStride[d], g+regionStride[d]
			if index[d] < overlap[d] {
				break
			}
			c, g = c-overlap[d]*chunkStride[d], g-overlap[d]*regionStride[d]
			index[d] = 0
		}
		if d < 0 {
			return
		}
	}
}

func strides(shape []int) []int {
	s := make([]int, len(shape))
	step := 1
	for d := len(shape) - 1; d >= 0; d-- {
		s[d] = step
		step *= shape[d]
	}
	return s
}
