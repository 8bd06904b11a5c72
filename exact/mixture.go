package exact

import (
	"errors"
	"fmt"
	"math"
)

// A mixture sum_k w_k N(m_k, C_k) has, with y = x + s n and the responsibilities
//
//	r_k(y) ~ w_k N(y; m_k, C_k + s^2) ,
//
// the mean E[x | y] = sum_k r_k E_k and the covariance
//
//	Cov[x | y] = sum_k r_k (s^2 W_k + (E_k - E)(E_k - E)^T) ,
//
// E_k = m_k + W_k (y - m_k) being the mean in component k; the Jacobian with respect
// to y is Cov/s^2 (Tweedie's second formula).

// Component is a Gaussian of a mixture.
type Component struct {
	Weight     float64 // positive; weights are taken relative to their sum
	Mean       []float64
	Covariance Covariance
}

type mixture struct {
	components     []Component
	means          [][]float64 // E_k
	average        []float64   // E
	deviation      []float64
	responsibility []float64
	variance       float64
}

// NewMixture returns the denoiser of a mixture of at least one component.
func NewMixture(components []Component) (*Denoiser, error) {
	if len(components) == 0 {
		return nil, errors.New("exact: a mixture without components")
	}
	for i, c := range components {
		if !(c.Weight > 0) || len(c.Mean) != len(components[0].Mean) || c.Covariance.Dim() != len(c.Mean) {
			return nil, fmt.Errorf("exact: component %d of a mixture: weight %g, a mean of %d values, a covariance of %d, where the first mean has %d",
				i, c.Weight, len(c.Mean), c.Covariance.Dim(), len(components[0].Mean))
		}
	}
	return newDenoiser(func() law {
		n := len(components[0].Mean)
		m := &mixture{
			components: components, means: make([][]float64, len(components)),
			average: make([]float64, n), deviation: make([]float64, n), responsibility: make([]float64, len(components)),
		}
		for k := range m.means {
			m.means[k] = make([]float64, n)
		}
		return m
	}), nil
}

func (m *mixture) dim() int { return len(m.average) }

func (m *mixture) mean(dst, y []float64, variance float64) error {
	m.variance = variance
	for k, c := range m.components {
		var err error
		if m.responsibility[k], err = m.weigh(k, c, y); err != nil {
			return err
		}
	}
	normalise(m.responsibility)
	clear(m.average)
	for k, r := range m.responsibility {
		for i, e := range m.means[k] {
			m.average[i] += r * e
		}
	}
	copy(dst, m.average)
	return nil
}

// weigh sets E_k and returns log w_k N(y; m_k, C_k + s^2), up to a constant.
func (m *mixture) weigh(k int, c Component, y []float64) (float64, error) {
	for i, center := range c.Mean {
		m.deviation[i] = y[i] - center
	}
	if err := c.Covariance.Smooth(m.means[k], m.deviation, m.variance); err != nil {
		return 0, err
	}
	var square float64 // d^T (C + s^2)^-1 d = d^T (d - W d)/s^2
	for i, d := range m.deviation {
		square += d * (d - m.means[k][i]) / m.variance
		m.means[k][i] += c.Mean[i]
	}
	logDet, err := c.Covariance.LogDet(m.variance)
	return math.Log(c.Weight) - (square+logDet)/2, err
}

// normalise turns logarithms of weights into weights of sum one.
func normalise(w []float64) {
	most := math.Inf(-1)
	for _, l := range w {
		most = max(most, l)
	}
	var sum float64
	for k, l := range w {
		w[k] = math.Exp(l - most)
		sum += w[k]
	}
	for k := range w {
		w[k] /= sum
	}
}

func (m *mixture) push(dst, v []float64) error {
	clear(dst)
	for k, r := range m.responsibility {
		if err := m.components[k].Covariance.Smooth(m.deviation, v, m.variance); err != nil {
			return err
		}
		var along float64
		for i, e := range m.means[k] {
			along += (e - m.average[i]) * v[i] / m.variance
		}
		for i, e := range m.means[k] {
			dst[i] += r * (m.deviation[i] + along*(e-m.average[i]))
		}
	}
	return nil
}

func (m *mixture) pull(dst, v []float64) error { return m.push(dst, v) }
