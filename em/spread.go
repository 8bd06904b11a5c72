package em

import (
	"errors"
	"sync"

	"gonum.org/v1/gonum/mat"

	"retrace/diffusion"
	"retrace/internal/triangular"
)

// Rules that know the covariance V of x given x_t, at the noise ratio s, beforehand
// (Rozet et al. 2024, section 4.2 and appendix; in standardised units):
//
//	identity   (1 + s^-2)^-1 I     as if the prior were N(0, I)
//	noise      s^2 I               as if it were flat
//	prior      (C^-1 + s^-2)^-1    with the covariance C of the Gaussian fitted first
//	measured   V(s)                the mean covariance, measured when the network was
//	                               trained
//
// S = R + A V A^T is factorised for each record; one pass backward through the network
// carries u back. For measured, which is meant to be the covariance of the innovation
// but is only its mean, the length of the step is searched for along u, as package
// assimilate does for its rule covariance.

// known is a rule with a V that does not depend on x_t.
type known struct {
	*covariances
	searches bool
	s        []float64
	dense    []float64 // V times a row of A
	pulled   []float32
	all      [][]float64 // u of each row
}

// covariances are shared by workers.
type covariances struct {
	at     func(s float64) (*mat.SymDense, error) // nil: white
	white  func(s float64) float64
	mutex  sync.Mutex
	levels map[float64]*mat.SymDense
}

func (c *covariances) level(s float64) (*mat.SymDense, error) {
	if c.at == nil {
		return nil, nil
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if known := c.levels[s]; known != nil {
		return known, nil
	}
	v, err := c.at(s)
	if err == nil {
		c.levels[s] = v
	}
	return v, err
}

// gaussianSpread is V of a Gaussian, s^2 C (C + s^2)^-1 = s^2 - s^4 (C + s^2)^-1.
func gaussianSpread(c *mat.SymDense) func(s float64) (*mat.SymDense, error) {
	return func(s float64) (*mat.SymDense, error) {
		n := c.SymmetricDim()
		sum, v := mat.NewSymDense(n, nil), mat.NewSymDense(n, nil)
		sum.CopySym(c)
		for i := range n {
			sum.SetSym(i, i, sum.At(i, i)+s*s)
		}
		var factor mat.Cholesky
		if !factor.Factorize(sum) {
			return nil, errors.New("em: the covariance of a noised trajectory is not positive")
		}
		var condition mat.Condition
		if err := factor.InverseTo(v); err != nil && !errors.As(err, &condition) {
			return nil, err
		}
		v.ScaleSym(-s*s*s*s, v)
		for i := range n {
			v.SetSym(i, i, v.At(i, i)+s*s)
		}
		return v, nil
	}
}

func (k *known) shift(g *guide, mean []float32, at diffusion.Level) error {
	v, err := k.level(at.Ratio())
	if err != nil {
		return err
	}
	n, scale := g.Dim(), at.Sigma*at.Sigma/at.Mu
	k.dense = room(k.dense, n)
	if len(k.pulled) < len(mean) {
		k.pulled = make([]float32, len(mean))
	}
	for len(k.all) < len(g.records) {
		k.all = append(k.all, nil)
	}
	for i := range g.records {
		k.all[i] = room(k.all[i], g.records[i].Count())
		copy(k.all[i], g.innovation[i])
		k.weigh(&g.records[i], k.all[i], v, at.Ratio())
		g.records[i].pull(g.cotangent[i*n:(i+1)*n], k.all[i])
	}
	if err := g.prior.Pull(k.pulled[:len(mean)], g.cotangent[:len(mean)]); err != nil {
		return err
	}
	for i := range g.records {
		step := scale
		row, pulled := mean[i*n:(i+1)*n], k.pulled[i*n:(i+1)*n]
		if k.searches {
			step *= stepLength(k.all[i], g.innovation[i], g.cotangent[i*n:(i+1)*n], pulled, scale)
		}
		for l, x := range pulled {
			row[l] += float32(step) * x
		}
	}
	return nil
}

// longestStep bounds the step where the network's Jacobian all but vanishes.
const longestStep = 3

// stepLength is u^T e / u^T K u with the network's covariance in K: 1 where it agrees
// with the measured one.
func stepLength(u, e []float64, cotangent, pulled []float32, scale float64) float64 {
	slope, noise, variance := inner(u, e), inner(u, u), 0.0
	for i, v := range pulled {
		variance += scale * float64(v) * float64(cotangent[i])
	}
	if variance <= 0 {
		return 1
	}
	return min(slope/(noise+variance), longestStep)
}

// weigh replaces e, in units of the noise, by K^-1 e.
func (k *known) weigh(r *Record, e []float64, v *mat.SymDense, s float64) {
	m := len(e)
	k.s = room(k.s, m*m)
	for i := range m {
		clear(k.dense)
		columns, factors := r.rows.at(i)
		for c, column := range columns {
			if v == nil {
				k.dense[column] += factors[c] * k.white(s)
			} else {
				addColumn(k.dense, v.RawSymmetric(), column, factors[c])
			}
		}
		for j := range i + 1 {
			k.s[i*m+j] = r.rows.dot(j, k.dense) / r.sd[i] / r.sd[j]
		}
		k.s[i*m+i]++
	}
	triangular.Factorise(k.s, m)
	triangular.Solve(k.s, e)
	triangular.SolveTransposed(k.s, e)
}

// whiteOf is the variance of the rules of that name.
func whiteOf(name string) func(s float64) float64 {
	if name == "noise" {
		return func(s float64) float64 { return s * s }
	}
	return func(s float64) float64 { return s * s / (1 + s*s) }
}

// Covariances lists the rules of posterior sampling: where they take the covariance of
// a trajectory given its noised version from.
func Covariances() []string { return []string{"tweedie", "measured", "prior", "identity", "noise"} }
