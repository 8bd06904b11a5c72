package verify_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/trajectory"
	"retrace/verify"
)

// line is a space of n labelled components.
func line(n int) dynamics.Space {
	labels := make([]string, n)
	for i := range labels {
		labels[i] = fmt.Sprintf("x%d", i+1)
	}
	return dynamics.Space{Variable: "state", Units: "1", Axes: []dynamics.Axis{{Name: "variable", Labels: labels}}}
}

// sample makes a sample of members of the given shape, values from draw.
func sample(t testing.TB, members, length, size int, draw func() float64) *verify.Sample {
	t.Helper()
	data := make([]float32, members*length*size)
	for i := range data {
		data[i] = float32(draw())
	}
	s, err := verify.NewSample(&trajectory.Set{
		Space: line(size), Length: length, Data: data,
		Lead: []trajectory.Dimension{{Name: "member", Len: members}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func normal(r *rand.Rand, mean, sd float64) func() float64 {
	return func() float64 { return mean + sd*r.NormFloat64() }
}

func TestWassersteinIsTheBestPermutation(t *testing.T) {
	for n := 1; n <= 7; n++ {
		for trial := range uint64(10) {
			r := rng.Stream(1, "test", uint64(n), trial)
			a := sample(t, n, 2, 2, normal(r, 0, 1))
			b := sample(t, n, 2, 2, normal(r, 0.5, 1))
			want := bruteForce(a, b)
			got := verify.Wasserstein(a, b)
			if math.Abs(got.Distance-want) > 1e-12 {
				t.Errorf("n = %d: distance %v, best permutation %v", n, got.Distance, want)
			}
		}
	}
}

// bruteForce is the least mean distance over all permutations.
func bruteForce(a, b *verify.Sample) float64 {
	best := math.Inf(1)
	permutation := make([]int, a.Members)
	for i := range permutation {
		permutation[i] = i
	}
	var visit func(k int)
	visit = func(k int) {
		if k == len(permutation) {
			var sum float64
			for i, j := range permutation {
				sum += norm(a.Member(i), b.Member(j))
			}
			best = min(best, sum/float64(len(permutation)))
			return
		}
		for i := k; i < len(permutation); i++ {
			permutation[k], permutation[i] = permutation[i], permutation[k]
			visit(k + 1)
			permutation[k], permutation[i] = permutation[i], permutation[k]
		}
	}
	visit(0)
	return best
}

func norm(x, y []float32) float64 {
	var sum float64
	for i := range x {
		d := float64(x[i]) - float64(y[i])
		sum += d * d
	}
	return math.Sqrt(sum)
}

func TestWassersteinOnALineMatchesSortedValues(t *testing.T) {
	const n = 400
	r := rng.Stream(2, "test")
	a := sample(t, n, 1, 1, normal(r, 0, 1))
	b := sample(t, n, 1, 1, normal(r, 1, 2))
	x, y := make([]float64, n), make([]float64, n)
	for i := range n {
		x[i], y[i] = float64(a.Member(i)[0]), float64(b.Member(i)[0])
	}
	slices.Sort(x)
	slices.Sort(y)
	var want float64
	for i := range x {
		want += math.Abs(x[i]-y[i]) / n
	}
	if got := verify.Wasserstein(a, b).Distance; math.Abs(got-want) > 1e-12 {
		t.Errorf("distance %v, sorted values give %v", got, want)
	}
}

func TestWassersteinOfATranslationIsItsLength(t *testing.T) {
	// The optimal transport of a sample to its own translate by h costs |h|.
	const n, length, size, shift = 200, 5, 3, 0.75
	r := rng.Stream(3, "test")
	a := sample(t, n, length, size, normal(r, 0, 1))
	order := r.Perm(n)
	i := 0
	b := sample(t, n, length, size, func() float64 {
		m, k := i/(length*size), i%(length*size)
		i++
		return float64(a.Member(order[m])[k]) + shift
	})
	want := shift * math.Sqrt(length*size)
	if got := verify.Wasserstein(a, b).Distance; math.Abs(got-want) > 1e-6 {
		t.Errorf("distance %v, want %v", got, want)
	}
}

func TestWassersteinCertifiesItself(t *testing.T) {
	const n = 300
	r := rng.Stream(4, "test")
	a := sample(t, n, 5, 3, normal(r, 0, 1))
	b := sample(t, n, 5, 3, normal(r, 0, 1))
	got := verify.Wasserstein(a, b)
	var sum float64
	taken := make([]bool, n)
	for i, j := range got.Match {
		if taken[j] {
			t.Fatalf("member %d of the second sample is matched twice", j)
		}
		taken[j] = true
		sum += norm(a.Member(i), b.Member(j)) / n
	}
	if math.Abs(got.Distance-sum) > 1e-12 {
		t.Errorf("distance %v, its matching costs %v", got.Distance, sum)
	}
	if got.Gap > 1e-9 {
		t.Errorf("the gap to the dual bound is %v", got.Gap)
	}
	if back := verify.Wasserstein(b, a).Distance; math.Abs(back-got.Distance) > 1e-9 {
		t.Errorf("%v one way, %v the other", got.Distance, back)
	}
}

func TestSubsampleIsKeyedAndWithoutReplacement(t *testing.T) {
	i := 0.0
	s := sample(t, 50, 1, 1, func() float64 { i++; return i })
	a, b := s.Subsample(20, 1), s.Subsample(20, 1)
	seen, last := map[float32]bool{}, float32(0)
	for m := range 20 {
		if a.Member(m)[0] != b.Member(m)[0] {
			t.Fatal("the same seed gives other members")
		}
		seen[a.Member(m)[0]] = true
		last = max(last, a.Member(m)[0])
	}
	if len(seen) != 20 {
		t.Errorf("%d different members of 20", len(seen))
	}
	if last <= 20 {
		t.Error("only the first members are drawn")
	}
	if s.Subsample(50, 1) != s {
		t.Error("a sample within the limit is not returned as it is")
	}
}

// The floor of a distance is what two samples of the same law are apart.
func ExampleWasserstein() {
	r := rng.Stream(1, "example")
	draw := func(shift float64) *verify.Sample {
		data := make([]float32, 100*2)
		for i := range data {
			data[i] = float32(shift + r.NormFloat64())
		}
		s, err := verify.NewSample(&trajectory.Set{
			Space: line(2), Length: 1, Data: data,
			Lead: []trajectory.Dimension{{Name: "member", Len: 100}},
		})
		if err != nil {
			panic(err)
		}
		return s
	}
	reference := draw(0)
	floor := verify.Wasserstein(reference, draw(0))
	shifted := verify.Wasserstein(reference, draw(1))
	fmt.Printf("floor %.1f, shifted %.1f, certified %v\n", floor.Distance, shifted.Distance, shifted.Gap < 1e-9)
	// Output: floor 0.4, shifted 1.3, certified true
}

func BenchmarkWasserstein(b *testing.B) {
	r := rng.Stream(5, "benchmark")
	x := sample(b, 1024, 65, 3, walk(r, 195))
	y := sample(b, 1024, 65, 3, walk(r, 195))
	b.ReportAllocs()
	for b.Loop() {
		verify.Wasserstein(x, y)
	}
}

// walk draws trajectories with correlated values, which are harder to assign
// than white noise.
func walk(r *rand.Rand, width int) func() float64 {
	i, x := 0, 0.0
	return func() float64 {
		if i++; i%width == 1 {
			x = r.NormFloat64()
		}
		x += 0.3 * r.NormFloat64()
		return x
	}
}
