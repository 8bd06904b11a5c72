package em

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/diffusion"
	"retrace/exact"
	"retrace/internal/rng"
)

// problem is a Gaussian of five correlated values and a record of two sums of them.
func problem(t *testing.T) (Gaussian, Record) {
	t.Helper()
	r := rng.Stream(1, "test")
	root := mat.NewDense(5, 5, nil)
	for i := range 5 {
		for j := range 5 {
			root.Set(i, j, 0.5*r.NormFloat64())
		}
	}
	g := Gaussian{make([]float64, 5), mat.NewSymDense(5, nil)}
	g.Covariance.SymOuterK(1, root)
	for i := range g.Mean {
		g.Mean[i] = 0.3 * r.NormFloat64()
	}
	return g, Record{size: 5, y: []float64{0.7, -0.4}, sd: []float64{0.1, 0.3}, rows: rows{
		start: []int{0, 2, 5}, columns: []int{0, 3, 1, 2, 4}, factors: []float64{1, -0.5, 0.3, 0.8, 1.2},
	}}
}

// posteriorMean is E[x | x_t, y] in closed form: the Gaussian given x_t is one with
// another mean and covariance, which is then conditioned on the record.
func posteriorMean(t *testing.T, g Gaussian, r Record, xt []float32, at diffusion.Level) []float64 {
	t.Helper()
	v, err := gaussianSpread(g.Covariance)(at.Ratio())
	if err != nil {
		t.Fatal(err)
	}
	n := len(g.Mean)
	y, gain := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	for i, x := range xt {
		y.SetVec(i, (float64(x)/at.Mu-g.Mean[i])/at.Ratio()/at.Ratio())
	}
	gain.MulVec(v, y)
	given := Gaussian{make([]float64, n), v}
	for i := range given.Mean {
		given.Mean[i] = g.Mean[i] + gain.AtVec(i)
	}
	c := newConditioner(&given, 1)
	if err := c.condition(&r); err != nil {
		t.Fatal(err)
	}
	for i, d := range c.d {
		given.Mean[i] += d
	}
	return given.Mean
}

// With the exact denoiser of a Gaussian, tweedie with as many iterations as values, and
// the rule that knows its covariance, are exact at every noise level.
func TestRulesAreExactForAGaussian(t *testing.T) {
	g, record := problem(t)
	full, err := exact.NewFull(g.Covariance)
	if err != nil {
		t.Fatal(err)
	}
	prior, err := exact.NewGaussian(g.Mean, full)
	if err != nil {
		t.Fatal(err)
	}
	shared := &covariances{at: gaussianSpread(g.Covariance), levels: map[float64]*mat.SymDense{}}
	for name, rule := range map[string]rule{
		"tweedie":           &tweedie{iterations: 2},
		"tweedie, too many": &tweedie{iterations: 5},
		"prior":             &known{covariances: shared},
		"searched":          &known{covariances: shared, searches: true},
	} {
		for _, at := range []diffusion.Level{{Mu: 1, Sigma: 0.02}, {Mu: 0.8, Sigma: 0.6}, {Mu: 0.1, Sigma: 1}} {
			other := record
			other.y = []float64{-1, 2}
			guided := &guide{prior: prior, rule: rule, records: []Record{record, other}}
			xt := []float32{0.2, -0.3, 1, 0.4, 0, 1, -1, 0.5, 0.1, 0.3}
			mean := make([]float32, 10)
			if err := guided.Denoise(mean, xt, at); err != nil {
				t.Fatal(err)
			}
			for row, r := range guided.records {
				for i, want := range posteriorMean(t, g, r, xt[row*5:row*5+5], at) {
					if got := float64(mean[row*5+i]); math.Abs(got-want) > 1e-5*(1+math.Abs(want)) {
						t.Errorf("%s at noise %v, row %d: mean %d is %v, not %v", name, at.Ratio(), row, i, got, want)
					}
				}
			}
		}
	}
}

// Along a direction to which a network gives a negative variance nothing is corrected;
// along others the share b/(1 + b).
func TestNegativeVariancesCorrectNothing(t *testing.T) {
	b := []float64{3, -50, 0.5}
	e := []float64{1, 2, -1}
	k := newKrylov(3)
	k.start(e)
	for !k.closed {
		image := make([]float64, 3)
		for i, q := range k.newest() {
			image[i] = b[i] * q
		}
		k.grow(image)
	}
	got := make([]float64, 3)
	for c, z := range k.solution() {
		for i, q := range k.basis[c] {
			got[i] += z * q
		}
	}
	for i, want := range []float64{1. / 4, 0, -1 / 1.5} {
		if math.Abs(got[i]-want) > 1e-12 {
			t.Errorf("value %d of the solution is %v, not %v", i, got[i], want)
		}
	}
}

func TestDiagonaliseFindsEigenvectors(t *testing.T) {
	const n, stride = 5, 7
	r := rng.Stream(2, "test")
	a, v, before := make([]float64, n*stride), make([]float64, n*stride), mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			x := r.NormFloat64()
			before.SetSym(i, j, x)
			a[i*stride+j], a[j*stride+i] = x, x
		}
	}
	diagonalise(a, v, n, stride)
	for e := range n {
		for i := range n {
			var image float64
			for j := range n {
				image += before.At(i, j) * v[j*stride+e]
			}
			if want := a[e*stride+e] * v[i*stride+e]; math.Abs(image-want) > 1e-10 {
				t.Errorf("eigenvector %d is wrong by %v in row %d", e, image-want, i)
			}
		}
	}
}

// Draws of a Gaussian of low rank, and of the full Gaussian with the same covariance,
// given a record have the same mean and covariance.
func TestLowRankPosteriorIsThatOfTheFullGaussian(t *testing.T) {
	_, record := problem(t)
	low := &LowRank{Mean: []float64{0.1, 0.2, -0.3, 0, 1}, Variance: 0.1, Directions: [][]float64{{1, 0.5, 0, -0.3, 0.2}, {0, 0.4, -1, 0.2, 0.6}}}
	full := &Fitted{Gaussian: Gaussian{low.Mean, mat.NewSymDense(5, nil)}, Noise: 1}
	unit, column := make([]float64, 5), make([]float64, 5)
	for j := range 5 {
		clear(unit)
		unit[j] = 1
		low.apply(column, unit)
		for i := range j + 1 {
			full.Covariance.SetSym(i, j, column[i])
		}
	}
	for j := range record.Count() {
		if a, b := low.spread(&record, j), full.spread(&record, j); math.Abs(a-b) > 1e-12 {
			t.Errorf("the spread of value %d is %v of one, %v of the other", j, a, b)
		}
	}
	c := newConditioner(&full.Gaussian, 1)
	if err := c.condition(&record); err != nil {
		t.Fatal(err)
	}
	const count = 20000
	records := make([]Record, count)
	for i := range records {
		records[i] = record
	}
	for name, law := range map[string]first{"low rank": low, "full": full} {
		x := make([]float32, 5*count)
		if err := law.posterior(t.Context(), records, 1, x); err != nil {
			t.Fatal(err)
		}
		for k := range 5 {
			var mean, square float64
			for i := range count {
				mean += float64(x[i*5+k]) / count
				square += float64(x[i*5+k]) * float64(x[i*5+k]) / count
			}
			want, variance := low.Mean[k]+c.d[k], full.Covariance.At(k, k)
			for j := range record.Count() {
				variance -= c.w[j*5+k] * c.w[j*5+k]
			}
			if math.Abs(mean-want) > 5*math.Sqrt(variance/count) || math.Abs(square-mean*mean-variance) > 0.06*variance {
				t.Errorf("%s: value %d has mean %v and variance %v, not %v and %v", name, k, mean, square-mean*mean, want, variance)
			}
		}
	}
}
