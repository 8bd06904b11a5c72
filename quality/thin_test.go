package quality_test

import (
	"math"
	"slices"
	"testing"

	"retrace/observe"
	"retrace/quality"
)

func TestThinTimeKeepsOneValueInSoMany(t *testing.T) {
	op := see(t, ring(4), 0, 1)
	values := make([][]float64, 7)
	for k := range values {
		values[k] = []float64{float64(k), float64(k)}
	}
	values[3][1] = math.NaN() // the next one takes its place
	s := sequence(op, 1, values...)
	v := quality.Begin(s)
	quality.ThinTime(v, s, 3)
	var kept [2][]int
	for k := range v {
		for j := range v[k] {
			if v[k][j] == quality.Accepted {
				kept[j] = append(kept[j], k)
			}
		}
	}
	if !slices.Equal(kept[0], []int{0, 3, 6}) || !slices.Equal(kept[1], []int{0, 4}) {
		t.Errorf("kept %v", kept)
	}
}

// No two that are kept are near, every other has one that is kept near it, and the
// most certain of all is kept.
func TestThinSpaceIsAPoissonDisk(t *testing.T) {
	space := ring(30)
	s := sequence(see(t, space, count(30)...), 1, make([]float64, 30))
	s.Observations[0].Sd[29] = 0.5
	v := quality.Begin(s)
	const distance = 4
	quality.ThinSpace(v, s, space, distance)
	away := func(i, j int) float64 { return observe.Distance(space.Axes[0], float64(i), float64(j)) }
	if v[0][29] != quality.Accepted {
		t.Error("the most certain value is not kept")
	}
	for i := range 30 {
		near := false
		for j := range 30 {
			if i == j || v[0][j] != quality.Accepted || away(i, j) >= distance {
				continue
			}
			near = true
			if v[0][i] == quality.Accepted {
				t.Errorf("%d and %d are kept", i, j)
			}
		}
		if v[0][i] == quality.Thinned && !near {
			t.Errorf("%d stands for nothing", i)
		}
	}
}

// A superobservation says of fields that are constant in each cell what its parts
// say together, and its operator has the right derivative.
func TestSuperobservationsSayWhatTheirPartsSay(t *testing.T) {
	space := ring(12)
	s := sequence(see(t, space, 0, 1, 2, 5, 6, 7, 9), 1, []float64{1, 2, 4, 3, 5, 8, 6})
	s.Observations[0].Sd = []float64{1, 2, 1, 0.5, 1, 1, 1}
	v := quality.Begin(s)
	v[0][2] = quality.GrossError // takes no part
	out, verdicts := quality.Superob(v, s, space, quality.Cells{Size: 3})
	merged := verdicts.Accepted(out)
	want := []quality.Verdict{9, 9, quality.GrossError, 0, 9, 9, 0}
	if !slices.Equal(verdicts[0], want) {
		t.Fatalf("verdicts %v, want %v", verdicts[0], want)
	}
	if v[0][0] != quality.Accepted || merged.Validate(1, space) != nil {
		t.Error("the input was changed, or the result is not valid")
	}
	parts := observe.NewLikelihood(v.Accepted(s))
	whole := observe.NewLikelihood(merged)
	g, h, x := make([]float32, 12), make([]float32, 12), make([]float32, 12)
	for i := range x {
		x[i] = float32(i / 3)
	}
	parts.Gradient(g, x)
	whole.Gradient(h, x)
	for cell := range 4 {
		a, b := 0.0, 0.0
		for i := 3 * cell; i < 3*cell+3; i++ {
			a, b = a+float64(g[i]), b+float64(h[i])
		}
		if math.Abs(a-b) > 1e-5 {
			t.Errorf("cell %d: gradient %v of the parts, %v of the superobservations", cell, a, b)
		}
	}
	places := out.Observations[1].Operator.(observe.Located).Locations(space)
	if math.Abs(places[0][0]-0.2) > 1e-12 || math.Abs(places[1][0]-6.5) > 1e-12 {
		t.Errorf("places %v", places)
	}
	if labels := observe.Labels(out.Observations[1].Operator); !slices.Equal(labels, []string{"0+1", "6+1"}) {
		t.Errorf("labels %v", labels)
	}
}

// Means of noise that is not Gaussian and independent are not what the formulas say.
func TestOtherLawsAreNotMerged(t *testing.T) {
	space := ring(12)
	s := sequence(see(t, space, count(12)...), 2, make([]float64, 12))
	s.Observations[0].Law = &observe.StudentT{Dof: 4}
	out, v := quality.Superob(quality.Begin(s), s, space, quality.Cells{Size: 4})
	if len(out.Observations) != 1 || v.Counts()[quality.Accepted] != 12 {
		t.Errorf("%d observations, verdicts %v", len(out.Observations), v.Counts())
	}
}

func TestTheFloorOfSuperobservationsStays(t *testing.T) {
	space := ring(12)
	s := sequence(see(t, space, count(12)...), 2, make([]float64, 12))
	for floor, want := range map[float64]float64{0: 1, 0.5: 1, 0.8: 1.6, 1: 2} {
		out, _ := quality.Superob(quality.Begin(s), s, space, quality.Cells{Size: 4, Floor: floor})
		for _, sd := range out.Observations[1].Sd {
			if math.Abs(sd-want) > 1e-12 {
				t.Errorf("floor %v: sd %v, want %v", floor, sd, want)
			}
		}
	}
}

// The derivative of the operator of a superobservation is that of its mean.
func TestSuperobservationOperatorAndVJPAgree(t *testing.T) {
	space := ring(6)
	s := sequence(see(t, space, count(6)...), 1, make([]float64, 6))
	s.Observations[0].Sd = []float64{1, 2, 3, 1, 2, 3}
	out, _ := quality.Superob(quality.Begin(s), s, space, quality.Cells{Size: 3})
	op := out.Observations[1].Operator
	x, v := []float64{1, -2, 3, 0.5, 0.25, 2}, []float64{0.3, -0.7}
	pulled, y, z := make([]float64, 6), make([]float64, 2), make([]float64, 2)
	op.VJP(pulled, x, v)
	op.Apply(y, x)
	for i := range x {
		const step = 1e-6
		x[i] += step
		op.Apply(z, x)
		x[i] -= step
		slope := (v[0]*(z[0]-y[0]) + v[1]*(z[1]-y[1])) / step
		if math.Abs(slope-pulled[i]) > 1e-7 {
			t.Errorf("component %d: %v, want %v", i, pulled[i], slope)
		}
	}
}
