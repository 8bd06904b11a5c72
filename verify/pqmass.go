// PQMass (Lemos et al. 2024, arXiv 2402.04355): are two samples of one law? Some
// pooled members are taken as centres; the cells of points nearest to each centre
// split space, and the counts of both samples in the cells must agree,
//
//	chi2 = sum over samples and cells of (n - expected)^2 / expected,
//
// with one degree of freedom less than there are cells. Unlike kernels it notices
// a mode that is missing. Distances do not tell much above some hundred
// dimensions: compare features there.

package verify

import (
	"math"

	"retrace/internal/rng"
)

// PQMass tests two samples by the counts in as many cells, averaged over
// tessellations of the pooled members; P is by permutation, at fixed
// tessellations. The centres are not counted. Weighted members are resampled to
// equal ones first.
func PQMass(a, b *Sample, cells, permutations int, seed int64) Check {
	mustMatch(a, b)
	a, b = a.Subsample(a.Members, seed), b.Subsample(b.Members, seed+1)
	pool := pooled(a, b)
	if cells < 2 || pool.Members < 3*cells {
		panic("verify: PQMass needs two cells at least and three members for each")
	}
	const tessellations = 4
	maps := make([][]int, tessellations)
	for k := range maps {
		maps[k] = tessellate(pool, rng.Stream(seed, "verify/pqmass", uint64(k)).Perm(pool.Members)[:cells])
	}
	first := make([]bool, pool.Members)
	for m := range a.Members {
		first[m] = true
	}
	check := Check{Statistic: cellChiSquare(maps, first, cells), Expected: float64(cells - 1), P: math.NaN(), Cases: pool.Members}
	null := make([]float64, permutations)
	shuffled := make([]bool, len(first))
	for k := range null {
		for i, j := range rng.Stream(seed, "verify/pqmass/permutation", uint64(k)).Perm(len(first)) {
			shuffled[i] = first[j]
		}
		null[k] = cellChiSquare(maps, shuffled, cells)
	}
	check = check.permuted(null)
	check.Expected = float64(cells - 1)
	return check
}

// tessellate is the cell of each member; -1 for the centres.
func tessellate(pool *Sample, centres []int) []int {
	cells := make([]int, pool.Members)
	for m := range cells {
		nearest := math.Inf(1)
		for c, centre := range centres {
			if centre == m {
				cells[m] = -1
				break
			}
			if d := distance(pool.Member(m), pool.Member(centre)); d < nearest {
				nearest, cells[m] = d, c
			}
		}
	}
	return cells
}

// cellChiSquare is the chi-square of the table of samples and cells, averaged over
// tessellations.
func cellChiSquare(maps [][]int, first []bool, cells int) float64 {
	var sum float64
	counts := make([][2]float64, cells)
	for _, cell := range maps {
		clear(counts)
		var totals [2]float64
		for m, c := range cell {
			if c < 0 {
				continue
			}
			k := 0
			if first[m] {
				k = 1
			}
			counts[c][k]++
			totals[k]++
		}
		for _, n := range counts {
			both := n[0] + n[1]
			for k, total := range totals {
				if expected := both * total / (totals[0] + totals[1]); expected > 0 {
					sum += (n[k] - expected) * (n[k] - expected) / expected
				}
			}
		}
	}
	return sum / float64(len(maps))
}
