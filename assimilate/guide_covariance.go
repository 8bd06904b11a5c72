package assimilate

import (
	"errors"
	"fmt"
	"sync"

	"gonum.org/v1/gonum/mat"
)

// Rules with a full matrix for what x_t leaves open of a trajectory,
//
//	S = R + A' V(s) A'^T .
//
// "covariance" takes the mean covariance V(s) that was measured when the prior was
// trained (package scoresum, Prior.Uncertainty). It has no knob, is exact for a
// Gaussian prior, and is positive whatever the network does: V is bounded by s^2
// and by the covariance of the prior. The flow-dependent part of the guidance comes
// from the network's Jacobian J outside S. Compare MMPS (Rozet et al. 2024), which
// takes (sigma^2/mu) J for V and diverges where J is wrong at high noise.
//
// "jfps" has the same S, but carries u back by V in place of the network's Jacobian:
// the posterior mean is m + V A'^T u, that of a Gaussian prior with the network's m
// (JFPS of azula; the covariance heuristic of Rozet et al. 2024, section 5). It needs
// no pass backward through the network and cannot follow what V does not know.
//
// "sda-gaussian" is appendix B of Rozet & Louppe (2023): S = R + s^2 A' Gamma A'^T
// with Gamma = Q diag(l/(l + 1)) Q^T, l and Q being eigenvalues and eigenvectors of
// the prior's covariance, so that Gamma = V(1) of a Gaussian prior.

// covariances shares, between the workers of one case, what depends on the
// noise level but not on the trajectory.
type covariances struct {
	prior  Prior
	length int
	noise  []float64
	linear *tangent // of linear operators; nil if an operator is not linear
	// v is the covariance that stands for what x_t leaves open at noise ratio s.
	v func(s float64) (*mat.SymDense, error)
	// keeps says that V is needed beyond S.
	keeps bool

	mutex  sync.Mutex
	levels map[float64]*levelCovariance
}

// levelCovariance is what is known at one noise level.
type levelCovariance struct {
	inverse *mat.SymDense // S^-1 if linear
	v       *mat.SymDense // unless linear and not kept
}

func newCovariances(prior Prior, n *innovations, length int) *covariances {
	return &covariances{
		prior: prior, length: length, noise: n.noise, linear: n.linear(length), levels: map[float64]*levelCovariance{},
		v: func(s float64) (*mat.SymDense, error) { return prior.Uncertainty(length, s) },
	}
}

// newGamma is newCovariances with s^2 V(1) for V(s).
func newGamma(prior Prior, n *innovations, length int) *covariances {
	c := newCovariances(prior, n, length)
	gamma := sync.OnceValues(func() (*mat.SymDense, error) { return prior.Uncertainty(length, 1) })
	c.v = func(s float64) (*mat.SymDense, error) {
		one, err := gamma()
		if err != nil {
			return nil, err
		}
		var v mat.SymDense
		v.ScaleSym(s*s, one)
		return &v, nil
	}
	return c
}

func (c *covariances) level(s float64) (*levelCovariance, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if known := c.levels[s]; known != nil {
		return known, nil
	}
	v, err := c.v(s)
	if err != nil {
		return nil, err
	}
	level := &levelCovariance{v: v}
	if c.linear != nil {
		cholesky, err := factorise(c.innovation(v, c.linear))
		if err != nil {
			return nil, err
		}
		level.inverse = new(mat.SymDense)
		var condition mat.Condition
		if err := cholesky.InverseTo(level.inverse); err != nil && !errors.As(err, &condition) {
			return nil, fmt.Errorf("assimilate: covariance of the innovations: %w", err)
		}
		if !c.keeps {
			level.v = nil
		}
	}
	c.levels[s] = level
	return level, nil
}

// innovation is S = R + A' V A'^T.
func (c *covariances) innovation(v *mat.SymDense, at *tangent) *mat.SymDense {
	s := mat.NewSymDense(at.rows(), nil)
	for i := range at.rows() {
		ci, fi := at.row(i)
		for j := range i + 1 {
			cj, fj := at.row(j)
			var sum float64
			for a, ga := range fi {
				for b, gb := range fj {
					sum += ga * gb * v.At(ci[a], cj[b])
				}
			}
			if i == j {
				sum += c.noise[i]
			}
			s.SetSym(i, j, sum)
		}
	}
	return s
}

func factorise(s *mat.SymDense) (*mat.Cholesky, error) {
	cholesky := new(mat.Cholesky)
	if !cholesky.Factorize(s) {
		return nil, errors.New("assimilate: the covariance of the innovations is not positive: are operators finite?")
	}
	return cholesky, nil
}

// calibrated is the weigher of one worker.
type calibrated struct {
	*covariances
	innovations *innovations
	result      *mat.VecDense
}

func newCalibrated(c *covariances, n *innovations) *calibrated {
	return &calibrated{c, n, mat.NewVecDense(max(1, n.present()), nil)}
}

func (c *calibrated) weigh(innovation []float64, mean []float32, s float64) error {
	level, err := c.level(s)
	if err != nil {
		return err
	}
	y := mat.NewVecDense(len(innovation), innovation)
	if c.linear != nil {
		c.result.MulVec(level.inverse, y)
	} else {
		cholesky, err := factorise(c.innovation(level.v, c.innovations.tangent(mean)))
		if err != nil {
			return err
		}
		var condition mat.Condition
		if err := cholesky.SolveVecTo(c.result, y); err != nil && !errors.As(err, &condition) {
			return fmt.Errorf("assimilate: covariance of the innovations: %w", err)
		}
	}
	copy(innovation, c.result.RawVector().Data)
	return nil
}

// throughCovariance carries u back by V.
type throughCovariance struct{ *covariances }

func (t throughCovariance) shift(b *batch) error {
	level, err := t.level(b.at.Ratio())
	if err != nil {
		return err
	}
	n := b.prior.Dim()
	back, moved := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	for r, u := range b.u {
		cotangent, mean := b.row(b.cotangent, r), b.row(b.mean, r)
		b.pullBack(cotangent, mean, u)
		for i, v := range cotangent {
			back.SetVec(i, float64(v))
		}
		moved.MulVec(level.v, back)
		for i := range mean {
			mean[i] += float32(moved.AtVec(i))
		}
	}
	return nil
}
