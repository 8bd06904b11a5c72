// Regularisation (Musso, Oudjane & Le Gland 2001; chapter 12 of Doucet, de
// Freitas & Gordon, Sequential Monte Carlo Methods in Practice). After
// resampling, copies of a particle of a deterministic model would stay copies
// for ever. Each particle that has a copy is moved by a draw from
//
//	N(0, s^2 P),  s = reg N^(-1/(n+4)),
//
// P being the covariance of the particles before resampling: kernel density
// estimation with the bandwidth of Scott's rule times reg. Particles without a
// copy stay. This widens the law a little, less as N grows.

package particle

import (
	"math/rand/v2"

	"retrace/internal/triangular"
)

// jitter draws from N(0, s^2 P) for the particles of one cloud. It owns scratch
// space.
type jitter struct {
	c         *cloud
	anomalies []float64 // n x size, whose squares sum to s^2 P
	mean      []float64
	// root is a lower triangle with root root^T = s^2 P, where that is smaller
	// than the anomalies.
	root   []float64
	normal []float64
	drawn  []float64
}

func newJitter(c *cloud) *jitter {
	j := &jitter{
		c: c, anomalies: make([]float64, c.n*c.size), mean: make([]float64, c.size),
		drawn: make([]float64, c.size), normal: make([]float64, max(c.n, c.size)),
	}
	if c.n > 2*c.size {
		j.root = make([]float64, c.size*c.size)
	}
	return j
}

// measure takes the covariance of the particles as they are now, times s^2.
func (j *jitter) measure(s float64) {
	j.c.anomalies(j.anomalies, j.c.states, j.mean, s)
	if j.root == nil {
		return
	}
	size := j.c.size
	clear(j.root)
	for i := range j.c.n {
		a := j.anomalies[i*size : (i+1)*size]
		for row, v := range a {
			dst := j.root[row*size : row*size+row+1]
			for column := range dst {
				dst[column] += v * a[column]
			}
		}
	}
	triangular.Factorise(j.root, size)
}

// add adds a draw to x.
func (j *jitter) add(x []float64, r *rand.Rand) {
	size := j.c.size
	if j.root != nil {
		z := j.normal[:size]
		for i := range z {
			z[i] = r.NormFloat64()
		}
		for row := range x {
			x[row] += dot(j.root[row*size:row*size+row+1], z)
		}
		return
	}
	clear(j.drawn)
	for i := range j.c.n {
		z := r.NormFloat64()
		for k, a := range j.anomalies[i*size : (i+1)*size] {
			j.drawn[k] += z * a
		}
	}
	for k, d := range j.drawn {
		x[k] += d
	}
}

// spread moves every particle that has the same ancestor as a neighbour.
// Ancestors are in increasing order.
func (j *jitter) spread(ancestors []int32, r *rand.Rand) {
	for i, parent := range ancestors {
		if i > 0 && ancestors[i-1] == parent || i+1 < len(ancestors) && ancestors[i+1] == parent {
			j.add(j.c.at(i), r)
		}
	}
}

// dot is the inner product of a and the first len(a) values of b.
func dot(a, b []float64) float64 {
	var sum float64
	b = b[:len(a)]
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}
