package assimilate

import (
	"math"
	"sync"

	"retrace/internal/parallel"
)

// The covariance guidance of fields, whose trajectories have so many values that neither
// dense nor banded matrices of them fit. The prior gives the product with V(s)
// (scoresum, Prior.UncertaintyProduct), the operators give A' and A'^T, and with unknowns
// scaled by R^1/2
//
//	K w = R^-1/2 e,  K = 1 + R^-1/2 A' V A'^T R^-1/2,  u = R^-1/2 w
//
// is solved by conjugate gradients (Hestenes & Stiefel 1952) in float64. V is positive
// whatever the network does, so that the eigenvalues of K are at least 1, every iterate is
// bounded by that of a full solve, and the solve cannot fail. Its first iterations find what
// the observations say of the large scales, whose eigenvalues are the largest. It is the same
// S as that of the dense matrices (guide_covariance.go), but for the tolerance.

const (
	// fieldIterations bounds the iterations.
	fieldIterations = 100
	// heldLevels is the number of noise levels whose products are kept: workers walk
	// through the same levels, about side by side.
	heldLevels = 3
)

// fieldTolerance is the residual, relative to the right-hand side, at which iterations
// end. An error d of the mean at noise ratio s moves the sample by about d/s posterior
// standard deviations where s exceeds 1, since the solver's next steps forget it in that
// proportion. So all levels may leave errors alike, together below a hundredth, if the
// tolerance grows with s: at high noise, where K is the worst conditioned, a few
// iterations are enough.
func fieldTolerance(s float64) float64 { return 2e-3 * min(max(s, 0.5), 125) }

// fieldCovariances shares the products with V(s) between the workers of one case.
type fieldCovariances struct {
	prior  Fields
	length int

	mutex  sync.Mutex
	levels []*fieldLevel // the last one used at the end
}

// fieldLevel is made once, by whichever worker comes first.
type fieldLevel struct {
	s        float64
	once     sync.Once
	multiply func(dst, x []float64)
	err      error
}

func (c *fieldCovariances) level(s float64) (func(dst, x []float64), error) {
	l := c.find(s)
	l.once.Do(func() { l.multiply, l.err = c.prior.UncertaintyProduct(c.length, s) })
	return l.multiply, l.err
}

// find returns the level of s, in the place of the one that was used least recently if it
// is new.
func (c *fieldCovariances) find(s float64) *fieldLevel {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	at := &fieldLevel{s: s}
	for i, l := range c.levels {
		if l.s == s {
			at = l
			c.levels = append(c.levels[:i], c.levels[i+1:]...)
			break
		}
	}
	if len(c.levels) == max(heldLevels, parallel.Workers(math.MaxInt)+1) {
		c.levels = append(c.levels[:0], c.levels[1:]...)
	}
	c.levels = append(c.levels, at)
	return at
}

// fieldWeigher is the weigher of one worker.
type fieldWeigher struct {
	*fieldCovariances
	*operators
	x                    []float64 // A'^T R^-1/2 w, and V times that
	direction, image, at []float64
	iterations           int // of the last solve
}

func newFieldWeigher(c *fieldCovariances, n *innovations) *fieldWeigher {
	values := n.present()
	return &fieldWeigher{
		fieldCovariances: c, operators: newOperators(n), x: make([]float64, c.length*n.dim),
		direction: make([]float64, values), image: make([]float64, values), at: make([]float64, values),
	}
}

// weigh implements weigher.
func (w *fieldWeigher) weigh(innovation []float64, mean []float32, s float64) error {
	multiply, err := w.level(s)
	if err != nil {
		return err
	}
	w.linearise(mean)
	residual, solution := innovation, w.at
	clear(solution)
	for i := range residual {
		residual[i] /= math.Sqrt(w.noise[i])
	}
	copy(w.direction, residual)
	square := inner(residual, residual)
	least := fieldTolerance(s) * fieldTolerance(s) * square
	for w.iterations = 0; square > least && w.iterations < fieldIterations; w.iterations++ {
		w.apply(multiply)
		curvature := inner(w.direction, w.image)
		if !(curvature > 0) { // of operators that are not finite
			break
		}
		step := square / curvature
		add(solution, step, w.direction)
		add(residual, -step, w.image)
		before := square
		square = inner(residual, residual)
		for i := range w.direction {
			w.direction[i] = residual[i] + square/before*w.direction[i]
		}
	}
	for i, v := range solution {
		innovation[i] = v / math.Sqrt(w.noise[i])
	}
	return nil
}

// apply sets w.image to K times w.direction.
func (w *fieldWeigher) apply(multiply func(dst, x []float64)) {
	for i, v := range w.direction {
		w.image[i] = v / math.Sqrt(w.noise[i])
	}
	w.transpose(w.x, w.image)
	multiply(w.x, w.x)
	w.push(w.image, w.x)
	for i, v := range w.direction {
		w.image[i] = v + w.image[i]/math.Sqrt(w.noise[i])
	}
}

// throughProduct carries u back by V, as throughCovariance does.
type throughProduct struct{ *fieldWeigher }

func (t throughProduct) shift(b *batch) error {
	multiply, err := t.level(b.at.Ratio())
	if err != nil {
		return err
	}
	for r, u := range b.u {
		mean := b.row(b.mean, r)
		t.linearise(mean)
		t.transpose(t.x, u)
		multiply(t.x, t.x)
		for i, v := range t.x {
			mean[i] += float32(v)
		}
	}
	return nil
}
