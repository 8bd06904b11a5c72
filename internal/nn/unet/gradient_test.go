package unet

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// slope is the derivative of f along a direction at x, by differences of fourth
// order.
func slope(x, along []float64, f func() float64) float64 {
	const step = 2e-4
	at := slices.Clone(x)
	value := func(steps float64) float64 {
		for i := range x {
			x[i] = at[i] + steps*step*along[i]
		}
		return f()
	}
	sum := 8*(value(1)-value(-1)) - (value(2) - value(-2))
	copy(x, at)
	return sum / (12 * step)
}

func normals(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

// In float64 the pullback of a network is the slope of its output, along random
// directions of its input and of the parameters of every layer.
func TestPullbackIsTheSlope(t *testing.T) {
	eachSample(t, func(t *testing.T, s sample) {
		for _, shared := range []bool{false, true} { // a time for all
			b := newBench(newPlain(s), s, shared)
			gin, grad := b.pullback()
			r := rand.New(rand.NewPCG(1, 2))
			check := func(name string, x, g []float64) {
				along := normals(r, len(x))
				want := slope(x, along, func() float64 { return dot(b.gout, b.run()) })
				// An entry of the gradient of usual size times one of the direction.
				if d := math.Abs(dot(g, along) - want); !(d < 1e-6*norm(g)) {
					t.Errorf("shared %v: the gradient of %s is %.2g of its norm away", shared, name, d/norm(g))
				}
			}
			check("the input", b.in, gin)
			for _, l := range b.net.layers {
				check(l.name, b.net.slab[l.offset:][:l.size()], grad[l.offset:][:l.size()])
			}
		}
	})
}

// What is computed again is what would have been kept, to the last bit; so it is
// if all trajectories share their time.
func TestBothRulesOfWhatIsKeptAgree(t *testing.T) {
	eachSample(t, func(t *testing.T, s sample) {
		for _, shared := range []bool{false, true} {
			kept, recalled := newBench(newPlain(s), s, shared), newBench(newPlain(s), s, shared)
			recalled.relay(false)
			gin, grad := kept.pullback()
			againIn, again := recalled.pullback()
			if !slices.Equal(gin, againIn) || !slices.Equal(grad, again) || !slices.Equal(kept.tangent(gin), recalled.tangent(gin)) {
				t.Error("the rules give different results")
			}
		}
	})
}

// The tangent map is the slope along a direction, and the transpose of the
// pullback.
func TestTangentIsTheSlopeAndTheTransposeOfThePullback(t *testing.T) {
	eachSample(t, func(t *testing.T, s sample) {
		b := newBench(newPlain(s), s, false)
		along := normals(rand.New(rand.NewPCG(5, 6)), len(b.in))
		clearContext(b, along)
		gin, _ := b.pullback()
		tangent := b.tangent(along)
		forward, back := dot(tangent, b.gout), dot(along, gin)
		if scale := norm(tangent) * norm(b.gout); math.Abs(forward-back) > 1e-12*scale {
			t.Errorf("<J v, w> = %.15g, <v, J' w> = %.15g", forward, back)
		}
		change := slope(b.in, along, func() float64 { return dot(b.gout, b.run()) })
		if scale := norm(tangent) * norm(b.gout); math.Abs(change-forward) > 1e-6*scale {
			t.Errorf("the tangent is %.12g, by differences %.12g", forward, change)
		}
	})
}

// clearContext leaves directions of the variable channels only.
func clearContext[T float](b *bench[T], along []T) {
	for i := range along {
		if i%b.input.channels >= b.net.shape.In {
			along[i] = 0
		}
	}
}
