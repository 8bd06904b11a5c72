package scoresum

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"retrace/internal/kernel"
	"retrace/internal/nn"
	"retrace/internal/rng"
)

// newExamples returns windows of a length of a prior and rows clean ones drawn
// from its Gaussian.
func newExamples(t testing.TB, p *Prior, length, rows int) (*windows, []float32) {
	t.Helper()
	w := newWindows(p.Settings.layout(p.Space), p.Settings.Window, rows, p.network)
	b, err := p.basis(length)
	if err != nil {
		t.Fatal(err)
	}
	w.use(length, b)
	w.share = 1
	z, x := gaussians(rows*b.padded, 7), kernel.Slab(rows*b.padded)
	for i := range rows {
		for j := range b.padded {
			if j < b.n {
				z[i*b.padded+j] *= float32(math.Sqrt(b.values[j]))
			} else {
				z[i*b.padded+j] = 0
			}
		}
	}
	b.fromCoordinates(x, z, rows)
	return w, x
}

// gradientOf is the gradient of the loss of the last example of w.
func gradientOf(p *Prior, w *windows) []float32 {
	w.pullExample()
	gradient := nn.NewGradient(tokenNetworkOf(p).Network)
	gradient.Add([]*nn.Workspace{w.network.(*tokenEvaluator).workspace})
	return gradient.Values()
}

func lengths(s Settings) []int { return []int{1, s.Window - s.stride(), s.Window} }

func TestLossIsOneWithoutANetwork(t *testing.T) {
	for name, s := range networks() {
		p := newPrior(t, s, 1, decaying(0.9, s.Window))
		for _, length := range lengths(s) {
			const rows = 4096
			w, x := newExamples(t, p, length, rows)
			loss := w.example(x, rng.Stream(1, "test"))
			near(t, fmt.Sprintf("%s: loss of %d states", name, length), loss, 1, 5*math.Sqrt(2/float64(rows*length)))
		}
	}
}

func TestGradientOfTheLoss(t *testing.T) {
	for name, s := range networks() {
		p := randomPrior(t, s, 2)
		for _, length := range lengths(s) {
			w, x := newExamples(t, p, length, 6)
			w.noiseShare = 0.3
			w.example(x, rng.Stream(1, "test"))
			grad := gradientOf(p, w)
			loss := func(q []float32, direction []float32, h float64) float64 {
				kept := slices.Clone(q)
				for i := range q {
					q[i] += float32(h) * direction[i]
				}
				p.network.refresh()
				value := w.example(x, rng.Stream(1, "test"))
				copy(q, kept)
				p.network.refresh()
				return value
			}
			at := 0
			for k, q := range tokenNetworkOf(p).Parameters() {
				direction := gaussians(len(q.Data), uint64(k))
				norm := math.Sqrt(kernel.SumSquares(direction))
				var slope float64
				for i := range direction {
					direction[i] /= float32(norm)
					slope += float64(grad[at+i]) * float64(direction[i])
				}
				at += len(q.Data)
				const h = 0.01
				want := (8*(loss(q.Data, direction, h)-loss(q.Data, direction, -h)) - (loss(q.Data, direction, 2*h) - loss(q.Data, direction, -2*h))) / (12 * h)
				near(t, fmt.Sprintf("%s, %d states: slope along %s", name, length, q.Name), slope, want, 1e-3+0.01*math.Abs(want))
			}
		}
	}
}

func TestGradientIsInProportionToTheShare(t *testing.T) {
	p := randomPrior(t, networks()["temporal"], 2)
	w, x := newExamples(t, p, p.Settings.Window, 6)
	w.example(x, rng.Stream(1, "test"))
	whole := gradientOf(p, w)
	w.share = 0.25
	w.example(x, rng.Stream(1, "test"))
	quarter := gradientOf(p, w)
	for i, g := range whole {
		if math.Abs(float64(quarter[i]-g/4)) > 1e-6*(1+math.Abs(float64(g))) {
			t.Fatalf("parameter %d has the gradient %v of the whole and %v of a quarter", i, g, quarter[i])
		}
	}
}

// Training and sampling must agree on what the network sees and how its answer
// is used: the loss of an example is the error of the denoiser on the same
// noised window, in coordinates and units of what the Gaussian leaves or, for
// the share of it, in units of the noise.
func TestLossIsTheErrorOfTheDenoiser(t *testing.T) {
	for name, s := range networks() {
		p := randomPrior(t, s, 2)
		for _, length := range lengths(s) {
			const rows, share = 5, 0.4
			w, x := newExamples(t, p, length, rows)
			w.noiseShare = share
			b, loss := w.basis, w.example(x, rng.Stream(1, "test"))
			r := rng.Stream(1, "test")
			ratios := make([]float64, rows)
			for i := range ratios {
				ratios[i] = drawRatio(r)
			}
			z, y, mean, wrong := kernel.Slab(b.padded), kernel.Slab(b.padded), kernel.Slab(b.padded), kernel.Slab(b.padded)
			var sum float64
			for i, ratio := range ratios {
				clean := x[i*b.padded : (i+1)*b.padded]
				b.toCoordinates(z, clean, 1, b.padded)
				for j := range b.n {
					z[j] += float32(ratio * r.NormFloat64())
				}
				b.fromCoordinates(y, z, 1)
				w.denoise(mean, y, ratio)
				for j := range mean {
					mean[j] -= clean[j]
				}
				b.toCoordinates(wrong, mean, 1, b.padded)
				for j, l := range b.values {
					e := float64(wrong[j]) / (ratio * math.Sqrt(l/(l+ratio*ratio)))
					noise := float64(wrong[j]) / ratio
					sum += (1-share)*e*e + share*noise*noise
				}
			}
			near(t, fmt.Sprintf("%s, %d states: loss", name, length), loss, sum/float64(rows*b.n), 2e-3*loss)
		}
	}
}

func TestNoiseRatiosStayInTheirRange(t *testing.T) {
	r := rng.Stream(1, "ratios")
	var below, n float64
	for range 20000 {
		s := drawRatio(r)
		if !(s >= minRatio && s <= maxRatio) {
			t.Fatalf("ratio %v", s)
		}
		if n++; s < math.Exp(-2.2) {
			below++
		}
	}
	// Half of the lognormal law and log(0.11/1e-3)/log(1e6) of the uniform one.
	near(t, "share below the median of the lognormal law", below/n, 0.75/2+0.25*(math.Log(1e3)-2.2)/math.Log(1e6), 0.015)
}

func TestTimeOfTheNetwork(t *testing.T) {
	for _, c := range [][2]float64{{1e-9, 0}, {1e-3, 0}, {1, 0.5}, {1e3, 1}, {1e9, 1}} {
		near(t, fmt.Sprintf("time of ratio %v", c[0]), float64(noiseTime(c[0])), c[1], 1e-7)
	}
}
