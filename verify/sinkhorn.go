// The Sinkhorn divergence of two samples, a distance of laws that costs n^2 where
// exact transport costs n^3 (Feydy et al. 2019, AISTATS; Genevay et al. 2018):
//
//	S = OT(a, b) - OT(a, a)/2 - OT(b, b)/2,
//	OT = max over f, g of sum_i a_i f_i + sum_j b_j g_j, reached where
//	f_i = -e log sum_j b_j exp((g_j - c(i, j))/e), and g likewise,
//
// with ground cost c = |x - x'|, so that S is in units of the state: between the
// 1-Wasserstein distance (e -> 0) and the energy distance (e -> infinity). Sums
// are taken in logarithms.

package verify

import (
	"context"
	"math"
	"slices"

	"retrace/internal/parallel"
)

// sinkhornRounds bounds the iterations, sinkhornTolerance their last change in
// units of the regularisation.
const (
	sinkhornRounds    = 500
	sinkhornTolerance = 1e-6
)

// Sinkhorn is the Sinkhorn divergence of two weighted samples with the
// regularisation e = blur times the median distance between members of a and of
// b; 0.05 is usual. It is 0 for equal samples. Report it beside its Floor.
func Sinkhorn(a, b *Sample, blur float64) float64 {
	mustMatch(a, b)
	across := distances(a, b)
	e := blur * median(slices.Clone(across))
	if !(e > 0) {
		e = 1e-12 // all members coincide
	}
	return entropic(across, a.masses(), b.masses(), e) -
		entropic(distances(a, a), a.masses(), a.masses(), e)/2 -
		entropic(distances(b, b), b.masses(), b.masses(), e)/2
}

// Floor is a distance between samples with the value below which nobody can
// get: that between two independent samples of the reference.
type Floor struct{ Distance, Floor float64 }

// Ratio is the distance over its floor: about 1 for samples of one law.
func (f Floor) Ratio() float64 { return f.Distance / f.Floor }

// WithFloor measures a sample and a second draw of the reference, of like size,
// against a first draw of it.
func WithFloor(distance func(a, b *Sample) float64, sample, reference, again *Sample) Floor {
	return Floor{distance(sample, reference), distance(again, reference)}
}

// masses are the weights of the members.
func (s *Sample) masses() []float64 {
	w := make([]float64, s.Members)
	for m := range w {
		w[m] = s.weight(m)
	}
	return w
}

// entropic is the dual value of regularised transport.
func entropic(cost, a, b []float64, e float64) float64 {
	f, g := make([]float64, len(a)), make([]float64, len(b))
	rows := dual{cost, len(b), 1, e}
	columns := dual{cost, 1, len(b), e}
	for range sinkhornRounds {
		rows.update(f, g, b)
		if columns.update(g, f, a) < sinkhornTolerance*e {
			break
		}
	}
	rows.update(f, g, b)
	var value float64
	for i, w := range a {
		value += w * f[i]
	}
	for j, w := range b {
		value += w * g[j]
	}
	return value
}

// dual reads a matrix of costs by the strides of what is updated and of what is
// summed over.
type dual struct {
	cost          []float64
	stride, along int
	e             float64
}

// update sets f given g and the masses of g; it returns the largest change.
func (d dual) update(f, g, masses []float64) float64 {
	const block = 16
	changes := make([]float64, len(f))
	work := func(_, piece int) error {
		for i := piece * block; i < min((piece+1)*block, len(f)); i++ {
			value := -d.e * d.logSum(i, g, masses)
			changes[i] = math.Abs(value - f[i])
			f[i] = value
		}
		return nil
	}
	// Neither the work nor the context can fail.
	_ = parallel.For(context.Background(), (len(f)+block-1)/block, work)
	return slices.Max(changes)
}

// logSum is log sum_j masses_j exp((g_j - c(i, j))/e).
func (d dual) logSum(i int, g, masses []float64) float64 {
	row := d.cost[i*d.stride:]
	highest := math.Inf(-1)
	for j, v := range g {
		highest = max(highest, v-row[j*d.along])
	}
	var sum float64
	for j, v := range g {
		sum += masses[j] * math.Exp((v-row[j*d.along]-highest)/d.e)
	}
	return highest/d.e + math.Log(sum)
}

// median sorts values in place and returns their middle.
func median(values []float64) float64 {
	slices.Sort(values)
	n := len(values)
	return (values[(n-1)/2] + values[n/2]) / 2
}
