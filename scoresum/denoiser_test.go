package scoresum

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"retrace/diffusion"
)

// networks are settings that between them use every way of presenting windows:
// padded tokens included.
func networks() map[string]Settings {
	patched := small("temporal", 10)
	patched.Patch = 3
	return map[string]Settings{"mlp": small("mlp", 5), "temporal": small("temporal", 7), "temporal, patch 3": patched}
}

// eachDenoiser visits composed denoisers of networks of random weights, for
// trajectories shorter than a window, as long, and longer.
func eachDenoiser(t *testing.T, visit func(t *testing.T, p *Prior, length int)) {
	for name, s := range networks() {
		for _, rule := range Compositions() {
			s.Composition = rule
			p := randomPrior(t, s, 2)
			for _, length := range []int{3, s.Window, s.Window + 6} {
				t.Run(fmt.Sprintf("%s, %s, %d states", name, rule, length), func(t *testing.T) { visit(t, p, length) })
			}
		}
	}
}

// noisy are levels of little, middle and much noise.
var noisy = []diffusion.Level{{Mu: 0.99, Sigma: 0.02}, {Mu: 0.7, Sigma: 0.6}, {Mu: 0.03, Sigma: 1}}

// draws returns rows drawn from about the law of x_t.
func draws(p *Prior, rows, length int, at diffusion.Level) []float32 {
	x, z := gaussians(rows*length*p.Dim(), 1), gaussians(rows*length*p.Dim(), 2)
	for i := range x {
		x[i] = float32(at.Mu)*x[i] + float32(at.Sigma)*z[i]
	}
	return x
}

func denoise(t testing.TB, d *Denoiser, x []float32, at diffusion.Level) []float32 {
	t.Helper()
	mean := make([]float32, len(x))
	if err := d.Denoise(mean, x, at); err != nil {
		t.Fatal(err)
	}
	return mean
}

func pull(t testing.TB, d *Denoiser, v []float32) []float32 {
	t.Helper()
	dst := make([]float32, len(v))
	if err := d.Pull(dst, v); err != nil {
		t.Fatal(err)
	}
	return dst
}

func TestPullIsTheTransposedJacobian(t *testing.T) {
	eachDenoiser(t, func(t *testing.T, p *Prior, length int) {
		const rows = 2
		d := denoiser(t, p, length, rows, ChunkWindows)
		for _, at := range noisy {
			x, v := draws(p, rows, length, at), gaussians(rows*length*p.Dim(), 3)
			// along returns v . mean with value i of every row moved by h.
			along := func(i int, h float64) []float64 {
				moved := slices.Clone(x)
				for r := range rows {
					moved[r*d.Dim()+i] += float32(h)
				}
				sum := make([]float64, rows)
				for k, m := range denoise(t, d, moved, at) {
					sum[k/d.Dim()] += float64(v[k]) * float64(m)
				}
				return sum
			}
			denoise(t, d, x, at)
			pulled := pull(t, d, v)
			var size float64
			for _, g := range pulled {
				size = max(size, math.Abs(float64(g)))
			}
			h := 0.02 * math.Hypot(at.Mu, at.Sigma) * min(1, 5*at.Ratio()) // within what the network resolves
			for i := range d.Dim() {
				a, b, c, e := along(i, h), along(i, -h), along(i, 2*h), along(i, -2*h)
				for r := range rows {
					slope := (8*(a[r]-b[r]) - (c[r] - e[r])) / (12 * h)
					near(t, fmt.Sprintf("derivative by value %d of row %d at ratio %.2g", i, r, at.Ratio()), float64(pulled[r*d.Dim()+i]), slope, 4e-3*size)
				}
			}
		}
	})
}

func TestChunksAndRowsDoNotChangeAByte(t *testing.T) {
	eachDenoiser(t, func(t *testing.T, p *Prior, length int) {
		const rows = 3
		at := noisy[1]
		x, v := draws(p, rows, length, at), gaussians(rows*length*p.Dim(), 3)
		whole := denoiser(t, p, length, rows, ChunkWindows)
		mean, pulled := denoise(t, whole, x, at), []float32(nil)
		pulled = pull(t, whole, v)
		for _, chunk := range []int{1, 2, 5} {
			d := denoiser(t, p, length, rows, chunk)
			if !slices.Equal(denoise(t, d, x, at), mean) {
				t.Errorf("means differ with chunks of %d windows", chunk)
			}
			if !slices.Equal(pull(t, d, v), pulled) {
				t.Errorf("cotangents differ with chunks of %d windows", chunk)
			}
		}
		last := 2 * whole.Dim()
		if !slices.Equal(denoise(t, whole, x[last:], at), mean[last:]) || !slices.Equal(pull(t, whole, v[last:]), pulled[last:]) {
			t.Error("a row alone differs from the same row among others")
		}
	})
}

func TestPullCanBeRepeated(t *testing.T) {
	eachDenoiser(t, func(t *testing.T, p *Prior, length int) {
		for _, chunk := range []int{2, ChunkWindows} {
			d := denoiser(t, p, length, 2, chunk)
			x, v := draws(p, 2, length, noisy[1]), gaussians(2*length*p.Dim(), 3)
			denoise(t, d, draws(p, 2, length, noisy[2]), noisy[2])
			denoise(t, d, x, noisy[1])
			first := pull(t, d, v)
			pull(t, d, gaussians(len(v), 4))
			if !slices.Equal(pull(t, d, v), first) {
				t.Errorf("the same cotangent is pulled back differently after another one, chunk %d", chunk)
			}
		}
	})
}

func TestDenoiserDoesNotAllocate(t *testing.T) {
	p := randomPrior(t, networks()["temporal"], 2)
	for _, chunk := range []int{3, ChunkWindows} {
		d := denoiser(t, p, 20, 2, chunk)
		x := draws(p, 2, 20, noisy[1])
		mean, pulled := make([]float32, len(x)), make([]float32, len(x))
		if n := testing.AllocsPerRun(5, func() {
			if d.Denoise(mean, x, noisy[1]) != nil || d.Pull(pulled, x) != nil {
				t.Error("failed")
			}
		}); n != 0 {
			t.Errorf("%v allocations with chunks of %d windows", n, chunk)
		}
	}
}

func TestMeansThatAreNotFiniteAreErrors(t *testing.T) {
	p := randomPrior(t, networks()["temporal"], 2)
	d := denoiser(t, p, 9, 1, ChunkWindows)
	x := draws(p, 1, 9, noisy[1])
	x[5] = float32(math.NaN())
	if err := d.Denoise(make([]float32, len(x)), x, noisy[1]); err == nil {
		t.Error("no error")
	}
}

func TestImpossibleDenoisersAreErrors(t *testing.T) {
	p := randomPrior(t, networks()["temporal"], 2)
	for _, c := range [][3]int{{0, 1, 1}, {9, 0, 1}, {9, 1, 0}} {
		if _, err := p.Denoiser(c[0], c[1], c[2]); err == nil {
			t.Errorf("length, rows and chunk %v are no error", c)
		}
	}
}

func TestRowsCountsWindows(t *testing.T) {
	s := networks()["temporal"] // windows of 7, every 3
	s.Composition = "overlap"
	p := randomPrior(t, s, 1)
	for length, want := range map[int]int{5: 1, 7: 1, 8: 3, 16: 7} {
		if n, err := p.Rows(length); n != want || err != nil {
			t.Errorf("%d states: %d windows, want %d; error %v", length, n, want, err)
		}
	}
}

// A zero network gives windows the exact denoiser of their Gaussian.
func TestZeroNetworkIsTheGaussian(t *testing.T) {
	for name, s := range networks() {
		p := newPrior(t, s, 1, decaying(0.9, s.Window))
		for _, at := range noisy {
			x := draws(p, 1, s.Window, at)
			mean := denoise(t, denoiser(t, p, s.Window, 1, 1), x, at)
			want := posteriorMean(t, decaying(0.9, s.Window), x, at)
			for i := range want {
				near(t, fmt.Sprintf("%s: mean %d at ratio %.2g", name, i, at.Ratio()), float64(mean[i]), want[i], 1e-5)
			}
		}
	}
}
