package assimilate_test

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/assimilate"
	"retrace/assimilate/particle"
	"retrace/diffusion"
	"retrace/internal/rng"
	"retrace/observe"
)

// noisy is bench with 17 states and another law of noise, its readings drawn of a truth.
func noisy(tb testing.TB, law observe.Law, offset, sd float64) (assimilate.Problem, assimilate.Prior) {
	tb.Helper()
	p, prior := bench(tb, 1, sd)
	p.Length = 17
	// The readings are of x/2 + offset.
	operator := observe.Func{State: 1, Values: 1,
		Function: func(y, x []float64) { y[0] = x[0]/2 + offset }, Pullback: func(dst, _, v []float64) { dst[0] = v[0] / 2 }}
	r := rng.Stream(11, "truth")
	x := make([]float64, 1)
	p.Model.Initial(x, r)
	var truth []float32
	p.Observations.Observations = nil
	for i := range p.Length {
		truth = append(truth, float32(x[0]))
		p.Observations.Observations = append(p.Observations.Observations,
			observe.Observation{Index: i, Operator: operator, Values: []float64{math.NaN()}, Sd: []float64{sd}, Law: law})
		p.Model.Step(x, r)
	}
	var err error
	if p.Observations, err = p.Observations.Simulate(truth, observe.Address{Seed: 5, Scenario: "law"}); err != nil {
		tb.Fatal(err)
	}
	return p, prior
}

// moments are mean and standard deviation of each state of an ensemble.
func moments(tb testing.TB, m assimilate.Method, p assimilate.Problem, members int) (mean, sd []float64) {
	tb.Helper()
	p.Members = members
	result, err := m.Assimilate(tb.Context(), p, nil)
	if err != nil {
		tb.Fatal(err)
	}
	n := p.Length * p.Model.Space().Size()
	mean, sd = make([]float64, n), make([]float64, n)
	for k, v := range result.Ensemble.Data {
		mean[k%n] += float64(v) / float64(members)
	}
	for k, v := range result.Ensemble.Data {
		sd[k%n] += math.Pow(float64(v)-mean[k%n], 2) / float64(members-1)
	}
	for i := range sd {
		sd[i] = math.Sqrt(sd[i])
	}
	return mean, sd
}

// discrepancy returns the root mean square of the differences of means, in standard
// deviations, and the mean ratio of standard deviations.
func discrepancy(mean, sd, wantMean, wantSd []float64) (offset, ratio float64) {
	for i := range mean {
		offset += math.Pow((mean[i]-wantMean[i])/wantSd[i], 2) / float64(len(mean))
		ratio += sd[i] / wantSd[i] / float64(len(mean))
	}
	return math.Sqrt(offset), ratio
}

// Readings of every law, against particles that know it exactly.
func TestGuidanceByReadingsOfAnyLaw(t *testing.T) {
	for _, c := range []struct {
		law        observe.Law
		offset, sd float64
	}{
		{&observe.StudentT{Dof: 3}, 0, 0.3},
		{&observe.Laplace{}, 0, 0.5},
		{&observe.Poisson{Background: 0.1}, 4, 1},
		{&observe.Censored{Low: -0.3, High: 0.3}, 0, 0.2},
	} {
		p, prior := noisy(t, c.law, c.offset, c.sd)
		reference := particle.New()
		reference.Particles = 4_000
		wantMean, wantSd := moments(t, reference, p, 256)
		method := &assimilate.Score{Prior: prior, Sampler: stochastic(20), Guidance: "covariance"}
		mean, sd := moments(t, method, p, 256)
		// Two ensembles of 256 differ by 0.09 standard deviations.
		if offset, ratio := discrepancy(mean, sd, wantMean, wantSd); offset > 0.16 || math.Abs(ratio-1) > 0.06 {
			t.Errorf("%s: mean off by %.3f sd, sd ratio %.3f", c.law.Name(), offset, ratio)
		}
	}
}

func stochastic(steps int) diffusion.PredictorCorrector {
	return diffusion.PredictorCorrector{
		Levels: diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, steps, diffusion.Span{High: 20, Low: 4e-3}), Solver: diffusion.DPMStochastic{},
	}
}

// Correlated noise of the sums of neighbours, against the posterior in matrices.
func TestGuidanceByCorrelatedNoise(t *testing.T) {
	model, prior := system(t, 4, 0.8)
	p := sums(t, model, 10, 0.5)
	law, err := (&observe.Correlation{Block: 3, Share: 0.7}).Build(p.Observations.Observations[0].Operator, model.Space())
	if err != nil {
		t.Fatal(err)
	}
	d := newDense(t, p, prior, 1)
	var innovation, gain, inverse mat.Dense
	innovation.Mul(d.h, d.c)
	gain.Mul(&innovation, d.h.T()) // S
	for i, r := range d.r {
		for j := range d.r {
			switch {
			case i == j:
				gain.Set(i, i, gain.At(i, i)+r)
			case i/3 == j/3:
				gain.Set(i, j, gain.At(i, j)+0.7*r)
			}
		}
	}
	if err := inverse.Inverse(&gain); err != nil {
		t.Fatal(err)
	}
	var k, covariance mat.Dense
	k.Mul(innovation.T(), &inverse)
	mean := mat.NewVecDense(40, nil)
	mean.MulVec(&k, d.y)
	covariance.Mul(&k, &innovation)
	covariance.Sub(d.c, &covariance)
	for i := range p.Observations.Observations {
		p.Observations.Observations[i].Law = law
	}
	for _, guidance := range []string{"covariance", "mmps", "jfps"} {
		method := &assimilate.Score{Prior: prior, Sampler: second(48), Guidance: guidance, Tuning: assimilate.Tuning{Iterations: 12}}
		var off, ratio float64
		if _, err := fmt.Sscanf(summary(t, method, p, mean, &covariance), "%f / %f", &off, &ratio); err != nil || !(off < 0.02 && math.Abs(ratio-1) < 0.03) {
			t.Errorf("%s: mean off by %v posterior sd, ratio of sd %v, %v", guidance, off, ratio, err)
		}
	}
}
