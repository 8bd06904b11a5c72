package assimilate

// diagonal is the guidance of score-based data assimilation (Rozet & Louppe
// 2023, section 3.2 and equation 15): what x_t leaves open of a standardised
// trajectory is taken for white,
//
//	S = R + gamma s^2 diag(A' A'^T) .
//
// It needs a hand-tuned gamma and, where observations are dense in time, small
// steps: neighbouring values count as if they erred independently.
type diagonal struct {
	gamma       float64
	noise       []float64 // R
	sensitivity []float64 // diagonal of A' A'^T at the mean state
}

func newDiagonal(gamma float64, n *innovations, length int) *diagonal {
	d := &diagonal{gamma: gamma, noise: n.noise, sensitivity: make([]float64, n.present())}
	for i, row := range n.gradients(make([]float32, length*n.dim)) {
		for _, v := range row {
			d.sensitivity[i] += v * v
		}
	}
	return d
}

func (d *diagonal) weigh(innovation []float64, _ []float32, s float64) error {
	for i, v := range innovation {
		innovation[i] = v / (d.noise[i] + d.gamma*s*s*d.sensitivity[i])
	}
	return nil
}

// searches implements weigher: the paper's rule takes the full step.
func (*diagonal) searches() bool { return false }
