package bench

import (
	"fmt"
	"math/rand/v2"
	"runtime"

	"retrace/internal/kernel"
	"retrace/internal/rng"
)

// PeakWork names the rate that others are compared with: float32 multiply-adds
// of registers at the instruction set in use, for kernel.Generic those of
// scalar code.
const PeakWork = "multiply-adds of registers (peak)"

// Machine returns probes of the processor and its memory: the peak, and reading
// arrays of 16 kB, 512 kB and 64 MB a core, which most processors hold in their
// first-level cache, their second-level cache, and beyond. Each core has an array
// of its own.
func Machine() []Probe {
	probes := []Probe{peak()}
	for _, size := range []int{16 << 10, 512 << 10, beyond()} {
		probes = append(probes, reading(size))
	}
	return probes
}

// beyond is the size of the largest array: 64 MB, or less where the arrays of
// all cores would need more than 2 GB.
func beyond() int {
	size := 64 << 20
	for size > 4<<20 && size*runtime.GOMAXPROCS(0) > 2<<30 {
		size /= 2
	}
	return size
}

func peak() Probe {
	const rounds = 1 << 14
	_, operations := kernel.MultiplyAdds(rounds)
	return Probe{
		Counts: []Count{{"machine", PeakWork, GigaFLOPs, float64(operations) / 1e9}},
		Worker: func() (func() error, error) {
			return func() error {
				kernel.MultiplyAdds(rounds)
				return nil
			}, nil
		},
	}
}

// reading reads an array of so many bytes, as often as makes a piece of at
// least 4 MB.
func reading(size int) Probe {
	const most = 1 << 20 // values that a call reads
	n := size / 4
	block := min(n, most)
	return Probe{
		Counts: []Count{{"machine", "reading " + binarySize(size) + " a core", GigaBytes, 4 * float64(max(n, most)) / 1e9}},
		Worker: func() (func() error, error) {
			x := values(n)
			return func() error {
				for first := 0; first < n; first += block {
					kernel.Read(x[first:first+block], most/block)
				}
				return nil
			}, nil
		},
	}
}

func binarySize(bytes int) string {
	if bytes < 1<<20 {
		return fmt.Sprintf("%d kB", bytes>>10)
	}
	return fmt.Sprintf("%d MB", bytes>>20)
}

// Products returns probes of matrix products: the inner kernel on data of the
// first-level cache; 256 rows through a square layer 256 wide, its weights packed
// beforehand as those of networks are; and plain square matrices on all cores.
func Products() []Probe {
	probes := []Probe{layer("inner kernel, 64 x 128 by 128 x 32", 64, 128, 32), layer("layer, 256 x 256 by 256 x 256", 256, 256, 256)}
	for _, n := range []int{512, 1024, 2048} {
		probes = append(probes, square(n))
	}
	return probes
}

// layer multiplies m x k by k x n, the right side packed.
func layer(name string, m, k, n int) Probe {
	return Probe{
		Counts: []Count{{"matrix product", name, GigaFLOPs, 2 * float64(m*k*n) / 1e9}},
		Worker: func() (func() error, error) {
			a := kernel.Matrix{Data: values(m * k), Rows: m, Columns: k, Stride: k}
			c := kernel.Matrix{Data: values(m * n), Rows: m, Columns: n, Stride: n}
			b := kernel.NewPanels(k, n)
			b.Pack(0, kernel.Block{Data: values(k * n), Rows: k, Columns: n, RowStep: n, ColumnStep: 1})
			return func() error {
				kernel.Multiply(c, a, b, nil, false)
				return nil
			}, nil
		},
	}
}

// square multiplies square matrices, none of them packed.
func square(n int) Probe {
	return Probe{
		Counts: []Count{{"matrix product", fmt.Sprintf("%d x %d by %d x %d", n, n, n, n), GigaFLOPs, 2 * float64(n) * float64(n) * float64(n) / 1e9}},
		Whole:  true,
		Peer:   Request{"kind": "product", "size": n, "work": "forward"},
		Worker: func() (func() error, error) {
			square := func() kernel.Matrix { return kernel.Matrix{Data: values(n * n), Rows: n, Columns: n, Stride: n} }
			a, c, plan := square(), square(), kernel.NewProduct(n, n)
			b := kernel.Block{Data: values(n * n), Rows: n, Columns: n, RowStep: n, ColumnStep: 1}
			return func() error {
				plan.Multiply(c, a, b, false)
				return nil
			}, nil
		},
	}
}

// values returns n numbers between -1 and 1 that start on a cache line.
func values(n int) []float32 {
	x := kernel.Slab(n)
	fill(x, 1)
	return x
}

// fill draws numbers between -bound and bound.
func fill(x []float32, bound float32) {
	// Timing does not depend on the values, so they repeat.
	const period = 1 << 12
	r := rng.Stream(0, "bench")
	for i := range min(len(x), period) {
		x[i] = bound * uniform(r)
	}
	for done := period; done < len(x); done *= 2 {
		copy(x[done:], x[:done])
	}
}

func uniform(r *rand.Rand) float32 { return 2*r.Float32() - 1 }
