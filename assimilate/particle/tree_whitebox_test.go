package particle

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"retrace/dynamics"
	"retrace/internal/rng"
)

// still is a model that only adds noise, of another size in each component.
type still struct {
	dynamics.Model
	sd []float64
}

func (m still) Space() dynamics.Space {
	return dynamics.Space{Axes: []dynamics.Axis{{Name: "x", Coordinates: make([]float64, len(m.sd))}}}
}
func (m still) Flow([]float64)     {}
func (m still) NoiseSd() []float64 { return m.sd }
func (m still) LogTransition(x, next []float64) float64 {
	return dynamics.LogGaussian(next, x, m.sd)
}

// clustered makes clustered particles, with uneven weights, some of them zero.
func clustered(r *rand.Rand, n int, sd []float64) (states, weights []float64) {
	size := len(sd)
	states, weights = make([]float64, n*size), make([]float64, n)
	var total float64
	for i := range n {
		centre := 3 * float64(r.IntN(3))
		for j, s := range sd {
			states[i*size+j] = s * (centre + 2*r.NormFloat64()/math.Sqrt(float64(size)))
		}
		if i%7 != 0 {
			weights[i] = math.Exp(2 * r.NormFloat64())
		}
		total += weights[i]
	}
	for i := range weights {
		weights[i] /= total
	}
	return states, weights
}

// wanted is the backward law of the particles, by definition.
func wanted(states, weights, next, sd []float64) []float64 {
	law := make([]float64, len(weights))
	var total float64
	for i, w := range weights {
		law[i] = w
		for j, s := range sd {
			d := (next[j] - states[i*len(sd)+j]) / s
			law[i] *= math.Exp(-d * d / 2)
		}
		total += law[i]
	}
	for i := range law {
		law[i] /= total
	}
	return law
}

// chiSquared measures draws against a law, the particles with fewer than ten
// expected draws taken together. It returns the number of standard deviations
// above the mean.
func chiSquared(count []int, law []float64) float64 {
	draws := 0
	for _, c := range count {
		draws += c
	}
	var statistic, restExpected, cells float64
	restCount := 0
	add := func(observed int, expected float64) {
		d := float64(observed) - expected
		statistic += d * d / expected
		cells++
	}
	for i, p := range law {
		if expected := p * float64(draws); expected >= 10 {
			add(count[i], expected)
		} else {
			restCount += count[i]
			restExpected += expected
		}
	}
	if restExpected > 1 {
		add(restCount, restExpected)
	}
	freedom := cells - 1
	if freedom == 0 {
		return statistic
	}
	return (statistic - freedom) / math.Sqrt(2*freedom)
}

func TestKernelsDrawTheBackwardLaw(t *testing.T) {
	r := rng.Stream(1, "test")
	for _, c := range []struct {
		n    int
		sd   []float64
		next []float64 // in units of sd
	}{
		{1, []float64{1}, []float64{3}},
		{9, []float64{0.1}, []float64{0.5}},
		{500, []float64{1}, []float64{3}},
		{500, []float64{2}, []float64{-40}}, // far outside: the nearest decide
		{1000, []float64{1, 1e-3, 50}, []float64{3, 3, 3}},
		{1000, []float64{1, 1e-3, 50}, []float64{0.5, 2, 1.5}},
		{300, slices.Repeat([]float64{1}, 40), slices.Repeat([]float64{3.1}, 40)},
	} {
		states, weights := clustered(r, c.n, c.sd)
		if c.n == 1 {
			weights[0] = 1
		}
		next := slices.Clone(c.next)
		for j := range next {
			next[j] *= c.sd[j]
		}
		law := wanted(states, weights, next, c.sd)
		model := still{sd: c.sd}
		tree := newTree(model, c.n)
		for name, kernel := range map[string]backwardKernel{
			"tree": tree, "exhaustive": newExhaustive(model, c.n), "exhausted tree": exhaustedTree{tree},
		} {
			if err := kernel.load(context.Background(), states, weights); err != nil {
				t.Fatal(err)
			}
			r := rng.Stream(1, name)
			count := make([]int, c.n)
			for range 3000 {
				count[kernel.draw(0, next, r)]++
			}
			if z := chiSquared(count, law); z > 5 {
				t.Errorf("%s, %d particles, %d components: draws are %.1f sd from the law", name, c.n, len(c.sd), z)
			}
		}
	}
}

// exhaustedTree draws as a tree does when rejection fails.
type exhaustedTree struct{ *tree }

func (e exhaustedTree) draw(worker int, next []float64, r *rand.Rand) int {
	e.tree.draw(worker, next, r) // sets the target
	return e.searches[worker].exhaust(r)
}

func TestTreeDrawsDoNotAllocate(t *testing.T) {
	r := rng.Stream(2, "test")
	sd := []float64{1, 1, 1}
	states, weights := clustered(r, 3000, sd)
	kernel := newTree(still{sd: sd}, 3000)
	if err := kernel.load(context.Background(), states, weights); err != nil {
		t.Fatal(err)
	}
	next := []float64{3, 3, 3}
	kernel.draw(0, next, r)
	if n := testing.AllocsPerRun(200, func() { kernel.draw(0, next, r) }); n != 0 {
		t.Errorf("a draw allocates %v times", n)
	}
}

func TestKeysAreSortedByTheirHighHalf(t *testing.T) {
	r := rng.Stream(3, "test")
	keys := make([]uint64, 1000)
	for i := range keys {
		keys[i] = r.Uint64()<<32 | uint64(i)
	}
	want := slices.Clone(keys)
	slices.SortStableFunc(want, func(a, b uint64) int { return int(int64(a>>32) - int64(b>>32)) })
	sortHighHalf(keys, make([]uint64, len(keys)))
	if !slices.Equal(keys, want) {
		t.Error("radix sort and library sort differ")
	}
}

func TestZOrderInterleavesCellNumbers(t *testing.T) {
	z := newZOrder(2)
	z.cover([]float64{0, 0, 1, 0.5})
	// 16 bits a component, cells of 1/65536 (rounded a little): x = 3/4 is
	// cell 0xbfff or 0xc000, y = 1/4 is 0x3fff or 0x4000.
	top := func(x, y float64) uint32 { return z.key([]float64{x, y}) >> 28 }
	for _, c := range []struct {
		x, y float64
		want uint32 // two bits of y and x each, y before x
	}{{0, 0, 0b0000}, {0.9, 0.1, 0b0101}, {0.6, 0.1, 0b0100}, {0.1, 0.45, 0b0010}, {0.9, 0.45, 0b0111}} {
		if got := top(c.x, c.y); got != c.want {
			t.Errorf("(%v, %v): key starts with %04b, want %04b", c.x, c.y, got, c.want)
		}
	}
}
