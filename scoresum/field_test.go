package scoresum

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/kernel"
	"retrace/internal/rng"
	"retrace/trajectory"
)

// sea is a space of two fields.
func sea(rows, columns int, period float64) dynamics.Space {
	axis := func(name string, n int) dynamics.Axis {
		a := dynamics.Axis{Name: name, Coordinates: make([]float64, n), Period: period}
		for i := range n {
			a.Coordinates[i] = float64(i)
		}
		return a
	}
	return dynamics.Space{Variable: "q", Units: "1", Axes: []dynamics.Axis{
		{Name: "layer", Labels: []string{"upper", "lower"}}, axis("y", rows), axis("x", columns),
	}}
}

// swell makes trajectories of waves that travel, with a lower field that is the slope
// of the upper one: homogeneous, with phases between fields and between times.
func swell(count, length, rows, columns int) *trajectory.Set {
	space := sea(rows, columns, 1)
	set := trajectory.New(space, dynamics.Clock{Interval: 1, Units: "1"}, []trajectory.Dimension{{Name: "trajectory", Len: count}}, length)
	r := rng.Stream(1, "swell")
	for i := range count {
		x := set.Trajectory(i)
		for range 8 {
			kx, ky, phase := 1+r.IntN(3), r.IntN(3), 2*math.Pi*r.Float64()
			speed, height := 0.3*float64(kx), r.NormFloat64()
			for t := range length {
				for c := range rows * columns {
					a := 2*math.Pi*(float64(kx*(c%columns))/float64(columns)+float64(ky*(c/columns))/float64(rows)) + phase - speed*float64(t)
					x[2*t*rows*columns+c] += float32(height * math.Cos(a))
					x[(2*t+1)*rows*columns+c] += float32(3 * height * math.Sin(a))
				}
			}
		}
	}
	return set
}

// quickField settings are those of quick U-Nets on windows.
func quickField() Settings { return hasty(FieldSettings()) }

// eachField visits both kinds of networks on fields.
func eachField(t *testing.T, visit func(t *testing.T, s Settings)) {
	for _, s := range []Settings{FieldSettings(), FramesSettings()} {
		t.Run(s.Network, func(t *testing.T) { visit(t, hasty(s)) })
	}
}

// hasty makes settings of fields train in a moment.
func hasty(s Settings) Settings {
	s.Kernel = 3
	s.Window, s.Widths, s.Blocks, s.Embedding = 3, []int{8, 16}, 1, 16
	s.Training.Steps, s.Training.Batch, s.Training.Checkpoint = 8, 8, 3
	return s
}

func fieldData(t testing.TB) Data {
	t.Helper()
	set := swell(6, 8, 8, 12)
	set.Space.Derived = []dynamics.Derived{{Name: "slope", Apply: func(dst, x []float64) {}}} // which no file holds
	standard, err := trajectory.FitStandardiser(set, 2)
	if err != nil {
		t.Fatal(err)
	}
	return Data{Training: set, Validation: set, Standard: standard, Seed: 3}
}

// fieldPrior has a random network.
func fieldPrior(t testing.TB) *Prior { return fieldPriorOf(t, quickField()) }

func fieldPriorOf(t testing.TB, s Settings) *Prior {
	t.Helper()
	tr, err := newTrainer(s, fieldData(t))
	if err != nil {
		t.Fatal(err)
	}
	w, r := tr.prior.network.weights(), rng.Stream(1, "weights")
	tr.prior.network.(*fieldNetwork).Init(r)
	for i := range w {
		w[i] *= 1.5
	}
	tr.prior.network.refresh()
	return tr.prior
}

func TestSpectralCoordinatesAreOrthonormal(t *testing.T) {
	for _, size := range [][2]int{{8, 12}, {5, 6}, {1, 7}, {16, 16}} {
		g := grid{fields: 3, rows: size[0], columns: size[1]}
		n := 2 * g.fields
		c := &SpectralCovariance{2, 3, g.rows, g.columns, nil}
		r := rng.Stream(1, "factors")
		for _, k := range wavenumbers(g.rows, g.columns) {
			for i := range n {
				for j := range n {
					re, im := float32(r.NormFloat64()), float32(r.NormFloat64())
					if i < j {
						re, im = 0, 0
					}
					if i == j {
						re = 1 + re*re
					}
					if i == j || k.own {
						im = 0
					}
					c.Factor = append(c.Factor, re, im)
				}
			}
		}
		b, err := c.basis(2)
		if err != nil {
			t.Fatal(err)
		}
		const rows = 3
		y, z, back := kernel.Slab(rows*b.padded), kernel.Slab(rows*b.padded), kernel.Slab(rows*b.padded)
		for i := range rows {
			copy(y[i*b.padded:][:b.n], gaussians(b.n, uint64(i)))
		}
		b.toCoordinates(z, y, rows, b.padded)
		b.fromCoordinates(back, z, rows)
		near(t, fmt.Sprint(size, " norm over norm"), kernel.SumSquares(z)/kernel.SumSquares(y), 1, 1e-6)
		for i := range y {
			near(t, fmt.Sprintf("%v: value %d there and back", size, i), float64(back[i]), float64(y[i]), 1e-5)
		}
	}
}

// The coordinates of windows have the variances that the basis says and no
// correlation: for waves the estimate must see phases between fields and times.
func TestSpectralVariances(t *testing.T) {
	d := fieldData(t)
	s := quickField()
	source := s.newSource(d.Training, d.Standard)
	c, err := s.estimate(source, d.Training.Space, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, length := range []int{2, 3} {
		b, err := c.basis(length)
		if err != nil {
			t.Fatal(err)
		}
		const rows = 64
		x, z := kernel.Slab(rows*b.padded), kernel.Slab(rows*b.padded)
		r := rng.Stream(2, "windows")
		for i := range rows {
			source.window(x[i*b.padded:][:b.n], length, r)
		}
		b.toCoordinates(z, x, rows, b.padded)
		var whitened, small, total float64
		for i, v := range z {
			if j := i % b.padded; j < b.n {
				e := float64(v) * float64(v)
				total += e
				if whitened += e / b.values[j]; b.values[j] < 1e-4 {
					small += e
				}
			}
		}
		// Where a variance is the floor alone, squares are smaller.
		if mean := whitened / float64(rows*b.n); mean > 1.2 {
			t.Errorf("%d states: whitened squares have the mean %.3g", length, mean)
		}
		if small > 1e-3*total {
			t.Errorf("%d states: %.3g of the variance lies where the basis has none", length, small/total)
		}
	}
}

func TestLossOfFieldsIsTheErrorOfTheDenoiser(t *testing.T) {
	eachField(t, lossIsTheError)
}

func lossIsTheError(t *testing.T, s Settings) {
	p := fieldPriorOf(t, s)
	d := fieldData(t)
	source := p.Settings.newSource(d.Training, d.Standard)
	for _, length := range []int{2, 3} {
		const rows = 3
		b, err := p.basis(length)
		if err != nil {
			t.Fatal(err)
		}
		w := newWindows(p.Settings.layout(p.Space), p.Settings.Window, rows, p.network)
		w.use(length, b)
		x := append([]float32(nil), source.draw(kernel.Slab(rows*b.padded), w, rows, rng.Stream(1, "clean"))...)
		loss := w.example(x, rng.Stream(1, "test"))
		r := rng.Stream(1, "test")
		ratios := make([]float64, rows)
		for i := range ratios {
			ratios[i] = drawRatio(r)
		}
		z, y, mean := kernel.Slab(b.padded), kernel.Slab(b.padded), kernel.Slab(b.padded)
		var sum float64
		for i, s := range ratios {
			b.toCoordinates(z, x[i*b.padded:][:b.padded], 1, b.padded)
			for j := range b.n {
				z[j] += float32(s * r.NormFloat64())
			}
			b.fromCoordinates(y, z, 1)
			w.denoise(mean, y, s)
			for j := range mean {
				mean[j] -= x[i*b.padded+j]
			}
			b.toCoordinates(z, mean, 1, b.padded)
			for j, l := range b.values {
				e := float64(z[j])
				sum += e * e * (l + s*s) / (l * s * s)
			}
		}
		want := sum / float64(rows*b.n)
		near(t, fmt.Sprintf("loss of %d states", length), loss/want, 1, 0.02)
	}
}

func TestPullOfFieldsIsTheTransposedDerivative(t *testing.T) {
	eachField(t, pullIsTransposed)
}

func pullIsTransposed(t *testing.T, s Settings) {
	p := fieldPriorOf(t, s)
	for _, chunk := range []int{1, 64} {
		d := denoiser(t, p, 6, 2, chunk)
		at := diffusion.Level{T: 0.5, Mu: 0.8, Sigma: 0.6}
		n := 2 * d.Dim()
		x, v, u := gaussians(n, 1), gaussians(n, 2), gaussians(n, 3)
		mean, pulled, plus, minus := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
		if err := errors.Join(d.Denoise(mean, x, at), d.Pull(pulled, v)); err != nil {
			t.Fatal(err)
		}
		const h = 1e-2
		moved := func(h float32) []float32 {
			y := append([]float32(nil), x...)
			for i := range y {
				y[i] += h * u[i]
			}
			return y
		}
		if err := errors.Join(d.Denoise(plus, moved(h), at), d.Denoise(minus, moved(-h), at)); err != nil {
			t.Fatal(err)
		}
		var slope, want float64
		for i := range v {
			slope += float64(v[i]) * float64(plus[i]-minus[i]) / (2 * h)
			want += float64(pulled[i]) * float64(u[i])
		}
		near(t, fmt.Sprintf("chunk %d: slope", chunk), slope/want, 1, 0.02)
	}
}

func TestFieldsTrainToTheSameBytesAfterAnInterruption(t *testing.T) {
	eachField(t, trainsToTheSameBytes)
}

func trainsToTheSameBytes(t *testing.T, s Settings) {
	d := fieldData(t)
	d.Symmetry = func(r *rand.Rand) func(dst, x []float32) { // eastward shifts
		east := r.IntN(12)
		return func(dst, x []float32) {
			for i := range x {
				dst[i-i%12+(i+east)%12] = x[i]
			}
		}
	}
	whole, parts := t.TempDir(), t.TempDir()
	if _, err := Train(context.Background(), s, d, whole, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	_, err := Train(ctx, s, d, parts, func(p Progress) {
		if p.Step == 5 {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	p, err := Train(context.Background(), s, d, parts, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{WeightsName, CurveName} {
		a, errA := os.ReadFile(filepath.Join(whole, name))
		b, errB := os.ReadFile(filepath.Join(parts, name))
		if errA != nil || errB != nil || !bytes.Equal(a, b) {
			t.Errorf("%s differs (%v, %v)", name, errA, errB)
		}
	}
	q, err := Load(parts)
	if err != nil {
		t.Fatal(err)
	}
	n := 6 * p.Dim()
	x, a, b := gaussians(n, 1), make([]float32, n), make([]float32, n)
	at := diffusion.Level{T: 0.5, Mu: 0.8, Sigma: 0.6}
	if err := errors.Join(denoiser(t, p, 6, 1, 8).Denoise(a, x, at), denoiser(t, q, 6, 1, 3).Denoise(b, x, at)); err != nil {
		t.Fatal(err)
	}
	for i := range a {
		if a[i] != b[i] {
			t.Fatalf("value %d is %v before and %v after a file", i, a[i], b[i])
		}
	}
}

func TestTrainingOfFieldsLearns(t *testing.T) {
	eachField(t, trainingLearns)
}

func trainingLearns(t *testing.T, s Settings) {
	s.Training.Steps, s.Training.Checkpoint, s.Training.Averaging, s.Training.LearningRate = 60, 60, 0.9, 3e-3
	var last Progress
	if _, err := Train(context.Background(), s, fieldData(t), t.TempDir(), func(p Progress) { last = p }); err != nil {
		t.Fatal(err)
	}
	if !(last.Validation < last.Loss && last.Validation < 0.9) {
		t.Errorf("loss %.3g, validation loss %.3g after %d steps", last.Loss, last.Validation, last.Step)
	}
}

func TestSpacesThatAreNoFieldsAreInputErrors(t *testing.T) {
	d := springData(t)
	s := quickField()
	if _, err := newTrainer(s, d); !fault.IsInput(err) || !strings.Contains(err.Error(), "two axes") {
		t.Errorf("error %v", err)
	}
	s.Widths = []int{8, 16, 32, 64}
	if _, err := newTrainer(s, fieldData(t)); !fault.IsInput(err) || !strings.Contains(err.Error(), "multiple of") {
		t.Errorf("error %v", err)
	}
}
