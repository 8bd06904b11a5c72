package assimilate

// Values scattered in space and time. With anomalies z from the climatological mean at
// points p_i, errors of variance r_i and the covariance c of the field, the best linear
// estimate at a point p is
//
//	m(p) + c(p, P) (c(P, P) + R)^-1 z,  c(p, p') = s^2 (1 + d) exp(-d),
//
// the Matern covariance of smoothness 3/2, in which d is the distance in space and time
// with each axis in units of its own scale: that at which the correlation of the
// training trajectories along it is 1/2, over 1.678, where (1 + d) exp(-d) is. (R. S. Bretherton,
// R. E. Davis & C. B. Fandry 1976, Deep-Sea Res. 23, 559.) The nearest values suffice.

import (
	"cmp"
	"context"
	"math"
	"slices"

	"retrace/internal/parallel"
	"retrace/observe"
)

const (
	neighbours = 32  // values that an estimate is made of
	candidates = 160 // nearest in space, among which they are sought
	halfway    = 1.678346990
)

// fromScattered estimates a field at every cell and state.
func (w *interpolator) fromScattered(ctx context.Context, f *seenField) error {
	scales, inTime := w.scales(f)
	anomalies := make([]float64, len(f.seen))
	for k, s := range f.seen {
		anomalies[k] = s.value - f.mean[w.nearest(s.place)]
	}
	size := w.space.Size()
	const chunk = 16
	pieces := (len(w.places) + chunk - 1) / chunk
	return parallel.For(ctx, pieces, func(_, piece int) error {
		k := newKriging(f, anomalies, scales, inTime)
		for c := piece * chunk; c < min((piece+1)*chunk, len(w.places)); c++ {
			k.aim(w, w.places[c])
			for t := range w.length {
				w.states[t*size+f.components[c]] = f.mean[c] + k.estimate(w, t)
			}
		}
		return nil
	})
}

// nearest is the cell nearest to a place.
func (w *interpolator) nearest(place []float64) int {
	best, least := 0, math.Inf(1)
	for c, other := range w.places {
		var sum float64
		for a, axis := range w.axes {
			d := observe.Distance(axis, place[a], other[a])
			sum += d * d
		}
		if sum < least {
			best, least = c, sum
		}
	}
	return best
}

// kriging estimates one cell after the other.
type kriging struct {
	field     *seenField
	anomalies []float64
	scales    []float64
	inTime    float64
	apart     []float64 // squared scaled distance of each sighting from the cell, in space
	near      []int     // candidates
	chosen    []int     // neighbours
	matrix    []float64
	right     []float64
}

func newKriging(f *seenField, anomalies, scales []float64, inTime float64) *kriging {
	k := &kriging{field: f, anomalies: anomalies, scales: scales, inTime: inTime}
	k.apart, k.near = make([]float64, len(f.seen)), make([]int, len(f.seen))
	k.matrix, k.right = make([]float64, neighbours*neighbours), make([]float64, neighbours)
	return k
}

// space is the squared scaled distance of two places.
func (k *kriging) space(w *interpolator, a, b []float64) float64 {
	var sum float64
	for i := range w.axes {
		d := math.Abs(a[i] - b[i])
		if period := w.axes[i].Period; 2*d > period && period > 0 { // both lie in one period
			d = period - d
		}
		d /= k.scales[i]
		sum += d * d
	}
	return sum
}

// aim finds the candidates for a cell.
func (k *kriging) aim(w *interpolator, place []float64) {
	k.near = k.near[:len(k.field.seen)]
	for i, s := range k.field.seen {
		k.near[i], k.apart[i] = i, k.space(w, place, s.place)
	}
	k.near = nearestOf(k.near, candidates, func(i int) float64 { return k.apart[i] })
}

// nearestOf moves the n indices of least distance to the front, sorted, ties by index.
func nearestOf(indices []int, n int, distance func(i int) float64) []int {
	order := func(a, b int) int {
		return cmp.Or(cmp.Compare(distance(a), distance(b)), cmp.Compare(a, b))
	}
	if len(indices) <= n {
		slices.SortFunc(indices, order)
		return indices
	}
	low, high := 0, len(indices)
	for high-low > 1 { // quickselect
		pivot := indices[(low+high)/2]
		i, j := low, high-1
		for i <= j {
			for order(indices[i], pivot) < 0 {
				i++
			}
			for order(indices[j], pivot) > 0 {
				j--
			}
			if i <= j {
				indices[i], indices[j] = indices[j], indices[i]
				i, j = i+1, j-1
			}
		}
		switch {
		case n <= j:
			high = j + 1
		case n >= i:
			low = i
		default:
			low, high = n, n
		}
	}
	indices = indices[:n]
	slices.SortFunc(indices, order)
	return indices
}

// estimate is the anomaly of the cell at a state.
func (k *kriging) estimate(w *interpolator, t int) float64 {
	from := func(i int) float64 {
		d := float64(k.field.seen[i].index-t) / k.inTime
		return k.apart[i] + d*d
	}
	k.chosen = nearestOf(append(k.chosen[:0], k.near...), neighbours, from)
	n := len(k.chosen)
	for a, i := range k.chosen {
		s := k.field.seen[i]
		for b, j := range k.chosen[:a+1] {
			d := float64(s.index-k.field.seen[j].index) / k.inTime
			k.matrix[a*n+b] = matern(k.space(w, s.place, k.field.seen[j].place) + d*d)
		}
		noise := s.sd / max(k.field.sd, math.SmallestNonzeroFloat64)
		k.matrix[a*n+a] += noise*noise + 1e-9
		k.right[a] = k.anomalies[i]
	}
	solve(k.matrix, k.right[:n])
	var sum float64
	for a, i := range k.chosen {
		sum += matern(from(i)) * k.right[a]
	}
	return sum
}

func matern(squared float64) float64 {
	d := math.Sqrt(squared)
	return (1 + d) * math.Exp(-d)
}

// solve replaces b by the solution of m x = b, m being positive definite and given by
// its lower triangle, row by row, which is overwritten.
func solve(m, b []float64) {
	n := len(b)
	for i := range n {
		row := m[i*n : i*n+i+1]
		for j := range i + 1 {
			other := m[j*n : j*n+j+1]
			sum := row[j]
			for k, v := range other[:j] {
				sum -= row[k] * v
			}
			if j == i {
				row[j] = math.Sqrt(max(sum, 1e-12))
			} else {
				row[j] = sum / other[j]
			}
		}
		sum := b[i]
		for k, v := range row[:i] {
			sum -= v * b[k]
		}
		b[i] = sum / row[i]
	}
	for i := n - 1; i >= 0; i-- {
		b[i] /= m[i*n+i]
		for k := range i {
			b[k] -= m[i*n+k] * b[i]
		}
	}
}

// scales are the distances at which the correlation of a field is 1/2, over halfway,
// along each axis and in time (in states).
func (w *interpolator) scales(f *seenField) (space []float64, inTime float64) {
	stride := len(w.places)
	for _, axis := range w.axes {
		stride /= axis.Len()
		n, every := axis.Len(), stride
		reach := max(1, n/2)
		lag := w.halfLag(reach, func(lag int) float64 {
			return w.covariance(f, func(state []float32, c int) (float64, float64, bool) {
				if c/every%n+lag >= n {
					return 0, 0, false
				}
				other := c + lag*every
				return float64(state[f.components[c]]) - f.mean[c], float64(state[f.components[other]]) - f.mean[other], true
			})
		})
		step := 1.0
		if n > 1 {
			step = math.Abs(axis.Coordinates[n-1]-axis.Coordinates[0]) / float64(n-1)
		}
		space = append(space, lag*step/halfway)
	}
	size := w.space.Size()
	lag := w.halfLag(max(1, w.training.Length/2), func(lag int) float64 {
		return w.covariance(f, func(state []float32, c int) (float64, float64, bool) {
			ahead := lag * size
			if ahead >= len(state) {
				return 0, 0, false
			}
			i := f.components[c]
			return float64(state[i]) - f.mean[c], float64(state[ahead+i]) - f.mean[c], true
		})
	})
	return space, lag / halfway
}

// covariance averages the products of pairs over cells and over the first states of some
// training trajectories: pair is given what is left of the trajectory.
func (w *interpolator) covariance(f *seenField, pair func(state []float32, c int) (a, b float64, ok bool)) float64 {
	const trajectories = 64
	var sum float64
	count := 0
	every := max(1, w.training.Count()/trajectories)
	for k := 0; k < w.training.Count(); k += every {
		whole := w.training.Trajectory(k)
		for c := range f.components {
			if a, b, ok := pair(whole, c); ok {
				sum, count = sum+a*b, count+1
			}
		}
	}
	return sum / float64(max(1, count))
}

// halfLag is where a covariance, of a lag, falls to half of that of lag 0; most if it
// does not.
func (w *interpolator) halfLag(most int, covariance func(lag int) float64) float64 {
	variance := covariance(0)
	before := 1.0
	for lag := 1; lag <= most; lag++ {
		now := covariance(lag) / variance
		if !(now > 0.5) {
			if math.IsNaN(now) { // it does not vary
				return 1
			}
			return float64(lag-1) + (before-0.5)/(before-now)
		}
		before = now
	}
	return float64(most)
}
