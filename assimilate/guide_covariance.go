package assimilate

import (
	"errors"
	"fmt"
	"slices"
	"sync"

	"gonum.org/v1/gonum/mat"

	"retrace/scoresum"
)

// The covariance guidance takes what x_t leaves open of a trajectory to have
// the mean covariance V(s) that was measured when the prior was trained (package
// scoresum, Prior.Uncertainty),
//
//	S = R + A' V(s) A'^T .
//
// It has no knob, is exact for a Gaussian prior, and is positive whatever the
// network does: V is bounded by s^2 and by the covariance of the prior. The
// flow-dependent part of the guidance comes from the network's Jacobian J
// outside S. Compare MMPS (Rozet et al. 2024), which takes (sigma^2/mu) J for V
// and diverges where J is wrong at high noise.

// covariances shares, between the workers of one case, what depends on the
// noise level but not on the trajectory.
type covariances struct {
	prior  *scoresum.Prior
	length int
	noise  []float64
	states []int
	// linear holds the gradients of linear operators, the same everywhere; nil
	// if an operator is not linear.
	linear [][]float64

	mutex  sync.Mutex
	levels map[float64]*mat.SymDense // S^-1 if linear, V otherwise
}

func newCovariances(prior *scoresum.Prior, n *innovations, length int) *covariances {
	c := &covariances{prior: prior, length: length, noise: n.noise, states: n.states, levels: map[float64]*mat.SymDense{}}
	c.linear = linearGradients(n, length)
	return c
}

// linearGradients returns the gradients of linear operators, nil if they
// differ between trajectories.
func linearGradients(n *innovations, length int) [][]float64 {
	trajectory := make([]float32, length*n.dim)
	at := n.gradients(trajectory)
	for _, probe := range []float32{0.7, -1.9} {
		for i := range trajectory {
			trajectory[i] = probe * float32(1+i%7) / 4
		}
		for i, row := range n.gradients(trajectory) {
			if !slices.Equal(row, at[i]) {
				return nil
			}
		}
	}
	return at
}

// level returns S^-1 at noise ratio s for linear operators, V for others.
func (c *covariances) level(s float64) (*mat.SymDense, error) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if known := c.levels[s]; known != nil {
		return known, nil
	}
	v, err := c.prior.Uncertainty(c.length, s)
	if err != nil {
		return nil, err
	}
	if c.linear != nil {
		cholesky, err := factorise(c.innovation(v, c.linear))
		if err != nil {
			return nil, err
		}
		inverse := new(mat.SymDense)
		var condition mat.Condition
		if err := cholesky.InverseTo(inverse); err != nil && !errors.As(err, &condition) {
			return nil, fmt.Errorf("assimilate: covariance of the innovations: %w", err)
		}
		v = inverse
	}
	c.levels[s] = v
	return v, nil
}

// innovation is S = R + A' V A'^T.
func (c *covariances) innovation(v *mat.SymDense, gradients [][]float64) *mat.SymDense {
	m, dim := len(gradients), len(gradients[0])
	s := mat.NewSymDense(m, nil)
	for i, gi := range gradients {
		for j, gj := range gradients[:i+1] {
			var sum float64
			for a, ga := range gi {
				if ga == 0 {
					continue
				}
				for b, gb := range gj {
					sum += ga * gb * v.At(c.states[i]*dim+a, c.states[j]*dim+b)
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

// searches implements weigher.
func (*calibrated) searches() bool { return true }

func (c *calibrated) weigh(innovation []float64, mean []float32, s float64) error {
	level, err := c.level(s)
	if err != nil {
		return err
	}
	y := mat.NewVecDense(len(innovation), innovation)
	if c.linear != nil {
		c.result.MulVec(level, y)
	} else {
		cholesky, err := factorise(c.innovation(level, c.innovations.gradients(mean)))
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
