package scoresum

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/dynamics"
	"retrace/internal/kernel"
)

func TestCovarianceOfAnAutoregressiveProcess(t *testing.T) {
	set := simulate(t, &dynamics.AR1{N: 2, Rho: 0.8, Variance: 4}, 60, 500, "train")
	c, err := EstimateCovariance(set.Data, set.Length, 2, 4)
	if err != nil {
		t.Fatal(err)
	}
	estimate := c.block(8, 8)
	for i := range 8 {
		for j := range 8 {
			want := 0.0
			if i%2 == j%2 {
				want = 4 * math.Pow(0.8, math.Abs(float64(i/2-j/2)))
			}
			near(t, fmt.Sprintf("covariance of values %d and %d", i, j), estimate.At(i, j), want, 0.25)
		}
	}
}

// Second moments of all windows, here counted by hand: (1,2), (2,-1) of one
// trajectory and (0,1), (1,1) of another.
func TestCovarianceAveragesOverAllWindows(t *testing.T) {
	c, err := EstimateCovariance([]float32{1, 2, -1, 0, 1, 1}, 3, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	block := c.block(2, 2)
	for _, e := range []struct {
		i, j int
		want float64
	}{{0, 0, 6.0 / 4}, {0, 1, 1.0 / 4}, {1, 1, 7.0 / 4}} {
		near(t, fmt.Sprintf("element %d, %d", e.i, e.j), block.At(e.i, e.j), e.want, 1e-6)
	}
}

// A smooth process has eigenvalues far below the resolution of a covariance in
// float32; the factor must keep them.
func TestFactorKeepsSmallEigenvalues(t *testing.T) {
	const n = 6
	want := []float64{1e-5, 1e-4, 1e-3, 1e-2, 0.1, 10}
	q := orthogonal(n)
	scaled := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			scaled.Set(i, j, q.At(i, j)*math.Sqrt(want[j]))
		}
	}
	var c mat.SymDense
	c.SymOuterK(1, scaled)
	floor := 1e-7 * mat.Trace(&c) / n
	covariance, err := factorise(&c, 3, 2)
	if err != nil {
		t.Fatal(err)
	}
	s, err := covariance.Spectrum(3)
	if err != nil {
		t.Fatal(err)
	}
	for j, l := range s.Values {
		near(t, fmt.Sprintf("eigenvalue %d over its value", j), l/(want[j]+floor), 1, 1e-3)
	}
}

// orthogonal is a fixed orthogonal matrix, the discrete cosine transform.
func orthogonal(n int) *mat.Dense {
	q := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			scale := math.Sqrt(2 / float64(n))
			if j == 0 {
				scale = math.Sqrt(1 / float64(n))
			}
			q.Set(i, j, scale*math.Cos(math.Pi*(float64(i)+0.5)*float64(j)/float64(n)))
		}
	}
	return q
}

func TestLeadingBlockIsTheCovarianceOfShorterWindows(t *testing.T) {
	long, short := gaussianPrior(t, 0.9, 9, "overlap", 4).covariance.(Covariance), gaussianPrior(t, 0.9, 5, "overlap", 2).covariance.(Covariance)
	a, errA := long.Spectrum(5)
	b, errB := short.Spectrum(5)
	if errA != nil || errB != nil {
		t.Fatal(errA, errB)
	}
	for j := range b.Values {
		near(t, fmt.Sprintf("eigenvalue %d", j), a.Values[j], b.Values[j], 1e-6)
	}
	if _, err := short.Spectrum(6); err == nil {
		t.Error("a window of 6 states has a spectrum though 5 are known")
	}
}

func TestDegenerateTrajectories(t *testing.T) {
	const length, window = 50, 4
	wave, zero, bad, flat := make([]float32, length), make([]float32, length), make([]float32, length), make([]float32, 2*length)
	for i := range wave {
		wave[i] = float32(math.Sin(float64(i))) // any three states are linearly dependent
		bad[i] = wave[i]
		flat[2*i] = wave[i] // the second component never varies
	}
	bad[7] = float32(math.NaN())
	for _, c := range []struct {
		name string
		data []float32
		dim  int
		ok   bool
	}{
		{"a wave", wave, 1, true},
		{"a component that is zero", flat, 2, true},
		{"zeros", zero, 1, false},
		{"not a number", bad, 1, false},
		{"too short", wave[:3], 1, false},
	} {
		rows := len(c.data) / c.dim
		covariance, err := EstimateCovariance(c.data, rows, c.dim, window)
		if (err == nil) != c.ok {
			t.Errorf("%s: error %v", c.name, err)
		}
		if err != nil {
			continue
		}
		s, err := covariance.Spectrum(window)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.IsSorted(s.Values) || !(s.Values[0] > 0) {
			t.Errorf("%s: eigenvalues %v", c.name, s.Values)
		}
	}
}

func TestCoordinatesOfTheBasis(t *testing.T) {
	p := gaussianPrior(t, 0.9, 9, "overlap", 4)
	b, err := p.basis(7)
	if err != nil {
		t.Fatal(err)
	}
	const rows = 5
	y, z, back := kernel.Slab(rows*b.padded), kernel.Slab(rows*b.padded), kernel.Slab(rows*b.padded)
	copy(y, gaussians(len(y)))
	b.toCoordinates(z, y, rows, b.padded)
	b.fromCoordinates(back, z, rows)
	for i := range rows {
		for j := range b.padded {
			want := y[i*b.padded+j]
			if j >= b.n {
				want = 0
			}
			near(t, fmt.Sprintf("value %d of row %d there and back", j, i), float64(back[i*b.padded+j]), float64(want), 1e-5)
		}
	}
}
