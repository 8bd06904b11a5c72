package assimilate

import (
	"errors"
	"math"
	"slices"

	"gonum.org/v1/gonum/mat"
)

// Rules that take what x_t leaves open of a trajectory for white, of a variance v(s)
// that they know,
//
//	S = R + v(s) A' A'^T .
//
// "pigdm" (Song et al. 2023, equation 8) has v = s^2/(1 + s^2): exact for a standard
// normal prior. "diffpir" (Zhu et al. 2023, equation 12) minimises the sum of
// |y - A(x)|^2/R and lambda |x - m|^2/s^2, that is v = s^2/lambda, and takes the
// minimiser m + v A'^T u for the mean: no pass backward through the network.
//
// Each value sees one state, so that S falls into blocks. With the eigenvectors Q and
// eigenvalues l of R^-1/2 A' A'^T R^-1/2 of a block,
//
//	S^-1 = R^-1/2 Q diag(1/(1 + v l)) Q^T R^-1/2
//
// at every noise level; states observed alike share them.

// spectrum is the eigendecomposition of a block.
type spectrum struct {
	product []float64 // the block itself, row-major
	roots   []float64 // square roots of R
	values  []float64
	vectors *mat.Dense
}

// isotropic is the weigher of one worker; spectra of linear operators are shared.
type isotropic struct {
	variance    func(s float64) float64
	innovations *innovations
	shared      []*spectrum // one for each block; nil if an operator is not linear
}

// newIsotropic decomposes the blocks of linear operators once.
func newIsotropic(variance func(s float64) float64, n *innovations, length int) (*isotropic, error) {
	w := &isotropic{variance: variance, innovations: n}
	at := n.linear(length)
	if at == nil {
		return w, nil
	}
	var err error
	w.shared, err = n.spectra(at)
	return w, err
}

// of is the same weigher for another worker.
func (w *isotropic) of(n *innovations) *isotropic { return &isotropic{w.variance, n, w.shared} }

// blocks lists the first value of each state observed, and the end.
func (n *innovations) blocks() []int {
	var list []int
	for i, state := range n.states {
		if i == 0 || state != n.states[i-1] {
			list = append(list, i)
		}
	}
	return append(list, len(n.states))
}

// spectra decomposes every block of A' A'^T; equal ones once.
func (n *innovations) spectra(at *tangent) ([]*spectrum, error) {
	var list, known []*spectrum
	blocks := n.blocks()
	for k := range len(blocks) - 1 {
		s := n.block(at, blocks[k], blocks[k+1])
		found := slices.IndexFunc(known, func(o *spectrum) bool {
			return slices.Equal(o.product, s.product) && slices.Equal(o.roots, s.roots)
		})
		if found >= 0 {
			list = append(list, known[found])
			continue
		}
		if err := s.decompose(); err != nil {
			return nil, err
		}
		list, known = append(list, s), append(known, s)
	}
	return list, nil
}

// block is R^-1/2 A' A'^T R^-1/2 of values first to last, the last excluded.
func (n *innovations) block(at *tangent, first, last int) *spectrum {
	size := last - first
	s := &spectrum{product: make([]float64, size*size), roots: make([]float64, size)}
	for i := range size {
		s.roots[i] = math.Sqrt(n.noise[first+i])
	}
	for i := range size {
		for j := range i + 1 {
			v := at.dot(first+i, first+j) / s.roots[i] / s.roots[j]
			s.product[i*size+j], s.product[j*size+i] = v, v
		}
	}
	return s
}

func (s *spectrum) decompose() error {
	var eigen mat.EigenSym
	if !eigen.Factorize(mat.NewSymDense(len(s.roots), slices.Clone(s.product)), true) {
		return errors.New("assimilate: an operator has no finite singular values: is it finite?")
	}
	s.values, s.vectors = eigen.Values(nil), new(mat.Dense)
	eigen.VectorsTo(s.vectors)
	return nil
}

// solve replaces e by S^-1 e.
func (s *spectrum) solve(e []float64, v float64) {
	n := len(e)
	x, z := mat.NewVecDense(n, e), mat.NewVecDense(n, nil)
	for i, root := range s.roots {
		e[i] /= root
	}
	z.MulVec(s.vectors.T(), x)
	for i, l := range s.values {
		z.SetVec(i, z.AtVec(i)/(1+v*max(l, 0)))
	}
	x.MulVec(s.vectors, z)
	for i, root := range s.roots {
		e[i] /= root
	}
}

func (w *isotropic) weigh(innovation []float64, mean []float32, s float64) error {
	spectra := w.shared
	if spectra == nil {
		var err error
		if spectra, err = w.innovations.spectra(w.innovations.tangent(mean)); err != nil {
			return err
		}
	}
	blocks := w.innovations.blocks()
	for k, spectrum := range spectra {
		spectrum.solve(innovation[blocks[k]:blocks[k+1]], w.variance(s))
	}
	return nil
}

// unitVariance is s^2/(1 + s^2).
func unitVariance(s float64) float64 { return s * s / (1 + s*s) }

// throughWhite carries u back by v: mean + v A'^T u.
type throughWhite struct{ variance func(s float64) float64 }

func (t throughWhite) shift(b *batch) error {
	v := float32(t.variance(b.at.Ratio()))
	for r, u := range b.u {
		cotangent, mean := b.row(b.cotangent, r), b.row(b.mean, r)
		b.pullBack(cotangent, mean, u)
		for i, g := range cotangent {
			mean[i] += v * g
		}
	}
	return nil
}
