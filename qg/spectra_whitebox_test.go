package qg

import (
	"math"
	"testing"

	"retrace/internal/rng"
)

func TestHalfSpectraKnowTheirParseval(t *testing.T) {
	p := New("eddy")
	p.Nx, p.Ny = 32, 24
	m, err := newModel(p)
	if err != nil {
		t.Fatal(err)
	}
	r := rng.Stream(1, "white")
	fields := [2][]float64{make([]float64, 32*24), make([]float64, 32*24)}
	want := 0.0
	for i := range fields[0] {
		fields[0][i], fields[1][i] = 1+r.NormFloat64(), r.NormFloat64()
		want += fields[0][i] * fields[1][i] / (32 * 24)
	}
	w := newWorkspace(m.grid, m.tables)
	q := m.grid.newPair()
	w.transform(q, fields[0], fields[1])
	got := m.spectralMean(func(i int) float64 { return q[0].Re[i]*q[1].Re[i] + q[0].Im[i]*q[1].Im[i] })
	if math.Abs(got-want) > 1e-13 {
		t.Errorf("the mean product is %.15g over half spectra, %.15g over the grid", got, want)
	}
	first, second := w.toGrid(q[0], q[1])
	for i := range first {
		if math.Abs(first[i]-fields[0][i]) > 1e-14 || math.Abs(second[i]-fields[1][i]) > 1e-14 {
			t.Fatalf("point %d comes back as %g and %g", i, first[i], second[i])
		}
	}
}
