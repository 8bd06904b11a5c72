// The 1-Wasserstein distance of two samples of n trajectories with uniform
// weights and ground cost c(x, x') = |x - x'|, the Euclidean norm of flattened
// trajectories:
//
//	W1 = min over permutations p of (1/n) sum_i c(a_i, b_p(i)).
//
// The vertices of the transport polytope with uniform weights are permutations
// (Birkhoff), so that the assignment problem solves it exactly.

package verify

import (
	"context"
	"math"

	"retrace/internal/parallel"
)

// TransportCap is the number of members to which larger samples should be
// reduced (Sample.Subsample) before Wasserstein: 1024 takes a fraction of a
// second and 8 MB, and the work grows with the cube.
const TransportCap = 1024

// Transport is an optimal matching of two samples.
type Transport struct {
	// Distance is the 1-Wasserstein distance, in units of the state (the norm
	// of a whole trajectory: it grows with the root of its length).
	Distance float64
	// Gap certifies it: by linear-programming duality no matching has a mean
	// cost below Distance - Gap. Rounding makes it 1e-9 or so, not zero.
	Gap float64
	// Match[i] is the member of the second sample matched to member i.
	Match []int
}

// Wasserstein solves the optimal transport between two samples of equal size.
// It panics if sizes or shapes differ or members are weighted: subsample first.
func Wasserstein(a, b *Sample) Transport {
	mustMatch(a, b)
	if a.Members != b.Members {
		panic("verify: the exact transport needs samples of equal size")
	}
	if a.Weights != nil || b.Weights != nil {
		panic("verify: the exact transport needs members of equal weight")
	}
	n := a.Members
	cost := distances(a, b)
	solution := assign(cost, n)
	return Transport{
		Distance: solution.total(cost) / float64(n),
		Gap:      solution.gap(cost) / float64(n),
		Match:    solution.column,
	}
}

// distances is the matrix of Euclidean distances, row i for member i of a. It
// takes differences, not norms and products, which would cancel when samples
// are close to each other and far from zero.
func distances(a, b *Sample) []float64 {
	const block = 16 // rows of b that stay in the nearest cache
	n := b.Members
	cost := make([]float64, a.Members*n)
	work := func(_, piece int) error {
		first := piece * block
		for i := range a.Members {
			x := a.Member(i)
			for j := first; j < min(first+block, n); j++ {
				cost[i*n+j] = distance(x, b.Member(j))
			}
		}
		return nil
	}
	// Neither the work nor the context can fail.
	_ = parallel.For(context.Background(), (n+block-1)/block, work)
	return cost
}

// distance is the Euclidean norm of x - y.
func distance(x, y []float32) float64 {
	y = y[:len(x)]
	var s0, s1, s2, s3 float64
	i := 0
	for ; i+4 <= len(x); i += 4 {
		d0, d1 := float64(x[i])-float64(y[i]), float64(x[i+1])-float64(y[i+1])
		d2, d3 := float64(x[i+2])-float64(y[i+2]), float64(x[i+3])-float64(y[i+3])
		s0 += d0 * d0
		s1 += d1 * d1
		s2 += d2 * d2
		s3 += d3 * d3
	}
	for ; i < len(x); i++ {
		d := float64(x[i]) - float64(y[i])
		s0 += d * d
	}
	return math.Sqrt(s0 + s1 + s2 + s3)
}
