package trajectory_test

import (
	"path/filepath"
	"testing"

	"retrace/dynamics"
	"retrace/trajectory"
)

// large is a set of 64 MB, as 1024 trajectories of Lorenz 63 are.
func large() *trajectory.Set {
	s := trajectory.New(walkSpace, dynamics.Clock{Interval: 1, Units: "1"}, []trajectory.Dimension{{Name: "case", Len: 1024}}, 1<<13)
	for i := range s.Data {
		s.Data[i] = float32(i%1013) * 0.37
	}
	return s
}

func BenchmarkDraw(b *testing.B) {
	w := windows(b, large(), 5)
	batch := make([]float32, 64*w.Size())
	b.SetBytes(int64(4 * len(batch)))
	for step := 0; b.Loop(); step++ {
		w.Draw(batch, step)
	}
}

func BenchmarkSave(b *testing.B) {
	s := large()
	path := filepath.Join(b.TempDir(), "large.zarr")
	b.SetBytes(int64(4 * len(s.Data)))
	for b.Loop() {
		if err := trajectory.Save(path, s, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkLoad(b *testing.B) {
	s := large()
	path := save(b, s, nil)
	b.SetBytes(int64(4 * len(s.Data)))
	for b.Loop() {
		if _, err := trajectory.Load(path); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkForward(b *testing.B) {
	s := large()
	f, err := trajectory.FitStandardiser(s, 2)
	if err != nil {
		b.Fatal(err)
	}
	z := make([]float32, 1<<20)
	b.SetBytes(int64(4 * len(z)))
	for b.Loop() {
		f.Forward(z, s.Data[:1<<20])
	}
}
