package kernel_test

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"retrace/internal/kernel"
)

// After n rounds of x = x/2 + 1/2 every value is 1 - 2^-n, exactly.
func TestMultiplyAddsMakesTheRoundsItCounts(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		for _, rounds := range []int{1, 2, 3, 7, 16} {
			sum, operations := kernel.MultiplyAdds(rounds)
			values := operations / (2 * rounds)
			want := float32(values) * (1 - float32(math.Exp2(-float64(rounds))))
			if values < 8 || sum != want {
				t.Errorf("%d rounds of %d values: sum %g, want %g", rounds, values, sum, want)
			}
		}
	})
}

// What is read an even number of times cancels out.
func TestReadSeesEveryValueOnceAPass(t *testing.T) {
	eachLevel(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(5, 6))
		for _, n := range []int{128, 384, 4096} {
			x := normal(r, n)
			var all uint32
			for _, v := range x {
				all ^= math.Float32bits(v)
			}
			for passes, want := range []uint32{1: all, 2: 0, 3: all} {
				if passes > 0 && kernel.Read(x, passes) != want {
					t.Errorf("%d values, %d passes: not %08x", n, passes, want)
				}
			}
		}
	})
}

func TestProbesRefuseOtherSizes(t *testing.T) {
	for name, call := range map[string]func(){
		"no rounds":   func() { kernel.MultiplyAdds(0) },
		"many rounds": func() { kernel.MultiplyAdds(1<<16 + 1) },
		"no values":   func() { kernel.Read(nil, 1) },
		"part":        func() { kernel.Read(make([]float32, 127), 1) },
		"no pass":     func() { kernel.Read(make([]float32, 128), 0) },
		"many passes": func() { kernel.Read(make([]float32, 128), 1<<13+1) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if reason, ok := recover().(string); !ok || !strings.HasPrefix(reason, "kernel: ") {
					t.Errorf("recovered %v", reason)
				}
			}()
			call()
		})
	}
}

// The rates that retrace bench prints, for the Go tools.
func BenchmarkMultiplyAdds(b *testing.B) {
	var operations int
	for b.Loop() {
		_, operations = kernel.MultiplyAdds(1 << 14)
	}
	b.ReportMetric(float64(operations)*float64(b.N)/b.Elapsed().Seconds()/1e9, "GFLOP/s")
}
