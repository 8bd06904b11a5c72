package assimilate

import (
	"gonum.org/v1/gonum/mat"

	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/trajectory"
)

// Prior is what Score samples from: a law of trajectories of any length, such as a
// trained scoresum.Prior, an exact.Prior, or a network wrapped by Foreign. It must be
// safe for concurrent use.
type Prior interface {
	// Describe returns what the states are, and the map to the standardised units
	// of the other methods.
	Describe() (dynamics.Space, dynamics.Clock, trajectory.Standardiser)
	// Differentiable returns the denoiser of trajectories of length states, for at
	// most rows of them at once. A prior made of windows sends at most chunk of
	// them through its network together, which bounds memory.
	Differentiable(length, rows, chunk int) (diffusion.Differentiable, error)
	// Uncertainty returns V(s), the mean covariance of a trajectory given x + s n.
	// It must be positive and at most s^2 I.
	Uncertainty(length int, s float64) (*mat.SymDense, error)
}

// Banded is a Prior that also knows the inverse covariance P(s) of trajectories,
// banded, with V(s) = (P(s) + s^-2)^-1: it guides trajectories of 10^4 values and
// more. The error is errors.ErrUnsupported if there is none.
type Banded interface {
	Prior
	Precision(length int, s float64) (*mat.SymBandDense, error)
}

// Fields is a Prior over fields that multiplies by V(s) without a matrix of it: it guides
// trajectories of any size. The product, dst = V(s) x for one trajectory, may overwrite
// its argument and must be safe for concurrent use. The error is errors.ErrUnsupported if
// there is none.
type Fields interface {
	Prior
	UncertaintyProduct(length int, s float64) (func(dst, x []float64), error)
}
