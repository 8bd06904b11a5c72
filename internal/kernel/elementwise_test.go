package kernel_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"retrace/internal/kernel"
)

// lengths meet whole vectors, tails and nothing.
var lengths = []int{0, 1, 7, 16, 31, 32, 33, 64, 100, 1000}

// near reports whether two numbers agree within a part of want plus an
// absolute bound.
func near(got float32, want, relative, absolute float64) bool {
	return math.Abs(float64(got)-want) <= relative*math.Abs(want)+absolute
}

func TestSiLUAgreesWithFloat64(t *testing.T) {
	const relative = 3e-7 // 2.5 units in the last place
	sigmoid := func(x float64) float64 { return 1 / (1 + math.Exp(-x)) }
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(1, 1))
		for _, n := range lengths {
			x, g := normal(r, n), normal(r, n)
			for i := range x {
				x[i] *= 8
			}
			y, check := guarded(n)
			kernel.SiLU(y, x)
			check(t)
			d, check := guarded(n)
			kernel.SiLUPull(d, g, x)
			check(t)
			z, check := guarded(n)
			slope, checkSlope := guarded(n)
			kernel.SiLUSlope(z, slope, x)
			check(t)
			checkSlope(t)
			for i := range x {
				v := float64(x[i])
				s := sigmoid(v)
				if !near(y[i], v*s, relative, 0) || !near(z[i], v*s, relative, 0) {
					t.Fatalf("SiLU(%g) = %g and %g, want %g", v, y[i], z[i], v*s)
				}
				if want := s * (1 + v*(1-s)); !near(slope[i], want, relative, 1e-6*s*(1+math.Abs(v))) {
					t.Fatalf("slope at %g = %g, want %g", v, slope[i], want)
				}
				// The derivative is a difference for negative x.
				if want := float64(g[i]) * s * (1 + v*(1-s)); !near(d[i], want, relative, 1e-6*s*math.Abs(float64(g[i])*(1+math.Abs(v)))) {
					t.Fatalf("derivative at %g = %g, want %g", v, d[i], want)
				}
			}
		}
	})
}

func TestSiLUAtTheEndsOfTheRange(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		nan := float32(math.NaN())
		x := []float32{0, 1e30, -1e30, 100, -100, 88, -88, 1e-40, nan}
		y, d, one := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
		for i := range one {
			one[i] = 1
		}
		kernel.SiLU(y, x)
		kernel.SiLUPull(d, one, x)
		z, slope := slices.Clone(x), make([]float32, len(x))
		kernel.SiLUSlope(z, slope, z)
		for i, v := range x {
			checkSiLU(t, v, y[i], d[i])
			checkSiLU(t, v, z[i], slope[i])
		}
	})
}

// checkSiLU checks value and derivative at the ends of the range and at zero.
func checkSiLU(t *testing.T, v, y, d float32) {
	t.Helper()
	right := false
	switch {
	case v != v:
		right = y != y && d != d
	case v > 50:
		right = y == v && d == 1
	case v < -50: // vanishes but for what the limit of the exponential leaves
		least := 1e-36 * math.Abs(float64(v))
		right = near(y, 0, 0, least) && near(d, 0, 0, least)
	default:
		right = near(y, float64(v)/2, 0, 1e-44) && d == 0.5
	}
	if !right {
		t.Errorf("SiLU(%g) = %g, derivative %g", v, y, d)
	}
}

func TestSiLUOfAValueDoesNotDependOnItsPlace(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(2, 1))
		x, g := normal(r, 45), normal(r, 45)
		y, d := make([]float32, 45), make([]float32, 45)
		kernel.SiLU(y, x)
		kernel.SiLUPull(d, g, x)
		for i := range x {
			one, pulled := []float32{x[i]}, []float32{g[i]}
			kernel.SiLUPull(pulled, pulled, one)
			kernel.SiLU(one, one)
			if one[0] != y[i] || pulled[0] != d[i] {
				t.Fatalf("value %d: %g and %g, alone %g and %g", i, y[i], d[i], one[0], pulled[0])
			}
		}
	})
}

// normalised is the layer norm of one row in float64.
func normalised(x []float64) []float64 {
	n := float64(len(x))
	var mean, variance float64
	for _, v := range x {
		mean += v / n
	}
	for _, v := range x {
		variance += (v - mean) * (v - mean) / (n - 1)
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = (v - mean) / math.Sqrt(variance+kernel.Epsilon)
	}
	return y
}

// sum64 is x + y in float64.
func sum64(x, y []float32) []float64 {
	sum := make([]float64, len(x))
	for i := range x {
		sum[i] = float64(x[i]) + float64(y[i])
	}
	return sum
}

func TestLayerNormAgreesWithFloat64(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(3, 1))
		for _, shape := range [][3]int{{3, 32, 32}, {2, 20, 32}, {5, 256, 256}, {1, 64, 96}, {4, 2, 2}, {0, 32, 32},
			{3, 17, 20}, {2, 33, 48}, {4, 47, 47}, {3, 63, 70}, {2, 7, 9}} {
			rows, n, stride := shape[0], shape[1], shape[2]
			for _, shared := range []bool{false, true} {
				data, shift := normal(r, rows*stride+n), normal(r, rows*stride+n)
				for i := range data {
					data[i] = 3*data[i] + 10 // a mean that must cancel
				}
				view := func(x []float32) kernel.Matrix {
					return kernel.Matrix{Data: x, Rows: rows, Columns: n, Stride: stride}
				}
				s := view(shift)
				if shared {
					s.Stride = 0
				}
				y, check := guarded(rows * stride)
				scale := make([]float32, rows)
				kernel.LayerNorm(view(y), scale, view(data), s)
				check(t)
				for i := range rows {
					want := normalised(sum64(data[i*stride:][:n], shift[i*s.Stride:][:n]))
					for j := range n {
						if !near(y[i*stride+j], want[j], 0, 1e-5) {
							t.Fatalf("%v: y(%d,%d) = %g, want %g", shape, i, j, y[i*stride+j], want[j])
						}
					}
					for _, untouched := range y[i*stride+n : (i+1)*stride] {
						if untouched != 0 {
							t.Fatal("wrote between the rows")
						}
					}
				}
			}
		}
	})
}

func TestLayerNormPullIsTheDerivative(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(4, 1))
		for _, n := range []int{2, 12, 17, 32, 47, 63, 96} {
			const rows = 3
			x, g := normal(r, rows*n), normal(r, rows*n)
			y, scale := make([]float32, rows*n), make([]float32, rows)
			zero := kernel.Matrix{Data: make([]float32, n), Rows: rows, Columns: n}
			kernel.LayerNorm(matrix(y, n), scale, matrix(x, n), zero)
			grad, sum := slices.Clone(g), normal(r, rows*n)
			before := slices.Clone(sum)
			kernel.LayerNormPull(matrix(sum, n), matrix(grad, n), scale, matrix(y, n))
			for i := range rows * n {
				row := i / n * n
				at := sum64(x[row:row+n], zero.Data)
				product := func(step float64) (p float64) {
					at[i-row] += step
					for j, v := range normalised(at) {
						p += v * float64(g[row+j])
					}
					at[i-row] -= step
					return p
				}
				const step = 1e-5
				want := (product(step) - product(-step)) / (2 * step)
				if !near(grad[i], want, 1e-5, 1e-5) {
					t.Fatalf("n %d: gradient %d = %g, want %g", n, i, grad[i], want)
				}
				if sum[i] != before[i]+grad[i] {
					t.Fatalf("sum %d = %g, want %g", i, sum[i], before[i]+grad[i])
				}
			}
		}
	})
}

func TestAddAndScaleAreExact(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 1))
		for _, n := range lengths {
			x, y := normal(r, n), normal(r, n)
			scaled, check := guarded(n)
			kernel.Scale(scaled, x, y)
			check(t)
			for i := range x {
				if scaled[i] != x[i]*y[i] {
					t.Fatalf("length %d: %g times %g is %g", n, x[i], y[i], scaled[i])
				}
			}
			z, check := guarded(n)
			copy(z, y)
			kernel.Add(z, x)
			check(t)
			for i := range z {
				if z[i] != x[i]+y[i] {
					t.Fatalf("%g + %g = %g", x[i], y[i], z[i])
				}
			}
		}
	})
}

func TestSumsAgreeWithFloat64(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(6, 1))
		for _, n := range append(lengths, 10000) {
			x := normal(r, n)
			var want float64
			for _, v := range x {
				want += float64(v) * float64(v)
			}
			if got := kernel.SumSquares(x); math.Abs(got-want) > 1e-5*want {
				t.Errorf("%d values: sum of squares %g, want %g", n, got, want)
			}
		}
		for _, rows := range []int{0, 1, 5, 100} {
			const n = 96
			x := normal(r, rows*n+n)
			sums, check := guarded(n)
			start := normal(r, n)
			copy(sums, start)
			kernel.AddColumnSums(sums, kernel.Matrix{Data: x, Rows: rows, Columns: n, Stride: n})
			check(t)
			for j := range n {
				want := float64(start[j])
				for i := range rows {
					want += float64(x[i*n+j])
				}
				if !near(sums[j], want, 0, 1e-5*math.Sqrt(float64(rows+1))) {
					t.Errorf("%d rows: column %d sums to %g, want %g", rows, j, sums[j], want)
				}
			}
		}
	})
}

func TestElementwiseKernelsDoNotAllocate(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		x, y, g := make([]float32, 4*33), make([]float32, 4*33), make([]float32, 4*33)
		scale := make([]float32, 4)
		m := kernel.Moments{Parameters: x, First: y, Second: g, Average: make([]float32, len(x))}
		if n := testing.AllocsPerRun(10, func() {
			kernel.SiLU(y, x)
			kernel.SiLUPull(g, g, x)
			kernel.SiLUSlope(y, g, x)
			kernel.Scale(g, g, x)
			kernel.Add(x, y)
			kernel.SumSquares(x)
			kernel.AddColumnSums(x[:32], matrix(y[:64], 32))
			kernel.LayerNorm(matrix(y, 33), scale, matrix(x, 33), matrix(g, 33))
			kernel.LayerNormPull(matrix(y, 33), matrix(g, 33), scale, matrix(x, 33))
			kernel.AdamW(m, x, kernel.AdamStep{Epsilon: 1})
		}); n != 0 {
			t.Errorf("%g allocations", n)
		}
	})
}

func BenchmarkElementwise(b *testing.B) {
	const width, rows = 256, 128
	r := rand.New(rand.NewPCG(1, 2))
	x, y, g := normal(r, rows*width), make([]float32, rows*width), make([]float32, rows*width)
	scale := make([]float32, rows)
	shift := kernel.Matrix{Data: normal(r, width), Rows: rows, Columns: width}
	before := kernel.Level()
	defer kernel.Use(before)
	for _, level := range levels() {
		kernel.Use(level)
		run := func(name string, f func()) {
			b.Run(level+"/"+name, func(b *testing.B) {
				for b.Loop() {
					f()
				}
				b.ReportMetric(rows*width*float64(b.N)/b.Elapsed().Seconds()/1e9, "Gvalues/s")
			})
		}
		run("SiLU", func() { kernel.SiLU(y, x) })
		run("SiLUPull", func() { kernel.SiLUPull(y, x, x) })
		run("LayerNorm", func() { kernel.LayerNorm(matrix(y, width), scale, matrix(x, width), shift) })
		run("LayerNormPull", func() {
			copy(g, x) // the gradient is overwritten
			kernel.LayerNormPull(matrix(y, width), matrix(g, width), scale, matrix(x, width))
		})
	}
}
