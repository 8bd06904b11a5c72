package exact

import "fmt"

// gaussian is the law N(m, C).
type gaussian struct {
	center     []float64
	covariance Covariance
	variance   float64 // of the noise, at the last mean
	deviation  []float64
}

// NewGaussian returns the denoiser of N(mean, covariance).
func NewGaussian(mean []float64, covariance Covariance) (*Denoiser, error) {
	if len(mean) != covariance.Dim() {
		return nil, fmt.Errorf("exact: a mean of %d values with a covariance of %d", len(mean), covariance.Dim())
	}
	return newDenoiser(func() law { return newGaussian(mean, covariance) }), nil
}

func newGaussian(mean []float64, covariance Covariance) *gaussian {
	return &gaussian{center: mean, covariance: covariance, deviation: make([]float64, len(mean))}
}

func (g *gaussian) dim() int { return len(g.center) }

func (g *gaussian) mean(dst, y []float64, variance float64) error {
	g.variance = variance
	for i, m := range g.center {
		g.deviation[i] = y[i] - m
	}
	if err := g.covariance.Smooth(dst, g.deviation, variance); err != nil {
		return err
	}
	for i, m := range g.center {
		dst[i] += m
	}
	return nil
}

func (g *gaussian) push(dst, v []float64) error { return g.covariance.Smooth(dst, v, g.variance) }

func (g *gaussian) pull(dst, v []float64) error { return g.push(dst, v) }
