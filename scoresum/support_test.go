package scoresum

import (
	"context"
	"flag"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/trajectory"
)

var long = flag.Bool("long", false, "run slow statistical tests")

func near(t testing.TB, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.6g, want %.6g within %.2g", what, got, want, tolerance)
	}
}

// decaying is the covariance of length states of an AR(1) process of unit
// variance.
func decaying(rho float64, length int) *mat.SymDense {
	c := mat.NewSymDense(length, nil)
	for i := range length {
		for j := range i + 1 {
			c.SetSym(i, j, math.Pow(rho, float64(i-j)))
		}
	}
	return c
}

// plane is the space of states of dim values.
// tokenNetworkOf is the network of a prior of states without a grid.
func tokenNetworkOf(p *Prior) *tokenNetwork { return p.network.(*tokenNetwork) }

func plane(dim int) dynamics.Space {
	return dynamics.Space{Variable: "x", Units: "1", Axes: []dynamics.Axis{{Name: "component", Labels: make([]string, dim)}}}
}

// small settings make quick networks.
func small(network string, window int) Settings {
	s := DefaultSettings()
	s.Network, s.Window, s.Stride, s.Width, s.Blocks = network, window, max(1, (window-1)/2), 8, 1
	return s
}

// newPrior returns a prior of states of dim values with the given window
// covariance and a network that returns zero: its window denoiser is then the
// exact one of that Gaussian.
func newPrior(t testing.TB, s Settings, dim int, c *mat.SymDense) *Prior {
	t.Helper()
	covariance, err := factorise(c, s.Window, dim)
	if err != nil {
		t.Fatal(err)
	}
	network, err := s.newNetwork(plane(dim))
	if err != nil {
		t.Fatal(err)
	}
	standard := trajectory.Standardiser{Mean: make([]float64, dim), Scale: make([]float64, dim), Run: 1}
	for i := range dim {
		standard.Mean[i], standard.Scale[i] = float64(i), float64(i+1)
	}
	return &Prior{
		Settings: s, Space: plane(dim), Clock: dynamics.Clock{Interval: 1, Units: "1"}, Standard: standard,
		covariance: covariance, network: network, bases: map[int]*basis{},
	}
}

// gaussianPrior is the exact prior of windows of an AR(1) process.
func gaussianPrior(t testing.TB, rho float64, window int, rule string, stride int) *Prior {
	t.Helper()
	s := small("temporal", window)
	s.Width, s.Composition, s.Stride = 2, rule, stride
	return newPrior(t, s, 1, decaying(rho, window))
}

// randomPrior has a network of random weights, the output layer included.
func randomPrior(t testing.TB, s Settings, dim int) *Prior {
	t.Helper()
	// Components decay at different rates and all states share some variance.
	c := mat.NewSymDense(s.Window*dim, nil)
	for i := range s.Window * dim {
		for j := range i + 1 {
			v := 0.2
			if i%dim == j%dim {
				v += 0.8 * math.Pow(0.9-0.2*float64(i%dim), float64(i/dim-j/dim))
			}
			c.SetSym(i, j, v)
		}
	}
	p := newPrior(t, s, dim, c)
	r := rng.Stream(1, "random weights")
	for _, q := range tokenNetworkOf(p).Parameters() {
		scale := 0.3
		if len(q.Shape) > 1 {
			fan := 1
			for _, d := range q.Shape[1:] {
				fan *= d
			}
			scale = 1 / math.Sqrt(float64(fan))
		}
		for i := range q.Data {
			q.Data[i] = float32(scale * r.NormFloat64())
		}
	}
	p.network.refresh()
	return p
}

func denoiser(t testing.TB, p *Prior, length, rows, chunk int) *Denoiser {
	t.Helper()
	d, err := p.Denoiser(length, rows, chunk)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// gaussians fills a slice with standard normal values.
func gaussians(n int, indices ...uint64) []float32 {
	r := rng.Stream(1, "test values", indices...)
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

func simulate(t testing.TB, builder dynamics.Builder, count, length int, purpose string) *trajectory.Set {
	t.Helper()
	model, err := builder.Build()
	if err != nil {
		t.Fatal(err)
	}
	set, err := trajectory.Simulate(context.Background(), model,
		trajectory.Plan{Count: count, Length: length, SpinUp: model.SpinUp(), Seed: 1, Purpose: purpose}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

// posteriorMean is E[x | x_t] for x ~ N(0, c): mu c (mu^2 c + sigma^2)^-1 x_t.
func posteriorMean(t testing.TB, c *mat.SymDense, xt []float32, at diffusion.Level) []float64 {
	t.Helper()
	n := c.SymmetricDim()
	noised, values := mat.NewSymDense(n, nil), mat.NewVecDense(n, nil)
	noised.ScaleSym(at.Mu*at.Mu, c)
	for i := range n {
		noised.SetSym(i, i, noised.At(i, i)+at.Sigma*at.Sigma)
		values.SetVec(i, float64(xt[i]))
	}
	var mean mat.VecDense
	if err := mean.SolveVec(noised, values); err != nil {
		t.Fatal(err)
	}
	mean.MulVec(c, &mean)
	mean.ScaleVec(at.Mu, &mean)
	return mean.RawVector().Data
}
