package unet

import (
	"math"
	"math/rand/v2"
	"testing"

	"retrace/internal/kernel"
)

// eachLevel runs a test on every level of instructions that the machine has.
func eachLevel(t *testing.T, test func(t *testing.T, s sample)) {
	before := kernel.Level()
	defer kernel.Use(before)
	for _, level := range []string{kernel.Generic, kernel.AVX2, kernel.AVX512} {
		if kernel.Use(level) == nil {
			t.Run(level, func(t *testing.T) { eachSample(t, test) })
		}
	}
}

// parameters are those of a layer without what pads, in PyTorch's order.
func parameters[T float](l *layer[T], slab []T) []T {
	var list []T
	l.each(slab, func(w *T) { list = append(list, *w) })
	return append(list, l.bias(slab)[:l.out]...)
}

// The kernels compute what the plain loops do, up to rounding.
func TestKernelsAgreeWithPlainLoops(t *testing.T) {
	eachLevel(t, func(t *testing.T, s sample) {
		for _, keep := range []bool{true, false} {
			want := newBench(newPlain(s), s, keep)
			got := newBench(newReal(s), s, keep)
			got.relay(keep)
			if d := away(got.run(), want.run()); !(d < 3e-6) {
				t.Errorf("keep %v: the output is %.2g away", keep, d)
			}
			gin, grad := got.pullback()
			wantIn, wantGrad := want.pullback()
			if d := away(gin, wantIn); !(d < 1e-5) {
				t.Errorf("keep %v: the gradient of the input is %.2g away", keep, d)
			}
			total := norm(wantGrad)
			for i, l := range got.net.layers {
				a, b := parameters(l, grad), parameters(want.net.layers[i], wantGrad)
				if d := away(a, b); !(d < 1e-5) && norm(b) > 1e-3*total {
					t.Errorf("keep %v: the gradient of %s is %.2g away", keep, l.name, d)
				}
			}
			along := normals(rand.New(rand.NewPCG(7, 8)), len(got.in))
			clearContext(want, along)
			if d := away(got.tangent(float32s(along)), want.tangent(along)); !(d < 1e-5) {
				t.Errorf("keep %v: the tangent is %.2g away", keep, d)
			}
		}
	})
}

func float32s(x []float64) []float32 {
	y := make([]float32, len(x))
	for i, v := range x {
		y[i] = float32(v)
	}
	return y
}

// What pads the channels stays zero, in the gradient too, or training would change
// it.
func TestPaddingStaysZero(t *testing.T) {
	eachSample(t, func(t *testing.T, s sample) {
		b := newBench(newReal(s), s, false)
		_, grad := b.pullback()
		for _, slab := range [][]float32{b.net.slab, grad} {
			rest := append([]float32(nil), slab...)
			for _, l := range b.net.layers {
				l.each(rest, func(w *float32) { *w = 0 })
				clear(l.bias(rest)[:l.out])
			}
			if norm(rest) != 0 {
				t.Fatal("there are values where there is padding")
			}
		}
	})
}

// <J v, w> = <v, J' w> in float32, to 1e-6 of the norms.
func TestPullbackIsTheTransposeOfTheTangent(t *testing.T) {
	eachLevel(t, func(t *testing.T, s sample) {
		b := newBench(newReal(s), s, false)
		along := float32s(normals(rand.New(rand.NewPCG(9, 10)), len(b.in)))
		clearContext(b, along)
		gin, _ := b.pullback()
		tangent := b.tangent(along)
		forward, back := dot(tangent, b.gout), dot(along, gin)
		scale := max(norm(tangent)*norm(b.gout), norm(along)*norm(gin))
		if d := math.Abs(forward-back) / scale; !(d < 1e-6) {
			t.Errorf("<J v, w> = %v, <v, J' w> = %v: %.2g of the norms", forward, back, d)
		}
	})
}
