package diffusion_test

import (
	"math"
	"testing"

	"retrace/diffusion"
)

func TestGridsWalkFromNoiseToData(t *testing.T) {
	for _, name := range diffusion.Grids() {
		for _, kind := range diffusion.Schedules() {
			for _, n := range []int{1, 2, 17, 256} {
				s := schedule(t, kind)
				levels, err := diffusion.GridNamed(name, s, n, everything)
				if err != nil {
					t.Fatal(err)
				}
				if len(levels) != n+1 {
					t.Fatalf("%s of %d steps on %s has %d levels", name, n, kind, len(levels))
				}
				near(t, "first time", levels[0].T, 1, 1e-12)
				near(t, "last time", levels[n].T, 0, 1e-12)
				for i := range n {
					if levels[i+1].Ratio() >= levels[i].Ratio() {
						t.Errorf("%s of %d steps on %s: level %d is not below level %d", name, n, kind, i+1, i)
					}
				}
			}
		}
	}
}

func TestUniformGridIsUniformInTime(t *testing.T) {
	for i, l := range diffusion.UniformGrid(diffusion.Cosine{Eta: 1e-3}, 10) {
		near(t, "time", l.T, 1-float64(i)/10, 1e-15)
	}
}

func TestLogGridIsUniformInTheLogarithmOfTheRatio(t *testing.T) {
	for _, span := range []diffusion.Span{{High: 80, Low: 0.002}, {High: 10, Low: 0.05}} {
		for _, kind := range diffusion.Schedules() {
			levels := diffusion.LogGrid(schedule(t, kind), 20, span)
			near(t, kind+" first ratio", levels[0].Ratio(), span.High, 1e-9*span.High)
			step := math.Log(span.Low/span.High) / 20
			for i := range 20 {
				near(t, kind+" step", math.Log(levels[i+1].Ratio()/levels[i].Ratio()), step, 1e-8)
			}
		}
	}
}

// A third of the evaluations go to the small scales, against 4 % of uniform
// times: the reason for the grid.
func TestLogGridSpendsAThirdOnSmallNoise(t *testing.T) {
	count := func(levels []diffusion.Level) (n int) {
		for _, l := range levels {
			if l.Ratio() < 0.1 {
				n++
			}
		}
		return n
	}
	s := diffusion.Cosine{Eta: 1e-3}
	near(t, "levels of the log grid", float64(count(diffusion.LogGrid(s, 1000, everything))), 333, 20)
	near(t, "levels of the uniform grid", float64(count(diffusion.UniformGrid(s, 1000))), 45, 20)
}
