package verify_test

import (
	"flag"
	"math"
	"math/rand/v2"
	"testing"

	"retrace/verify"
)

var long = flag.Bool("long", false, "run slow statistical tests")

// near compares numbers.
func near(t testing.TB, name string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %v, want %v", name, got, want)
	}
}

// bench is a Gaussian posterior: x ~ N(0, 1) is seen with an error of sd 0.5, so that
// x given y is N(y/1.25, 0.2).
type bench struct{ spread, shift float64 } // of the members, in the right sd

// draw makes independent cases of so many members.
func (b bench) draw(r *rand.Rand, cases, members int) []verify.Draws {
	sd := math.Sqrt(0.2)
	list := make([]verify.Draws, cases)
	for i := range list {
		truth := r.NormFloat64()
		mean := (truth + 0.5*r.NormFloat64()) / 1.25
		d := verify.Draws{Truth: truth, Members: make([]float64, members)}
		for m := range d.Members {
			d.Members[m] = mean + sd*(b.shift+b.spread*r.NormFloat64())
		}
		list[i] = d
	}
	return list
}

func ranksOf(cases []verify.Draws, r *rand.Rand) []float64 {
	ranks := make([]float64, len(cases))
	for i, d := range cases {
		ranks[i] = d.Rank(r.Float64())
	}
	return ranks
}
