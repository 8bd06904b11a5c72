package scoresum

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"

	"retrace/internal/kernel"
	"retrace/internal/parallel"
	"retrace/internal/rng"
)

// The uncertainty of a trajectory given its noised version is what guidance
// weighs against the noise of observations. A network's Jacobian estimates it
// (the Tweedie covariance) state by state, but can be negative or far too large
// where the network is poor. What cannot fail is its mean over trajectories,
//
//	V(s) = E Cov[x | x + s n] ,
//
// which is measured on held-out windows after training: in coordinate j of the
// Gaussian prior, of variance l, the error of the window denoiser is a
// fraction f_j(s) of what the Gaussian prior alone would leave,
//
//	v_j = f_j(s) l s^2 / (l + s^2),  0 < f_j <= 1 ,
//
// as if the window had the prior variance c_j, 1/c_j = 1/v_j - 1/s^2, at this noise
// level. A trajectory longer than the window gets the covariance C_L of the
// Markov process with that window covariance, and V = (C_L^-1 + s^-2)^-1.

// Fractions are the f_j, or those that classes of coordinates share, at noise ratios evenly spaced in the logarithm from
// minRatio to maxRatio, row-major (level, coordinate).
type Fractions struct {
	Levels int
	Values []float32
}

const (
	leastFraction = 1e-4
)

// measureFractions takes the mean squared error of the trained denoiser on
// held-out windows of the full length.
func measureFractions(ctx context.Context, p *Prior, source *windowSource, seed int64) (Fractions, error) {
	b, err := p.basis(p.Settings.Window)
	if err != nil {
		return Fractions{}, err
	}
	budget := p.Settings.budget()
	f := Fractions{budget.levels, make([]float32, budget.levels*b.classCount)}
	workers := make([]*errorMeter, budget.workers(budget.levels))
	for i := range workers {
		workers[i] = newErrorMeter(p, b)
	}
	measure := func(worker, level int) error {
		s := f.ratio(level)
		squares := workers[worker].measure(source, s, budget.fractions, rng.Stream(seed, "fractions", uint64(level)))
		left := make([]float64, b.classCount)
		for j, l := range b.values {
			left[b.class(j)] += l * s * s / (l + s*s)
		}
		for j := range left {
			f.Values[level*b.classCount+j] = 1
			if left[j] > 0 {
				f.Values[level*b.classCount+j] = float32(min(max(squares[j]/left[j], leastFraction), 1))
			}
		}
		return nil
	}
	if len(workers) > 1 {
		return f, parallel.For(ctx, f.Levels, measure)
	}
	for level := range f.Levels { // windows that use all cores themselves
		if err := errors.Join(ctx.Err(), measure(0, level)); err != nil {
			return f, err
		}
	}
	return f, nil
}

// meterWindows is the number of windows that are measured at once.
const meterWindows = 16

// errorMeter measures the window denoiser of one worker.
type errorMeter struct {
	windows        *windows
	clean, y, mean []float32
}

func newErrorMeter(p *Prior, b *basis) *errorMeter {
	w := newWindows(p.Settings.layout(p.Space), p.Settings.Window, meterWindows, p.network)
	w.use(p.Settings.Window, b)
	size := meterWindows * b.padded
	return &errorMeter{w, kernel.Slab(size), kernel.Slab(size), kernel.Slab(size)}
}

// measure returns the mean squared error at noise ratio s, over count windows, of the
// coordinates of every class, summed.
func (m *errorMeter) measure(source *windowSource, s float64, count int, r *rand.Rand) []float64 {
	b := m.windows.basis
	squares := make([]float64, b.classCount)
	for range count / meterWindows {
		x := source.draw(m.clean, m.windows, meterWindows, r)
		for i := range x {
			m.y[i] = 0
			if i%b.padded < b.n {
				m.y[i] = x[i] + float32(s*r.NormFloat64())
			}
		}
		m.windows.denoise(m.mean, m.y, s)
		for i := range m.mean {
			m.mean[i] -= x[i]
		}
		b.toCoordinates(m.y, m.mean, meterWindows, b.padded)
		for i := range meterWindows {
			for j := range b.n {
				e := float64(m.y[i*b.padded+j])
				squares[b.class(j)] += e * e / float64(count)
			}
		}
	}
	return squares
}

func (f Fractions) ratio(level int) float64 {
	return minRatio * math.Pow(maxRatio/minRatio, float64(level)/float64(f.Levels-1))
}

// at interpolates coordinate j linearly in the logarithm of s.
func (f Fractions) at(s float64, j, n int) float64 {
	position := float64(noiseTime(s)) * float64(f.Levels-1)
	i := min(int(position), f.Levels-2)
	t := position - float64(i)
	return (1-t)*float64(f.Values[i*n+j]) + t*float64(f.Values[(i+1)*n+j])
}

// effective is the variance that explains the errors at noise s in a coordinate of
// class j of n and of the prior variance l.
func (f Fractions) effective(s, l float64, j, n int) float64 {
	v := f.at(s, j, n) * l * s * s / (l + s*s)
	return v * s * s / (s*s - v)
}

// Uncertainty returns V(s) for trajectories of length states, in standardised
// units.
func (p *Prior) Uncertainty(length int, s float64) (*mat.SymDense, error) {
	window := min(length, p.Settings.Window)
	c, err := p.effective(s)
	if err != nil {
		return nil, err
	}
	c, err = markov(c, length, window, p.Dim())
	if err != nil {
		return nil, err
	}
	n := c.SymmetricDim()
	// s^2 C (C + s^2)^-1 = s^2 I - s^4 (C + s^2)^-1
	for i := range n {
		c.SetSym(i, i, c.At(i, i)+s*s)
	}
	var cholesky mat.Cholesky
	if !cholesky.Factorize(c) {
		return nil, errors.New("scoresum: the covariance of a noised trajectory is not positive")
	}
	var v mat.SymDense
	if err := cholesky.InverseTo(&v); err != nil {
		var condition mat.Condition
		if !errors.As(err, &condition) {
			return nil, err
		}
	}
	v.ScaleSym(-s*s*s*s, &v)
	for i := range n {
		v.SetSym(i, i, v.At(i, i)+s*s)
	}
	return &v, nil
}

// effective is the window covariance that explains the errors at noise s.
func (p *Prior) effective(s float64) (*mat.SymDense, error) {
	b, err := p.basis(p.Settings.Window)
	if err != nil {
		return nil, err
	}
	dense, ok := b.transform.(*denseTransform)
	if !ok {
		return nil, fmt.Errorf("scoresum: a window of %d values has no dense covariance: %w", b.n, errors.ErrUnsupported)
	}
	scaled := mat.NewDense(b.n, b.n, nil)
	for j, l := range b.values {
		root := math.Sqrt(p.fractions.effective(s, l, j, b.n))
		for i := range b.n {
			scaled.Set(i, j, root*float64(dense.vectors[i*b.n+j]))
		}
	}
	var c mat.SymDense
	c.SymOuterK(1, scaled)
	return &c, nil
}

// markov extends the covariance of a window to length states: each new state
// is regressed on the window-1 states before it.
func markov(c *mat.SymDense, length, window, dim int) (*mat.SymDense, error) {
	n, old := length*dim, (window-1)*dim
	long := mat.NewSymDense(n, nil)
	for i := range window * dim {
		for j := range i + 1 {
			long.SetSym(i, j, c.At(i, j))
		}
	}
	if length == window {
		return long, nil
	}
	gain, noise, err := regress(c, old, dim)
	if err != nil {
		return nil, err
	}
	for row := window * dim; row < n; row += dim {
		first := row - old
		for a := range dim {
			for j := range row {
				var sum float64
				for i := range old {
					sum += gain.At(i, a) * long.At(first+i, j)
				}
				long.SetSym(row+a, j, sum)
			}
		}
		for a := range dim {
			for b := range a + 1 {
				sum := noise.At(a, b)
				for i := range old {
					sum += gain.At(i, a) * long.At(first+i, row+b)
				}
				long.SetSym(row+a, row+b, sum)
			}
		}
	}
	return long, nil
}

// regress returns the coefficients (old x dim) of the last state of a window on
// those before it and the covariance of what they leave.
func regress(c *mat.SymDense, old, dim int) (gain, noise *mat.Dense, err error) {
	if old == 0 {
		return new(mat.Dense), mat.DenseCopyOf(c.SliceSym(0, dim)), nil
	}
	var cholesky mat.Cholesky
	if !cholesky.Factorize(c.SliceSym(0, old).(*mat.SymDense)) {
		return nil, nil, errors.New("scoresum: the covariance of a window is not positive")
	}
	cross, noise := mat.NewDense(old, dim, nil), mat.NewDense(dim, dim, nil)
	for a := range dim {
		for i := range old {
			cross.Set(i, a, c.At(i, old+a))
		}
		for b := range dim {
			noise.Set(a, b, c.At(old+a, old+b))
		}
	}
	gain = new(mat.Dense)
	var condition mat.Condition
	if err := cholesky.SolveTo(gain, cross); err != nil && !errors.As(err, &condition) {
		return nil, nil, err
	}
	var explained mat.Dense
	explained.Mul(gain.T(), cross)
	noise.Sub(noise, &explained)
	return gain, noise, nil
}
