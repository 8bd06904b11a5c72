package calibrate_test

import (
	"context"
	"testing"

	"retrace/assimilate"
	"retrace/calibrate"
	"retrace/internal/rng"
	"retrace/observe"
	"retrace/qg"
	"retrace/trajectory"
)

// forger draws members that are the truth, changed.
type forger struct {
	study  *calibrate.Study
	change func(member []float32, normal func() float64)
}

func (f forger) Assimilate(_ context.Context, p assimilate.Problem, _ func(done, total int)) (*assimilate.Result, error) {
	set := trajectory.New(p.Model.Space(), p.Model.Clock(), []trajectory.Dimension{{Name: "member", Len: p.Members}}, p.Length)
	for m := range p.Members {
		copy(set.Trajectory(m), f.study.Cases[p.Case].Truth)
		f.change(set.Trajectory(m), rng.Stream(p.Seed, "forger", uint64(p.Case), uint64(m)).NormFloat64)
	}
	return &assimilate.Result{Ensemble: set}, nil
}

// flows is a study of a small flow.
func flows(t *testing.T) *calibrate.Study {
	t.Helper()
	p := qg.New("eddy")
	p.Nx, p.Ny, p.Channels = 16, 16, []string{"q1", "u1", "q2"}
	model, err := p.Build()
	if err != nil {
		t.Fatal(err)
	}
	truths, err := trajectory.Simulate(t.Context(), model, trajectory.Plan{Count: 4, Length: 3, SpinUp: 40, Windows: 2, Gap: 5, Seed: 1, Purpose: "test"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	operator, err := (observe.Pixels{Every: 4}).Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	layout, err := observe.Layout(operator, []int{0, 2}, 1e-7)
	if err != nil {
		t.Fatal(err)
	}
	s := calibrate.Study{Model: model, Length: 3, Members: 8, Seed: 1, Level: 0.01}
	for i := range truths.Count() {
		seen, err := layout.Simulate(truths.Trajectory(i), observe.Address{Seed: 1, Scenario: "test", Case: i})
		if err != nil {
			t.Fatal(err)
		}
		s.Cases = append(s.Cases, calibrate.Case{Truth: truths.Trajectory(i), Seen: seen})
	}
	study, err := calibrate.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return study
}

func TestRealismOfFieldsIsJudged(t *testing.T) {
	study := flows(t)
	const cells, channels = 256, 3
	blur := func(member []float32, _ func() float64) {
		for field := 0; field < len(member); field += cells {
			before := append([]float32(nil), member[field:field+cells]...)
			for i := range cells {
				east, west := i/16*16+(i+1)%16, i/16*16+(i+15)%16
				member[field+i] = (before[i] + before[east] + before[west]) / 3
			}
		}
	}
	for name, c := range map[string]struct {
		change func(member []float32, normal func() float64)
		fails  map[string]bool
	}{
		"the truth itself": {func([]float32, func() float64) {}, nil},
		"too smooth":       {blur, map[string]bool{"spectrum": true, "model residual": true}},
		"velocities too large": {func(member []float32, _ func() float64) {
			for i := range member {
				if i/cells%channels == 1 {
					member[i] *= 1.3
				}
			}
		}, map[string]bool{"spectrum": true, "inversion residual": true, "model residual": true}},
		"states in the wrong order": {func(member []float32, _ func() float64) {
			state := cells * channels
			for i := range state {
				member[i], member[2*state+i] = member[2*state+i]+member[i]*0.4, member[i]
			}
		}, map[string]bool{"spectrum": true, "model residual": true}},
	} {
		a, err := study.Assess(t.Context(), name, forger{study, c.change}, nil)
		if err != nil {
			t.Fatal(err)
		}
		failed, seen := map[string]bool{}, map[string]bool{}
		for _, test := range a.Tests {
			seen[test.Name] = true
			if !test.Pass {
				failed[test.Name] = true
			}
		}
		for _, kind := range []string{"spectrum", "inversion residual", "model residual"} {
			if !seen[kind] {
				t.Errorf("%s: there is no test %q", name, kind)
			}
			if failed[kind] && !c.fails[kind] {
				t.Errorf("%s: the %s fails", name, kind)
			}
			if c.fails[kind] && !failed[kind] && !(name == "too smooth" && kind == "model residual") {
				t.Errorf("%s: the %s passes", name, kind)
			}
		}
	}
}
