package assimilate

import "slices"

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
	gamma       []float64
	variance    []float64 // gamma diag(A' A'^T) at the mean trajectory
	innovations *innovations
}

// newDiagonal takes one gamma, or one for each value of an observation.
func newDiagonal(gamma []float64, n *innovations, length int) *diagonal {
	d := &diagonal{gamma, make([]float64, n.present()), n}
	d.measure(make([]float32, length*n.dim))
	return d
}

// of is the same weigher for another worker.
func (d *diagonal) of(n *innovations) *diagonal {
	return &diagonal{d.gamma, slices.Clone(d.variance), n}
}

func (d *diagonal) measure(trajectory []float32) {
	at := d.innovations.tangent(trajectory)
	for i := range d.variance {
		d.variance[i] = d.gamma[d.innovations.components[i]%len(d.gamma)] * at.dot(i, i)
	}
}

func (d *diagonal) weigh(innovation []float64, mean []float32, s float64) error {
	if d.innovations.matching != nil {
		d.measure(mean)
	}
	for i, v := range innovation {
		innovation[i] = v / (d.innovations.noise[i] + s*s*d.variance[i])
	}
	return nil
}
