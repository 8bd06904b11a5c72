package particle

import (
	"math"
	"slices"
	"testing"

	"retrace/internal/rng"
)

// uneven are normalised weights, some of them zero, also at both ends.
func uneven(n int) []float64 {
	r := rng.Stream(3, "weights")
	weights := make([]float64, n)
	var total float64
	for i := range weights {
		if i%5 != 0 && i != n-1 {
			weights[i] = math.Exp(2 * r.NormFloat64())
		}
		total += weights[i]
	}
	for i := range weights {
		weights[i] /= total
	}
	return weights
}

func TestResamplingIsUnbiased(t *testing.T) {
	for _, name := range Resamplings() {
		rule, ok := resamplerNamed(name)
		if !ok {
			t.Fatalf("%s is unknown", name)
		}
		const n, rounds = 23, 20000
		weights := uneven(n)
		offspring := make([]float64, n)
		ancestors, spare := make([]int32, n), make([]float64, n)
		r := rng.Stream(1, name)
		for range rounds {
			rule(ancestors, weights, spare, r)
			if !slices.IsSorted(ancestors) {
				t.Fatalf("%s: ancestors %v are not in order", name, ancestors)
			}
			for _, i := range ancestors {
				offspring[i]++
			}
		}
		for i, w := range weights {
			mean, want := offspring[i]/rounds, n*w
			if w == 0 && mean > 0 || math.Abs(mean-want) > 5*math.Sqrt((want+1e-9)/rounds) {
				t.Errorf("%s: particle %d of weight %.4f has %.4f offspring on average, want %.4f", name, i, w, mean, want)
			}
		}
	}
}

func TestResidualResamplingKeepsWholeShares(t *testing.T) {
	weights := []float64{0, 0.5, 0.25, 0.25, 0}
	ancestors, spare := make([]int32, 8), make([]float64, 5)
	residual(ancestors, weights, spare, rng.Stream(1, "r"))
	if want := []int32{1, 1, 1, 1, 2, 2, 3, 3}; !slices.Equal(ancestors, want) {
		t.Errorf("ancestors are %v, want %v", ancestors, want)
	}
	weights = uneven(40)
	ancestors, spare = make([]int32, 40), make([]float64, 40)
	for round := range uint64(200) {
		residual(ancestors, weights, spare, rng.Stream(1, "round", round))
		count := make([]int, 40)
		for _, i := range ancestors {
			count[i]++
		}
		for i, w := range weights {
			if count[i] < int(math.Floor(40*w)) {
				t.Fatalf("particle %d has %d offspring, its share is %.2f", i, count[i], 40*w)
			}
		}
	}
}

func TestAllWeightOnOneParticleSelectsIt(t *testing.T) {
	for _, name := range Resamplings() {
		rule, _ := resamplerNamed(name)
		for at := range 4 {
			weights := make([]float64, 4)
			weights[at] = 1
			ancestors := make([]int32, 4)
			rule(ancestors, weights, make([]float64, 4), rng.Stream(1, name))
			for _, i := range ancestors {
				if int(i) != at {
					t.Errorf("%s: particle %d was selected, all weight is on %d", name, i, at)
				}
			}
		}
	}
}

func TestJitterHasTheCovarianceOfTheCloud(t *testing.T) {
	for _, n := range []int{5, 40} { // by anomalies and by a Cholesky factor
		const size = 3
		c := &cloud{n: n, size: size, states: make([]float64, n*size), weights: uneven(n)}
		r := rng.Stream(4, "cloud")
		for i := range n {
			z := r.NormFloat64()
			for k := range size {
				c.states[i*size+k] = 5 + z*float64(k) + r.NormFloat64() // correlated
			}
			c.states[i*size+1] = 7 // a component without variance
		}
		j := newJitter(c)
		if (j.root != nil) != (n == 40) {
			t.Fatalf("n = %d: factor is %v", n, j.root)
		}
		const scale, draws = 0.5, 40000
		j.measure(scale)
		var got, want [size][size]float64
		for range draws {
			x := make([]float64, size)
			j.add(x, r)
			for a := range size {
				for b := range size {
					got[a][b] += x[a] * x[b] / draws
				}
			}
		}
		var mean [size]float64
		squares := 0.0
		for i, w := range c.weights {
			squares += w * w
			for a := range size {
				mean[a] += w * c.states[i*size+a]
			}
		}
		for i, w := range c.weights {
			for a := range size {
				for b := range size {
					want[a][b] += scale * scale * w / (1 - squares) * (c.states[i*size+a] - mean[a]) * (c.states[i*size+b] - mean[b])
				}
			}
		}
		for a := range size {
			for b := range size {
				tolerance := 5 * math.Sqrt(2*want[a][a]*want[b][b]/draws)
				if math.Abs(got[a][b]-want[a][b]) > tolerance+1e-12 {
					t.Errorf("n = %d: covariance [%d,%d] is %v, want %v", n, a, b, got[a][b], want[a][b])
				}
			}
		}
	}
}

func TestOnlyCopiesAreMoved(t *testing.T) {
	c := &cloud{n: 6, size: 1, states: []float64{0, 1, 1, 2, 3, 3}, weights: slices.Repeat([]float64{1. / 6}, 6)}
	before := slices.Clone(c.states)
	j := newJitter(c)
	j.measure(1)
	j.spread([]int32{0, 1, 1, 2, 3, 3}, rng.Stream(1, "jitter"))
	for i, moved := range []bool{false, true, true, false, true, true} {
		if (c.states[i] != before[i]) != moved {
			t.Errorf("particle %d went from %v to %v", i, before[i], c.states[i])
		}
	}
}
