package rng_test

import (
	"fmt"
	"math"
	"testing"

	"retrace/internal/rng"
)

func TestSourceEqualsStream(t *testing.T) {
	source := rng.NewSource(7, "noise")
	source.Float64() // a position in another stream must not matter
	for member := range uint64(4) {
		want := rng.Stream(7, "noise", 3, member)
		got := source.At(3, member)
		for range 5 {
			if a, b := got.NormFloat64(), want.NormFloat64(); a != b {
				t.Fatalf("member %d: source gives %v, stream gives %v", member, a, b)
			}
		}
	}
}

func TestDifferentNamesAreUncorrelated(t *testing.T) {
	type name struct {
		seed    int64
		purpose string
		indices []uint64
	}
	base := name{1, "noise", []uint64{0, 1}}
	for _, other := range []name{
		{2, "noise", []uint64{0, 1}},
		{1, "initial", []uint64{0, 1}},
		{1, "noise", []uint64{1, 0}},
		{1, "noise", []uint64{0, 1, 0}},
		{1, "noise", []uint64{0}},
	} {
		const n = 20000
		a := rng.Stream(base.seed, base.purpose, base.indices...)
		b := rng.Stream(other.seed, other.purpose, other.indices...)
		var sum float64
		for range n {
			sum += a.NormFloat64() * b.NormFloat64()
		}
		if z := sum / math.Sqrt(n); math.Abs(z) > 5 {
			t.Errorf("%v and %v: correlation is %.1f standard errors from zero", base, other, z)
		}
	}
}

func TestSourceDoesNotAllocate(t *testing.T) {
	source := rng.NewSource(1, "noise")
	var step uint64
	if n := testing.AllocsPerRun(100, func() {
		step++
		source.At(1, 2, step).NormFloat64()
	}); n != 0 {
		t.Errorf("At allocates %v times", n)
	}
}

// Member 5 draws the same number whether it is drawn alone or after others.
func ExampleStream() {
	alone := rng.Stream(42, "initial", 5).NormFloat64()
	var last float64
	for member := range uint64(6) {
		last = rng.Stream(42, "initial", member).NormFloat64()
	}
	fmt.Println(alone == last)
	// Output: true
}
