package scoresum

import (
	"math"
	"math/rand/v2"
)

// Training regresses, for a clean window x noised to y = x + s n, the network's
// output on what is left to explain after the Gaussian denoiser, in units of
// the standard deviation it leaves. In the coordinates of the basis (l the prior
// variance, v = l + s^2) the target is
//
//	(x - (l/v) y) / (s sqrt(l/v)) = s x / sqrt(l v) - sqrt(l/v) n ,
//
// of unit variance at every noise level. The loss is the mean square over all
// values; noise ratios are drawn by drawRatio.

// drawRatio draws a noise ratio: three in four from a lognormal law around the
// scales where structure appears, the rest log-uniform over the whole range.
func drawRatio(r *rand.Rand) float64 {
	var s float64
	if r.Float64() < 0.75 {
		s = math.Exp(-2.2 + 1.6*r.NormFloat64())
	} else {
		s = minRatio * math.Pow(maxRatio/minRatio, r.Float64())
	}
	return min(max(s, minRatio), maxRatio)
}

// example draws noise for clean windows x, rows of padded values of which n
// count, and returns the loss of the network on them. Where grad is not nil the
// gradient of the loss times w.share with respect to the parameters is added.
func (w *windows) example(x []float32, grad []float32, r *rand.Rand) float64 {
	b := w.basis
	w.rows = len(x) / b.padded
	white, noise, target := w.z[:len(x)], w.w[:len(x)], w.f[:len(x)]
	b.toCoordinates(white, x, w.rows, b.padded) // x until the loop below
	times := w.times[:w.rows]
	for i := range w.rows {
		s := drawRatio(r)
		times[i] = noiseTime(s)
		for j, l := range b.values {
			v := l + s*s
			xj, nj := float64(white[i*b.padded+j]), r.NormFloat64()
			white[i*b.padded+j] = float32((xj + s*nj) / math.Sqrt(v))
			target[i*b.padded+j] = float32(s*xj/math.Sqrt(l*v) - math.Sqrt(l/v)*nj)
		}
	}
	in, out := w.arrays()
	b.fromCoordinates(noise, white, w.rows)
	w.put(in, noise, w.length, b.padded)
	b.fromCoordinates(white, target, w.rows)
	w.network.Forward(w.packed, out, in, times, w.rows, w.tokens(w.length))
	return w.residual(out, white, grad)
}

// residual returns the mean squared difference of outputs and targets and
// pulls it back.
func (w *windows) residual(out, target, grad []float32) float64 {
	size, n := w.tokens(w.length)*w.patch*w.dim, w.length*w.dim
	var sum float64
	scale := 2 * w.share / float32(w.rows*n)
	for i := range w.rows {
		row, want := out[i*size:(i+1)*size], target[i*w.basis.padded:]
		for j := range row {
			if j >= n {
				row[j] = 0 // a token's states beyond the window do not count
				continue
			}
			difference := row[j] - want[j]
			sum += float64(difference) * float64(difference)
			row[j] = scale * difference
		}
	}
	if grad != nil {
		w.network.PullAll(w.packed, nil, out, grad)
	}
	return sum / float64(w.rows*n)
}
