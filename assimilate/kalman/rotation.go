package kalman

// A random rotation of the members that keeps their mean and their covariance:
// an orthogonal matrix, drawn uniformly (Haar measure) among those that leave
// the vector of ones where it is. A reflection swaps that vector with the first
// unit vector; the other N-1 rows are multiplied by Q = D H_(N-2) ... H_1 H_0,
// the reflections H_k being those that triangularise a Gaussian matrix and D
// their signs (Stewart 1980, SIAM J. Numer. Anal. 17, 403); and the swap is
// undone. Sakov & Oke 2008 (Mon. Weather Rev. 136, 1042) say what rotations are
// good for: they keep members from growing outliers.

import (
	"math"

	"retrace/internal/rng"
)

type rotation struct {
	members int
	source  *rng.Source
	// vectors holds, one after another, v_k of I - v_k v_k^T, of N-1-k values.
	vectors []float64
	signs   []float64
	swap    []float64
	product []float64
}

func newRotation(seed int64, members, size int) *rotation {
	r := &rotation{
		members: members, source: rng.NewSource(seed, "kalman/rotation"),
		vectors: make([]float64, members*(members-1)/2), signs: make([]float64, members-1),
		swap: make([]float64, members), product: make([]float64, size),
	}
	for i := range r.swap {
		r.swap[i] = 1
	}
	reflector(r.swap)
	return r
}

// draw chooses the rotation of a state.
func (r *rotation) draw(problem, state int) {
	random := r.source.At(uint64(problem), uint64(state))
	v := r.vectors
	for k := range r.signs {
		n := r.members - 1 - k
		for i := range n {
			v[i] = random.NormFloat64()
		}
		r.signs[k] = math.Copysign(1, reflector(v[:n]))
		v = v[n:]
	}
}

// apply rotates an ensemble of states of n values.
func (r *rotation) apply(ensemble []float64, n int) {
	r.reflect(ensemble, r.swap, n)
	v := r.vectors
	for k := range r.signs {
		r.reflect(ensemble[(k+1)*n:], v[:r.members-1-k], n)
		v = v[r.members-1-k:]
	}
	for k, sign := range r.signs {
		if sign < 0 {
			for j := range n {
				ensemble[(k+1)*n+j] = -ensemble[(k+1)*n+j]
			}
		}
	}
	r.reflect(ensemble, r.swap, n)
}

// reflect multiplies rows by I - v v^T.
func (r *rotation) reflect(rows, v []float64, n int) {
	product := r.product[:n]
	clear(product)
	for i, x := range v {
		axpy(product, x, rows[i*n:(i+1)*n])
	}
	for i, x := range v {
		axpy(rows[i*n:(i+1)*n], -x, product)
	}
}
