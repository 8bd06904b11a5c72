package assimilate

// diagonal is the guidance of score-based data assimilation (Rozet & Louppe
// 2023, section 3.2 and equation 15): what x_t leaves open of a standardised
// trajectory is taken for white,
//
//	S = R + gamma s^2 diag(A' A'^T) .
//
// It needs a hand-tuned gamma, which may differ between the values of an
// observation, and, where observations are dense in time, small steps: neighbouring
// values count as if they erred independently. With gamma 0 it is the likelihood
// of the denoised mean as if that were exact (Chung et al. 2023, equation 16, "DPS"
// with its noise kept), which diverges where R is small.
type diagonal struct {
	noise    []float64 // R
	variance []float64 // gamma diag(A' A'^T) at the mean trajectory
}

// newDiagonal takes one gamma, or one for each value of an observation.
func newDiagonal(gamma []float64, n *innovations, length int) *diagonal {
	d := &diagonal{noise: n.noise, variance: make([]float64, n.present())}
	at := n.tangent(make([]float32, length*n.dim))
	for i := range d.variance {
		d.variance[i] = gamma[n.components[i]%len(gamma)] * at.dot(i, i)
	}
	return d
}

func (d *diagonal) weigh(innovation []float64, _ []float32, s float64) error {
	for i, v := range innovation {
		innovation[i] = v / (d.noise[i] + s*s*d.variance[i])
	}
	return nil
}
