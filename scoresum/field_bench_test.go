package scoresum

import (
	"testing"

	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/trajectory"
)

// ocean is a prior of an untrained network on six fields of 64 x 64 cells.
func ocean(b *testing.B) *trainer {
	b.Helper()
	space := sea(64, 64, 1)
	space.Axes[0].Labels = make([]string, 6)
	set := trajectory.New(space, dynamics.Clock{Interval: 1, Units: "1"}, []trajectory.Dimension{{Name: "trajectory", Len: 2}}, 8)
	copy(set.Data, gaussians(len(set.Data), 1))
	standard, err := trajectory.FitStandardiser(set, 6)
	if err != nil {
		b.Fatal(err)
	}
	tr, err := newTrainer(FieldSettings(), Data{Training: set, Validation: set, Standard: standard, Seed: 1})
	if err != nil {
		b.Fatal(err)
	}
	return tr
}

// A training step of 16 windows.
func BenchmarkFieldTraining(b *testing.B) {
	tr := ocean(b)
	for b.Loop() {
		if err := tr.step(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N*tr.prior.Settings.Training.Batch), "ms/window")
}

// A denoising of a trajectory of 16 states with its pullback.
func BenchmarkFieldGuidance(b *testing.B) {
	p := ocean(b).prior
	const length = 16
	d, err := p.Denoiser(length, 1, ChunkWindows)
	if err != nil {
		b.Fatal(err)
	}
	x, mean, pulled := gaussians(d.Dim(), 1), make([]float32, d.Dim()), make([]float32, d.Dim())
	for b.Loop() {
		if err := d.Denoise(mean, x, diffusion.Level{T: 0.5, Mu: 0.5, Sigma: 0.5}); err != nil {
			b.Fatal(err)
		}
		if err := d.Pull(pulled, x); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(b.Elapsed().Seconds()*1e3/float64(b.N*length), "ms/state")
}
