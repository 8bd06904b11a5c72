package scoresum

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/internal/kernel"
	"retrace/internal/rng"
)

// randomSpectra is a prior without a network over fields whose covariance is drawn at
// random: with phases, and without any symmetry in time. The last fields, dependent in
// number, follow from the others.
func randomSpectra(window, fields, dependent, rows, columns int) *Prior {
	c := &SpectralCovariance{Window: window, Fields: fields, Rows: rows, Columns: columns}
	n := window * fields
	r := rng.Stream(1, "spectra")
	for _, k := range wavenumbers(rows, columns) {
		root := newHermitian(n)
		for i := range n {
			for j := range n {
				root.row(i)[j] = complex(r.NormFloat64(), r.NormFloat64())
				if k.own {
					root.row(i)[j] = complex(real(root.row(i)[j]), 0)
				}
			}
		}
		for i := range n {
			if free := fields - dependent; i%fields >= free {
				for j := range n {
					root.row(i)[j] = root.row(i / fields * fields)[j] * complex(0.5, 0) * complex(float64(1+i%fields), 0)
				}
			}
		}
		full := gram(root.v, n, 1/float64(n))
		for i := range n {
			floor := 1e-2
			if dependent > 0 {
				floor = 1e-7
			}
			full.row(i)[i] += complex(floor, 0)
		}
		full.factorise()
		for _, v := range full.v {
			c.Factor = append(c.Factor, float32(real(v)), float32(imag(v)))
		}
	}
	p := &Prior{Settings: FieldSettings(), Space: sea(rows, columns, 1), covariance: c, bases: map[int]*basis{}}
	p.Settings.Window = window
	return p
}

// denseWindow is the covariance that explains the errors at noise s, as in effective.
func denseWindow(t testing.TB, p *Prior, s float64) *mat.SymDense {
	t.Helper()
	b, err := p.basis(p.Settings.Window)
	if err != nil {
		t.Fatal(err)
	}
	root := mat.NewDense(b.n, b.n, nil)
	y, z := kernel.Slab(b.padded), kernel.Slab(b.padded)
	for i := range b.n {
		clear(y)
		y[i] = 1
		b.toCoordinates(z, y, 1, b.padded)
		for j, l := range b.values {
			root.Set(i, j, float64(z[j])*math.Sqrt(p.fractions.effective(s, l, b.class(j), b.classCount)))
		}
	}
	var c mat.SymDense
	c.SymOuterK(1, root)
	return &c
}

// The product must be that with the dense V of uncertainty.go, for trajectories shorter
// and longer than the window.
func TestProductOfFieldsIsTheDenseUncertainty(t *testing.T) {
	for dependent, tolerance := range []float64{3e-5, 3e-4} { // what negligible leaves out
		p := randomSpectra(3, 3, dependent, 4, 6)
		b, err := p.basis(3)
		if err != nil {
			t.Fatal(err)
		}
		p.fractions = Fractions{13, make([]float32, 13*b.classCount)}
		for i := range p.fractions.Values {
			p.fractions.Values[i] = 0.2 + 0.8*float32(i%7)/7
		}
		const dim = 3 * 4 * 6
		for _, s := range []float64{0.03, 0.6, 40} {
			window := denseWindow(t, p, s)
			for _, length := range []int{1, 2, 3, 4, 9} {
				c, err := markov(window, length, min(length, 3), dim)
				if err != nil {
					t.Fatal(err)
				}
				v := uncertaintyOf(t, c, s)
				multiply, err := p.UncertaintyProduct(length, s)
				if err != nil {
					t.Fatal(err)
				}
				x, got, want := mat.NewVecDense(length*dim, nil), make([]float64, length*dim), mat.NewVecDense(length*dim, nil)
				r := rng.Stream(1, "vector")
				for i := range length * dim {
					x.SetVec(i, r.NormFloat64())
				}
				multiply(got, x.RawVector().Data)
				want.MulVec(v, x)
				scale, worst := mat.Norm(want, math.Inf(1)), 0.0
				for i, g := range got {
					worst = max(worst, math.Abs(g-want.AtVec(i))/scale)
				}
				near(t, fmt.Sprintf("%d dependent, s %v, %d states: error", dependent, s, length), worst, 0, tolerance)
			}
		}
	}
}

// uncertaintyOf is C s^2 (C + s^2)^-1.
func uncertaintyOf(t testing.TB, c *mat.SymDense, s float64) *mat.Dense {
	t.Helper()
	n := c.SymmetricDim()
	noised := mat.DenseCopyOf(c)
	for i := range n {
		noised.Set(i, i, noised.At(i, i)+s*s)
	}
	var v mat.Dense
	if err := v.Solve(noised, c); err != nil {
		t.Fatal(err)
	}
	v.Scale(s*s, &v)
	return &v
}

// Symmetric, positive and bounded by the noise, at every noise level and whatever the
// fractions are.
func TestProductOfFieldsIsPositiveAndBounded(t *testing.T) {
	p := fieldPrior(t)
	b, err := p.basis(p.Settings.Window)
	if err != nil {
		t.Fatal(err)
	}
	levels := p.Settings.budget().levels
	p.fractions = Fractions{levels, make([]float32, levels*b.classCount)}
	r := rng.Stream(1, "fractions")
	for i := range p.fractions.Values {
		p.fractions.Values[i] = float32(math.Pow(10, -4*r.Float64()))
	}
	const length = 9
	n := length * p.Dim()
	x, y := make([]float64, n), make([]float64, n)
	vx, vy := make([]float64, n), make([]float64, n)
	for i := range n {
		x[i], y[i] = r.NormFloat64(), r.NormFloat64()
	}
	for _, s := range []float64{1e-3, 0.05, 1, 30, 1e3} {
		multiply, err := p.UncertaintyProduct(length, s)
		if err != nil {
			t.Fatal(err)
		}
		multiply(vx, x)
		multiply(vy, y)
		var xx, xvx, xvy, yvx float64
		for i := range n {
			xx += x[i] * x[i]
			xvx, xvy, yvx = xvx+x[i]*vx[i], xvy+x[i]*vy[i], yvx+y[i]*vx[i]
		}
		near(t, fmt.Sprintf("s %v: asymmetry", s), (xvy-yvx)/xvx, 0, 1e-9)
		if !(xvx > 0 && xvx <= s*s*xx) {
			t.Errorf("s %v: the quadratic form is %.3g for the noise's %.3g", s, xvx, s*s*xx)
		}
	}
}

// Long trajectories need no more memory at a noise level than their settling takes.
func TestRowsOfLongTrajectoriesSettle(t *testing.T) {
	p := randomSpectra(3, 2, 0, 4, 6)
	b, err := p.basis(3)
	if err != nil {
		t.Fatal(err)
	}
	modes, err := p.fieldModes()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []float64{0.05, 1, 100} {
		var sizes [2]int
		for i, length := range []int{60, 400} {
			v, err := newFieldUncertainty(modes, b.values, length, s)
			if err != nil {
				t.Fatal(err)
			}
			for _, w := range v.waves {
				sizes[i] += len(w.inverses) + len(w.gains)
			}
		}
		if sizes[0] != sizes[1] {
			t.Errorf("s %v: %d numbers for 60 states, %d for 400", s, sizes[0], sizes[1])
		}
	}
}

func TestStatesThatAreNoFieldsHaveNoProduct(t *testing.T) {
	p := gaussianPrior(t, 0.9, 5, "overlap", 2)
	if _, err := p.UncertaintyProduct(5, 1); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("error %v", err)
	}
}
