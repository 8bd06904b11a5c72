package experiment_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"retrace/diffusion"
	"retrace/experiment"
)

func gate(t *testing.T) []experiment.GateRow {
	t.Helper()
	rows, err := experiment.SamplerGate()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestGateCoversEverySamplerGuidanceAndCost(t *testing.T) {
	count := map[string]int{}
	for _, row := range gate(t) {
		count[row.Sampler]++
		if len(row.Entries) != len(experiment.GateNoises()) {
			t.Errorf("%s, %s has %d entries", row.Sampler, row.Guidance, len(row.Entries))
		}
	}
	for _, name := range []string{"default", "ddim", "ddpm", "euler", "heun", "dpm2", "dpm3", "dpm2-noise", "dpm3-noise", "sde-dpm2", "dpm2 + balanced"} {
		if count[name] != 5*5 { // rules x costs
			t.Errorf("%s has %d rows", name, count[name])
		}
	}
}

// The samplers that pass: within 3 % of the exact standard deviation at 32
// evaluations, under exact guidance, at every observation error.
func TestSamplersWithinThreePercentAt32Evaluations(t *testing.T) {
	pass := []string{"default", "dpm2", "dpm3", "dpm2-noise", "dpm3-noise", "sde-dpm2", "dpm2 + ornstein", "dpm2 + balanced", "sde-dpm2 + ornstein", "sde-dpm2 + balanced"}
	fail := []string{"ddim", "ddpm", "heun", "ddpm + langevin", "dpm2 + langevin"}
	for _, row := range gate(t) {
		if row.Guidance != "exact" || row.Evaluations != 32 {
			continue
		}
		worst := 0.0
		for _, e := range row.Entries {
			if e.SdRatio == nil {
				t.Fatalf("%s diverges", row.Sampler)
			}
			worst = math.Max(worst, math.Abs(*e.SdRatio-1))
		}
		if slices.Contains(pass, row.Sampler) && worst > 0.03 || slices.Contains(fail, row.Sampler) && worst <= 0.03 {
			t.Errorf("%s is off by %.3f", row.Sampler, worst)
		}
	}
}

// The default stays within 3 % at whatever cost from 32 evaluations on, errors of
// observations between those of the gate included.
func TestDefaultSamplerWithinThreePercentFrom32Evaluations(t *testing.T) {
	rule := diffusion.ScalarRules()[0]
	for evaluations := 32; evaluations <= 600; evaluations += 3 + evaluations/40 {
		p, err := experiment.DefaultSampler().Costing(evaluations)
		if err != nil {
			t.Fatal(err)
		}
		if got := p.Evaluations(); got > evaluations || got < evaluations*8/10 {
			t.Errorf("%d evaluations, not %d", got, evaluations)
		}
		for _, noise := range []float64{0.05, 0.1, 0.25, 0.5, 1} {
			if gain, sd := (diffusion.ScalarProblem{NoiseSd: noise}).Ratios(p, rule); math.Abs(sd-1) > 0.03 || math.Abs(gain-1) > 0.01 {
				t.Errorf("%d evaluations, noise %v: sd ratio %.3f, gain ratio %.3f", evaluations, noise, sd, gain)
			}
		}
	}
}

func TestDivergenceHasNoRatios(t *testing.T) {
	for _, row := range gate(t) {
		if row.Sampler == "dpm2" && row.Guidance == "dps" && row.Evaluations == 8 && row.Entries[0].SdRatio != nil {
			t.Errorf("sd ratio %v, want none", *row.Entries[0].SdRatio)
		}
	}
}

func TestSamplerParametersAreChecked(t *testing.T) {
	for _, c := range []struct {
		spoil func(*experiment.Sampler)
		want  string // "": nothing is wrong
	}{
		{func(*experiment.Sampler) {}, ""},
		{func(s *experiment.Sampler) { s.Solver = "heum" }, `solver = "heum": is unknown`},
		{func(s *experiment.Sampler) { s.Corrector = "hmc" }, `corrector = "hmc": is unknown`},
		{func(s *experiment.Sampler) { s.Grid = "linear" }, `grid = "linear": is unknown`},
		{func(s *experiment.Sampler) { s.Steps = -1 }, "steps = -1"},
		{func(s *experiment.Sampler) { s.Tau = 0 }, "tau = 0: must be in (0, 0.9]"},
		{func(s *experiment.Sampler) { s.Evaluations = 1 }, "evaluations = 1"},
		{func(s *experiment.Sampler) { s.Corrections = -2 }, "corrections = -2"},
		{func(s *experiment.Sampler) { s.Tau = math.NaN() }, "tau = NaN"},
		{func(s *experiment.Sampler) { s.Corrector, s.Tau = "ornstein", 1.5 }, "tau = 1.5: must be in (0, 1]"},
		{func(s *experiment.Sampler) { s.Corrector, s.Tau = "balanced", 0.6 }, "tau = 0.6: must be in (0, 0.5]"},
		{func(s *experiment.Sampler) { s.Corrector, s.Tau = "balanced", 0.5 }, ""},
		{func(s *experiment.Sampler) { s.Knee, s.Below = 0.1, 0.5 }, ""},
		{func(s *experiment.Sampler) { s.Knee = 30 }, "knee = 30: must be between min_ratio"},
		{func(s *experiment.Sampler) { s.Knee, s.Grid = 0.1, "karras" }, ""},
		{func(s *experiment.Sampler) { s.Below = 1 }, "below = 1"},
		{func(s *experiment.Sampler) { s.Loud = 0.001 }, "loud = 0.001: is below quiet"},
		{func(s *experiment.Sampler) { s.Loud = math.Inf(1) }, "loud = +Inf"},
		{func(s *experiment.Sampler) { s.Churn = 1.5 }, "churn = 1.5"},
	} {
		s := experiment.DefaultSampler()
		c.spoil(&s)
		err := s.Check()
		if c.want == "" && err != nil {
			t.Errorf("%+v: %v", s, err)
		}
		if c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%+v: error %v, want %q", s, err, c.want)
		}
	}
}
