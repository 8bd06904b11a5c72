package kernel_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"retrace/internal/kernel"
)

// product checks one product of given shape against float64.
func product(t *testing.T, r *rand.Rand, m, k, n, lda int, add, biased bool) {
	t.Helper()
	a := normal(r, max(0, m-1)*lda+k)
	w := normal(r, k*n)
	panels := kernel.NewPanels(k, n)
	panels.Pack(0, kernel.Block{Data: w, Rows: k, Columns: n, RowStep: n, ColumnStep: 1})
	padded := kernel.RoundUp(n, kernel.ColumnUnit)
	bias := make([]float32, padded)
	copy(bias, normal(r, n))
	if !biased {
		bias = nil
	}
	c, check := guarded(m * padded)
	copy(c, normal(r, m*padded))
	before := append([]float32(nil), c...)
	kernel.Multiply(
		kernel.Matrix{Data: c, Rows: m, Columns: padded, Stride: padded},
		kernel.Matrix{Data: a, Rows: m, Columns: k, Stride: lda}, panels, bias, add)
	check(t)
	for i := range m {
		for j := range n {
			var want, size float64
			if add {
				want = float64(before[i*padded+j])
				size = math.Abs(want)
			}
			if biased {
				want += float64(bias[j])
				size += math.Abs(float64(bias[j]))
			}
			for l := range k {
				p := float64(a[i*lda+l]) * float64(w[l*n+j])
				want += p
				size += math.Abs(p)
			}
			if got := float64(c[i*padded+j]); !(math.Abs(got-want) <= 1e-6*size+1e-30) {
				t.Fatalf("%dx%dx%d lda %d: C(%d,%d) = %g, want %g", m, k, n, lda, i, j, got, want)
			}
		}
	}
}

func TestMultiplyAgreesWithFloat64(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 2))
		for _, shape := range [][4]int{ // m, k, n, lda
			{8, 1, 32, 1}, {8, 3, 32, 8}, {16, 5, 64, 5}, {264, 256, 64, 256},
			{8, 513, 32, 600}, {1, 7, 5, 7}, {13, 300, 33, 300}, {20, 96, 96, 32}, {0, 4, 32, 4},
		} {
			for _, add := range []bool{false, true} {
				product(t, r, shape[0], shape[1], shape[2], shape[3], add, !add)
				product(t, r, shape[0], shape[1], shape[2], shape[3], add, add)
			}
		}
	})
}

// A row of a product must be the same bits wherever it stands.
func TestRowOfAProductDoesNotDependOnTheOthers(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		const rows, k, n = 29, 300, 64
		r := rand.New(rand.NewPCG(3, 4))
		a := normal(r, rows*k)
		p := kernel.NewPanels(k, n)
		p.Pack(0, kernel.Block{Data: normal(r, k*n), Rows: k, Columns: n, RowStep: n, ColumnStep: 1})
		c := make([]float32, rows*n)
		kernel.Multiply(matrix(c, n), matrix(a, k), p, nil, false)
		for first := range rows {
			for _, count := range []int{1, 8, rows - first} {
				count = min(count, rows-first)
				part := make([]float32, count*n)
				kernel.Multiply(matrix(part, n), matrix(a[first*k:(first+count)*k], k), p, nil, false)
				if !slices.Equal(part, c[first*n:(first+count)*n]) {
					t.Fatalf("rows %d to %d differ", first, first+count)
				}
			}
		}
	})
}

func TestMultiplyTransposedAgreesWithFloat64(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		for _, shape := range [][3]int{{1, 8, 32}, {5, 16, 64}, {300, 24, 32}, {0, 8, 32}, {129, 64, 96}} {
			rows, m, n := shape[0], shape[1], shape[2]
			a, b := normal(r, rows*m), normal(r, rows*n)
			c, check := guarded(m * n)
			copy(c, normal(r, m*n))
			before := slices.Clone(c)
			kernel.MultiplyTransposed(matrix(c, n), kernel.Matrix{Data: a, Rows: rows, Columns: m, Stride: m},
				kernel.Matrix{Data: b, Rows: rows, Columns: n, Stride: n})
			check(t)
			for i := range m {
				for j := range n {
					want := float64(before[i*n+j])
					size := math.Abs(want)
					for l := range rows {
						p := float64(a[l*m+i]) * float64(b[l*n+j])
						want, size = want+p, size+math.Abs(p)
					}
					if got := float64(c[i*n+j]); !(math.Abs(got-want) <= 1e-6*size) {
						t.Fatalf("%v: C(%d,%d) = %g, want %g", shape, i, j, got, want)
					}
				}
			}
		}
	})
}

// Whatever the steps of a block, its values must arrive at their place: a
// product with the identity shows where they are.
func TestPackedBlocksAreReadBack(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 8))
		for _, shape := range [][2]int{{1, 1}, {8, 8}, {9, 7}, {16, 40}, {19, 33}, {40, 96}} {
			rows, columns := shape[0], shape[1]
			for _, steps := range [][2]int{{columns, 1}, {1, rows}, {1, rows + 3}, {3, 3 * rows}, {2 * columns, 2}} {
				b := kernel.Block{Rows: rows, Columns: columns, RowStep: steps[0], ColumnStep: steps[1]}
				b.Data = normal(r, (rows-1)*steps[0]+(columns-1)*steps[1]+1)
				const first = 2
				p := kernel.NewPanels(rows+first+1, columns)
				p.Pack(first, b)
				k, n := rows+first+1, kernel.RoundUp(columns, kernel.ColumnUnit)
				identity := make([]float32, k*k)
				for i := range k {
					identity[i*k+i] = 1
				}
				c := make([]float32, k*n)
				kernel.Multiply(matrix(c, n), matrix(identity, k), p, nil, false)
				for i := range k {
					for j := range n {
						var want float32
						if i >= first && i < first+rows && j < columns {
							want = b.Data[(i-first)*steps[0]+j*steps[1]]
						}
						if c[i*n+j] != want {
							t.Fatalf("%v steps %v: value (%d,%d) is %g, want %g", shape, steps, i, j, c[i*n+j], want)
						}
					}
				}
			}
		}
	})
}

func FuzzMultiply(f *testing.F) {
	f.Add(uint64(1), uint16(8), uint16(3), uint16(32), uint16(0), true, true)
	f.Add(uint64(2), uint16(13), uint16(257), uint16(40), uint16(5), false, true)
	f.Add(uint64(3), uint16(264), uint16(1), uint16(1), uint16(9), true, false)
	f.Fuzz(func(t *testing.T, seed uint64, m, k, n, extra uint16, add, biased bool) {
		r := rand.New(rand.NewPCG(seed, 9))
		depth := 1 + int(k)%600
		// A stride below the depth makes rows overlap.
		stride := max(1, depth-200) + int(extra)%400
		before := kernel.Level()
		defer kernel.Use(before)
		for _, level := range levels() {
			kernel.Use(level)
			product(t, r, int(m)%300, depth, 1+int(n)%100, stride, add, biased)
		}
	})
}

func TestProductsDoNotAllocate(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		a, c := make([]float32, 13*20), make([]float32, 13*32)
		p := kernel.NewPanels(20, 32)
		g := make([]float32, 16*32)
		if n := testing.AllocsPerRun(10, func() {
			kernel.Multiply(matrix(c, 32), matrix(a, 20), p, nil, true)
			kernel.MultiplyTransposed(matrix(g, 32), kernel.Matrix{Data: a, Rows: 13, Columns: 16, Stride: 20}, matrix(c, 32))
		}); n != 0 {
			t.Errorf("%g allocations", n)
		}
	})
}

func BenchmarkMultiply(b *testing.B) {
	before := kernel.Level()
	defer kernel.Use(before)
	for _, level := range levels() {
		kernel.Use(level)
		for _, s := range [][3]int{{256, 256, 256}, {64, 256, 256}, {2240, 192, 64}} {
			b.Run(fmt.Sprintf("%s/%dx%dx%d", level, s[0], s[1], s[2]), func(b *testing.B) {
				m, k, n := s[0], s[1], s[2]
				r := rand.New(rand.NewPCG(1, 2))
				a := kernel.Matrix{Data: normal(r, m*k), Rows: m, Columns: k, Stride: k}
				c := kernel.Matrix{Data: kernel.Slab(m * n), Rows: m, Columns: n, Stride: n}
				p := kernel.NewPanels(k, n)
				p.Pack(0, kernel.Block{Data: normal(r, k*n), Rows: k, Columns: n, RowStep: n, ColumnStep: 1})
				for b.Loop() {
					kernel.Multiply(c, a, p, nil, false)
				}
				b.ReportMetric(2*float64(m*k*n)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOPS")
			})
		}
	}
}
