package scoresum

import (
	"math"
	"math/rand/v2"

	"retrace/internal/parallel"
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
	if w.normal == nil {
		w.newVisits()
	}
	clean, view, target := w.z[:len(x)], w.w[:len(x)], w.f[:len(x)]
	b.toCoordinates(clean, x, w.rows, b.padded)
	for i := range w.rows {
		w.ratios[i] = drawRatio(r)
		w.times[i] = noiseTime(w.ratios[i])
	}
	result := w.v[:len(x)]
	for i := range w.rows {
		for j := range b.n {
			w.normal[i*b.padded+j] = r.NormFloat64()
		}
	}
	w.eachCoordinate(w.visits.noise)
	for number, visit := range w.visits.views {
		w.eachCoordinate(visit)
		b.fromCoordinates(result, view, w.rows)
		w.put(in, number, result, w.length, b.padded)
	}
	w.putMask(in, w.length)
	w.network.forward(out, in, w.times[:w.rows], w.rows, w.tokens(w.length))
	return w.residual(out, target)
}

// visit is given a coordinate: its row and index, the noise ratio s of the row, the
// prior variance l and v = l + s^2.
type visit func(row, k int, s, l, v float64)

// visits are what is done to every coordinate in training; made once, for a worker that
// shares its rows among cores would allocate them otherwise.
type visits struct {
	noise, residual visit
	views           [views]visit
	current         visit
	row             func(worker, row int)
}

// newVisits makes room for training.
func (w *windows) newVisits() {
	w.normal, w.sums = make([]float64, len(w.z)), make([]float64, len(w.ratios))
	v := &w.visits
	// The coordinates of the noised windows replace those of the clean ones.
	v.noise = func(_, k int, s, l, v float64) {
		xj, nj := float64(w.z[k]), w.normal[k]
		w.z[k] = float32(xj + s*nj)
		w.f[k] = float32(s*xj/math.Sqrt(l*v) - math.Sqrt(l/v)*nj)
	}
	v.views = [views]visit{
		func(_, k int, s, _, _ float64) { w.w[k] = float32(1/math.Sqrt(1+s*s)) * w.z[k] },
		func(_, k int, _, l, v float64) { w.w[k] = float32(l/v) * w.z[k] },
		func(_, k int, _, _, v float64) { w.w[k] = float32(1/math.Sqrt(v)) * w.z[k] },
	}
	v.residual = func(row, k int, s, l, v float64) {
		weight := 1 - w.noiseShare + w.noiseShare*l/v
		e := float64(w.w[k] - w.f[k])
		w.sums[row] += weight * e * e
		w.w[k] = float32(2 * float64(w.share) * weight * e / float64(w.rows*w.basis.n))
	}
	v.row = func(_, row int) {
		s, first := w.ratios[row], row*w.basis.padded
		for j, l := range w.basis.values {
			v.current(row, first+j, s, l, l+s*s)
		}
	}
}

// manyValues of a row make it worth a core of its own.
const manyValues = 1 << 12

// eachCoordinate visits the coordinates of the rows.
func (w *windows) eachCoordinate(visit visit) {
	w.visits.current = visit
	if w.basis.n >= manyValues {
		parallel.Run(w.rows, w.visits.row)
		return
	}
	for row := range w.rows {
		w.visits.row(0, row)
	}
}

// pullExample pulls the loss of the last example, times w.share, back for the
// gradient of the parameters.
func (w *windows) pullExample() {
	_, out := w.arrays()
	w.network.pullAll(out)
}

// residual returns the loss of outputs, given their targets in coordinates, and
// leaves its gradient, times w.share, in the place of the outputs.
func (w *windows) residual(out, target []float32) float64 {
	b := w.basis
	states, errors := w.v[:len(target)], w.w[:len(target)]
	w.gather(states, out)
	b.toCoordinates(errors, states, w.rows, b.padded)
	clear(w.sums)
	w.eachCoordinate(w.visits.residual)
	var sum float64
	for _, s := range w.sums[:w.rows] {
		sum += s
	}
	b.fromCoordinates(states, errors, w.rows)
	w.spread(out, states)
	return sum / float64(w.rows*b.n)
}
