package qg_test

import (
	"fmt"

	"retrace/internal/rng"
	"retrace/qg"
)

// A month of eddies on a coarse grid, from Go; a config says the same by
// name = "qg", nx = 32, ny = 32.
func Example() {
	p := qg.New("eddy")
	p.Nx, p.Ny = 32, 32
	model, err := p.Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	m := model.(*qg.Deterministic)
	s := m.Begin(rng.Stream(1, "example")).(*qg.Simulation)
	for range 30 {
		if err := s.Advance(nil); err != nil {
			fmt.Println(err)
			return
		}
	}
	q := make([]float64, 2*32*32)
	s.PV(q)
	e := m.Fields(q).Energy()
	fmt.Printf("%d steps of %.0f s: most of the energy is above: %v\n", s.Steps(), m.TimeStep(), e.Kinetic[0] > e.Kinetic[1])
	// Output:
	// 120 steps of 21600 s: most of the energy is above: true
}
