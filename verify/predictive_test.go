package verify_test

import (
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/internal/rng"
	"retrace/observe"
	"retrace/verify"
)

// cycles makes scalar analyses: background variance 2, error variance 1 of the
// observations, which are assimilated as if it were claimed.
func cycles(claimed float64) []verify.Claim {
	r := rng.Stream(1, "test")
	gain := 2 / (2 + claimed)
	list := make([]verify.Claim, 20000)
	for i := range list {
		d := math.Sqrt2*r.NormFloat64() + r.NormFloat64() // minus the background's error, plus the observation's
		list[i] = verify.Claim{Innovation: d, Residual: (1 - gain) * d, Noise: claimed, Background: 2, Analysed: (1 - gain) * 2}
	}
	return list
}

func TestDesroziersRatiosAreOneIfClaimsAreRight(t *testing.T) {
	c := verify.Desroziers(cycles(1))
	for name, ratio := range map[string]float64{"R": c.Noise, "HPH": c.Background, "HAH": c.Analysis, "total": c.Total} {
		near(t, name, ratio, 1, 0.04)
	}
	// <d d> is 3 where 4 is claimed.
	near(t, "total with R doubled", verify.Desroziers(cycles(2)).Total, 0.75, 0.03)
}

func TestInnovationChiSquareIsTheMahalanobisNorm(t *testing.T) {
	value, err := verify.InnovationChiSquare([]float64{1, 2}, mat.NewSymDense(2, []float64{2, 1, 1, 3}))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "chi-square", value, (3*1-2*1*2+2*4)/5., 1e-12) // the inverse is (3 -1; -1 2)/5
	if _, err := verify.InnovationChiSquare([]float64{1}, mat.NewSymDense(1, []float64{-1})); !errors.Is(err, verify.ErrNotPositive) {
		t.Errorf("a negative variance: %v", err)
	}
}

func TestInnovationsShowADoubledError(t *testing.T) {
	for claimed, want := range map[float64]bool{1: false, 2: true} {
		var sum float64
		list := cycles(claimed)[:1000]
		for _, c := range list {
			value, err := verify.InnovationChiSquare([]float64{c.Innovation}, mat.NewSymDense(1, []float64{2 + claimed}))
			if err != nil {
				t.Fatal(err)
			}
			sum += value
		}
		if c := verify.ChiSquare(sum, 1000); c.Fails(0.001) != want {
			t.Errorf("R = %v: mean %v, p = %v", claimed, c.Statistic, c.P)
		}
	}
}

func TestInSampleAndDegreesOfFreedomOfAGaussianPosterior(t *testing.T) {
	// x ~ N(0, 1) seen with sd 0.5: the posterior's variance is 0.2, tr HK = 0.2/0.25,
	// and E(y - x)^2/R over cases and members is 1, since (x, y) keep their law.
	r := rng.Stream(2, "test")
	var fit, freedom float64
	const n = 4000
	for range n {
		p := verify.Prediction{Sd: 0.5, Predicted: make([]float64, 50)}
		p.Value = r.NormFloat64() + 0.5*r.NormFloat64()
		for m := range p.Predicted {
			p.Predicted[m] = p.Value/1.25 + math.Sqrt(0.2)*r.NormFloat64()
		}
		fit += verify.InSample([]verify.Prediction{p}) / n
		freedom += verify.DegreesOfFreedom([]verify.Prediction{p}) / n
	}
	near(t, "in-sample chi-square", fit, 1, 0.03)
	near(t, "degrees of freedom", freedom, 0.8, 0.01)
}

func TestPredictionsSkipWhatIsMissing(t *testing.T) {
	ensemble := fixed(t, []float64{1, 2, 3}, []float64{4, 5, 6})
	operator, err := observe.Identity{}.Build(line(1))
	if err != nil {
		t.Fatal(err)
	}
	list := verify.Predictions(ensemble, observe.Sequence{Observations: []observe.Observation{
		{Index: 0, Operator: operator, Values: []float64{math.NaN()}, Sd: []float64{1}},
		{Index: 2, Operator: operator, Values: []float64{7}, Sd: []float64{2}},
	}})
	if len(list) != 1 || list[0].Predicted[1] != 6 || list[0].Sd != 2 {
		t.Fatalf("predictions %+v", list)
	}
	near(t, "standardised", list[0].Standardised().Predicted[0], 1.5, 1e-12)
}

func TestNearnessScalesItsDistances(t *testing.T) {
	d := verify.Nearness(fixed(t, []float64{3, 0}, []float64{0, 4}), fixed(t, []float64{6, 8}), []float64{0, 0}, []float64{2})
	near(t, "truth", d.Truth, 5, 1e-12)
	near(t, "member", d.Members[1], 2, 1e-12)
}
