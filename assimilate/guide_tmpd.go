package assimilate

// rowSums is Tweedie moment projected diffusion (Boys et al. 2023, section 4): what
// x_t leaves open of the values observed is Tweedie's covariance, of which only the
// row sums are kept,
//
//	S = R + diag(A' V A'^T 1),  V = (sigma^2/mu) J^T ,
//
// one pass backward more than other rules. Row sums of a network's Jacobian may be
// negative; those count as 0.
type rowSums struct {
	linear *tangent // nil if an operator is not linear
	ones   [][]float64
}

func (t *rowSums) solve(b *batch) error {
	for len(t.ones) < len(b.u) {
		ones := make([]float64, b.present())
		for i := range ones {
			ones[i] = 1
		}
		t.ones = append(t.ones, ones)
	}
	if err := b.pull(t.ones[:len(b.u)]); err != nil {
		return err
	}
	for r, u := range b.u {
		b.tangentOf(t.linear, r).push(u, b.row(b.pulled, r))
		for i, sum := range u {
			u[i] = b.e[r][i] / (b.noise[i] + max(0, b.scale()*sum))
		}
	}
	return nil
}

// tangentOf is A' of a row: the linear one, or that at its mean.
func (b *batch) tangentOf(linear *tangent, r int) *tangent {
	if linear != nil {
		return linear
	}
	return b.tangent(b.row(b.mean, r))
}
