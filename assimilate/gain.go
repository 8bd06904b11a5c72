package assimilate

import (
	"errors"
	"math"
	"sync"

	"gonum.org/v1/gonum/mat"

	"retrace/diffusion"
	"retrace/observe"
	"retrace/scoresum"
	"retrace/trajectory"
)

type gains struct {
	prior    *scoresum.Prior
	length   int
	h        *mat.Dense // present values x trajectory, standardised
	y, noise []float64
	mutex    sync.Mutex
	levels   map[float64]*levelGain
}

type levelGain struct {
	gain    []float32  // n x m
	inverse *mat.Dense // m x m
}

func newGains(prior *scoresum.Prior, seq observe.Sequence, length int) *gains {
	dim := prior.Dim()
	g := &gains{prior: prior, length: length, levels: map[float64]*levelGain{}}
	state, pull := make([]float64, dim), make([]float64, dim)
	for i := range state {
		state[i], _ = prior.Standard.At(i)
	}
	var rows [][]float64
	for _, o := range seq.Observations {
		for j, y := range o.Values {
			if math.IsNaN(y) {
				continue
			}
			unit := make([]float64, len(o.Values))
			unit[j] = 1
			o.Operator.VJP(pull, state, unit)
			row := make([]float64, length*dim)
			for i, v := range pull {
				_, scale := prior.Standard.At(i)
				row[o.Index*dim+i] = v * scale
			}
			rows = append(rows, row)
			g.noise = append(g.noise, o.Sd[j]*o.Sd[j])
			g.y = append(g.y, y)
		}
	}
	g.h = mat.NewDense(len(rows), length*dim, nil)
	for i, r := range rows {
		g.h.SetRow(i, r)
	}
	return g
}

func (g *gains) at(ratio float64) (*levelGain, error) {
	g.mutex.Lock()
	defer g.mutex.Unlock()
	if l := g.levels[ratio]; l != nil {
		return l, nil
	}
	v, err := g.prior.Uncertainty(g.length, ratio)
	if err != nil {
		return nil, err
	}
	m, n := g.h.Dims()
	var hv, s mat.Dense
	hv.Mul(g.h, v)
	s.Mul(&hv, g.h.T())
	sym := mat.NewSymDense(m, nil)
	for i := range m {
		for j := range i + 1 {
			sym.SetSym(i, j, (s.At(i, j)+s.At(j, i))/2)
		}
		sym.SetSym(i, i, sym.At(i, i)+g.noise[i])
	}
	var c mat.Cholesky
	if !c.Factorize(sym) {
		return nil, errors.New("assimilate: innovation covariance not positive")
	}
	var inv mat.SymDense
	c.InverseTo(&inv)
	l := &levelGain{inverse: mat.DenseCopyOf(&inv), gain: make([]float32, n*m)}
	var k mat.Dense
	k.Mul(hv.T(), &inv)
	for i := range n {
		for j := range m {
			l.gain[i*m+j] = float32(k.At(i, j))
		}
	}
	g.levels[ratio] = l
	return l, nil
}

type covarianceGuide struct {
	prior    diffusion.Differentiable
	standard trajectory.Standardiser
	seq      observe.Sequence
	gains    *gains
	jacobian bool
	dim      int

	state, predicted []float64
	innovation       []float64
	small            []float32
	cotangent, shift []float32
}

func (g *covarianceGuide) Dim() int { return g.prior.Dim() }

func (g *covarianceGuide) Denoise(mean, xt []float32, at diffusion.Level) error {
	if err := g.prior.Denoise(mean, xt, at); err != nil {
		return err
	}
	l, err := g.gains.at(at.Ratio())
	if err != nil {
		return err
	}
	m := len(g.gains.y)
	if len(g.cotangent) != len(mean) {
		g.cotangent, g.shift = make([]float32, len(mean)), make([]float32, len(mean))
		g.state, g.predicted = make([]float64, g.dim), make([]float64, g.dim*4)
		g.innovation, g.small = make([]float64, m), make([]float32, m)
	}
	n := g.Dim()
	for row := 0; row < len(mean); row += n {
		g.innovate(mean[row : row+n])
		if !g.jacobian {
			for i := range n {
				k := l.gain[i*m : (i+1)*m]
				var sum float32
				for j, v := range g.small {
					sum += k[j] * v
				}
				mean[row+i] += sum
			}
			continue
		}
		u := make([]float64, m)
		for i := range m {
			r := l.inverse.RawRowView(i)
			for j, v := range g.innovation {
				u[i] += r[j] * v
			}
		}
		c := g.cotangent[row : row+n]
		clear(c)
		for i, w := range u {
			for j, h := range g.gains.h.RawRowView(i) {
				c[j] += float32(h * w)
			}
		}
	}
	if g.jacobian {
		if err := g.prior.Pull(g.shift, g.cotangent); err != nil {
			return err
		}
		scale := float32(at.Sigma * at.Sigma / at.Mu)
		for i, v := range g.shift {
			mean[i] += scale * v
		}
	}
	return nil
}

func (g *covarianceGuide) innovate(mean []float32) {
	k := 0
	for _, o := range g.seq.Observations {
		for i, z := range mean[o.Index*g.dim : (o.Index+1)*g.dim] {
			m, scale := g.standard.At(i)
			g.state[i] = m + scale*float64(z)
		}
		p := g.predicted[:len(o.Values)]
		o.Operator.Apply(p, g.state)
		for j, y := range o.Values {
			if !math.IsNaN(y) {
				g.innovation[k] = y - p[j]
				g.small[k] = float32(y - p[j])
				k++
			}
		}
	}
}
