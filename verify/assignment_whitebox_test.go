package verify

import (
	"math/rand/v2"
	"testing"

	"retrace/internal/rng"
)

func costs(n int, draw func(i, j int) float64) []float64 {
	cost := make([]float64, n*n)
	for k := range cost {
		cost[k] = draw(k/n, k%n)
	}
	return cost
}

func TestAssignmentIsCertifiedOnHardMatrices(t *testing.T) {
	r := rng.Stream(1, "test")
	for _, c := range []struct {
		name string
		draw func(i, j int) float64
	}{
		{"uniform", func(i, j int) float64 { return r.Float64() }},
		{"constant", func(i, j int) float64 { return 3 }},
		{"few integers, many ties", func(i, j int) float64 { return float64(r.IntN(3)) }},
		{"product, a long chain of displacements", func(i, j int) float64 { return float64((i + 1) * (j + 1)) }},
		{"near ties", func(i, j int) float64 { return 1 + 1e-15*r.Float64() }},
		{"negative", func(i, j int) float64 { return -100 * r.ExpFloat64() }},
		{"one column cheap to all", func(i, j int) float64 { return float64(j) + r.Float64() }},
	} {
		for _, n := range []int{1, 2, 3, 30, 100} {
			cost := costs(n, c.draw)
			a := assign(cost, n)
			for i, j := range a.column {
				if j < 0 || a.columnRows[j] != i {
					t.Fatalf("%s, n = %d: row %d has column %d, which has another row", c.name, n, i, j)
				}
			}
			if gap, scale := a.gap(cost), 1+abs(a.total(cost)); gap > 1e-12*float64(n)*scale {
				t.Errorf("%s, n = %d: gap %v of a total of %v", c.name, n, gap, a.total(cost))
			}
		}
	}
}

func TestGapSeesASuboptimalMatching(t *testing.T) {
	r := rng.Stream(2, "test")
	const n = 50
	cost := costs(n, func(i, j int) float64 { return r.Float64() })
	a := assign(cost, n)
	best := a.total(cost)
	a.column[3], a.column[7] = a.column[7], a.column[3]
	worse := a.total(cost)
	if gap := a.gap(cost); worse <= best || gap < (worse-best)*(1-1e-9) {
		t.Errorf("a matching worse by %v has a gap of %v only", worse-best, gap)
	}
	// Infeasible prices, however high, must not certify it.
	for j := range a.v {
		a.v[j] += 0.01 * float64(j)
	}
	if gap := a.gap(cost); gap < (worse-best)*(1-1e-9) {
		t.Errorf("infeasible prices shrink the gap to %v, the matching is worse by %v", gap, worse-best)
	}
}

func TestSearchDoesNotAllocate(t *testing.T) {
	const n = 20
	r := rand.New(rand.NewPCG(1, 2))
	cost := costs(n, func(i, j int) float64 { return r.Float64() })
	path := newSearch(n)
	a := assignment{column: make([]int, n), columnRows: make([]int, n), u: make([]float64, n), v: make([]float64, n)}
	if allocations := testing.AllocsPerRun(10, func() {
		for i := range n {
			a.column[i], a.columnRows[i], a.v[i] = -1, -1, 0
		}
		for row := range n {
			path.augment(&a, cost, row)
		}
	}); allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

func abs(x float64) float64 { return max(x, -x) }
