package twin_test

import (
	"math"
	"slices"
	"testing"

	"retrace/assimilate"
	"retrace/internal/rng"
)

// crps scores one estimate of one component against y by a run of one cycle.
func crps(t *testing.T, e assimilate.Estimate, y float64) float64 {
	t.Helper()
	x := experiment(t, 1, 2, 1)
	x.CRPS = true
	r, err := x.Adopt(1, []float64{0, y}, []float64{0})
	if err != nil {
		t.Fatal(err)
	}
	e.Stage = assimilate.Analysis
	if e.Mean == nil {
		e.Mean, e.Variance = []float64{0}, []float64{1}
	}
	return *run(t, x, r, script{[]assimilate.Estimate{e}}).Analysis.CRPS
}

func TestFairCRPSOfKnownMembers(t *testing.T) {
	members := []float64{1.5, -1, 1, -1.5}
	for _, test := range []struct{ y, want float64 }{{0, 1. / 3}, {-2, 1.3125 - (2-1.3125)/3}} {
		if got := crps(t, assimilate.Estimate{Ensemble: slices.Clone(members)}, test.y); math.Abs(got-test.want) > 1e-12 {
			t.Errorf("y = %v: got %v, want %v", test.y, got, test.want)
		}
	}
}

func TestWeightedCRPS(t *testing.T) {
	members := []float64{0.3, -1, 2, 0.9}
	equal := crps(t, assimilate.Estimate{Ensemble: slices.Clone(members), Weights: []float64{0.25, 0.25, 0.25, 0.25}}, 0.5)
	if plain := crps(t, assimilate.Estimate{Ensemble: slices.Clone(members)}, 0.5); math.Abs(equal-plain) > 1e-12 {
		t.Errorf("equal weights give %v, no weights %v", equal, plain)
	}
	weights := []float64{0.5, 0, 0.3, 0.2}
	with := crps(t, assimilate.Estimate{Ensemble: slices.Clone(members), Weights: weights}, 0.5)
	without := crps(t, assimilate.Estimate{Ensemble: []float64{0.3, 2, 0.9}, Weights: []float64{0.5, 0.3, 0.2}}, 0.5)
	if math.Abs(with-without) > 1e-12 {
		t.Errorf("a member without weight changes the score from %v to %v", without, with)
	}
	if all := crps(t, assimilate.Estimate{Ensemble: slices.Clone(members), Weights: []float64{0, 1, 0, 0}}, 0.5); all != 1.5 {
		t.Errorf("one member with all the weight scores %v, want its error", all)
	}
}

func TestGaussianCRPSIsThatOfManyMembers(t *testing.T) {
	r := rng.Stream(1, "members")
	members := make([]float64, 200_000)
	for i := range members {
		members[i] = 2 + 3*r.NormFloat64()
	}
	for _, y := range []float64{-4, 2, 6} {
		gaussian := crps(t, assimilate.Estimate{Mean: []float64{2}, Variance: []float64{9}}, y)
		drawn := crps(t, assimilate.Estimate{Mean: []float64{2}, Variance: []float64{9}, Ensemble: slices.Clone(members)}, y)
		if math.Abs(gaussian-drawn) > 0.03 {
			t.Errorf("y = %v: formula %v, members %v", y, gaussian, drawn)
		}
	}
	if got := crps(t, assimilate.Estimate{Mean: []float64{2}, Variance: []float64{0}}, 5); got != 3 {
		t.Errorf("without a spread: got %v, want the error", got)
	}
}
