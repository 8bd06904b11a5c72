package exact_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/exact"
)

// structures lists covariances of every structure with the same matrix, dense.
func structures(tb testing.TB) map[string]struct {
	exact.Covariance
	dense *mat.SymDense
} {
	tb.Helper()
	type pair = struct {
		exact.Covariance
		dense *mat.SymDense
	}
	list := map[string]pair{}

	diagonal := exact.Diagonal{0.5, 2, 0, 1}
	list["diagonal"] = pair{diagonal, mat.NewSymDense(4, []float64{0.5, 0, 0, 0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1})}
	list["isotropic"] = pair{exact.Isotropic(2, 3), mat.NewSymDense(2, []float64{3, 0, 0, 3})}

	dense := random(5, "full")
	full, err := exact.NewFull(dense)
	if err != nil {
		tb.Fatal(err)
	}
	list["full"] = pair{full, dense}

	directions := mat.NewDense(4, 2, []float64{1, 0, 0.5, -1, 0, 2, 0.3, 0.1})
	low := mat.NewSymDense(4, nil)
	low.SymOuterK(1, directions)
	for i, d := range diagonal {
		low.SetSym(i, i, low.At(i, i)+d)
	}
	list["low rank"] = pair{exact.LowRank{Diagonal: diagonal, Directions: directions}, low}

	time, state := random(3, "time"), random(2, "state")
	kronecker, err := exact.NewKronecker(time, state)
	if err != nil {
		tb.Fatal(err)
	}
	product := mat.NewSymDense(6, nil)
	for i := range 6 {
		for j := range i + 1 {
			product.SetSym(i, j, time.At(i/2, j/2)*state.At(i%2, j%2))
		}
	}
	list["kronecker"] = pair{kronecker, product}

	precision := mat.NewSymBandDense(4, 1, []float64{2, -1, 3, 0.5, 2, -0.2, 1, 0})
	markov, err := exact.NewMarkov(precision)
	if err != nil {
		tb.Fatal(err)
	}
	var inverse mat.Dense
	if err := inverse.Inverse(precision); err != nil {
		tb.Fatal(err)
	}
	chain := mat.NewSymDense(4, nil)
	for i := range 4 {
		for j := range i + 1 {
			chain.SetSym(i, j, inverse.At(i, j))
		}
	}
	list["markov"] = pair{markov, chain}
	return list
}

func TestEveryStructureSmoothsLikeItsDenseMatrix(t *testing.T) {
	for name, c := range structures(t) {
		n := c.Dim()
		v := make([]float64, n)
		for i := range v {
			v[i] = math.Cos(float64(2 * i))
		}
		for _, variance := range []float64{1e-4, 0.3, 1e4} {
			noised := mat.NewSymDense(n, nil)
			noised.CopySym(c.dense)
			for i := range n {
				noised.SetSym(i, i, noised.At(i, i)+variance)
			}
			var solved, want mat.VecDense
			if err := solved.SolveVec(noised, mat.NewVecDense(n, v)); err != nil {
				t.Fatal(err)
			}
			want.MulVec(c.dense, &solved)
			got := append([]float64(nil), v...)
			if err := c.Smooth(got, got, variance); err != nil { // in place
				t.Fatal(err)
			}
			for i := range got {
				near(t, name, got[i], want.AtVec(i), 1e-10)
			}
			var factor mat.Cholesky
			factor.Factorize(noised)
			logDet, err := c.LogDet(variance)
			if err != nil {
				t.Fatal(err)
			}
			near(t, name+" log det", logDet, factor.LogDet(), 1e-9)
		}
	}
}

func TestStructuresThatAreNoCovarianceAreErrors(t *testing.T) {
	if _, err := exact.NewMarkov(mat.NewSymBandDense(1, 0, []float64{-1})); err == nil {
		t.Error("a negative inverse covariance passed")
	}
	if _, err := exact.NewGaussian([]float64{0}, exact.Isotropic(2, 1)); err == nil {
		t.Error("a mean of 1 value with a covariance of 2 passed")
	}
	if _, err := exact.NewMixture(nil); err == nil {
		t.Error("a mixture without components passed")
	}
	if _, err := exact.NewMixture([]exact.Component{{0, []float64{1}, exact.Isotropic(1, 1)}}); err == nil {
		t.Error("a component without weight passed")
	}
}
