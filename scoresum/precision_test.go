package scoresum

import (
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/dynamics"
)

// The banded inverse covariance must give the uncertainty that dense matrices give, also
// of the smooth trajectories of a spring, whose covariance is all but singular.
func TestPrecisionGivesTheUncertainty(t *testing.T) {
	const length = 30
	model, err := dynamics.NewDampedSpring().Build()
	if err != nil {
		t.Fatal(err)
	}
	_, spring := model.(*dynamics.Linear).Moments(6)
	for name, p := range map[string]*Prior{
		"autoregressive": gaussianPrior(t, 0.9, 5, "overlap", 2),
		"spring":         newPrior(t, small("temporal", 6), 2, spring),
	} {
		setFractions(p, 1)
		for _, s := range []float64{0.02, 0.7, 100} {
			banded, err := p.Precision(length, s)
			if err != nil {
				t.Fatal(err)
			}
			h := mat.DenseCopyOf(banded)
			n, _ := h.Dims()
			for i := range n {
				h.Set(i, i, h.At(i, i)+1/s/s)
			}
			var v mat.Dense
			if err := v.Inverse(h); err != nil {
				t.Logf("%s: %v", name, err)
			}
			want, err := p.Uncertainty(length, s)
			if err != nil {
				t.Fatal(err)
			}
			compareCovariances(t, name, want, &v, 1e-6)
		}
	}
}
