package kalman

import (
	"retrace/dynamics"
)

// ETKF is the ensemble transform Kalman filter with the symmetric square root
// (Hunt, Kostelich & Szunyogh 2007): it moves members as little as the analysis
// covariance allows and draws nothing. See spectrum.go for its formulas.
type ETKF struct{}

func (*ETKF) kind() string                 { return "etkf" }
func (*ETKF) check(_ dynamics.Model) error { return nil }

func (*ETKF) begin(c *cycle) (analysis, error) {
	return newGlobal(c, squareRoot{newSpectrum(c.members, c.most)}, min(c.members, c.most)), nil
}

type squareRoot struct{ *spectrum }

func (s squareRoot) weigh(t *transform, c *cycle) error {
	if !s.decompose(c.seen.anomalies, c.seen.residual, c.seen.count) {
		return c.diverged()
	}
	s.squareRoot(t, c.seen.anomalies, float64(c.members-1))
	return nil
}
