package em

import (
	"math"

	"retrace/diffusion"
)

// Moment matching posterior sampling (Rozet et al. 2024, section 4) for many records at
// once, each row with observations of its own. With m = E[x | x_t], J its Jacobian and
// V the covariance of x given x_t,
//
//	E[x | x_t, y] = m + (sigma^2/mu) J^T A^T u ,   (R + A V A^T) u = y - A m .
//
// Rules differ in V. "tweedie" takes (sigma^2/mu) J of the network itself; the others,
// which know V, are in spread.go. For tweedie the system, scaled to
//
//	K = I + B ,  B = R^-1/2 A V A^T R^-1/2 ,
//
// is projected on the Krylov space of the right-hand side, an orthonormal basis Q, one
// pass backward through the network a vector. There the symmetric part of Q^T B Q is
// diagonalised. Directions whose variance is not positive, which only a network that is
// wrong there has, get no correction; along the others A m moves towards y by the share
// b/(1 + b) of the way, so that no error of the network makes it overshoot. With as
// many vectors as observed values this is the exact solution. The passes of the basis
// also make J^T A^T u.

// guide is the denoiser of the posteriors of the records of its rows. It is for one
// goroutine.
type guide struct {
	prior      diffusion.Differentiable
	rule       rule
	records    []Record // of the rows, in standardised units; nil: the prior itself
	cotangent  []float32
	innovation [][]float64 // (y - A m)/sd of each row
}

// rule adds to the means of rows what their records say.
type rule interface {
	shift(g *guide, mean []float32, at diffusion.Level) error
}

// Dim implements diffusion.Denoiser.
func (g *guide) Dim() int { return g.prior.Dim() }

// Denoise implements diffusion.Denoiser.
func (g *guide) Denoise(mean, xt []float32, at diffusion.Level) error {
	if err := g.prior.Denoise(mean, xt, at); err != nil || g.records == nil {
		return err
	}
	if len(g.cotangent) < len(mean) {
		g.cotangent = make([]float32, len(mean))
	}
	n := g.Dim()
	for len(g.innovation) < len(g.records) {
		g.innovation = append(g.innovation, nil)
	}
	for i := range g.records {
		r := &g.records[i]
		g.innovation[i] = room(g.innovation[i], r.Count())
		r.rows.push(g.innovation[i], mean[i*n:(i+1)*n])
		for j, y := range r.y {
			g.innovation[i][j] = (y - g.innovation[i][j]) / r.sd[j]
		}
	}
	return g.rule.shift(g, mean, at)
}

// room returns n values, those of s if it has them.
func room(s []float64, n int) []float64 {
	if cap(s) < n {
		return make([]float64, n)
	}
	return s[:n]
}

// push sets dst to A x.
func (m *rows) push(dst []float64, x []float32) {
	for j := range dst {
		columns, factors := m.at(j)
		var sum float64
		for k, c := range columns {
			sum += factors[k] * float64(x[c])
		}
		dst[j] = sum
	}
}

// pull sets dst to A^T R^-1/2 u.
func (r *Record) pull(dst []float32, u []float64) {
	clear(dst)
	for j, v := range u {
		columns, factors := r.rows.at(j)
		v /= r.sd[j]
		for k, c := range columns {
			dst[c] += float32(v * factors[k])
		}
	}
}

// tweedie is the rule that takes the network's own covariance.
type tweedie struct {
	iterations int
	spaces     []krylov
	pulled     [][]float32 // J^T A^T R^-1/2 q, of each vector of the basis for all rows
	image      []float64
}

func (t *tweedie) shift(g *guide, mean []float32, at diffusion.Level) error {
	n, scale := g.Dim(), at.Sigma*at.Sigma/at.Mu
	for len(t.spaces) < len(g.records) {
		t.spaces = append(t.spaces, newKrylov(t.iterations))
	}
	for len(t.pulled) < t.iterations {
		t.pulled = append(t.pulled, make([]float32, len(g.cotangent)))
	}
	for i := range g.records {
		t.spaces[i].start(g.innovation[i])
	}
	made := 0
	for ; made < t.iterations && t.open(len(g.records)); made++ {
		if len(t.pulled[made]) < len(mean) {
			t.pulled[made] = make([]float32, len(mean))
		}
		for i := range g.records {
			g.records[i].pull(g.cotangent[i*n:(i+1)*n], t.spaces[i].newest())
		}
		if err := g.prior.Pull(t.pulled[made][:len(mean)], g.cotangent[:len(mean)]); err != nil {
			return err
		}
		for i := range g.records {
			r := &g.records[i]
			t.image = room(t.image, r.Count())
			r.rows.push(t.image, t.pulled[made][i*n:(i+1)*n])
			for j, sd := range r.sd {
				t.image[j] *= scale / sd
			}
			t.spaces[i].grow(t.image)
		}
	}
	for i := range g.records {
		for k, c := range t.spaces[i].solution() {
			factor := float32(c * scale)
			row := mean[i*n : (i+1)*n]
			for l, v := range t.pulled[k][i*n : (i+1)*n] {
				row[l] += factor * v
			}
		}
	}
	return nil
}

// open reports whether any space can grow.
func (t *tweedie) open(rows int) bool {
	for i := range t.spaces[:rows] {
		if !t.spaces[i].closed {
			return true
		}
	}
	return false
}

// krylov is the Krylov space of one row.
type krylov struct {
	most    int
	basis   [][]float64 // orthonormal
	size    int         // vectors whose image is known
	norm    float64     // of the right-hand side
	b       []float64   // most x most: q_i . B q_j
	closed  bool        // the space holds all its images
	zero    []float64
	vectors []float64 // of the eigenproblem
	result  []float64
}

func newKrylov(most int) krylov {
	return krylov{most: most, b: make([]float64, most*most), vectors: make([]float64, most*most), result: make([]float64, most)}
}

// settled is the length, relative to what it was, below which what is left of an image
// counts as rounding.
const settled = 1e-9

func (k *krylov) start(e []float64) {
	for len(k.basis) < k.most {
		k.basis = append(k.basis, nil)
	}
	k.size, k.norm = 0, norm(e)
	k.closed = k.norm == 0
	k.zero = room(k.zero, len(e))
	clear(k.zero)
	if !k.closed {
		k.put(0, e, k.norm)
	}
}

// put makes v, of the given length, vector i of the basis.
func (k *krylov) put(i int, v []float64, length float64) {
	k.basis[i] = room(k.basis[i], len(v))
	for j, x := range v {
		k.basis[i][j] = x / length
	}
}

// newest is the vector that B is to be applied to: zeros if none is needed.
func (k *krylov) newest() []float64 {
	if k.closed {
		return k.zero
	}
	return k.basis[k.size]
}

// grow takes in the image of the newest vector, which it overwrites.
func (k *krylov) grow(image []float64) {
	if k.closed {
		return
	}
	column := k.size
	k.size++
	before := norm(image)
	for i := range k.size {
		k.b[i*k.most+column] = 0
	}
	for range 2 { // the second pass repairs what rounding leaves of the first
		for i, q := range k.basis[:k.size] {
			along := inner(q, image)
			k.b[i*k.most+column] += along
			for j, x := range q {
				image[j] -= along * x
			}
		}
	}
	rest := norm(image)
	k.closed = k.size == k.most || k.size >= len(image) || !(rest > settled*before)
	if !k.closed {
		k.put(k.size, image, rest)
		k.b[k.size*k.most+column] = rest
	}
}

// solution returns the coefficients of u in the basis.
func (k *krylov) solution() []float64 {
	n := k.size
	z := k.result[:n]
	clear(z)
	for i := range n {
		for j := range i {
			// Below the first diagonal q_i . B q_j vanishes; what is above it is due to
			// the part of B that is not symmetric.
			lower := 0.0
			if i == j+1 {
				lower = k.b[i*k.most+j]
			}
			mean := (lower + k.b[j*k.most+i]) / 2
			k.b[i*k.most+j], k.b[j*k.most+i] = mean, mean
		}
	}
	diagonalise(k.b, k.vectors, n, k.most)
	for e := range n {
		if b := k.b[e*k.most+e]; b > 0 {
			share := k.vectors[e] * k.norm / (1 + b) // the right-hand side is along q_0
			for i := range n {
				z[i] += share * k.vectors[i*k.most+e]
			}
		}
	}
	return z
}

func norm(v []float64) float64 { return math.Sqrt(inner(v, v)) }

func inner(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
