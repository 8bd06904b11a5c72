package verify_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/trajectory"
	"retrace/verify"
)

// fixed makes a sample of one-component trajectories with the given values.
func fixed(t testing.TB, trajectories ...[]float64) *verify.Sample {
	t.Helper()
	m, i := 0, -1
	return sample(t, len(trajectories), len(trajectories[0]), 1, func() float64 {
		if i++; i == len(trajectories[m]) {
			m, i = m+1, 0
		}
		return trajectories[m][i]
	})
}

func TestScoresByHand(t *testing.T) {
	ensemble := fixed(t, []float64{0, 10}, []float64{1, 10}, []float64{5, 16})
	truth := fixed(t, []float64{4, 12})
	// Means 2 and 12; errors -2 and 0; variances (4+1+9)/2 = 7 and 24/2 = 12.
	for _, c := range []struct {
		name      string
		got, want float64
	}{
		{"RMSE", verify.RMSE(ensemble, truth), math.Sqrt(2)},
		{"spread", verify.Spread(ensemble), math.Sqrt(9.5)},
		{"spread-skill", verify.SpreadSkill(ensemble, truth), math.Sqrt(4. / 3 * 9.5 / 2)},
		{"squared error of state 0", verify.SquaredErrorByTime(ensemble, truth)[0], 4},
		{"squared error of state 1", verify.SquaredErrorByTime(ensemble, truth)[1], 0},
		{"variance of state 1", verify.VarianceByTime(ensemble)[1], 12},
		// |x-y|: 4, 3, 1, mean 8/3; pairs 1, 4, 5: minus 10 / (3 x 2).
		{"CRPS of state 0", verify.CRPSByTime(ensemble, truth)[0], 8./3 - 10./6},
		// |x-y|: 2, 2, 4; pairs 0, 6, 6: minus 12 / 6.
		{"CRPS of state 1", verify.CRPSByTime(ensemble, truth)[1], 8./3 - 2},
	} {
		if math.Abs(c.got-c.want) > 1e-12 {
			t.Errorf("%s is %v, want %v", c.name, c.got, c.want)
		}
	}
}

func TestFairCRPSMatchesItsDefinition(t *testing.T) {
	r := rng.Stream(1, "test")
	for _, m := range []int{2, 3, 10, 51} {
		x := make([]float64, m)
		for i := range x {
			x[i] = 1e3 + r.NormFloat64()
		}
		y := 1e3 + r.NormFloat64()
		var skill, pairs float64
		for _, a := range x {
			skill += math.Abs(a-y) / float64(m)
			for _, b := range x {
				pairs += math.Abs(a-b) / float64(2*m*(m-1))
			}
		}
		if got := verify.FairCRPS(x, y); math.Abs(got-(skill-pairs)) > 1e-12 {
			t.Errorf("%d members: %v, definition gives %v", m, got, skill-pairs)
		}
	}
}

func TestCRPSOfGaussianEnsembleMatchesClosedForm(t *testing.T) {
	// CRPS(N(m, s^2), y) = s (z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi)), z = (y-m)/s,
	// is the expectation of the fair score for any number of members.
	const mean, sd, y = 2., 3., 4.5
	z := (y - mean) / sd
	phi := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
	want := sd * (z*math.Erf(z/math.Sqrt2) + 2*phi - 1/math.Sqrt(math.Pi))
	for _, m := range []int{2, 5, 1000} {
		repeats := 200000 / m
		r := rng.Stream(2, "test", uint64(m))
		var sum, squares float64
		x := make([]float64, m)
		for range repeats {
			for i := range x {
				x[i] = mean + sd*r.NormFloat64()
			}
			score := verify.FairCRPS(x, y)
			sum += score
			squares += score * score
		}
		n := float64(repeats)
		got := sum / n
		standardError := math.Sqrt((squares/n - got*got) / n)
		if math.Abs(got-want) > 4*standardError {
			t.Errorf("%d members: %v, want %v, standard error %v", m, got, want, standardError)
		}
	}
}

func TestSpreadSkillIsOneIfTruthAndMembersAreExchangeable(t *testing.T) {
	for _, c := range []struct {
		name    string
		members int
		inflate float64 // of the members about the mean of the law
		want    float64
	}{
		{"calibrated, 4 members", 4, 1, 1},
		{"calibrated, 20 members", 20, 1, 1},
		{"20 % too narrow, 20 members", 20, 0.8, 0.82}, // sqrt(21/20 x .64 / (1 + .64/20)) = .807
	} {
		r := rng.Stream(3, "test", uint64(c.members))
		const length, size = 2000, 2
		centre := make([]float64, length*size)
		for i := range centre {
			centre[i] = 5 * r.NormFloat64()
		}
		i := 0
		about := func(scale float64) func() float64 {
			return func() float64 { i++; return centre[i%len(centre)] + scale*r.NormFloat64() }
		}
		ensemble := sample(t, c.members, length, size, about(c.inflate))
		i = 0
		truth := sample(t, 1, length, size, about(1))
		if got := verify.SpreadSkill(ensemble, truth); math.Abs(got-c.want) > 0.03 {
			t.Errorf("%s: ratio %v, want %v", c.name, got, c.want)
		}
	}
}

func TestScoresAreUnbrokenByManyComponents(t *testing.T) {
	// More columns than the CRPS gathers at once: each column must still meet
	// its own truth. Members are the truth plus one constant each.
	const length, size = 7, 23
	r := rng.Stream(4, "test")
	truth := sample(t, 1, length, size, normal(r, 0, 10))
	offsets := []float64{-1, 0, 2}
	i := 0
	ensemble := sample(t, len(offsets), length, size, func() float64 {
		m, k := i/(length*size), i%(length*size)
		i++
		return float64(truth.Member(0)[k]) + offsets[m]
	})
	want := 1. - (1.+3+2)/6
	for s, got := range verify.CRPSByTime(ensemble, truth) {
		if math.Abs(got-want) > 1e-5 {
			t.Errorf("state %d: CRPS %v, want %v", s, got, want)
		}
	}
}

func TestScoresOfOneMemberAreUndefinedNotZero(t *testing.T) {
	one, truth := fixed(t, []float64{1, 2}), fixed(t, []float64{1, 3})
	for name, got := range map[string]float64{
		"spread": verify.Spread(one), "ratio": verify.SpreadSkill(one, truth), "CRPS": verify.CRPS(one, truth),
	} {
		if !math.IsNaN(got) {
			t.Errorf("%s of one member is %v", name, got)
		}
	}
}

func TestNonFiniteValuesAreNamed(t *testing.T) {
	grid := dynamics.Space{Axes: []dynamics.Axis{
		{Name: "layer", Labels: []string{"upper", "lower"}},
		{Name: "x", Coordinates: []float64{0, 0.5, 1}},
	}}
	for _, c := range []struct {
		at   int
		bad  float64
		want string
	}{
		{2*4*6 + 3*6 + 4, math.NaN(), "member 2, state 3, component lower/0.5: the value is NaN"},
		{0, math.Inf(-1), "member 0, state 0, component upper/0: the value is -Inf"},
	} {
		set := &trajectory.Set{
			Space: grid, Length: 4, Data: make([]float32, 3*4*6),
			Lead: []trajectory.Dimension{{Name: "member", Len: 3}},
		}
		set.Data[c.at] = float32(c.bad)
		if _, err := verify.NewSample(set); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

func TestSetsThatAreNoSampleAreRefused(t *testing.T) {
	lead := func(n ...int) (dims []trajectory.Dimension) {
		for _, l := range n {
			dims = append(dims, trajectory.Dimension{Name: "d", Len: l})
		}
		return dims
	}
	for name, set := range map[string]*trajectory.Set{
		"cases":     {Space: line(1), Length: 1, Lead: lead(2, 2), Data: make([]float32, 4)},
		"empty":     {Space: line(1), Length: 1, Lead: lead(0)},
		"truncated": {Space: line(1), Length: 3, Lead: lead(2), Data: make([]float32, 5)},
	} {
		if _, err := verify.NewSample(set); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

// walkModel is a random walk with steps of sd 2.
type walkModel struct{ size int }

func (w walkModel) Space() dynamics.Space             { return line(w.size) }
func (w walkModel) Clock() dynamics.Clock             { return dynamics.Clock{Interval: 1, Units: "1"} }
func (w walkModel) SpinUp() int                       { return 0 }
func (w walkModel) Initial(x []float64, r *rand.Rand) { clear(x) }
func (w walkModel) Step(x []float64, r *rand.Rand) {
	for i := range x {
		x[i] += 2 * r.NormFloat64()
	}
}

func (w walkModel) LogTransition(x, next []float64) float64 {
	var sum float64
	for i := range x {
		d := (next[i] - x[i]) / 2
		sum -= d*d/2 + math.Log(2) + math.Log(2*math.Pi)/2
	}
	return sum
}

func TestLogTransitionOfOwnTrajectoriesIsMinusTheEntropyOfTheNoise(t *testing.T) {
	const members, length, size = 400, 30, 2
	model := walkModel{size}
	r := rng.Stream(5, "test")
	x, i := make([]float64, size), 0
	s := sample(t, members, length, size, func() float64 {
		if i%(length*size) == 0 {
			model.Initial(x, r)
		} else if i%size == 0 {
			model.Step(x, r)
		}
		i++
		return x[(i-1)%size]
	})
	got, err := verify.LogTransition(s, model)
	if err != nil {
		t.Fatal(err)
	}
	const terms = (length - 1) * size
	want := -terms * math.Log(2*math.Sqrt(2*math.Pi*math.E))
	standardError := math.Sqrt(terms/2.) / math.Sqrt(members) // a term has variance 1/2
	if math.Abs(got-want) > 4*standardError {
		t.Errorf("%v, want %v, standard error %v", got, want, standardError)
	}
}

func TestLogLikelihoodIsTheMeanOverMembers(t *testing.T) {
	s := fixed(t, []float64{1, 2}, []float64{3, 4}, []float64{5, 9})
	got, err := verify.LogLikelihood(s, func(trajectory []float32) float64 { return -float64(trajectory[1]) })
	if err != nil || got != -5 {
		t.Errorf("%v, %v; want -5", got, err)
	}
	_, err = verify.LogLikelihood(s, func(trajectory []float32) float64 {
		if trajectory[0] == 3 {
			return math.NaN()
		}
		return 0
	})
	if err == nil || !strings.Contains(err.Error(), "member 1") {
		t.Errorf("NaN of member 1 gives %v", err)
	}
}

// Five members about 3, and a truth of 1.5: the error equals the spread, near enough.
func ExampleSpreadSkill() {
	set := func(lead []trajectory.Dimension, values ...float32) *verify.Sample {
		s, err := verify.NewSample(&trajectory.Set{Space: line(1), Lead: lead, Length: 1, Data: values})
		if err != nil {
			panic(err)
		}
		return s
	}
	ensemble := set([]trajectory.Dimension{{Name: "member", Len: 5}}, 1, 2, 3, 4, 5)
	truth := set(nil, 1.5)
	fmt.Printf("rmse %.2f, spread %.2f, ratio %.2f, crps %.2f\n", verify.RMSE(ensemble, truth),
		verify.Spread(ensemble), verify.SpreadSkill(ensemble, truth), verify.CRPS(ensemble, truth))
	// Output: rmse 1.50, spread 1.58, ratio 1.15, crps 0.70
}
