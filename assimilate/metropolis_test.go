package assimilate_test

import (
	"math"
	"strings"
	"testing"

	"retrace/assimilate"
	"retrace/internal/fault"
)

// Chains that start from a rule which is far off end in the posterior.
func TestMovesRepairAWrongRule(t *testing.T) {
	p, prior := bench(t, 2, 0.5)
	p.Length, p.Members = 9, 512
	p.Observations.Observations = p.Observations.Observations[:5]
	wantMean, covariance := exactDense(t, p, prior)
	start := &assimilate.Score{Prior: prior, Sampler: stochastic(24), Guidance: "sda", Gamma: 3}
	chains := &assimilate.Metropolis{Score: start, Moves: 48, Highest: 2, Rungs: 4}
	result, err := chains.Assimilate(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	again, err := chains.Assimilate(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	before, err := start.Assimilate(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	worst := func(data []float32) (offset, ratio float64) {
		for i := range p.Length {
			var mean, variance float64
			for k := range p.Members {
				mean += float64(data[k*p.Length+i]) / 2 / float64(p.Members)
			}
			for k := range p.Members {
				variance += math.Pow(float64(data[k*p.Length+i])/2-mean, 2) / float64(p.Members-1)
			}
			sd := math.Sqrt(covariance.At(i, i))
			offset = math.Max(offset, math.Abs(mean-wantMean.AtVec(i))/sd)
			ratio = math.Max(ratio, math.Abs(math.Sqrt(variance)/sd-1))
		}
		return offset, ratio
	}
	offset, ratio := worst(result.Ensemble.Data)
	wasOffset, wasRatio := worst(before.Ensemble.Data)
	t.Logf("mean off by %.3f (was %.3f) sd, sd by %.3f (was %.3f): %v", offset, wasOffset, ratio, wasRatio, result.Diagnostics)
	// The mean of 512 errs by 0.044, their sd by 3 %.
	if offset > 0.16 || ratio > 0.11 || wasRatio < 0.2 {
		t.Errorf("mean off by %.3f (was %.3f) sd, sd by %.3f (was %.3f)", offset, wasOffset, ratio, wasRatio)
	}
	for k, v := range result.Ensemble.Data {
		if again.Ensemble.Data[k] != v {
			t.Fatal("two runs differ")
		}
	}
	if a := result.Diagnostics[assimilate.Acceptance]; !(a > 0.1 && a < 1) || result.Diagnostics[assimilate.LeastAcceptance] > result.Diagnostics[assimilate.MostAcceptance] {
		t.Errorf("diagnostics %v", result.Diagnostics)
	}
	if result.Evaluations <= before.Evaluations {
		t.Errorf("%d evaluations", result.Evaluations)
	}
}

func TestMovesThatAreNeverAcceptedAreReported(t *testing.T) {
	p, prior := bench(t, 1, 0.01)
	p.Members = 4
	chains := &assimilate.Metropolis{Score: &assimilate.Score{Prior: prior, Sampler: stochastic(24), Guidance: "auto"}, Moves: 4, Highest: 10, Rungs: 1}
	result, err := chains.Assimilate(t.Context(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(result.Notes["warning"], "moves were accepted") {
		t.Errorf("notes %v, diagnostics %v", result.Notes, result.Diagnostics)
	}
	chains.Moves = 0
	if _, err := chains.Assimilate(t.Context(), p, nil); !fault.IsInput(err) {
		t.Error(err)
	}
}
