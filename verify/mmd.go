// The maximum mean discrepancy (Gretton et al. 2012, JMLR 13, 723), unbiased:
//
//	MMD^2 = mean over i != j of k(a_i, a_j) + the same of b - 2 mean of k(a_i, b_j),
//
// with the mean of Gaussian kernels k = exp(-|x-x'|^2 / 2h^2) of widths h = 1/4, 1/2,
// 1, 2 and 4 times the median distance of the pooled members, without units. About
// 0, and as often negative, if the laws are equal.

package verify

import (
	"math"
	"slices"

	"retrace/internal/rng"
)

var kernelWidths = []float64{0.25, 0.5, 1, 2, 4} // of the median distance

// MMD is MMD^2 of two samples with the p-value of a test by permutation: the
// share, the sample itself included, of random splits of the pooled members with an
// MMD^2 as large. Permutations of 0 leave P NaN. Weighted members are resampled to
// equal ones first.
func MMD(a, b *Sample, permutations int, seed int64) Check {
	mustMatch(a, b)
	a, b = a.Subsample(a.Members, seed), b.Subsample(b.Members, seed+1)
	pool := pooled(a, b)
	n := pool.Members
	kernel := distances(pool, pool)
	scale := median(offDiagonal(kernel, n))
	for i, d := range kernel {
		kernel[i] = smooth(d / scale)
	}
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	check := Check{Statistic: discrepancy(kernel, order, a.Members), P: math.NaN(), Cases: n}
	null := make([]float64, permutations)
	for k := range null {
		order = rng.Stream(seed, "verify/mmd", uint64(k)).Perm(n)
		null[k] = discrepancy(kernel, order, a.Members)
	}
	return check.permuted(null)
}

func smooth(d float64) float64 {
	if math.IsNaN(d) { // all members coincide
		return 1
	}
	var sum float64
	for _, h := range kernelWidths {
		sum += math.Exp(-d * d / (2 * h * h))
	}
	return sum / float64(len(kernelWidths))
}

// discrepancy splits the pooled members, in an order, after the first na.
func discrepancy(kernel []float64, order []int, na int) float64 {
	n := len(order)
	var aa, bb, ab float64
	for p, i := range order {
		row := kernel[i*n : (i+1)*n]
		for _, j := range order[:p] {
			switch {
			case p < na:
				aa += row[j]
			default:
				bb += row[j] // those with a are taken out below
			}
		}
		if p >= na {
			for _, j := range order[:na] {
				ab += row[j]
			}
		}
	}
	bb -= ab
	m, k := float64(na), float64(n-na)
	return 2*aa/(m*(m-1)) + 2*bb/(k*(k-1)) - 2*ab/(m*k)
}

// permuted completes a one-sided test by its statistics under permutation.
func (c Check) permuted(null []float64) Check {
	sorted := slices.Sorted(slices.Values(null))
	if len(null) > 0 && !math.IsNaN(c.Statistic) {
		at, _ := slices.BinarySearch(sorted, c.Statistic)
		c.P = float64(len(null)-at+1) / float64(len(null)+1)
		c.Expected = mean(null)
	}
	c.accept = func(level float64) (float64, float64) {
		if len(sorted) == 0 {
			return math.Inf(-1), math.Inf(1)
		}
		beyond := int(level * float64(len(sorted)+1)) // how many may lie above
		if beyond < 1 {
			return math.Inf(-1), math.Inf(1) // so few permutations show nothing
		}
		return math.Inf(-1), sorted[len(sorted)-beyond]
	}
	return c
}

// pooled joins the members of two samples.
func pooled(a, b *Sample) *Sample {
	return &Sample{
		Members: a.Members + b.Members, Length: a.Length, Size: a.Size,
		data: slices.Concat(a.data[:a.Members*a.width()], b.data[:b.Members*b.width()]),
	}
}

func offDiagonal(matrix []float64, n int) []float64 {
	values := make([]float64, 0, n*(n-1)/2)
	for i := range n {
		values = append(values, matrix[i*n:i*n+i]...)
	}
	return values
}
