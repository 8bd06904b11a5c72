package dynamics

import "sync"

// scratch lends work arrays of one length to concurrent callers, so that a
// model can be shared by workers and still not allocate in its hot loop.
type scratch struct {
	pool sync.Pool
}

func newScratch(size int) *scratch {
	return &scratch{sync.Pool{New: func() any {
		buffer := make([]float64, size)
		return &buffer
	}}}
}

// get returns an array with unspecified contents; give it back with put.
func (s *scratch) get() *[]float64 { return s.pool.Get().(*[]float64) }

func (s *scratch) put(buffer *[]float64) { s.pool.Put(buffer) }

// checkSize panics if a state or perturbation has not the size of the model.
func checkSize(x []float64, size int) {
	if len(x) != size {
		panic("dynamics: slice of the wrong length")
	}
}
