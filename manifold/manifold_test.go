package manifold_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"retrace/internal/rng"
	"retrace/manifold"
	"retrace/observe"
)

func TestCurveSpansTheBox(t *testing.T) {
	for _, shape := range []int{1, 2, 3} {
		model, err := (&manifold.Curve{Dimension: 5, Shape: shape}).Build()
		if err != nil {
			t.Fatal(err)
		}
		low, high := slices.Repeat([]float64{math.Inf(1)}, 5), slices.Repeat([]float64{math.Inf(-1)}, 5)
		x := make([]float64, 5)
		r := rng.Stream(1, "test")
		for range 20000 {
			model.Step(x, r)
			for i, v := range x {
				low[i], high[i] = min(low[i], v), max(high[i], v)
			}
		}
		for i := range x {
			if low[i] < -2-1e-6 || high[i] > 2+1e-6 || high[i]-low[i] < 3.99 {
				t.Errorf("shape %d: coordinate %d spans [%v, %v], not [-2, 2]", shape, i, low[i], high[i])
			}
		}
	}
}

func TestPointsLieOnACurve(t *testing.T) {
	model, err := manifold.NewCurve().Build()
	if err != nil {
		t.Fatal(err)
	}
	// The nearest of n points of a law of d dimensions is at a distance n^(-1/d):
	// doubling n halves it for a curve.
	nearest := func(n int) float64 {
		points := make([][]float64, n)
		for i := range points {
			points[i] = make([]float64, 5)
			model.Initial(points[i], rng.Stream(2, "test", uint64(i)))
		}
		var sum float64
		for i, p := range points[:200] {
			best := math.Inf(1)
			for j, q := range points {
				var square float64
				for k := range p {
					square += (p[k] - q[k]) * (p[k] - q[k])
				}
				if i != j {
					best = min(best, square)
				}
			}
			sum += math.Log(best) / 2
		}
		return sum / 200
	}
	dimension := math.Log(16) / (nearest(500) - nearest(8000))
	if math.Abs(dimension-1) > 0.15 {
		t.Errorf("points fill %.2f dimensions, not 1", dimension)
	}
}

func TestProjectionsAreOfUnitLengthAndAdjoint(t *testing.T) {
	model, _ := manifold.NewCurve().Build()
	o, err := manifold.NewPool().Build(model.Space())
	if err != nil {
		t.Fatal(err)
	}
	size, values := o.Size()
	r := rng.Stream(3, "test")
	x, u, back := make([]float64, size), make([]float64, values), make([]float64, size)
	y := make([]float64, values)
	for j := range values {
		clear(u)
		u[j] = 1
		o.VJP(back, x, u)
		var square float64
		for _, v := range back {
			square += v * v
		}
		if math.Abs(square-1) > 1e-12 {
			t.Fatalf("direction %d has the length %v", j, math.Sqrt(square))
		}
	}
	for i := range x {
		x[i] = r.NormFloat64()
	}
	for j := range u {
		u[j] = r.NormFloat64()
	}
	o.Apply(y, x)
	o.VJP(back, x, u)
	var left, right float64
	for j := range y {
		left += y[j] * u[j]
	}
	for i := range x {
		right += x[i] * back[i]
	}
	if math.Abs(left-right) > 1e-10*math.Abs(left) {
		t.Errorf("<A x, u> = %v, <x, A^T u> = %v", left, right)
	}
}

func TestEachCaseSeesItsOwnProjections(t *testing.T) {
	model, _ := manifold.NewCurve().Build()
	o, _ := manifold.NewPool().Build(model.Space())
	moving := o.(observe.Moving)
	count := map[string]int{}
	for i := range 500 {
		a := observe.Address{Seed: 1, Scenario: "s", Case: i}
		seen := moving.Sees(a, 0)
		if len(seen) != 2 || !slices.Equal(seen, moving.Sees(a, 0)) {
			t.Fatalf("case %d sees %v", i, seen)
		}
		count[fmt.Sprint(seen)]++
	}
	if len(count) < 450 {
		t.Errorf("500 cases share %d pairs of projections", len(count))
	}
}

func TestParametersAtFaultAreNamed(t *testing.T) {
	if _, err := (&manifold.Curve{Dimension: 1}).Build(); err == nil {
		t.Error("a curve in one dimension is no error")
	}
	model, _ := manifold.NewCurve().Build()
	if _, err := (&manifold.Pool{Rows: 3, Pool: 2}).Build(model.Space()); err == nil {
		t.Error("three of two projections are no error")
	}
}

func Example() {
	model, _ := manifold.NewCurve().Build()
	x := make([]float64, 5)
	model.Initial(x, rng.Stream(1, "example"))
	operator, _ := manifold.NewPool().Build(model.Space())
	s, _ := observe.Layout(operator, []int{0}, 0.01)
	point := make([]float32, len(x))
	for i, v := range x {
		point[i] = float32(v)
	}
	seen, _ := s.Simulate(point, observe.Address{Seed: 1, Scenario: "example"})
	fmt.Println(len(seen.Observations[0].Values), "values of a point of", len(x))
	// Output: 2 values of a point of 5
}
