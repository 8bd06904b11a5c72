package twolayer_test

import (
	"fmt"
	"math/cmplx"
	"testing"
	"time"

	"retrace/internal/fft"
	"retrace/internal/kernel"
	"retrace/internal/twolayer"
)

// shapes are ny, nx: whole strips and others, odd and even, and the smallest.
var shapes = [][2]int{
	{16, 16}, {32, 16}, {16, 64}, {24, 40}, {64, 64}, {80, 48},
	{6, 10}, {10, 6}, {5, 7}, {7, 2}, {1, 4}, {3, 1},
}

func newStepper(ny, nx int) (*fft.Plan, *twolayer.Stepper) {
	p := fft.NewPlan(ny, nx)
	return p, twolayer.NewStepper(p, twolayer.NewTables(coefficients(ny, nx)), twolayer.NewFluxes(background))
}

func start(p *fft.Plan) twolayer.State {
	return twolayer.State{Q: random(p, 1), Last: random(p, 2), Previous: random(p, 3)}
}

func empty(p *fft.Plan) twolayer.State {
	return twolayer.State{Q: planes(p.HalfLen()), Last: planes(p.HalfLen()), Previous: planes(p.HalfLen())}
}

// apart is the largest of the distances of the parts of two states.
func apart(a, b twolayer.State) float64 {
	return max(distance(a.Q, b.Q), distance(a.Last, b.Last), distance(a.Previous, b.Previous))
}

var weights = [3]float64{1e-3, -0.7e-3, 0.3e-3}

func TestStepIsItsDefinition(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, shape := range shapes {
			p, s := newStepper(shape[0], shape[1])
			c := coefficients(shape[0], shape[1])
			want, have := start(p), empty(p)
			s.Load(want)
			for range 3 {
				advance(p, c, &want, weights)
				s.Step(weights)
			}
			s.Store(have)
			below(t, fmt.Sprintf("%v: three steps", shape), apart(have, want), 1e-14)
		}
	})
}

func TestStoreReturnsWhatWasLoaded(t *testing.T) {
	for _, shape := range shapes {
		p, s := newStepper(shape[0], shape[1])
		state := empty(p)
		s.Load(start(p))
		s.Store(state)
		below(t, "after Load and Store", apart(state, start(p)), 0)
	}
}

func TestStepsGoOnToTheSameBits(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		for _, shape := range shapes {
			p, s := newStepper(shape[0], shape[1])
			_, resumed := newStepper(shape[0], shape[1])
			state, want, have := empty(p), empty(p), empty(p)
			s.Load(start(p))
			for range 3 {
				s.Step(weights)
			}
			s.Store(state)
			resumed.Load(state)
			for range 4 {
				s.Step(weights)
				resumed.Step(weights)
			}
			s.Store(want)
			resumed.Store(have)
			below(t, "after a restart", apart(have, want), 0)
		}
	})
}

func TestFastestFlowIsThatOfTheGrid(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		const ny, nx = 24, 16
		p := fft.NewPlan(ny, nx)
		c, f := coefficients(ny, nx), twolayer.NewFluxes(background)
		s := twolayer.NewStepper(p, twolayer.NewTables(c), f)
		state := start(p)
		var want [2]float64
		for layer, psi := range streamFunctions(c, &state) {
			u, v := flow(p, c, psi)
			for i := range u {
				want[0] = max(want[0], u[i]+background[layer], -u[i]-background[layer])
				want[1] = max(want[1], v[i], -v[i])
			}
		}
		s.Load(state)
		s.Step(weights)
		for i, got := range f.Fastest {
			below(t, "difference of the fastest flow", cmplx.Abs(complex(got/want[i]-1, 0)), 1e-14)
		}
	})
}

func TestStepsDoNotAllocate(t *testing.T) {
	atLevels(t, func(t *testing.T) {
		p, s := newStepper(16, 32)
		state := start(p)
		if n := testing.AllocsPerRun(5, func() { s.Load(state); s.Step(weights); s.Store(state) }); n != 0 {
			t.Errorf("%v allocations", n)
		}
	})
}

// BenchmarkStep is a time step. floors compares it with five complex transforms
// of package fft, each from memory to memory, in the same run.
func BenchmarkStep(b *testing.B) {
	before := kernel.Level()
	defer kernel.Use(before)
	for _, level := range []string{kernel.AVX512, kernel.AVX2, kernel.Generic} {
		if kernel.Use(level) != nil {
			continue
		}
		for _, n := range []int{64, 128, 256} {
			b.Run(fmt.Sprintf("%s/%d", level, n), func(b *testing.B) {
				p, s := newStepper(n, n)
				x, y := fft.NewPlanes(n*n), fft.NewPlanes(n*n)
				s.Load(start(p))
				best, floor := time.Hour, time.Hour
				for b.Loop() {
					best = min(best, clock(func() { s.Step([3]float64{1e-9, 0, 0}) }))
				}
				for range 400 * 64 / n {
					floor = min(floor, clock(func() { p.Forward(x, y) }))
				}
				b.ReportMetric(best.Seconds()*1e6, "us/step")
				b.ReportMetric(best.Seconds()/floor.Seconds()/5, "floors")
			})
		}
	}
}

func clock(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}
