package scoresum

import (
	"math/rand/v2"

	"retrace/dynamics"
	"retrace/trajectory"
)

// windowSource cuts windows out of trajectories.
type windowSource struct {
	data               []float32 // (count, length, dim)
	count, length, dim int
	// raw, if there is one, standardises what is cut: data, in physical units, are
	// then not copied.
	raw *trajectory.Standardiser
	// symmetry draws images of what is cut, if data are in physical units.
	symmetry func(r *rand.Rand) func(dst, x []float32)
}

// newSource keeps trajectories of fields as they are, for there is much of them, and
// standardises others once.
func (s Settings) newSource(set *trajectory.Set, standard trajectory.Standardiser) *windowSource {
	dim := set.Space.Size()
	source := &windowSource{data: set.Data, count: len(set.Data) / (set.Length * dim), length: set.Length, dim: dim}
	if s.fields() {
		source.raw = &standard
		return source
	}
	source.data = make([]float32, len(set.Data))
	standard.Forward(source.data, set.Data)
	return source
}

// draw copies n random windows into padded rows of buffer.
func (s *windowSource) draw(buffer []float32, w *windows, n int, r *rand.Rand) []float32 {
	padded, size := w.basis.padded, w.length*s.dim
	rows := buffer[:n*padded]
	for i := range n {
		s.window(rows[i*padded:][:size], w.length, r)
		clear(rows[i*padded+size : (i+1)*padded])
	}
	return rows
}

// window copies a random window of length states, standardised, to dst.
func (s *windowSource) window(dst []float32, length int, r *rand.Rand) {
	trajectory, start := r.IntN(s.count), r.IntN(s.length-length+1)
	x := s.data[(trajectory*s.length+start)*s.dim:][:len(dst)]
	if s.symmetry == nil {
		copy(dst, x)
	} else {
		image := s.symmetry(r)
		for i := 0; i < len(x); i += s.dim {
			image(dst[i:i+s.dim], x[i:i+s.dim])
		}
	}
	if s.raw != nil {
		s.raw.Forward(dst, dst)
	}
}

// estimate returns the Gaussian prior of windows of a source.
func (s Settings) estimate(source *windowSource, space dynamics.Space, seed int64) (law, error) {
	if source.raw == nil {
		return EstimateCovariance(source.data, source.length, source.dim, s.Window)
	}
	g, err := newGrid(space)
	if err != nil {
		return nil, err
	}
	return estimateSpectral(source, g, s.Window, seed)
}
