package particle

// Resampling replaces N weighted particles by N equally weighted ones, particle
// i having on average N w_i offspring. The rules differ in what they add in
// variance (Douc, Cappé & Moulines 2005):
//
//   - systematic: one uniform number for all; N w_i is rounded up or down;
//   - residual: floor(N w_i) offspring each, the rest multinomial with the
//     remainders as weights (Liu & Chen 1998);
//   - multinomial: N independent draws, the definition and the noisiest.
//
// All write ancestors in increasing order, so that copies stand side by side.

import (
	"math"
	"math/rand/v2"
)

// Resamplings lists the names of the rules.
func Resamplings() []string { return []string{"systematic", "residual", "multinomial"} }

// resampler writes the ancestors of particles with normalised weights; it may
// use spare, of the same length as weights.
type resampler func(ancestors []int32, weights, spare []float64, r *rand.Rand)

// resamplerNamed returns the rule of a name; ok is false if there is none.
func resamplerNamed(name string) (rule resampler, ok bool) {
	switch name {
	case "systematic":
		return func(ancestors []int32, weights, _ []float64, r *rand.Rand) {
			systematic(ancestors, weights, r.Float64())
		}, true
	case "residual":
		return residual, true
	case "multinomial":
		return func(ancestors []int32, weights, _ []float64, r *rand.Rand) {
			multinomial(ancestors, weights, r)
		}, true
	}
	return nil, false
}

// multinomial draws independent ancestors, the last first: of k uniform numbers
// the greatest is distributed as u^(1/k), and the others are uniform below it.
func multinomial(ancestors []int32, weights []float64, r *rand.Rand) {
	first, last, total := support(weights)
	above := weights[last] // the weight of particle i and those after it
	level, i := 1.0, last
	for k := len(ancestors) - 1; k >= 0; k-- {
		level *= math.Pow(r.Float64(), 1/float64(k+1))
		for above < (1-level)*total && i > first {
			i--
			above += weights[i]
		}
		ancestors[k] = int32(i)
	}
}

// support is the first and the last particle of positive weight, and the sum of
// all weights: rounding must select none outside of them.
func support(weights []float64) (first, last int, total float64) {
	first = -1
	for i, w := range weights {
		if w > 0 {
			last = i
			if first < 0 {
				first = i
			}
		}
		total += w
	}
	return max(first, 0), last, total
}

// residual gives every particle its whole share of offspring, and draws the
// rest by the remainders.
func residual(ancestors []int32, weights, spare []float64, r *rand.Rand) {
	n := float64(len(ancestors))
	certain := 0
	for i, w := range weights {
		whole := math.Floor(n * w)
		certain += int(whole)
		spare[i] = n*w - whole
	}
	// The random ones first, in order, at the end of the array; then the merge of
	// both orders from the front, which never overtakes them.
	random := ancestors[min(certain, len(ancestors)):]
	multinomial(random, spare, r)
	k := 0
	for i, w := range weights {
		for range int(math.Floor(n * w)) {
			if k+len(random) < len(ancestors) {
				ancestors[k] = int32(i)
				k++
			}
		}
		for len(random) > 0 && int(random[0]) == i {
			ancestors[k] = int32(i)
			k++
			random = random[1:]
		}
	}
}
