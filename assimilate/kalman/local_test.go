package kalman_test

import (
	"math"
	"testing"

	"retrace/assimilate"
	"retrace/assimilate/kalman"
	"retrace/dynamics"
	"retrace/observe"
)

func taper(t *testing.T, name string, distance, radius float64) float64 {
	t.Helper()
	c, err := kalman.Taper(name, distance, radius)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestTapers(t *testing.T) {
	half := math.Exp(-0.5)
	for _, name := range kalman.Tapers() {
		if c := taper(t, name, 0, 3); c != 1 {
			t.Errorf("%s is %v at distance 0", name, c)
		}
		want, tolerance := half, 1e-12
		switch name {
		case "step":
			want = 1
		case "gaspari-cohn":
			want, tolerance = 0.634, 5e-4
		}
		if c := taper(t, name, 3, 3); math.Abs(c-want) > tolerance {
			t.Errorf("%s is %v at the radius, want %v", name, c, want)
		}
		previous := 1.
		for d := 0.01; d < 80; d += 0.01 {
			c := taper(t, name, d, 3)
			if c < 0 || c > previous+1e-12 {
				t.Fatalf("%s rises to %v at distance %v", name, c, d)
			}
			if name != "step" && previous-c > 0.01 {
				t.Fatalf("%s jumps by %v at distance %v", name, previous-c, d)
			}
			previous = c
		}
		if previous > 1e-5 {
			t.Errorf("%s is still %v far away", name, previous)
		}
	}
	if c := taper(t, "gaspari-cohn", 3.63, 1); !(c > 0) || taper(t, "gaspari-cohn", 3.64, 1) > 1e-12 {
		t.Errorf("the support of gaspari-cohn does not end at 3.64 radii")
	}
	// The values of Gaspari & Cohn's function at half and one and a half widths.
	for r, want := range map[float64]float64{0.5: 0.68489583, 1: 0.20833333, 1.5: 0.01649306} {
		if c := taper(t, "gaspari-cohn", 1.82*r, 1); math.Abs(c-want) > 1e-8 {
			t.Errorf("gaspari-cohn is %v at %v half-widths, want %v", c, r, want)
		}
	}
}

// torus is the identity on a doubly periodic field of two layers.
type torus struct{ ring }

func (m torus) Space() dynamics.Space {
	axis := func(name string, n int, step float64) dynamics.Axis {
		a := dynamics.Axis{Name: name, Units: "m", Period: float64(n) * step}
		for i := range n {
			a.Coordinates = append(a.Coordinates, step*float64(i))
		}
		return a
	}
	return dynamics.Space{Variable: "q", Units: "1", Axes: []dynamics.Axis{
		{Name: "layer", Labels: []string{"upper", "lower"}}, axis("y", 12, 1000), axis("x", 20, 500)}}
}
func (torus) Flow([]float64) {}

// changed lists by how much the analysis of one value moves each component's
// mean.
func changed(t *testing.T, m dynamics.Model, u kalman.Update, op observe.Operator) []float64 {
	t.Helper()
	n := m.Space().Size()
	p := assimilate.Problem{Model: m, Length: 1, Members: 200, Seed: 4, Initial: &assimilate.Normal{Mean: make([]float64, n), Sd: constant(n, 1)}}
	_, values := op.Size()
	p.Observations.Observations = []observe.Observation{{Operator: op, Values: constant(values, 3), Sd: constant(values, 0.1)}}
	all := cycled(t, filter(u), p)
	d := make([]float64, n)
	for i := range d {
		d[i] = math.Abs(all[assimilate.Analysis][0].Mean[i] - all[assimilate.Forecast][0].Mean[i])
	}
	return d
}

func TestLocalisationReachesTheShortWayRound(t *testing.T) {
	size := 2 * 12 * 20
	m := torus{newRing(size, 0)}
	index := func(layer, y, x int) int { return (layer*12+y)*20 + x }
	op := components(t, m.Space(), index(1, 0, 19))
	for name, u := range map[string]kalman.Update{
		"letkf": &kalman.LETKF{Localisation: kalman.Localisation{Taper: "step", Radius: 1200}, Batch: 1},
		"eakf":  &kalman.EAKF{Localisation: kalman.Localisation{Taper: "step", Radius: 1200}, Order: "given"},
	} {
		d := changed(t, m, u, op)
		for layer := range 2 {
			for y := range 12 {
				for x := range 20 {
					dy, dx := float64(min(y, 12-y))*1000, math.Abs(float64(x-19))*500
					dx = math.Min(dx, 10000-dx)
					near := math.Hypot(dx, dy) <= 1200
					if moved := d[index(layer, y, x)] > 0; moved != near {
						t.Errorf("%s: component %d,%d,%d moves: %v, near: %v", name, layer, y, x, moved, near)
					}
				}
			}
		}
		if d[index(1, 0, 19)] < 2.5 {
			t.Errorf("%s: the component seen moves by %v only", name, d[index(1, 0, 19)])
		}
	}
}

func TestChosenAxesAloneCount(t *testing.T) {
	m := torus{newRing(480, 0)}
	u := &kalman.LETKF{Localisation: kalman.Localisation{Taper: "step", Radius: 400, Axes: []string{"x"}}, Batch: 1}
	d := changed(t, m, u, components(t, m.Space(), 7))
	for i, v := range d {
		if near := i%20 == 7; near != (v > 0) {
			t.Errorf("component %d moves by %v", i, v)
		}
	}
}

func TestMeanOverAnAxisIsNearAllOfIt(t *testing.T) {
	m := torus{newRing(480, 0)}
	op, err := observe.Mean{Axes: []string{"x", "layer"}}.Build(m.Space())
	if err != nil {
		t.Fatal(err)
	}
	// Values of all y are seen; keep that of y = 0.
	n := 480
	p := assimilate.Problem{Model: m, Length: 1, Members: 50, Initial: &assimilate.Normal{Mean: make([]float64, n), Sd: constant(n, 1)}}
	values := constant(12, math.NaN())
	values[0] = 1
	p.Observations.Observations = []observe.Observation{{Operator: op, Values: values, Sd: constant(12, 0.1)}}
	all := cycled(t, filter(&kalman.LETKF{Localisation: kalman.Localisation{Taper: "step", Radius: 1200}, Batch: 1}), p)
	for i := range n {
		y := i / 20 % 12
		moved := all[assimilate.Analysis][0].Mean[i] != all[assimilate.Forecast][0].Mean[i]
		if near := min(y, 12-y) <= 1; moved != near {
			t.Errorf("component %d of row %d moves: %v", i, y, moved)
		}
	}
}

func TestBatchesShareAnAnalysis(t *testing.T) {
	m := torus{newRing(480, 0)}
	op := components(t, m.Space(), 0)
	// The mean distance of the block of 2 by 2 points at the origin is
	// (0 + 500 + 1000 + 1118)/4 = 654.5.
	for radius, reached := range map[float64]bool{654: false, 655: true} {
		d := changed(t, m, &kalman.LETKF{Localisation: kalman.Localisation{Taper: "step", Radius: radius}, Batch: 2}, op)
		for _, i := range []int{0, 1, 20, 21, 240, 261} {
			if (d[i] > 0) != reached {
				t.Errorf("radius %v: component %d moves by %v", radius, i, d[i])
			}
		}
		if d[2] > 0 || d[40] > 0 {
			t.Error("the next block moves too")
		}
	}
}

func TestOperatorsMayChangeFromCycleToCycle(t *testing.T) {
	// A cache of neighbours must not outlive its operator.
	m := lorenz96(t, 0.05, 1)
	p := observing(t, m, 5, 1, 6, 0.5, 1, 2, 30)
	q := observing(t, m, 5, 1, 6, 0.5, 8, 20, 21)
	for k := range p.Observations.Observations {
		if k%2 == 1 {
			p.Observations.Observations[k] = q.Observations.Observations[k]
		}
	}
	fresh := p
	fresh.Observations.Observations = nil
	for _, o := range p.Observations.Observations { // equal operators, never the same
		first := o.Operator.(observe.Named).Labels()
		o.Operator = rebuilt(t, m.Space(), first)
		fresh.Observations.Observations = append(fresh.Observations.Observations, o)
	}
	for name, u := range map[string]kalman.Update{"letkf": localised(3), "eakf": kalman.NewEAKF()} {
		if _, d := apart(cycled(t, filter(u), p), cycled(t, filter(u), fresh), assimilate.Analysis); d != 0 {
			t.Errorf("%s: members are %.1e apart", name, d)
		}
	}
}

func rebuilt(t *testing.T, space dynamics.Space, labels []string) observe.Operator {
	t.Helper()
	op, err := observe.Components{Labels: labels}.Build(space)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

func TestAdaptiveInflationRepairsAModelThatIsTooSure(t *testing.T) {
	// Nature has forcing 8, the model 7: without inflation the local filter
	// diverges, with an estimated one it follows.
	w := sakov08(t, 400, 1)
	p, truth := w.problem(t, 2, 10)
	p.Model = lorenz96Forced(t, 7)
	error := func(u kalman.Update, adaptive float64) float64 {
		f := filter(u)
		f.Adaptive = adaptive
		var sum float64
		for _, e := range cycled(t, f, p)[assimilate.Analysis][200:] {
			var square float64
			for i, x := range truth[e.Index] {
				square += (e.Mean[i] - x) * (e.Mean[i] - x)
			}
			sum += math.Sqrt(square/40) / 201
		}
		return sum
	}
	for name, u := range map[string]kalman.Update{"local": localised(4), "global": kalman.NewEAKF()} {
		if with, without := error(u, 0.04), error(u, 0); with > 0.6 || with > 0.7*without {
			t.Errorf("%s: error %.2f with adaptive inflation, %.2f without", name, with, without)
		}
	}
	own := localised(4)
	own.XN = 2
	if e := error(own, 0); e > 0.8 {
		t.Errorf("finite-size inflation in local analyses: error %.2f", e)
	}
}
