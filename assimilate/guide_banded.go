package assimilate

import (
	"errors"
	"sync"

	"gonum.org/v1/gonum/mat"

	"retrace/internal/banded"
)

// The covariance guidance of long trajectories. Where the prior knows the inverse
// P(s) of its covariance, banded because states far apart do not meet in it, no matrix
// of all values is needed: with H = P + s^-2, V = H^-1, and Woodbury's identity
//
//	S^-1 e = R^-1 (e - A' x),  x = (H + A'^T R^-1 A')^-1 A'^T R^-1 e ,
//
// x being what e says of the trajectory under the Gaussian prior. Each value sees one
// state, so that A'^T R^-1 A' widens no band. A trajectory of N values and band b
// costs N b^2 operations a noise level, and N b a trajectory, as a Kalman smoother
// does; it is the same S as that of the dense matrices.

// heldFactors is the number of values of factors kept for the levels of a case.
const heldFactors = 1 << 26

// bandedCovariances shares the factors of the workers of one case.
type bandedCovariances struct {
	prior  Banded
	length int
	noise  []float64
	linear *tangent

	mutex  sync.Mutex
	levels map[float64]*bandLevel
}

// bandLevel makes its factor once, in whichever worker comes first.
type bandLevel struct {
	once      sync.Once
	factor    *banded.Factor    // of H + A'^T R^-1 A' if linear
	precision *mat.SymBandDense // H otherwise
	err       error
}

func newBandedCovariances(prior Banded, n *innovations, length int) *bandedCovariances {
	return &bandedCovariances{
		prior: prior, length: length, noise: n.noise, linear: n.linear(length), levels: map[float64]*bandLevel{},
	}
}

func (c *bandedCovariances) level(s float64) (*bandLevel, error) {
	c.mutex.Lock()
	l := c.levels[s]
	if l == nil {
		l = &bandLevel{}
		c.levels[s] = l
	}
	c.mutex.Unlock()
	l.once.Do(func() { l.err = c.fill(l, s) })
	if l.err == nil {
		c.forget(s)
	}
	return l, l.err
}

func (c *bandedCovariances) fill(l *bandLevel, s float64) error {
	p, err := c.prior.Precision(c.length, s)
	if err != nil {
		return err
	}
	for i := range p.SymmetricDim() {
		p.SetSymBand(i, i, p.At(i, i)+1/(s*s))
	}
	if c.linear == nil {
		l.precision = p
		return nil
	}
	l.factor, err = c.conditioned(p, c.linear)
	return err
}

// forget drops the other levels if memory would run over.
func (c *bandedCovariances) forget(s float64) {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	n, band := c.length, 1
	if l := c.levels[s]; l != nil && l.factor != nil {
		n, band = l.factor.Size()
	} else if l != nil && l.precision != nil {
		n, band = l.precision.SymBand()
	}
	if len(c.levels)*n*(band+1) <= heldFactors {
		return
	}
	for other := range c.levels {
		if other != s {
			delete(c.levels, other)
		}
	}
}

// conditioned factorises p + A'^T R^-1 A'; p is replaced.
func (c *bandedCovariances) conditioned(p *mat.SymBandDense, at *tangent) (*banded.Factor, error) {
	for i := range at.rows() {
		columns, factors := at.row(i)
		for a, ca := range columns {
			for b := a; b < len(columns); b++ {
				p.SetSymBand(ca, columns[b], p.At(ca, columns[b])+factors[a]*factors[b]/c.noise[i])
			}
		}
	}
	factor, ok := banded.Factorise(p)
	if !ok {
		return nil, errors.New("assimilate: the covariance of the trajectory given the observations is not positive: are operators finite?")
	}
	return factor, nil
}

// bandWeigher is the weigher of one worker.
type bandWeigher struct {
	*bandedCovariances
	innovations *innovations
	x           []float64
}

func newBanded(c *bandedCovariances, n *innovations) *bandWeigher {
	return &bandWeigher{c, n, make([]float64, c.length*n.dim)}
}

func (w *bandWeigher) weigh(innovation []float64, mean []float32, s float64) error {
	level, err := w.level(s)
	if err != nil {
		return err
	}
	at, factor := w.linear, level.factor
	if at == nil {
		at = w.innovations.tangent(mean)
		if factor, err = w.conditioned(banded.Copy(level.precision), at); err != nil {
			return err
		}
	}
	x := w.x
	clear(x)
	for i, e := range innovation {
		columns, factors := at.row(i)
		for k, c := range columns {
			x[c] += factors[k] * e / w.noise[i]
		}
	}
	factor.Solve(x)
	for i := range innovation {
		columns, factors := at.row(i)
		for k, c := range columns {
			innovation[i] -= factors[k] * x[c]
		}
		innovation[i] /= w.noise[i]
	}
	return nil
}

// throughBand is jfps: x, which is V A'^T S^-1 e, is added to the mean.
type throughBand struct{ *bandWeigher }

// solve implements rule; it leaves x to shift in b.pulled.
func (t throughBand) solve(b *batch) error {
	for r, u := range b.u {
		copy(u, b.e[r])
		if err := t.weigh(u, b.row(b.mean, r), b.at.Ratio()); err != nil {
			return err
		}
		for i, v := range t.x {
			b.row(b.pulled, r)[i] = float32(v)
		}
	}
	return nil
}

func (t throughBand) shift(b *batch) error {
	for i, v := range b.pulled {
		b.mean[i] += v
	}
	return nil
}
