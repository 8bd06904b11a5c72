package kalman_test

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"retrace/assimilate"
	"retrace/assimilate/kalman"
	"retrace/dynamics"
	"retrace/observe"
)

// start is a model whose initial law hands out the members of an ensemble, one
// after the other; it may be used once, by one worker.
type start struct {
	dynamics.AdditiveNoise
	ensemble [][]float64
}

func (*start) SpinUp() int { return 0 }

func (m *start) Initial(x []float64, _ *rand.Rand) {
	copy(x, m.ensemble[0])
	m.ensemble = m.ensemble[1:]
}

// begun returns a problem of observations of unit noise whose members start
// from an ensemble.
func begun(ensemble, observations [][]float64, m dynamics.Model, operator observe.Operator) assimilate.Problem {
	p := assimilate.Problem{Length: len(observations) + 1, Members: len(ensemble), Model: &start{m.(dynamics.AdditiveNoise), ensemble}}
	for k, values := range observations {
		sd := make([]float64, len(values))
		for j := range sd {
			sd[j] = 1
		}
		p.Observations.Observations = append(p.Observations.Observations, observe.Observation{Index: k + 1, Operator: operator, Values: values, Sd: sd})
	}
	return p
}

// TestSameEnsembleGivesTheMeansOfDAPPER compares with means that DAPPER 1.7.1
// computed of the same ensemble of Lorenz 96 and the same observations: after
// eight cycles, or for smoothers of the third. The finite-size filters solve
// for their inflation to 1e-4 there.
func TestSameEnsembleGivesTheMeansOfDAPPER(t *testing.T) {
	text, err := os.ReadFile("testdata/dapper.json")
	if err != nil {
		t.Fatal(err)
	}
	var data struct {
		Ensemble, Observations [][]float64
		Means                  map[string][]float64
	}
	if err := json.Unmarshal(text, &data); err != nil {
		t.Fatal(err)
	}
	m := lorenz96(t, 0.05, 1)
	operator, err := observe.Identity{}.Build(m.Space())
	if err != nil {
		t.Fatal(err)
	}
	local := localised(4)
	local.XN = 2
	etkf := func(inflation float64) kalman.Filter { return *tuned(&kalman.ETKF{}, inflation, false) }
	for name, c := range map[string]struct {
		method    assimilate.Sequential
		stage     assimilate.Stage
		state     int
		tolerance float64
	}{
		"etkf":            {tuned(&kalman.ETKF{}, 1.02, false), 1, 8, 1e-8},
		"denkf":           {tuned(&kalman.DEnKF{}, 1.01, false), 1, 8, 1e-8},
		"ensrf":           {tuned(&kalman.EnSRF{Order: kalman.OrderGiven}, 1.02, false), 1, 8, 1e-8},
		"letkf":           {tuned(localised(4), 1.04, false), 1, 8, 1e-8},
		"eakf":            {tuned(&kalman.EAKF{Localisation: kalman.NewLocalisation(), Order: kalman.OrderGiven}, 1.04, false), 1, 8, 1e-8},
		"enkf-n":          {filter(&kalman.EnKFN{XN: 2}), 1, 8, 2e-3},
		"letkf, xn":       {filter(local), 1, 8, 2e-3},
		"enks":            {&kalman.EnKS{Filter: etkf(1.05), Lag: 3}, 2, 3, 1e-8},
		"enrts":           {&kalman.EnRTS{Filter: etkf(1.05), Decay: 0.99}, 2, 3, 1e-7},
		"ienks":           {iterative(func(m *kalman.IEnKS) { m.Lag, m.Inflation = 2, 1.02 }), 1, 8, 1e-8},
		"ienks, xn":       {iterative(func(m *kalman.IEnKS) { m.Lag, m.XN = 2, 2 }), 1, 8, 1e-8},
		"ienks, mda":      {iterative(func(m *kalman.IEnKS) { m.Lag, m.MDA, m.Iterations = 2, true, 4 }), 1, 8, 1e-8},
		"ienks, smoothed": {iterative(func(m *kalman.IEnKS) { m.Lag, m.Inflation = 2, 1.02 }), 2, 3, 1e-8},
	} {
		want := data.Means[name]
		got := cycled(t, c.method, begun(data.Ensemble, data.Observations, m, operator))[c.stage][c.state].Mean
		var most float64
		for i, x := range got {
			most = math.Max(most, math.Abs(x-want[i]))
		}
		if !(most <= c.tolerance) {
			t.Errorf("%s: the mean is up to %.1e from DAPPER's", name, most)
		}
	}
}
