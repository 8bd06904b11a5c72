package variational

import (
	"context"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/strict"
	"retrace/trajectory"
)

// FourDVar is 4D-Var: the mode of the posterior of the trajectory through a window
// of states. The window grows from state 0 in steps of Shift until it has Window
// states, and then moves on by as many; each begins its search where the last one
// ended, which keeps to the right valley of a chaotic system (Pires, Vautard &
// Talagrand 1996, Tellus 48A, 96). The background of a window that begins at state
// a is the forecast of the window that ended before a, so that nothing observed in
// overlapping windows counts twice.
//
// The members are draws of Laplace's approximation in the space of the control,
// carried through the window by the model. Make one with NewFourDVar.
type FourDVar struct {
	Background `toml:",inline"`
	Window     int    `toml:"window" doc:"states of a window; 0: the whole trajectory"`
	Shift      int    `toml:"shift" doc:"states by which windows grow at the start and move on; divides window. 0: as many as window, so that windows do not overlap"`
	Constraint string `toml:"constraint" doc:"strong: the model is exact; weak: its noise is part of the control; auto: weak if the model has noise"`
	Iterations int    `toml:"iterations" doc:"iterations of L-BFGS for a window; 0 to 100000"`
}

// NewFourDVar returns the method with one window for the whole trajectory, grown by
// eight states at a time.
func NewFourDVar() *FourDVar {
	return &FourDVar{Background: Background{"climatology", 0.1}, Shift: 8, Constraint: "auto", Iterations: 100}
}

// Constraints lists the names of FourDVar.Constraint.
func Constraints() []string { return []string{"auto", "strong", "weak"} }

// Check reports a parameter out of range by its key, or what a model lacks, as input
// errors.
func (v *FourDVar) Check(model dynamics.Model) error {
	if err := v.validate(); err != nil {
		return err
	}
	_, _, err := v.model(model)
	return err
}

func (v *FourDVar) validate() error {
	switch {
	case v.Window < 0 || v.Window > mostStates:
		return fault.Inputf("window = %d: must be between 0 and %d", v.Window, mostStates)
	case v.Shift < 0 || v.Shift > mostStates:
		return fault.Inputf("shift = %d: must be between 0 and %d", v.Shift, mostStates)
	case v.Window > 0 && v.Shift > 0 && v.Window%v.Shift != 0:
		return fault.Inputf("shift = %d: does not divide window = %d", v.Shift, v.Window)
	case v.Iterations < 0 || v.Iterations > 100_000:
		return fault.Inputf("iterations = %d: must be between 0 and 100000", v.Iterations)
	case v.Constraint != "auto" && v.Constraint != "strong" && v.Constraint != "weak":
		return fault.Inputf("constraint = %q: is unknown; %s", v.Constraint, strict.Suggestion(v.Constraint, Constraints()))
	}
	return v.check()
}

// mostStates bounds the states of a window.
const mostStates = 1_000_000

// model returns a model with its tangent and adjoint, and the noise that the control
// holds, nil for none.
func (v *FourDVar) model(model dynamics.Model) (adjoint, []float64, error) {
	linearisable, ok := model.(adjoint)
	if !ok {
		return nil, nil, fault.Inputf("kind: 4D-Var needs a model with a tangent-linear map and its adjoint; %T (variable %q) has none: choose 4denvar", model, model.Space().Variable)
	}
	if v.Constraint == "strong" {
		return linearisable, nil, nil
	}
	if additive, ok := model.(dynamics.AdditiveNoise); ok {
		for _, sd := range additive.NoiseSd() {
			if sd > 0 {
				return linearisable, additive.NoiseSd(), nil
			}
		}
	}
	if v.Constraint == "weak" {
		return nil, nil, fault.Inputf("constraint = \"weak\": the model has no independent additive noise to be the control: give it noise, or choose strong")
	}
	return linearisable, nil, nil
}

// Cycle implements assimilate.Sequential. An Analysis is the estimate of the first
// window that holds the state: it knows what was observed up to the end of that
// window, Shift states at most beyond the state itself. Smoothed is that of the last
// window that holds it; none is sent if windows do not overlap. Means are the mode,
// variances those of the members around it.
func (v *FourDVar) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	m, err := newMarch(v, &p)
	if err != nil {
		return err
	}
	return m.run(ctx, marchWatcher{estimate: watch})
}

// Assimilate implements assimilate.Method: members are those of the last window
// that holds a state. The diagnostic is CostRatio; the error wraps ErrDiverged if
// trajectories leave the finite numbers.
func (v *FourDVar) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	m, err := newMarch(v, &p)
	if err != nil {
		return nil, err
	}
	set := trajectory.New(p.Model.Space(), p.Model.Clock(), []trajectory.Dimension{{Name: "member", Len: p.Members}}, p.Length)
	err = m.run(ctx, marchWatcher{
		final: func(t int, members []float64) { storeMembers(set, t, members) },
		done: func(end int) {
			if progress != nil {
				progress(end, p.Length)
			}
		},
	})
	if err != nil {
		return nil, err
	}
	result := &assimilate.Result{Ensemble: set, Evaluations: (m.steps + p.Members - 1) / p.Members}
	if m.values > 0 {
		result.Diagnostics = map[string]float64{CostRatio: m.costs / float64(m.values)}
	}
	return result, nil
}
