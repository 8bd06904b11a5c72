package scoresum

import (
	"math"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/trajectory"
)

// ringSpace is the space of states on a ring of n sites.
func ringSpace(n int) dynamics.Space {
	return dynamics.Space{Variable: "x", Units: "1", Axes: []dynamics.Axis{
		{Name: "site", Units: "1", Coordinates: make([]float64, n), Period: float64(n)},
	}}
}

// ringPrior is a prior of states on a ring, of random weights and a covariance that is
// the same at every site.
func ringPrior(t *testing.T, n, window int) *Prior {
	t.Helper()
	s := small("ring", window)
	c := mat.NewSymDense(window*n, nil)
	for i := range window * n {
		for j := range i + 1 {
			d := (i%n - j%n + n) % n
			c.SetSym(i, j, math.Pow(0.5, float64(min(d, n-d)))*math.Pow(0.8, float64(i/n-j/n)))
		}
	}
	covariance, err := factorise(c, window, n)
	if err != nil {
		t.Fatal(err)
	}
	network, err := s.newNetwork(ringSpace(n))
	if err != nil {
		t.Fatal(err)
	}
	r := rng.Stream(1, "random weights")
	for _, q := range network.(*tokenNetwork).Parameters() {
		for i := range q.Data {
			q.Data[i] = float32(0.3 * r.NormFloat64())
		}
	}
	network.refresh()
	standard := trajectory.Standardiser{Mean: make([]float64, n), Scale: make([]float64, n), Run: 1}
	for i := range standard.Scale {
		standard.Scale[i] = 1
	}
	return &Prior{
		Settings: s, Space: ringSpace(n), Clock: dynamics.Clock{Interval: 1, Units: "1"}, Standard: standard,
		covariance: covariance, network: network, bases: map[int]*basis{},
	}
}

// The law of a ring does not change under a shift, and with it the denoiser. One block
// and three taps see four sites each way, which is what is repeated at the cut.
func TestShiftedRingHasTheShiftedMean(t *testing.T) {
	const n, window, shift = 16, 3, 5
	p := ringPrior(t, n, window)
	length := 7
	d := denoiser(t, p, length, 1, ChunkWindows)
	shifted := func(x []float32) []float32 {
		y := make([]float32, len(x))
		for i := range x {
			y[i/n*n+(i%n+shift)%n] = x[i]
		}
		return y
	}
	for _, at := range noisy {
		x := draws(p, 1, length, at)
		v := gaussians(len(x), 3)
		mean := denoise(t, d, x, at)
		pulled := pull(t, d, v)
		image := denoise(t, d, shifted(x), at)
		back := pull(t, d, shifted(v))
		for i := range mean {
			near(t, "mean", float64(image[i]), float64(shifted(mean)[i]), 2e-4)
			near(t, "cotangent", float64(back[i]), float64(shifted(pulled)[i]), 2e-3)
		}
	}
}

func TestRingLayoutIsPulledBackByItsTranspose(t *testing.T) {
	const n, length, stride = 12, 2, 32
	l := layout{3, n, 3, 1, n}
	rows := gaussians(stride, 1)
	for i := length * n; i < stride; i++ {
		rows[i] = 0
	}
	input := make([]float32, l.tokens(length)*l.width())
	cotangent := gaussians(len(input), 2)
	back := make([]float32, stride)
	for view := range views {
		clear(input)
		l.put(input, view, rows, length, stride)
		l.take(back, view, cotangent, length, stride)
		near(t, "<put x, c> = <x, take c>", inner(input, cotangent), inner(rows, back), 1e-4)
	}
	out := gaussians(l.tokens(length)*l.span(), 3)
	gathered, spread := make([]float32, stride), make([]float32, len(out))
	l.gatherRing(gathered, out, length)
	l.spreadRing(spread, rows, length)
	near(t, "<gather o, x> = <o, spread x>", inner(gathered, rows), inner(out, spread), 1e-4)
}

func inner(a, b []float32) (sum float64) {
	for i, v := range a {
		sum += float64(v) * float64(b[i])
	}
	return sum
}

func TestRingNetworkNeedsARing(t *testing.T) {
	if _, err := small("ring", 3).newNetwork(plane(12)); err == nil || !strings.Contains(err.Error(), `"ring"`) {
		t.Errorf("states without a ring: %v", err)
	}
}
