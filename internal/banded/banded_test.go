package banded_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/internal/banded"
)

// chain is a positive matrix of the given band.
func chain(n, band int) *mat.SymBandDense {
	a := mat.NewSymBandDense(n, band, nil)
	for i := range n {
		for j := i; j <= min(i+band, n-1); j++ {
			a.SetSymBand(i, j, 0.3*math.Cos(float64(2*i+3*j)))
		}
		a.SetSymBand(i, i, 1+float64(band))
	}
	return a
}

func TestSolvesLikeADenseMatrix(t *testing.T) {
	for _, size := range [][2]int{{1, 0}, {7, 2}, {9, 8}, {100, 70}} {
		a := chain(size[0], size[1])
		x := make([]float64, size[0])
		for i := range x {
			x[i] = math.Sin(float64(i + 1))
		}
		var want mat.VecDense
		if err := want.SolveVec(a, mat.NewVecDense(len(x), append([]float64(nil), x...))); err != nil {
			t.Fatal(err)
		}
		var dense mat.Cholesky
		dense.Factorize(mat.NewSymDense(len(x), mat.DenseCopyOf(a).RawMatrix().Data))
		kept := banded.Copy(a)
		f, ok := banded.Factorise(a)
		if !ok {
			t.Fatalf("%v: not positive", size)
		}
		f.Solve(x)
		for i, v := range x {
			if math.Abs(v-want.AtVec(i)) > 1e-12 {
				t.Errorf("%v: value %d is %v, want %v", size, i, v, want.AtVec(i))
			}
		}
		if got := f.LogDet(); math.Abs(got-dense.LogDet()) > 1e-9 {
			t.Errorf("%v: log determinant %v, want %v", size, got, dense.LogDet())
		}
		if n, band := f.Size(); n != size[0] || band != size[1] || !mat.Equal(kept, chain(n, band)) {
			t.Errorf("%v: size %d, band %d, or the copy was changed", size, n, band)
		}
	}
}

func TestMatricesThatAreNotPositiveAreTold(t *testing.T) {
	if _, ok := banded.Factorise(mat.NewSymBandDense(2, 1, []float64{1, 2, 1, 0})); ok {
		t.Error("an indefinite matrix passed")
	}
}
