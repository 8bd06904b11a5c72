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
// of unit variance at every noise level. The error e of the network leaves the
// error e s sqrt(l/v) in x, and e sqrt(l/v) in the noise n, whose mean square is
// the loss of Rozet & Louppe. The loss is the mean over coordinates of
//
//	(1 - q + q l/v) e^2 ,
//
// q the noise share: 0 counts errors in units of what the Gaussian leaves, 1 in
// units of the noise. Noise ratios are drawn by drawRatio.

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
// count, and returns the loss of the network on them.
func (w *windows) example(x []float32, r *rand.Rand) float64 {
	b := w.basis
	w.rows = len(x) / b.padded
	in, out := w.arrays()
	clean, view, target := w.z[:len(x)], w.w[:len(x)], w.f[:len(x)]
	b.toCoordinates(clean, x, w.rows, b.padded)
	for i := range w.rows {
		w.ratios[i] = drawRatio(r)
		w.times[i] = noiseTime(w.ratios[i])
	}
	// The coordinates of the noised windows replace those of the clean ones.
	w.eachCoordinate(func(k int, s, l, v float64) {
		xj, nj := float64(clean[k]), r.NormFloat64()
		clean[k] = float32(xj + s*nj)
		target[k] = float32(s*xj/math.Sqrt(l*v) - math.Sqrt(l/v)*nj)
	})
	noised, result := clean, w.v[:len(x)]
	for number, factor := range []func(s, l, v float64) float64{
		func(s, _, _ float64) float64 { return 1 / math.Sqrt(1+s*s) },
		func(_, l, v float64) float64 { return l / v },
		func(_, _, v float64) float64 { return 1 / math.Sqrt(v) },
	} {
		w.eachCoordinate(func(k int, s, l, v float64) { view[k] = float32(factor(s, l, v)) * noised[k] })
		b.fromCoordinates(result, view, w.rows)
		w.put(in, number, result, w.length, b.padded)
	}
	w.putMask(in, w.length)
	w.network.Forward(w.packed, out, in, w.times[:w.rows], w.rows, w.tokens(w.length))
	return w.residual(out, target)
}

// eachCoordinate visits the coordinates of the rows, in order: the index, the
// noise ratio s of the row, the prior variance l and v = l + s^2.
func (w *windows) eachCoordinate(visit func(k int, s, l, v float64)) {
	for i, s := range w.ratios[:w.rows] {
		for j, l := range w.basis.values {
			visit(i*w.basis.padded+j, s, l, l+s*s)
		}
	}
}

// pullExample pulls the loss of the last example, times w.share, back for the
// gradient of the parameters.
func (w *windows) pullExample() {
	_, out := w.arrays()
	w.network.PullAll(w.packed, nil, out)
}

// residual returns the loss of outputs, given their targets in coordinates, and
// leaves its gradient, times w.share, in the place of the outputs.
func (w *windows) residual(out, target []float32) float64 {
	b := w.basis
	states, errors := w.v[:len(target)], w.w[:len(target)]
	w.gather(states, out)
	b.toCoordinates(errors, states, w.rows, b.padded)
	var sum float64
	count := float64(w.rows * b.n)
	w.eachCoordinate(func(k int, s, l, v float64) {
		weight := 1 - w.noiseShare + w.noiseShare*l/v
		e := float64(errors[k] - target[k])
		sum += weight * e * e
		errors[k] = float32(2 * float64(w.share) * weight * e / count)
	})
	b.fromCoordinates(states, errors, w.rows)
	w.spread(out, states)
	return sum / count
}
