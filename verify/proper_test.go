package verify_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/internal/rng"
	"retrace/verify"
)

func TestCRPSHasThePublishedValues(t *testing.T) {
	for _, c := range []struct{ y, biased, fair float64 }{
		{0, 0.5625, 1. / 3}, {-2, 1.3125, math.NaN()}, {-1.5, 0.8125, math.NaN()}, {1, 0.5625, math.NaN()},
	} {
		members := func() []float64 { return []float64{-1.5, -1, 1, 1.5} }
		near(t, "biased CRPS", verify.BiasedCRPS(members(), c.y), c.biased, 1e-15)
		if !math.IsNaN(c.fair) {
			near(t, "fair CRPS", verify.FairCRPS(members(), c.y), c.fair, 1e-15)
			near(t, "weighted CRPS", verify.WeightedCRPS(members(), []float64{.25, .25, .25, .25}, c.y), c.fair, 1e-15)
		}
	}
}

func TestGaussianCRPSIsItsIntegral(t *testing.T) {
	// CRPS = integral of (F(x) - 1[x >= y])^2, by Simpson's rule on both sides of y.
	const mean, sd, y = 1., 2., 3.5
	integral := func(from, to float64, f func(float64) float64) (sum float64) {
		const n = 20000
		h := (to - from) / n
		for i := range n + 1 {
			w := 2. + 2*float64(i%2)
			if i == 0 || i == n {
				w = 1
			}
			sum += w * f(from+float64(i)*h)
		}
		return sum * h / 3
	}
	cdf := func(x float64) float64 { return math.Erfc(-(x-mean)/sd/math.Sqrt2) / 2 }
	want := integral(mean-20*sd, y, func(x float64) float64 { return cdf(x) * cdf(x) }) +
		integral(y, mean+20*sd, func(x float64) float64 { return (1 - cdf(x)) * (1 - cdf(x)) })
	near(t, "CRPS", verify.GaussianCRPS(mean, sd, y), want, 1e-12)
}

func TestPredictionScoresAreThoseOfTheMixture(t *testing.T) {
	// One member repeated, without spread of its own: the law is N(2, 0.5^2).
	p := verify.Prediction{Value: 2.7, Predicted: []float64{2, 2, 2}, Sd: 0.5}
	near(t, "CRPS", p.CRPS(), verify.GaussianCRPS(2, 0.5, 2.7), 1e-12)
	near(t, "log score", p.LogScore(), -0.7*0.7/0.5-math.Log(0.5*math.Sqrt(2*math.Pi)), 1e-12)
	near(t, "innovation", p.Innovation(), 1.4, 1e-12)
	p = verify.Prediction{Value: 0, Predicted: []float64{-1.5, -1, 1, 1.5}}
	near(t, "CRPS without noise", p.CRPS(), 1./3, 1e-12)
}

func TestEnergyScoreOfOneValueIsTheCRPS(t *testing.T) {
	ensemble, truth := fixed(t, []float64{-1.5}, []float64{-1}, []float64{1}, []float64{1.5}), fixed(t, []float64{0})
	near(t, "energy score", verify.EnergyScore(ensemble, truth), 1./3, 1e-12)
}

func TestVariogramScoreByHand(t *testing.T) {
	// Pairs |0-4|^.5 = 2 of the truth; 1 and 3 of the members, mean 2; then the truth 3.
	ensemble := fixed(t, []float64{0, 1}, []float64{0, 9})
	near(t, "score", verify.VariogramScore(ensemble, fixed(t, []float64{0, 4}), 0.5, 0), 0, 1e-12)
	near(t, "score", verify.VariogramScore(ensemble, fixed(t, []float64{0, 9}), 0.5, 1), 1, 1e-12)
}

func TestVariogramScoreSeesDependenceThatMarginalsHide(t *testing.T) {
	r := rng.Stream(1, "test")
	var shared float64
	i := 0
	together := func() float64 {
		if i%8 == 0 {
			shared = r.NormFloat64()
		}
		i++
		return shared + 0.1*r.NormFloat64()
	}
	var right, wrong []float64
	for range 60 {
		truth := sample(t, 1, 8, 1, together)
		right = append(right, verify.VariogramScore(sample(t, 40, 8, 1, together), truth, 0.5, 0))
		wrong = append(wrong, verify.VariogramScore(sample(t, 40, 8, 1, normal(r, 0, math.Sqrt(1.01))), truth, 0.5, 0))
	}
	if c := verify.Paired(wrong, right); c.Statistic < 0 || !c.Fails(1e-6) {
		t.Errorf("difference %v, p = %v", c.Statistic, c.P)
	}
}

func TestDistancesOfNormalLawsHaveTheirClosedForms(t *testing.T) {
	diagonal := func(mean []float64, variances ...float64) verify.Moments {
		return verify.Moments{Mean: mean, Covariance: mat.NewSymDense(2, []float64{variances[0], 0, 0, variances[1]})}
	}
	a, b := diagonal([]float64{1, 2}, 4, 0.25), diagonal([]float64{0, 2.5}, 1, 9)
	kl, err := verify.Divergence(a, b)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "KL", kl, (4+0.25/9-2+1+0.25/9+math.Log(9./1))/2, 1e-12) // det B/det A = 9/1
	w2, err := verify.Bures(a, b)
	if err != nil {
		t.Fatal(err)
	}
	near(t, "W2", w2, math.Sqrt(1+0.25+(2-1)*(2-1)+(0.5-3)*(0.5-3)), 1e-12)
	// A rotation of both changes nothing.
	rotate := func(m verify.Moments) verify.Moments {
		q := mat.NewDense(2, 2, []float64{0.6, -0.8, 0.8, 0.6})
		var left, full mat.Dense
		left.Mul(q, m.Covariance)
		full.Mul(&left, q.T())
		return verify.Moments{
			Mean:       []float64{0.6*m.Mean[0] - 0.8*m.Mean[1], 0.8*m.Mean[0] + 0.6*m.Mean[1]},
			Covariance: mat.NewSymDense(2, []float64{full.At(0, 0), full.At(0, 1), full.At(0, 1), full.At(1, 1)}),
		}
	}
	turned, err := verify.Bures(rotate(a), rotate(b))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "W2 rotated", turned, w2, 1e-12)
	turnedKL, err := verify.Divergence(rotate(a), rotate(b))
	if err != nil {
		t.Fatal(err)
	}
	near(t, "KL rotated", turnedKL, kl, 1e-12)
	if _, err := verify.Divergence(a, diagonal([]float64{0, 0}, 1, 0)); err == nil {
		t.Error("a singular covariance has a divergence")
	}
}

func TestMomentsOfWeightedMembers(t *testing.T) {
	s, err := fixed(t, []float64{0, 0}, []float64{2, 4}, []float64{9, 9}).Weigh([]float64{1, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	m := verify.MomentsOf(s)
	near(t, "mean", m.Mean[1], 2, 1e-12)
	near(t, "variance", m.Covariance.At(0, 0), 2, 1e-12)
	near(t, "covariance", m.Covariance.At(0, 1), 4, 1e-12)
}

func TestPairedIsStudentsTest(t *testing.T) {
	// Differences 1, 2, 3: t = 2/(1/sqrt 3) = 3.4641 on 2 degrees: p = .0742.
	c := verify.Paired([]float64{2, 4, 6}, []float64{1, 2, 3})
	near(t, "mean", c.Statistic, 2, 1e-15)
	near(t, "p", c.P, 0.07417990022744858, 1e-10)
	near(t, "p of equal scores", verify.Paired([]float64{1, 2}, []float64{1, 2}).P, 1, 0)
}
