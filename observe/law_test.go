package observe_test

import (
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/observe"
)

// marginals are the laws of single values.
func marginals(t testing.TB) map[string]observe.Marginal {
	t.Helper()
	laws := map[string]observe.Marginal{}
	for name, b := range map[string]observe.LawBuilder{
		"student-t": &observe.StudentT{Dof: 3}, "laplace": &observe.Laplace{}, "poisson": &observe.Poisson{Background: 0.2},
		"censored": &observe.Censored{Low: -1, High: 2},
	} {
		law, err := b.Build(nil, lorenz)
		if err != nil {
			t.Fatal(err)
		}
		if law.Name() != name {
			t.Errorf("%s calls itself %s", name, law.Name())
		}
		laws[name] = law.(observe.Marginal)
	}
	return laws
}

// chance is p(y | h) of values up to a bound, by sums over a fine grid, with the atoms of
// the law.
func chance(law observe.Marginal, h, sd, below float64) float64 {
	var sum float64
	switch law := law.(type) {
	case *observe.Poisson:
		for y := 0.0; y <= math.Min(below, 200); y++ {
			sum += math.Exp(law.LogValue(y, h, sd))
		}
		return sum
	case *observe.Censored:
		if below >= law.High {
			sum += math.Exp(law.LogValue(law.High, h, sd))
		}
		if below >= law.Low {
			sum += math.Exp(law.LogValue(law.Low, h, sd))
		}
		const step = 1e-3
		for y := law.Low + step/2; y < math.Min(below, law.High); y += step {
			sum += step * math.Exp(law.LogValue(y, h, sd))
		}
		return sum
	}
	const step = 2e-3
	for y := h - 300*sd; y < math.Min(below, h+300*sd); y += step * sd {
		sum += step * sd * math.Exp(law.LogValue(y, h, sd))
	}
	return sum
}

func TestLawsAreDensitiesWithTheirSlopes(t *testing.T) {
	for name, law := range marginals(t) {
		for _, h := range []float64{0.7, 1.9, 6} {
			if mass := chance(law, h, 0.6, math.Inf(1)); math.Abs(mass-1) > 2e-3 {
				t.Errorf("%s at %v: p(y|h) sums to %v", name, h, mass)
			}
			for _, y := range []float64{0, 1, 2, 5} {
				const d = 1e-5
				want := (law.LogValue(y, h+d, 0.6) - law.LogValue(y, h-d, 0.6)) / (2 * d)
				if got := law.Slope(y, h, 0.6); math.Abs(got-want) > 1e-6*(1+math.Abs(want)) {
					t.Errorf("%s: slope of y = %v at %v is %v, not %v", name, y, h, got, want)
				}
			}
		}
	}
}

// Far beyond a limit the tail of a Gaussian has no digits left in its plain form.
func TestCensoredFarBeyondItsLimit(t *testing.T) {
	law := &observe.Censored{Low: math.Inf(-1), High: 1}
	for _, h := range []float64{-20, -29, -31, -300} {
		log, slope := law.LogValue(1, h, 1), law.Slope(1, h, 1)
		if want := -(1-h)*(1-h)/2 - math.Log((1-h)*math.Sqrt(2*math.Pi)); math.Abs(log-want) > 3e-3 || math.Abs(slope/(1-h)-1) > 3e-3 {
			t.Errorf("at %v: log %v, slope %v", h, log, slope)
		}
	}
}

func TestDrawsFollowTheLaw(t *testing.T) {
	const draws, h, sd = 4000, 1.3, 0.6
	source := rng.NewSource(3, "draws")
	for name, law := range marginals(t) {
		y, sds := make([]float64, draws), make([]float64, draws)
		for j := range y {
			y[j], sds[j] = h, sd
		}
		law.Draw(y, sds, func(j int) *rng.Source { return source.At(uint64(j)) })
		for _, below := range []float64{-1, 0.5, 1, 1.5, 1.99, 2, 3} {
			var share float64
			for _, v := range y {
				if v <= below {
					share += 1.0 / draws
				}
			}
			if want := chance(law, h, sd, below); math.Abs(share-want) > 4*math.Sqrt(0.25/draws) {
				t.Errorf("%s: a share of %.3f of the draws is at most %v, not %.3f", name, share, below, want)
			}
		}
	}
}

// tilted is mean and variance of N(m, v) times p(y | h), by a fine sum.
func tilted(law observe.Marginal, y, sd, m, v float64) (mean, variance float64) {
	var mass, first, second float64
	low, high := math.Min(m-12*math.Sqrt(v), y-40*sd), math.Max(m+12*math.Sqrt(v), y+40*sd)
	const n = 40_000
	for k := range n {
		h := low + (high-low)*(float64(k)+0.5)/n
		w := math.Exp(law.LogValue(y, h, sd) - (h-m)*(h-m)/(2*v))
		mass, first, second = mass+w, first+w*h, second+w*h*h
	}
	mean = first / mass
	return mean, second/mass - mean*mean
}

func TestMatchedReadingsLeaveTheSameMeanAndVariance(t *testing.T) {
	for name, law := range marginals(t) {
		for _, c := range []struct{ y, m, v float64 }{{2, 1.8, 0.01}, {2, 1, 0.3}, {1, 3, 4}, {0, 1.5, 0.5}} {
			mean, variance := tilted(law, c.y, 0.6, c.m, c.v)
			value, noise := observe.Match(law, c.y, 0.6, c.m, c.v)
			gotVariance := c.v * noise / (c.v + noise)
			got := c.m + c.v/(c.v+noise)*(value-c.m)
			if variance >= c.v { // no reading widens
				variance = c.v
			}
			if math.Abs(got-mean) > 2e-3*math.Sqrt(c.v) || math.Abs(gotVariance/variance-1) > 2e-3 {
				t.Errorf("%s, y = %v of N(%v, %v): mean %.5f, not %.5f; variance %.5f, not %.5f", name, c.y, c.m, c.v, got, mean, gotVariance, variance)
			}
		}
	}
}

func TestMatchOfGaussianNoiseIsTheReadingItself(t *testing.T) {
	law := &observe.Censored{Low: -1e6, High: 1e6} // limits out of reach
	for _, v := range []float64{1e-8, 0.01, 1, 1e4} {
		value, noise := observe.Match(law, 1.5, 0.3, -0.4, v)
		if math.Abs(value-1.5) > 1e-3 || math.Abs(noise/0.09-1) > 1e-3 {
			t.Errorf("v = %v: N(%v, %v)", v, value, noise)
		}
	}
}

// correlations of the ways to give them.
func correlated(t testing.TB, c observe.Correlation) observe.Law {
	t.Helper()
	op := build(t, observe.Identity{}, lorenz)
	law, err := c.Build(op, lorenz)
	if err != nil {
		t.Fatal(err)
	}
	return law
}

var explicit = observe.Correlation{Matrix: [][]float64{{1, 0.5, 0.2}, {0.5, 1, -0.3}, {0.2, -0.3, 1}}}

func TestCorrelatedNoiseIsGaussianOfItsCovariance(t *testing.T) {
	law := correlated(t, explicit)
	y, h, sd := []float64{1, math.NaN(), -2}, []float64{0.5, 7, 1}, []float64{0.7, 1, 2}
	// of the two present: covariance {{.49, .28}, {.28, 4}}, deviation {.5, -3}
	det := 0.49*4 - 0.28*0.28
	square := (4*0.25 + 2*0.28*1.5 + 0.49*9) / det
	want := -square/2 - math.Log(det)/2 - math.Log(2*math.Pi)
	if got := law.LogDensity(y, h, sd); math.Abs(got-want) > 1e-12 {
		t.Errorf("log p = %v, not %v", got, want)
	}
	score := make([]float64, 3)
	law.Score(score, y, h, sd)
	for j := range h {
		const d = 1e-5
		up, down := []float64{h[0], h[1], h[2]}, []float64{h[0], h[1], h[2]}
		up[j] += d
		down[j] -= d
		if slope := (law.LogDensity(y, up, sd) - law.LogDensity(y, down, sd)) / (2 * d); math.Abs(slope-score[j]) > 1e-8 {
			t.Errorf("derivative %d: %v, not %v", j, score[j], slope)
		}
	}
}

func TestCorrelatedDrawsHaveTheCovariance(t *testing.T) {
	law := correlated(t, explicit)
	const draws = 20_000
	source := rng.NewSource(5, "draws")
	sd := []float64{0.7, 1, 2}
	covariance := mat.NewSymDense(3, nil)
	for k := range draws {
		y := make([]float64, 3)
		law.Draw(y, sd, func(j int) *rng.Source { return source.At(uint64(k), uint64(j)) })
		covariance.SymRankOne(covariance, 1.0/draws, mat.NewVecDense(3, y))
	}
	for i, row := range explicit.Matrix {
		for j, r := range row {
			if got := covariance.At(i, j) / sd[i] / sd[j]; math.Abs(got-r) > 0.03 {
				t.Errorf("correlation of %d and %d is %.3f, not %v", i, j, got, r)
			}
		}
	}
}

// Whitened observations have the likelihood of the correlated ones up to a constant, and
// independent noise.
func TestWhitenedObservationsSayTheSame(t *testing.T) {
	op := build(t, observe.Identity{}, lorenz)
	s := observe.Sequence{Observations: []observe.Observation{
		{Index: 0, Operator: op, Values: []float64{1, math.NaN(), -2}, Sd: []float64{0.7, 1, 2}, Law: correlated(t, explicit)},
		{Index: 1, Operator: op, Values: []float64{0.3, 0.4, 0.5}, Sd: []float64{1, 1, 1}, Law: correlated(t, observe.Correlation{Block: 2, Share: 0.8})},
		{Index: 1, Operator: op, Values: []float64{0.3, 0.4, 0.5}, Sd: []float64{1, 1, 1}},
		{Index: 1, Operator: op, Values: []float64{math.NaN(), math.NaN(), math.NaN()}, Sd: []float64{1, 1, 1}, Law: correlated(t, explicit)},
	}}
	white := s.Whitened()
	if err := white.Validate(2, lorenz); err != nil {
		t.Fatal(err)
	}
	r := rng.Stream(3, "trajectory")
	var before float64
	for k := range 4 {
		x := make([]float32, 6)
		for i := range x {
			x[i] = float32(r.NormFloat64())
		}
		a, b := make([]float32, 6), make([]float32, 6)
		difference := observe.NewLikelihood(s).Gradient(a, x) - observe.NewLikelihood(white).Gradient(b, x)
		if k > 0 && math.Abs(difference-before) > 1e-5 {
			t.Errorf("log densities differ by %v, then by %v", before, difference)
		}
		before = difference
		for i := range a {
			if math.Abs(float64(a[i]-b[i])) > 1e-5 {
				t.Errorf("gradient %d: %v and %v", i, a[i], b[i])
			}
		}
	}
}

func TestNoiseFallsWithDistance(t *testing.T) {
	space := dynamics.Space{Variable: "state", Axes: []dynamics.Axis{{Name: "x", Units: "km", Coordinates: []float64{0, 1, 3}, Period: 4}}}
	op := build(t, observe.Identity{}, space)
	law, err := (&observe.Correlation{Length: 2}).Build(op, space)
	if err != nil {
		t.Fatal(err)
	}
	// h = 0: p(y) with y = a e_i + b e_j against the covariance of the two alone
	covariance := mat.NewSymDense(3, []float64{1, math.Exp(-0.5), math.Exp(-0.5), math.Exp(-0.5), 1, math.Exp(-1), math.Exp(-0.5), math.Exp(-1), 1})
	var inverse mat.Dense
	if err := inverse.Inverse(covariance); err != nil {
		t.Fatal(err)
	}
	y := []float64{0.3, -1, 0.8}
	e := mat.NewVecDense(3, y)
	want := -mat.Inner(e, &inverse, e)/2 - math.Log(mat.Det(covariance))/2 - 1.5*math.Log(2*math.Pi)
	if got := law.LogDensity(y, make([]float64, 3), []float64{1, 1, 1}); math.Abs(got-want) > 1e-12 {
		t.Errorf("log p = %v, not %v", got, want)
	}
}

func TestFaultyNoiseIsRefused(t *testing.T) {
	op := build(t, observe.Identity{}, lorenz)
	for name, b := range map[string]observe.LawBuilder{
		"dof":        &observe.StudentT{Dof: -1},
		"background": &observe.Poisson{},
		"limits":     &observe.Censored{Low: 2, High: 1},
		"no limit":   &observe.Censored{Low: math.Inf(-1), High: math.Inf(1)},
		"no way":     &observe.Correlation{},
		"two ways":   &observe.Correlation{Block: 2, Share: 0.5, Length: 1},
		"share":      &observe.Correlation{Block: 2, Share: 1},
		"shape":      &observe.Correlation{Matrix: [][]float64{{1}}},
		"diagonal":   &observe.Correlation{Matrix: [][]float64{{2, 0, 0}, {0, 1, 0}, {0, 0, 1}}},
		"indefinite": &observe.Correlation{Matrix: [][]float64{{1, 0.9, -0.9}, {0.9, 1, 0.9}, {-0.9, 0.9, 1}}},
	} {
		if _, err := b.Build(op, lorenz); !fault.IsInput(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	counts := observe.Sequence{Observations: []observe.Observation{{Operator: op, Values: []float64{1, 2.5, math.NaN()}, Sd: []float64{1, 1, 1}, Law: &observe.Poisson{Background: 1}}}}
	if err := counts.ValidateAny(1, lorenz); err == nil {
		t.Error("2.5 is taken for a count")
	}
	counts.Observations[0].Values[1] = 2
	if err := counts.ValidateAny(1, lorenz); err != nil {
		t.Error(err)
	}
	var law *observe.ErrLaw
	if err := counts.Validate(1, lorenz); !errors.As(err, &law) || law.Law != "poisson" {
		t.Errorf("a method that knows no counts is given some: %v", err)
	}
}
