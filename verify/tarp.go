// TARP, tests of accuracy with random points (Lemos et al. 2023, ICML, arXiv
// 2302.03026): with a reference point p and a distance,
//
//	f = share of the members nearer to p than the truth is
//
// is uniform under the null for any p that depends on nothing but the
// observations, and if it is for every such p, the ensembles are posteriors. It is
// SBC of the function |x - p|. The expected coverage is ECP(a) = share of cases
// with f < a; a posterior has ECP(a) = a.
//
// Two statistics are taken of the f of independent cases: Uniform(f), and
// AreaToCurve(f). The test of the curve ECP(a) against a, as in some packages, has
// no power: its points are not independent. A point far away sees a projection
// only; one that ignores the observations lets the prior pass for a posterior.

package verify

import "math"

// areaSd is the standard deviation of 1 - max(U, 1/2), U uniform.
var areaSd = math.Sqrt(1./6 - 9./64)

// AreaToCurve is the area between expected coverage and the diagonal, ATC =
// integral of ECP(a) - a over a from 1/2 to 1, of ranks f in [0, 1]: positive if
// ensembles are too wide, negative if too narrow. Its standard deviation under the
// null is 0.161/sqrt(N).
func AreaToCurve(f []float64) Check {
	if len(f) == 0 {
		return nothing()
	}
	var sum float64
	for _, v := range f {
		sum += 1 - max(v, 0.5)
	}
	n := float64(len(f))
	return normalCheck(sum/n-3./8, 0, areaSd/math.Sqrt(n), len(f))
}

// Nearness lists the distances of the truth and of the members of a case from a
// reference point; its Rank is f. scales divides the values of a state, so that
// components of different units count alike; nil: no scaling. Point has Length x
// Size values, as a trajectory.
func Nearness(ensemble, truth *Sample, point, scales []float64) Draws {
	y := truthValues(ensemble, truth)
	distance := func(x []float32) float64 {
		var sum float64
		for i, v := range x {
			d := float64(v) - point[i]
			if scales != nil {
				d /= scales[i%len(scales)]
			}
			sum += d * d
		}
		return math.Sqrt(sum)
	}
	d := Draws{Truth: distance(y), Members: make([]float64, ensemble.Members), Weights: ensemble.Weights}
	for m := range d.Members {
		d.Members[m] = distance(ensemble.Member(m))
	}
	return d
}
