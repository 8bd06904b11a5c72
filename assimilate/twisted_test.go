package assimilate_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/assimilate"
	"retrace/internal/fault"
	"retrace/observe"
)

// evidence is log p(y) of a linear-Gaussian problem, in the units of the readings.
func evidence(t *testing.T, p assimilate.Problem, d *dense) float64 {
	t.Helper()
	var half, full mat.Dense
	half.Mul(d.h, d.c)
	full.Mul(&half, d.h.T())
	s := mat.NewSymDense(len(d.r), nil)
	for i := range d.r {
		for j := range i + 1 {
			s.SetSym(i, j, full.At(i, j))
		}
		s.SetSym(i, i, full.At(i, i)+d.r[i])
	}
	var cholesky mat.Cholesky
	if !cholesky.Factorize(s) {
		t.Fatal("S is not positive")
	}
	var u mat.VecDense
	if err := cholesky.SolveVecTo(&u, d.y); err != nil {
		t.Fatal(err)
	}
	return -mat.Dot(d.y, &u)/2 - cholesky.LogDet()/2 - float64(len(d.r))*math.Log(2*math.Pi)/2
}

func TestTwistedParticlesKnowPosteriorAndEvidence(t *testing.T) {
	for _, c := range []struct {
		guidance string
		every    int
		sd       float64
		most     float64 // error of the evidence in nat
	}{{"covariance", 8, 0.05, 0.5}, {"covariance", 1, 0.25, 0.5}, {"pigdm", 1, 0.5, 5}} { // pigdm would need more particles
		p, prior := bench(t, c.every, c.sd)
		p.Length = 33
		p.Observations.Observations = slices.DeleteFunc(p.Observations.Observations, func(o observe.Observation) bool { return o.Index >= 33 })
		wantMean, covariance := exactDense(t, p, prior)
		exact := evidence(t, p, newDense(t, p, prior, 1))
		method := &assimilate.Twisted{Score: &assimilate.Score{Prior: prior, Sampler: stochastic(48), Guidance: c.guidance}, Particles: 512}
		p.Members = 512
		result, err := method.Assimilate(t.Context(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Diagnostics[assimilate.LogEvidence]; math.Abs(got-exact) > c.most {
			t.Errorf("%s, every %d: log evidence %.2f, not %.2f", c.guidance, c.every, got, exact)
		}
		mean, sd := make([]float64, 33), make([]float64, 33)
		for k, v := range result.Ensemble.Data {
			mean[k%33] += float64(v) / 2 / 512
		}
		for k, v := range result.Ensemble.Data {
			sd[k%33] += math.Pow(float64(v)/2-mean[k%33], 2) / 511
		}
		var offset, ratio float64
		for i := range mean {
			exactSd := math.Sqrt(covariance.At(i, i))
			offset += math.Pow((mean[i]-wantMean.AtVec(i))/exactSd, 2) / 33
			ratio += math.Sqrt(sd[i]) / exactSd / 33
		}
		// An ensemble of the effective size of 100 errs by 0.1.
		if math.Sqrt(offset) > 0.2 || math.Abs(ratio-1) > 0.08 {
			t.Errorf("%s, every %d: mean off by %.3f, sd ratio %.3f", c.guidance, c.every, math.Sqrt(offset), ratio)
		}
	}
}

// Too few particles for a rule that is far off: the result says so.
func TestTwistedParticlesWarnWhenFewCarryTheWeight(t *testing.T) {
	p, prior := bench(t, 1, 0.25)
	p.Members = 8
	method := &assimilate.Twisted{Score: &assimilate.Score{Prior: prior, Sampler: stochastic(16), Guidance: "diffpir"}, Particles: 64}
	result, err := method.Assimilate(t.Context(), p, nil)
	if err == nil && !strings.Contains(result.Notes["warning"], "not to be trusted") {
		t.Errorf("diagnostics %v, notes %v", result.Diagnostics, result.Notes)
	}
	if err != nil && !errors.Is(err, assimilate.ErrDiverged) {
		t.Error(err)
	}
}

func TestTwistedRefusesWhatHasNoWeights(t *testing.T) {
	p, prior := bench(t, 8, 0.25)
	p.Members = 4
	for name, method := range map[string]*assimilate.Twisted{
		"deterministic steps": {Score: &assimilate.Score{Prior: prior, Sampler: second(8), Guidance: "auto"}, Particles: 8},
		"steps without end":   {Score: &assimilate.Score{Prior: prior, Guidance: "auto"}, Particles: 8},
	} {
		if _, err := method.Assimilate(t.Context(), p, nil); !fault.IsInput(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
