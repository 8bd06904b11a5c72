package dynamics_test

import (
	"math"
	"testing"

	"retrace/dynamics"
	"retrace/internal/rng"
)

func TestEulerMaruyamaWithoutNoiseIsOfFirstOrder(t *testing.T) {
	failure := func(steps int) float64 {
		x := []float64{1}
		dynamics.NewEulerMaruyama(1, 1, steps, dynamics.SDE{
			Drift:     func(dst, x []float64) { dst[0] = -x[0] },
			Diffusion: func(dst, x []float64) { dst[0] = 0 },
		}).Advance(x, rng.Stream(1, "noise"))
		return math.Abs(x[0] - math.Exp(-1))
	}
	if order := math.Log2(failure(64) / failure(128)); math.Abs(order-1) > 0.05 {
		t.Errorf("order is %.2f", order)
	}
}

// geometric is geometric Brownian motion: dx = mu x dt + s x dW, whose solution
// is x(t) = x(0) exp((mu - s^2/2) t + s W(t)).
func geometric(mu, s float64) dynamics.SDE {
	return dynamics.SDE{
		Drift:     func(dst, x []float64) { dst[0] = mu * x[0] },
		Diffusion: func(dst, x []float64) { dst[0] = s * x[0] },
	}
}

func TestEulerMaruyamaConvergesToTheItoSolution(t *testing.T) {
	// Multiplicative noise: strong order 1/2, and a Stratonovich reading would
	// miss the solution by a factor exp(s^2 t/2).
	const mu, s, paths = 0.5, 0.8, 4000
	failure := func(steps int) float64 {
		m := dynamics.NewEulerMaruyama(1, 1, steps, geometric(mu, s))
		var sum float64
		for path := range uint64(paths) {
			x := []float64{1}
			m.Advance(x, rng.Stream(1, "noise", path))
			var w float64 // the Brownian path that Advance has followed
			same := rng.Stream(1, "noise", path)
			for range steps {
				w += same.NormFloat64() / math.Sqrt(float64(steps))
			}
			sum += math.Abs(x[0] - math.Exp(mu-s*s/2+s*w))
		}
		return sum / paths
	}
	coarse, fine := failure(4), failure(64)
	if order := math.Log2(coarse/fine) / 4; order < 0.4 || order > 0.65 {
		t.Errorf("strong order is %.2f (errors %.4f and %.4f)", order, coarse, fine)
	}
}

func TestEulerMaruyamaOfALinearDriftHasTheMomentsOfItsRecursion(t *testing.T) {
	const theta, s, interval, steps, paths = 2.0, 0.5, 0.3, 3, 40000
	m := dynamics.NewEulerMaruyama(1, interval, steps, dynamics.SDE{
		Drift:     func(dst, x []float64) { dst[0] = -theta * x[0] },
		Diffusion: func(dst, x []float64) { dst[0] = s },
	})
	mean, variance := 1.0, 0.0
	for range steps {
		const h = interval / steps
		mean *= 1 - theta*h
		variance = variance*(1-theta*h)*(1-theta*h) + s*s*h
	}
	var sum, squares float64
	for path := range uint64(paths) {
		x := []float64{1}
		m.Advance(x, rng.Stream(2, "noise", path))
		sum += x[0] - mean
		squares += (x[0] - mean) * (x[0] - mean)
	}
	if z := sum / math.Sqrt(paths*variance); math.Abs(z) > 4 {
		t.Errorf("mean is %.1f standard errors off", z)
	}
	if z := (squares/paths/variance - 1) * math.Sqrt(paths/2); math.Abs(z) > 4 {
		t.Errorf("variance is %.1f standard errors off", z)
	}
}

func TestEulerMaruyamaIsSharedSafely(t *testing.T) {
	m := dynamics.NewEulerMaruyama(1, 1, 4, geometric(0.5, 0.8))
	checkConcurrent(t, func(worker uint64) []float64 {
		x := []float64{1}
		m.Advance(x, rng.Stream(1, "noise", worker))
		return x
	})
	x, r := []float64{1}, rng.Stream(1, "noise")
	checkNoAllocation(t, "Advance", func() { m.Advance(x, r) })
}
