package qg_test

import (
	"flag"
	"math"
	"testing"

	"retrace/internal/rng"
	"retrace/qg"
)

var long = flag.Bool("long", false, "run slow statistical tests")

// build makes the deterministic model of parameters that are right.
func build(t testing.TB, p *qg.TwoLayer) *qg.Deterministic {
	t.Helper()
	m, err := p.Build()
	if err != nil {
		t.Fatal(err)
	}
	return m.(*qg.Deterministic)
}

// normal draws n standard normal numbers.
func normal(n int, purpose string) []float64 {
	r := rng.Stream(1, purpose)
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// distance is the largest difference of two fields.
func distance(a, b []float64) float64 {
	most := 0.0
	for i, v := range a {
		most = max(most, math.Abs(v-b[i]))
	}
	return most
}

func largest(a []float64) float64 {
	most := 0.0
	for _, v := range a {
		most = max(most, math.Abs(v))
	}
	return most
}
