package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"retrace/internal/kernel"
)

// A plan's product is that of Multiply, bit for bit, whatever the steps of the
// right side and the number of cores.
func TestPlannedProductIsMultiply(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, shape := range [][3]int{{1, 1, 1}, {13, 300, 40}, {300, 20, 544}, {520, 3, 1030}} {
			m, k, n := shape[0], shape[1], shape[2]
			padded := kernel.RoundUp(n, kernel.ColumnUnit)
			plan, panels := kernel.NewProduct(k, n), kernel.NewPanels(k, n)
			for _, steps := range [][2]int{{n, 1}, {1, k}} {
				b := kernel.Block{Data: normal(r, k*n), Rows: k, Columns: n, RowStep: steps[0], ColumnStep: steps[1]}
				panels.Pack(0, b)
				a := kernel.Matrix{Data: normal(r, m*(k+3)), Rows: m, Columns: k, Stride: k + 3}
				for _, add := range []bool{false, true} {
					got, check := guarded(m * padded)
					copy(got, normal(r, len(got)))
					want := slices.Clone(got)
					plan.Multiply(matrix(got, padded), a, b, add)
					check(t)
					kernel.Multiply(matrix(want, padded), a, panels, nil, add)
					if !slices.Equal(got, want) {
						t.Fatalf("%v, steps %v, add %v: not the same", shape, steps, add)
					}
				}
			}
		}
	})
}

func TestPlannedProductDoesNotAllocate(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(2))
	const m, k, n = 300, 40, 64
	plan := kernel.NewProduct(k, n)
	c, a := matrix(kernel.Slab(m*n), n), matrix(kernel.Slab(m*k), k)
	b := kernel.Block{Data: kernel.Slab(k * n), Rows: k, Columns: n, RowStep: n, ColumnStep: 1}
	if allocations := testing.AllocsPerRun(20, func() { plan.Multiply(c, a, b, false) }); allocations != 0 {
		t.Errorf("%g allocations", allocations)
	}
}

func BenchmarkProduct(b *testing.B) {
	for _, n := range []int{512, 1024, 2048} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			r := rand.New(rand.NewPCG(1, 2))
			x, y, z := normal(r, n*n), normal(r, n*n), kernel.Slab(n*n)
			plan := kernel.NewProduct(n, n)
			right := kernel.Block{Data: y, Rows: n, Columns: n, RowStep: n, ColumnStep: 1}
			for b.Loop() {
				plan.Multiply(matrix(z, n), matrix(x, n), right, false)
			}
			b.ReportMetric(2*math.Pow(float64(n), 3)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
		})
	}
}
