package twin

// The fair continuous ranked probability score (Ferro 2014) of members x_i with
// weights w_i that sum to 1, against the value y that occurred:
//
//	sum_i w_i |x_i - y| - sum_ij w_i w_j |x_i - x_j| / (2 (1 - sum_i w_i^2))
//
// With equal weights the last factor is that of N(N-1) in place of N^2. Over
// sorted members, with C_i the sum of the weights up to and including x_i, the
// double sum is 2 sum_i w_i x_i (2 C_i - w_i - 1). For a Gaussian estimate of
// standard deviation s and z = (y - mean)/s the score is
//
//	s (z (2 Phi(z) - 1) + 2 phi(z) - 1/sqrt(pi))
//
// (Gneiting and others 2005).

import (
	"cmp"
	"math"
	"slices"

	"retrace/assimilate"
	"retrace/verify"
)

// ranker computes the scores of estimates; it keeps scratch space.
type ranker struct {
	column []float64
	atoms  []atom
}

type atom struct{ value, weight float64 }

// crps is the mean over components of the score of an estimate of truth.
func (r *ranker) crps(e *assimilate.Estimate, truth []float64) float64 {
	var sum float64
	for j, y := range truth {
		switch {
		case e.Ensemble == nil:
			sum += gaussianCRPS(e.Mean[j], math.Sqrt(e.Variance[j]), y)
		case e.Weights == nil:
			sum += verify.FairCRPS(r.values(e, j), y)
		default:
			sum += r.weighted(e, j, y)
		}
	}
	return sum / float64(len(truth))
}

// values gathers component j of the members.
func (r *ranker) values(e *assimilate.Estimate, j int) []float64 {
	r.column = r.column[:0]
	for at := j; at < len(e.Ensemble); at += len(e.Mean) {
		r.column = append(r.column, e.Ensemble[at])
	}
	return r.column
}

func (r *ranker) weighted(e *assimilate.Estimate, j int, y float64) float64 {
	r.atoms = r.atoms[:0]
	for m, x := range r.values(e, j) {
		r.atoms = append(r.atoms, atom{x, e.Weights[m]})
	}
	slices.SortFunc(r.atoms, func(a, b atom) int { return cmp.Compare(a.value, b.value) })
	var skill, pairs, cumulative, squares float64
	for _, a := range r.atoms {
		cumulative += a.weight
		squares += a.weight * a.weight
		d := a.value - y // the weights of pairs sum to zero: y may be taken out first
		skill += a.weight * math.Abs(d)
		pairs += a.weight * d * (2*cumulative - a.weight - 1)
	}
	if squares >= 1 { // one member has all the weight
		return skill
	}
	return skill - pairs/(1-squares)
}

func gaussianCRPS(mean, sd, y float64) float64 {
	if !(sd > 0) {
		return math.Abs(y - mean)
	}
	z := (y - mean) / sd
	density := math.Exp(-z*z/2) / math.Sqrt(2*math.Pi)
	return sd * (z*math.Erf(z/math.Sqrt2) + 2*density - 1/math.Sqrt(math.Pi))
}
