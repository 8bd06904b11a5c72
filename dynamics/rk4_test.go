package dynamics_test

import (
	"fmt"
	"math"
	"testing"

	"retrace/dynamics"
)

func TestRK4IsOfFourthOrder(t *testing.T) {
	// The logistic equation, whose solution is known.
	logistic := func(dst, x []float64) { dst[0] = x[0] * (1 - x[0]) }
	exact := 1 / (1 + 9*math.Exp(-3))
	failure := func(steps int) float64 {
		x := []float64{0.1}
		dynamics.NewRK4(1, 3, steps, logistic).Advance(x)
		return math.Abs(x[0] - exact)
	}
	for _, steps := range []int{8, 16, 32, 64} {
		order := math.Log2(failure(steps) / failure(2*steps))
		if math.Abs(order-4) > 0.25 {
			t.Errorf("from %d to %d steps the order is %.2f", steps, 2*steps, order)
		}
	}
}

func TestRK4IntegratesCubicsExactly(t *testing.T) {
	// x' = y, y' = z, z' = 6: x is a cubic in time, which order 4 gets exactly.
	cubic := func(dst, x []float64) { dst[0], dst[1], dst[2] = x[1], x[2], 6 }
	x := []float64{1, 2, 3}
	dynamics.NewRK4(3, 2, 1, cubic).Advance(x)
	want := []float64{1 + 2*2 + 3*4/2 + 8, 2 + 3*2 + 3*4, 3 + 6*2}
	if d := distance(x, want); d > 1e-13 {
		t.Errorf("got %v, want %v", x, want)
	}
}

func TestRK4StepsCompose(t *testing.T) {
	whole := dynamics.NewRK4(3, 0.5, 4, tumbling.Tendency)
	quarter := dynamics.NewRK4(3, 0.125, 1, tumbling.Tendency)
	x := draw(3, "state")
	y := append([]float64(nil), x...)
	whole.Advance(x)
	for range 4 {
		quarter.Advance(y)
	}
	if d := distance(x, y); d != 0 {
		t.Errorf("four quarters differ from the whole by %g", d)
	}
}

func TestRK4TangentIsTheDerivative(t *testing.T) {
	for _, steps := range []int{1, 3} {
		rk := dynamics.NewRK4(3, 0.4, steps, tumbling.Tendency)
		x, dx := draw(3, "state"), draw(3, "perturbation")
		moved := func(h float64) []float64 {
			y := make([]float64, 3)
			for i := range y {
				y[i] = x[i] + h*dx[i]
			}
			rk.Advance(y)
			return y
		}
		const h = 1e-5
		plus, minus := moved(h), moved(-h)
		numeric := make([]float64, 3)
		for i := range numeric {
			numeric[i] = (plus[i] - minus[i]) / (2 * h)
		}
		before := append([]float64(nil), x...)
		rk.Tangent(x, dx, tumbling.Tangent)
		if d := distance(dx, numeric); d > 1e-9 {
			t.Errorf("%d steps: tangent differs from finite differences by %g", steps, d)
		}
		if distance(x, before) != 0 {
			t.Error("Tangent changed the state")
		}
	}
}

func TestRK4AdjointIsTheTranspose(t *testing.T) {
	for _, steps := range []int{1, 2, 7} {
		t.Run(fmt.Sprint(steps), func(t *testing.T) {
			rk := dynamics.NewRK4(3, 0.9, steps, tumbling.Tendency)
			x, dx, v := draw(3, "state"), draw(3, "perturbation"), draw(3, "cotangent")
			image, pulled := append([]float64(nil), dx...), append([]float64(nil), v...)
			rk.Tangent(x, image, tumbling.Tangent)
			rk.Adjoint(x, pulled, tumbling.Cotangent)
			a, b := dot(image, v), dot(dx, pulled)
			if math.Abs(a-b) > 1e-12*math.Abs(a) {
				t.Errorf("<M dx, v> = %v, <dx, M^T v> = %v", a, b)
			}
		})
	}
}

func TestRK4IsSharedSafely(t *testing.T) {
	rk := dynamics.NewRK4(3, 0.5, 5, tumbling.Tendency)
	checkConcurrent(t, func(worker uint64) []float64 {
		x, v := draw(3, "state", worker), draw(3, "cotangent", worker)
		rk.Adjoint(x, v, tumbling.Cotangent)
		rk.Tangent(x, v, tumbling.Tangent)
		rk.Advance(x)
		return append(x, v...)
	})
}

func TestRK4RejectsWrongShapes(t *testing.T) {
	rk := dynamics.NewRK4(3, 0.5, 5, tumbling.Tendency)
	for name, f := range map[string]func(){
		"no steps":   func() { dynamics.NewRK4(3, 0.5, 0, tumbling.Tendency) },
		"short":      func() { rk.Advance(make([]float64, 2)) },
		"long":       func() { rk.Tangent(make([]float64, 3), make([]float64, 4), tumbling.Tangent) },
		"cotangent":  func() { rk.Adjoint(make([]float64, 3), nil, tumbling.Cotangent) },
		"empty step": func() { dynamics.NewEulerMaruyama(0, 1, 1, dynamics.SDE{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}
