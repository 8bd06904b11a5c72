package assimilate

import "math"

// stepped is diffusion posterior sampling (Chung et al. 2023, algorithm 1): the
// gradient of |y - A(m)|^2 with a step that its norm divides,
//
//	u = 2 zeta (y - A(m)) / |y - A(m)| ,
//
// whatever the noise of the observations: the sample is pulled towards them at a speed
// of its own, and its spread means nothing. The norm is that of one trajectory. "dps-gaussian"
// keeps the noise, S = R (their equation 16).
type stepped struct{ zeta float64 }

func (d stepped) weigh(innovation []float64, _ []float32, _ float64) error {
	var square float64
	for _, e := range innovation {
		square += e * e
	}
	if square == 0 {
		return nil
	}
	scale := 2 * d.zeta / math.Sqrt(square)
	for i := range innovation {
		innovation[i] *= scale
	}
	return nil
}
