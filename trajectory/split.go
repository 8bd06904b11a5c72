package trajectory

import (
	"fmt"
	"slices"

	"retrace/internal/rng"
)

// Slice is a view of elements first to last-1 of the outermost leading
// dimension: its data are those of s. It panics if there is no such part.
func (s *Set) Slice(first, last int) *Set {
	if len(s.Lead) == 0 || first < 0 || last > s.Lead[0].Len || first >= last {
		panic(fmt.Sprintf("trajectory: no part %d:%d of leading dimensions %v", first, last, s.Lead))
	}
	part := *s
	part.Lead = slices.Clone(s.Lead)
	part.Lead[0].Len = last - first
	n := len(s.Data) / s.Lead[0].Len
	part.Data = s.Data[first*n : last*n : last*n]
	return &part
}

// Split cuts a set along its outermost leading dimension into views of the
// given lengths, one after another. It panics if they do not add up to the
// length of the dimension.
func (s *Set) Split(lengths ...int) []*Set {
	parts := make([]*Set, len(lengths))
	first := 0
	for i, n := range lengths {
		parts[i] = s.Slice(first, first+n)
		first += n
	}
	if first != s.Lead[0].Len {
		panic(fmt.Sprintf("trajectory: parts %v of %d", lengths, s.Lead[0].Len))
	}
	return parts
}

// Shuffled is a copy with the elements of the outermost leading dimension in
// an order drawn by seed and purpose. Shuffle before Split where neighbours
// are alike, such as pieces of one long run.
func (s *Set) Shuffled(seed int64, purpose string) *Set {
	count := s.Lead[0].Len
	shuffled := *s
	shuffled.Data = make([]float32, len(s.Data))
	for to, from := range rng.Stream(seed, purpose).Perm(count) {
		copy(shuffled.Slice(to, to+1).Data, s.Slice(from, from+1).Data)
	}
	return &shuffled
}
