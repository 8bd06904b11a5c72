package twolayer_test

import (
	"fmt"
	"math"
	"math/cmplx"

	"retrace/internal/fft"
	"retrace/internal/twolayer"
)

// A Rossby wave that is the same in both layers: its phase turns at the rate
// beta kx/(kx^2 + ky^2).
func ExampleStepper() {
	const n, kx, ky, dt = 16, 3, 2, 0.01
	c := coefficients(n, n)
	c.Drag, c.Gradient = 0, [2]float64{1, 1}
	for i := range c.Filter {
		c.Filter[i] = 1
	}
	plan := fft.NewPlan(n, n)
	s := twolayer.NewStepper(plan, twolayer.NewTables(c), twolayer.NewFluxes([2]float64{}))

	half := func() [2]fft.Planes {
		return [2]fft.Planes{fft.NewPlanes(plan.HalfLen()), fft.NewPlanes(plan.HalfLen())}
	}
	state := twolayer.State{Q: half(), Last: half(), Previous: half()}
	wave := kx*n + ky
	state.Q[0].Re[wave], state.Q[1].Re[wave] = 1, 1

	s.Load(state)
	s.Step([3]float64{dt, 0, 0})
	s.Step([3]float64{1.5 * dt, -0.5 * dt, 0})
	for range 98 {
		s.Step([3]float64{23. / 12 * dt, -16. / 12 * dt, 5. / 12 * dt})
	}
	s.Store(state)
	phase := cmplx.Phase(complex(state.Q[0].Re[wave], state.Q[0].Im[wave]))
	l := c.Ky[ky]
	fmt.Printf("%.5f %.5f\n", phase, math.Abs(kx/(kx*kx+l*l)))
	// Output:
	// 0.19672 0.19672
}
