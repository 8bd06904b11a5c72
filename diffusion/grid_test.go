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

func TestKarrasGridIsUniformInTheSeventhRootOfTheRatio(t *testing.T) {
	levels := diffusion.KarrasGrid(edm, 17, everything)
	root := func(l diffusion.Level) float64 { return math.Pow(l.Ratio(), 1./7) }
	near(t, "first ratio", levels[0].Ratio(), 80, 1e-9)
	near(t, "last ratio", levels[17].Ratio(), 0.002, 1e-12)
	for i := range 17 {
		near(t, "step", root(levels[i])-root(levels[i+1]), (math.Pow(80, 1./7)-math.Pow(0.002, 1./7))/17, 1e-9)
	}
}

func TestLogGridBendsAtItsKnee(t *testing.T) {
	for _, c := range []struct {
		n, above int
		share    float64
	}{{32, 12, 0.625}, {10, 5, 0.5}, {2, 1, 0.9}, {10, 9, 0.001}, {10, 1, 0.999}} {
		levels := diffusion.LogGrid(edm, c.n, diffusion.Span{High: 20, Low: 0.004, Knee: 0.1, Below: c.share})
		near(t, "first", levels[0].Ratio(), 20, 1e-9)
		near(t, "knee", levels[c.above].Ratio(), 0.1, 1e-9)
		near(t, "last", levels[c.n].Ratio(), 0.004, 1e-9)
		for i := range c.n {
			want := math.Log(20/0.1) / float64(c.above)
			if i >= c.above {
				want = math.Log(0.1/0.004) / float64(c.n-c.above)
			}
			near(t, "step", math.Log(levels[i].Ratio()/levels[i+1].Ratio()), want, 1e-9)
		}
	}
	for _, knee := range []float64{0, 0.001, 30} {
		plain := diffusion.LogGrid(edm, 8, diffusion.Span{High: 20, Low: 0.004})
		bent := diffusion.LogGrid(edm, 8, diffusion.Span{High: 20, Low: 0.004, Knee: knee, Below: 0.5})
		near(t, "without a knee in range", bent[4].Ratio(), plain[4].Ratio(), 0)
	}
}
