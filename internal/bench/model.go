package bench

import (
	"fmt"

	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/qg"
)

// Models returns probes of the two-layer quasi-geostrophic model on square grids,
// a trajectory a core. They count time steps.
func Models() []Probe {
	var probes []Probe
	for _, n := range []int{64, 128, 256} {
		p := qg.New("eddy")
		p.Nx, p.Ny = n, n
		model, err := p.Build()
		if err != nil {
			panic("bench: bad model: " + err.Error())
		}
		steps := p.Interval / model.(*qg.Deterministic).TimeStep()
		probes = append(probes, Probe{
			Counts: []Count{{"two-layer QG", fmt.Sprintf("time steps at %d x %d", n, n), Executions, steps}},
			Worker: func() (func() error, error) {
				r := rng.Stream(0, "bench")
				trajectory := dynamics.Begin(model, r)
				return func() error { return trajectory.Advance(r) }, nil
			},
		})
	}
	return probes
}
