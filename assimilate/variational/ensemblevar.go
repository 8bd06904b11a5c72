// Hybrid four-dimensional ensemble-variational assimilation (Liu, Xiao & Wang 2008,
// Mon. Weather Rev. 136, 3363; Lorenc 2003, Q. J. R. Meteorol. Soc. 129, 3183). N
// members run through a window; with X_t their anomalies over sqrt(N-1), S the root
// of a fixed covariance and b the share of the ensemble, increments are sought in
//
//	dx_t = sqrt(b) X_t w + sqrt(1-b) S v,
//	2 J(w, v) = |w|^2 + |v|^2 + sum_t |R^(-1/2) (d_t - H_t dx_t)|^2 .
//
// The covariances of the ensemble run through time, so no adjoint is needed; the
// fixed part persists through the window. Every member minimises the cost of its own
// innovations, from observations perturbed by a draw of their noise: an ensemble of
// data assimilations, whose members scatter as the analysis errs. Perturbations are
// centred and scaled by sqrt(N/(N-1)). The ensemble's covariance may be localised
// (localisation.go), without which few members know nothing of large states. With b = 1 and windows of one state this is
// the ensemble Kalman filter with perturbed observations, with b = 0 and one state an
// ensemble of 3D-Vars.

package variational

import (
	"context"
	"fmt"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/observe"
)

// EnsembleVar is hybrid 4DEnVar. Make one with NewEnsembleVar.
type EnsembleVar struct {
	Background `toml:",inline"`
	Window     int     `toml:"window" doc:"states of a window, whose observations are assimilated together; 1 to 10000"`
	Share      float64 `toml:"ensemble_share" doc:"share of the ensemble in the covariance of the background; 0 (fixed) to 1 (ensemble alone)"`
	Radius     float64 `toml:"radius" doc:"distance at which the covariance of the ensemble is tapered by exp(-1/2), in units of the axes; 0: no localisation"`
	Inflation  float64 `toml:"inflation" doc:"factor on the deviations of the members from their mean after each analysis; 0.5 to 10"`
}

// NewEnsembleVar returns the method with windows of one state, a covariance from the
// ensemble but for a fifth, and no inflation.
func NewEnsembleVar() *EnsembleVar {
	return &EnsembleVar{Background: Background{"climatology", 0.02}, Window: 1, Share: 0.8, Inflation: 1}
}

// Check reports a parameter out of range by its key, as an input error. Any model
// will do.
func (v *EnsembleVar) Check(model dynamics.Model) error {
	switch {
	case v.Window < 1 || v.Window > 10_000:
		return fault.Inputf("window = %d: must be between 1 and 10000", v.Window)
	case !(v.Share >= 0 && v.Share <= 1):
		return fault.Inputf("ensemble_share = %v: must be between 0 and 1", v.Share)
	case !(v.Inflation >= 0.5 && v.Inflation <= 10):
		return fault.Inputf("inflation = %v: must be between 0.5 and 10", v.Inflation)
	}
	if err := checkRadius(model.Space(), v.Radius); err != nil {
		return err
	}
	return v.check()
}

// Cycle implements assimilate.Sequential. An Analysis knows the observations of its
// window, which are those of up to Window-1 later states.
func (v *EnsembleVar) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	h, err := newHybrid(v, &p)
	if err != nil {
		return err
	}
	return h.run(ctx, watch)
}

// Assimilate implements assimilate.Method. Members interact by their covariance. The
// error wraps ErrDiverged if a member leaves the finite numbers.
func (v *EnsembleVar) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	h, err := newHybrid(v, &p)
	if err != nil {
		return nil, err
	}
	return collect(&p, progress, func(watch func(assimilate.Estimate) error) error { return h.run(ctx, watch) })
}

// hybrid is 4DEnVar at work. It owns scratch space.
type hybrid struct {
	method *EnsembleVar
	*ensemble
	fixed root    // of the fixed part of the covariance; nil if it has none
	rank  int     // of it
	local *tapers // nil if the ensemble's part is not localised
	own   int     // unknowns of the ensemble's part, before those of the fixed one
	seen  [][]observe.Observation

	begin, end int       // the window
	states     []float64 // of the window: state, member, value
	present    *present
	before     []int // values seen before each state of the window
	gram       gram  // of the rows of G, or of its columns where they are fewer
	columns    bool
	rows       []float64 // of G
	deviations []float64 // the members' innovations, perturbed: member, value
	draws      []float64 // of the noise of one value, one a member
	controls   []float64 // of the members: member, unknown
	noise      *rng.Source

	shift          [][]float64 // one a worker
	solve, correct func(worker, k int)
}

func newHybrid(v *EnsembleVar, p *assimilate.Problem) (*hybrid, error) {
	if err := v.Check(p.Model); err != nil {
		return nil, err
	}
	if err := checkDense(p); err != nil {
		return nil, err
	}
	if p.Members < 2 {
		return nil, fault.Inputf("4denvar: one member has no covariance: ask for at least 2")
	}
	h := &hybrid{method: v, ensemble: newEnsemble(p), seen: make([][]observe.Observation, p.Length)}
	if v.Share < 1 {
		_, fixed, err := v.laws(&assimilate.Problem{Model: p.Model, Training: p.Training, Initial: p.Initial}, true)
		if err != nil {
			return nil, err
		}
		h.fixed, h.rank = fixed, fixed.rank()
	}
	h.own = p.Members
	if v.Radius > 0 {
		var err error
		if h.local, err = newTapers(p.Model.Space(), v.Radius); err != nil {
			return nil, err
		}
		h.own *= h.local.modes
	}
	rest := p.Observations.Observations
	for t := range h.seen {
		h.seen[t], rest = of(t, rest)
	}
	if most := h.mostValues(min(v.Window, p.Length)); most > 0 && h.own+h.rank > mostDense/max(most, p.Members) {
		return nil, fault.Inputf("4denvar: %d values of a window and %d unknowns are too many: choose a larger radius, a shorter window or fewer members", most, h.own+h.rank)
	}
	h.reserve(min(v.Window, p.Length))
	h.solve, h.correct = h.solveMember, h.correctMember
	h.noise = rng.NewSource(p.Seed, "variational/perturbation")
	return h, nil
}

// reserve makes room for windows of so many states.
func (h *hybrid) reserve(width int) {
	members := h.problem.Members
	most := h.mostValues(width)
	unknowns := h.own + h.rank
	h.states = make([]float64, width*members*h.size)
	h.present = newPresent(h.problem.Observations, h.size)
	h.before = make([]int, width+1)
	h.rows = make([]float64, most*unknowns)
	h.deviations = make([]float64, members*most)
	h.controls, h.draws = make([]float64, members*unknowns), make([]float64, members)
	h.gram.reserve(min(most, unknowns), max(most, unknowns))
	for range parallel.Workers(members) {
		h.shift = append(h.shift, make([]float64, h.size))
	}
}

// mostValues is the largest number of values of a window of so many states.
func (h *hybrid) mostValues(width int) int {
	most := 0
	for begin := 0; begin < len(h.seen); begin += width {
		values := 0
		for _, seen := range h.seen[begin:min(begin+width, len(h.seen))] {
			for _, o := range seen {
				values += len(o.Values)
			}
		}
		most = max(most, values)
	}
	return most
}

// members are those of state t of the window.
func (h *hybrid) members(t int) []float64 {
	n := h.problem.Members * h.size
	return h.states[(t-h.begin)*n : (t-h.begin+1)*n]
}

func (h *hybrid) run(ctx context.Context, watch func(assimilate.Estimate) error) error {
	width := h.method.Window
	for h.begin = 0; h.begin < h.problem.Length; h.begin = h.end {
		h.end = min(h.begin+width, h.problem.Length)
		for t := h.begin; t < h.end; t++ {
			if err := h.forecast(ctx, t); err != nil {
				return err
			}
			copy(h.members(t), h.ensemble.states)
		}
		h.look()
		for t := h.begin; t < h.end; t++ {
			if err := h.show(t, watch); err != nil {
				return err
			}
		}
	}
	return nil
}

// show shows forecast and analysis of state t, which is then the ensemble's.
func (h *hybrid) show(t int, watch func(assimilate.Estimate) error) error {
	copy(h.ensemble.states, h.members(t))
	if err := watch(h.estimate(assimilate.Forecast, t)); err != nil {
		return err
	}
	if h.count() > 0 {
		h.update(t)
	}
	if !finite(h.ensemble.states) {
		return fmt.Errorf("%w: a member is not finite after the analysis of state %d", ErrDiverged, t)
	}
	return watch(h.estimate(assimilate.Analysis, t))
}

// count is the number of values seen in the window.
func (h *hybrid) count() int { return h.before[h.end-h.begin] }
