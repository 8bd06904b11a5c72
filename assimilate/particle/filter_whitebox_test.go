package particle

import (
	"context"
	"math"
	"slices"
	"testing"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/observe"
)

func TestSystematicResamplingRoundsUpOrDown(t *testing.T) {
	r := rng.Stream(1, "test")
	const n = 50
	weights := make([]float64, n)
	var total float64
	for i := 3; i < n-3; i++ { // none at the ends
		weights[i] = r.ExpFloat64()
		total += weights[i]
	}
	mean := make([]float64, n)
	const repeats = 2000
	for k := range repeats {
		ancestors := make([]int32, n)
		systematic(ancestors, weights, (float64(k)+0.5)/repeats)
		offspring := make([]int, n)
		for i, a := range ancestors {
			offspring[a]++
			if i > 0 && a < ancestors[i-1] {
				t.Fatal("ancestors decrease")
			}
		}
		for i, c := range offspring {
			want := n * weights[i] / total
			if float64(c) < math.Floor(want-1e-9) || float64(c) > math.Ceil(want+1e-9) {
				t.Fatalf("particle %d has %d offspring, expected %v", i, c, want)
			}
			mean[i] += float64(c) / repeats
		}
	}
	for i, m := range mean {
		if want := n * weights[i] / total; math.Abs(m-want) > 2./repeats {
			t.Errorf("particle %d has %v offspring on average, expected %v", i, m, want)
		}
	}
}

func TestNormaliseIsStable(t *testing.T) {
	logWeights := []float64{-1e5, -1e5 + math.Log(3), math.Inf(-1)}
	weights := make([]float64, 3)
	evidence := normalise(weights, logWeights)
	if want := -1e5 + math.Log(4); math.Abs(evidence-want) > 1e-9 {
		t.Errorf("log of the sum %v, want %v", evidence, want)
	}
	if math.Abs(weights[0]-0.25) > 1e-9 || math.Abs(weights[1]-0.75) > 1e-9 || weights[2] != 0 {
		t.Errorf("weights %v", weights)
	}
	if math.Abs(logWeights[0]-math.Log(0.25)) > 1e-9 {
		t.Errorf("log weights %v", logWeights)
	}
	if got := ess(weights); math.Abs(got-1.6) > 1e-9 {
		t.Errorf("effective sample size %v, want 1.6", got)
	}
}

func TestLastStatesAreDrawnByWeight(t *testing.T) {
	weights := []float64{0, 0.05, 0.4, 0, 0.3, 0.25, 0}
	f := &filter{problem: assimilate.Problem{Length: 1, Members: 20000}, weights: [][]float64{weights}}
	count := make([]int, len(weights))
	for _, i := range lastParticles(f) {
		count[i]++
	}
	if z := chiSquared(count, weights); z > 5 || count[0]+count[3]+count[6] > 0 {
		t.Errorf("draws %v of weights %v are %.1f sd from the law", count, weights, z)
	}
}

// Whole surviving paths, the reference of the SDA paper, share few ancestors:
// backward simulation is what keeps the early states apart.
func TestBackwardSimulationKeepsEarlyStatesApart(t *testing.T) {
	model, err := dynamics.NewAR1().Build()
	if err != nil {
		t.Fatal(err)
	}
	operator, err := observe.Identity{}.Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	p := assimilate.Problem{Model: model, Length: 150, Members: 500, Seed: 2}
	r := rng.Stream(1, "observations")
	for i := range p.Length {
		p.Observations.Observations = append(p.Observations.Observations,
			observe.Observation{Index: i, Operator: operator, Values: []float64{r.NormFloat64()}, Sd: []float64{0.5}})
	}
	m := Method{Particles: 2000, SpinUp: -1}
	kernel, err := m.check(p)
	if err != nil {
		t.Fatal(err)
	}
	f := newFilter(m, p)
	if err := f.run(context.Background(), func() {}); err != nil {
		t.Fatal(err)
	}
	paths, err := smooth(context.Background(), f, kernel, func() {})
	if err != nil {
		t.Fatal(err)
	}
	traced := slices.Clone(paths[p.Length-1])
	for s := p.Length - 1; s > 0; s-- {
		for k, i := range traced {
			traced[k] = int32(f.parent(s, int(i)))
		}
	}
	surviving, simulated := distinct(traced), distinct(paths[0])
	t.Logf("%d members have %d ancestors at state 0 by surviving paths, %d by backward simulation", p.Members, surviving, simulated)
	if surviving > 20 || simulated < 200 {
		t.Errorf("want few and many")
	}
}
