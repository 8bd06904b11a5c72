package verify_test

import (
	"math"
	"testing"

	"retrace/internal/rng"
	"retrace/verify"
)

// A member of double weight is a member that is there twice, but for the finite
// sizes that unbiased estimates correct for: those are tested apart.
func TestWeightsOfOneMemberEachChangeNothing(t *testing.T) {
	r := rng.Stream(1, "test")
	plain := sample(t, 9, 3, 2, normal(r, 0, 1))
	truth := sample(t, 1, 3, 2, normal(r, 0, 1))
	equal, err := plain.Weigh([]float64{2, 2, 2, 2, 2, 2, 2, 2, 2})
	if err != nil {
		t.Fatal(err)
	}
	first := func(x []float32) float64 { return float64(x[0]) }
	for name, score := range map[string]func(s *verify.Sample) float64{
		"RMSE":         func(s *verify.Sample) float64 { return verify.RMSE(s, truth) },
		"spread":       verify.Spread,
		"spread-skill": func(s *verify.Sample) float64 { return verify.SpreadSkill(s, truth) },
		"CRPS":         func(s *verify.Sample) float64 { return verify.CRPS(s, truth) },
		"energy":       func(s *verify.Sample) float64 { return verify.EnergyScore(s, truth) },
		"variogram":    func(s *verify.Sample) float64 { return verify.VariogramScore(s, truth, 0.5, 0) },
		"rank":         func(s *verify.Sample) float64 { return s.Draws(truth, first).Rank(0.3) },
		"score":        func(s *verify.Sample) float64 { return s.Draws(truth, first).Score() },
		"sliced":       func(s *verify.Sample) float64 { return verify.SlicedWasserstein(s, truth, 5, 1) },
		"Sinkhorn":     func(s *verify.Sample) float64 { return verify.Sinkhorn(s, truth, 0.1) },
	} {
		near(t, name, score(equal), score(plain), 1e-9)
	}
}

func TestMembersWithoutWeightDoNotCount(t *testing.T) {
	four, err := fixed(t, []float64{0, 10}, []float64{1, 10}, []float64{5, 16}, []float64{-900, 900}).Weigh([]float64{1, 1, 1, 0})
	if err != nil {
		t.Fatal(err)
	}
	three := fixed(t, []float64{0, 10}, []float64{1, 10}, []float64{5, 16})
	truth := fixed(t, []float64{4, 12})
	for name, score := range map[string]func(a, b *verify.Sample) float64{
		"RMSE": verify.RMSE, "CRPS": verify.CRPS, "spread-skill": verify.SpreadSkill, "energy": verify.EnergyScore,
	} {
		near(t, name, score(four, truth), score(three, truth), 1e-12)
	}
	near(t, "effective size", four.EffectiveSize(), 3, 1e-12)
	for m := range 6 {
		if sub := four.Subsample(6, 1); sub.Member(m)[0] == -900 {
			t.Error("a member without weight was resampled")
		}
	}
}

func TestImportanceWeightsMakeAProposalThePosterior(t *testing.T) {
	// Members of N(0, 1.5^2), weighted to N(0, 1): ranks are uniform.
	r := rng.Stream(2, "test")
	cases := make([]verify.Draws, 2000)
	for i := range cases {
		d := verify.Draws{Truth: r.NormFloat64(), Members: make([]float64, 300), Weights: make([]float64, 300)}
		var sum float64
		for m := range d.Members {
			x := 1.5 * r.NormFloat64()
			d.Members[m], d.Weights[m] = x, math.Exp(-x*x/2+x*x/4.5)
			sum += d.Weights[m]
		}
		for m := range d.Weights {
			d.Weights[m] /= sum
		}
		cases[i] = d
	}
	ranks := ranksOf(cases, r)
	for name, c := range map[string]verify.Check{"Uniform": verify.Uniform(ranks), "RankSpread": verify.RankSpread(ranks), "coverage": verify.Coverage(ranks, 0.9)} {
		if c.Fails(1e-3) {
			t.Errorf("%s: statistic %v, p = %v", name, c.Statistic, c.P)
		}
	}
}

func TestWeightsThatAreNoneAreRefused(t *testing.T) {
	s := fixed(t, []float64{1}, []float64{2})
	for _, w := range [][]float64{{1}, {1, -1}, {0, 0}, {1, math.NaN()}, {1, math.Inf(1)}} {
		if _, err := s.Weigh(w); err == nil {
			t.Errorf("%v: accepted", w)
		}
	}
}
