package exact_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/exact"
	"retrace/internal/fault"
	_ "retrace/lorenz"
	"retrace/trajectory"
)

func slow() dynamics.Model {
	m, err := (&dynamics.AR1{N: 1, Rho: 0.99, Variance: 1}).Build()
	if err != nil {
		panic(err)
	}
	return m
}

func registered(tb testing.TB, name string) dynamics.Model {
	tb.Helper()
	entry, ok := dynamics.Lookup(name)
	if !ok {
		tb.Fatalf("there is no model %q", name)
	}
	m, err := entry.Defaults().Build()
	if err != nil {
		tb.Fatal(err)
	}
	return m
}

// The prior must be the joint Gaussian law of the model's trajectories, which
// package dynamics works out by another way.
func TestLinearModelsHaveTheirOwnMoments(t *testing.T) {
	for _, name := range []string{"ar1", "damped-spring", "advection"} {
		model := registered(t, name)
		n := model.Space().Size()
		standard := trajectory.Standardiser{Mean: []float64{0.3}, Scale: []float64{1.7}, Run: n}
		prior, err := exact.Linear(model, standard)
		if err != nil {
			t.Fatal(err)
		}
		const length, s = 4, 0.8
		mean, covariance := model.(interface {
			Moments(int) ([]float64, *mat.SymDense)
		}).Moments(length)
		for i := range length * n {
			mean[i] = (mean[i] - 0.3) / 1.7
			for j := range i + 1 {
				covariance.SetSym(i, j, covariance.At(i, j)/1.7/1.7)
			}
		}
		full, err := exact.NewFull(covariance)
		if err != nil {
			t.Fatal(err)
		}
		want, err := exact.NewGaussian(mean, full)
		if err != nil {
			t.Fatal(err)
		}
		got, err := prior.Differentiable(length, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		x, a, b := make([]float32, length*n), make([]float32, length*n), make([]float32, length*n)
		for i := range x {
			x[i] = float32(math.Sin(float64(i)))
		}
		if err := errors.Join(got.Denoise(a, x, at(s)), want.Denoise(b, x, at(s))); err != nil {
			t.Fatal(err)
		}
		for i := range a {
			near(t, name, float64(a[i]), float64(b[i]), 1e-5)
		}
	}
}

// The error of compositions is that of the table in the documentation of SDA's oracle,
// computed there by another program: worst and mean over the noise levels.
func TestCompositionErrorsAreTheKnownOnes(t *testing.T) {
	for _, c := range []struct {
		rule           string
		rho            float64
		window, stride int
		worst, average float64
	}{
		{"centre", 0.9, 5, 1, 0.189, 0.091},
		{"centre", 0.9, 9, 1, 0.094, 0.040},
		{"overlap", 0.9, 9, 1, 0.039, 0.014},
		{"overlap", 0.9, 9, 4, 0.057, 0.023},
		{"average", 0.9, 9, 1, 0.125, 0.069},
		{"centre", 0.99, 9, 1, 0.215, 0.121},
	} {
		worst, average := compositionErrors(t, ar1(t, 1, c.rho), 65, windows{c.rule, c.window, c.stride})
		name := fmt.Sprintf("%s, rho %v, windows of %d every %d", c.rule, c.rho, c.window, c.stride)
		near(t, name+": worst", worst, c.worst, 0.0015)
		near(t, name+": mean", average, c.average, 0.003)
	}
}

type windows struct {
	rule           string
	window, stride int
}

// compositionErrors are the worst and the mean relative error of the composed score
// over the cosine schedule.
func compositionErrors(tb testing.TB, model dynamics.Model, length int, w windows) (worst, average float64) {
	tb.Helper()
	whole, err := exact.Linear(model, unit(model.Space().Size()))
	if err != nil {
		tb.Fatal(err)
	}
	prior, err := whole.Windowed(w.rule, w.window, w.stride)
	if err != nil {
		tb.Fatal(err)
	}
	const times = 32
	for k := range times {
		level := diffusion.Cosine{Eta: 1e-3}.At((float64(k) + 0.5) / times)
		e, err := prior.CompositionError(length, level.Ratio())
		if err != nil {
			tb.Fatal(err)
		}
		worst = max(worst, e)
		average += e / times
	}
	return worst, average
}

func TestWindowsAsLongAsTheTrajectoryAreExact(t *testing.T) {
	whole, err := exact.Linear(registered(t, "damped-spring"), unit(2))
	if err != nil {
		t.Fatal(err)
	}
	for _, rule := range []string{"centre", "overlap", "average"} {
		prior, err := whole.Windowed(rule, 12, 3)
		if err != nil {
			t.Fatal(err)
		}
		e, err := prior.CompositionError(12, 0.5)
		if err != nil {
			t.Fatal(err)
		}
		near(t, rule, e, 0, 1e-9)
	}
}

// A Gaussian fitted to many trajectories of a linear model is that of the model, up to
// the error of the estimate.
func TestFittedGaussianIsThatOfTheModel(t *testing.T) {
	model := ar1(t, 2, 0.8)
	plan := trajectory.Plan{Count: 400, Length: 128, Seed: 2, Purpose: "training"}
	training, err := trajectory.Simulate(context.Background(), model, plan, nil)
	if err != nil {
		t.Fatal(err)
	}
	fitted, err := exact.Fit(training, unit(2), 6)
	if err != nil {
		t.Fatal(err)
	}
	whole, err := exact.Linear(model, unit(2))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []float64{0.1, 1, 30} {
		got, err := fitted.Uncertainty(20, s)
		if err != nil {
			t.Fatal(err)
		}
		want, err := whole.Uncertainty(20, s)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			for j := range 40 {
				near(t, fmt.Sprint("V at ", s), got.At(i, j), want.At(i, j), 0.03*math.Min(1, s*s))
			}
		}
	}
}

func TestNonlinearModelsAreInputErrors(t *testing.T) {
	model := registered(t, "lorenz63")
	if _, err := exact.Linear(model, unit(3)); !fault.IsInput(err) || exact.IsLinear(model) {
		t.Errorf("got %v", err)
	}
}

func TestSingularNoiseHasNoPrecision(t *testing.T) {
	m, err := (&dynamics.Advection{N: 12, Speed: 1, Damping: 0.9, Variance: 1, Waves: 2}).Build()
	if err != nil {
		t.Skip(err)
	}
	prior, err := exact.Linear(m, unit(12))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := prior.Precision(4, 1); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("got %v", err)
	}
	if _, err := prior.Uncertainty(4, 1); err != nil {
		t.Error(err)
	}
}

// The table of docs/composition.md.
func TestCompositionTable(t *testing.T) {
	if !*long {
		t.Skip("prints a table; use -long -v")
	}
	for _, rho := range []float64{0.9, 0.99} {
		for _, w := range []windows{
			{"centre", 5, 1}, {"centre", 9, 1}, {"centre", 17, 1}, {"centre", 33, 1},
			{"overlap", 5, 1}, {"overlap", 9, 1}, {"overlap", 9, 4}, {"overlap", 17, 1}, {"overlap", 17, 4}, {"overlap", 17, 8}, {"overlap", 33, 4}, {"overlap", 33, 16},
			{"average", 9, 1}, {"average", 17, 1}, {"average", 33, 1},
		} {
			worst, average := compositionErrors(t, ar1(t, 1, rho), 65, w)
			t.Logf("| %v | %s | %d | %d | %.3f | %.3f |", rho, w.rule, w.window, w.stride, worst, average)
		}
	}
}
