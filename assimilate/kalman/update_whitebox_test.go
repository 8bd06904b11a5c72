package kalman

import (
	"fmt"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/internal/rng"
)

// sample is a random innovation of p values for N members.
func sample(members, p int, scale float64) (anomalies, residual []float64) {
	r := rng.Stream(6, "innovation", uint64(members), uint64(p))
	anomalies, residual = make([]float64, members*p), make([]float64, p)
	for i := range anomalies {
		anomalies[i] = scale * r.NormFloat64()
	}
	for j := range residual {
		residual[j] = 2 * r.NormFloat64()
	}
	centre(make([]float64, p), anomalies, p)
	return anomalies, residual
}

// dense writes a transform as one matrix of members by members.
func dense(t *transform) *mat.Dense {
	n := t.members
	m := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			var v float64
			for k := range t.rank {
				switch {
				case t.right != nil:
					v += t.left[i*t.rank+k] * t.right[j*t.rank+k]
				case k == j:
					v += t.left[i*t.rank+k]
				}
			}
			if i == j {
				v += t.scale
			}
			m.Set(i, j, v)
		}
	}
	return m
}

// onAnomalies removes what a transform does to vectors of ones, which anomalies
// do not have.
func onAnomalies(m *mat.Dense) *mat.Dense {
	n, _ := m.Dims()
	projector := mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			projector.Set(i, j, -1/float64(n))
		}
		projector.Set(i, i, 1-1/float64(n))
	}
	var out mat.Dense
	out.Mul(m, projector)
	return &out
}

func TestSquareRootInBothSpacesAndByInverse(t *testing.T) {
	for _, c := range []struct{ members, p int }{{10, 3}, {10, 9}, {10, 10}, {6, 40}, {24, 4}} {
		anomalies, residual := sample(c.members, c.p, 1.5)
		one := float64(c.members - 1)
		transforms := map[string]*transform{}
		for name, s := range map[string]*spectrum{"smaller": newSpectrum(c.members, c.p), "members": newPrimalSpectrum(c.members)} {
			tr := newTransform(c.members, c.members, 1)
			if !s.decompose(anomalies, residual, c.p) {
				t.Fatal("no decomposition")
			}
			s.squareRoot(tr, append([]float64(nil), anomalies...), one)
			transforms[name] = tr
		}
		a, b := onAnomalies(dense(transforms["smaller"])), onAnomalies(dense(transforms["members"]))
		if !mat.EqualApprox(a, b, 1e-9) {
			t.Errorf("%+v: the two spaces give different transforms", c)
		}
		// By explicit inverse: rows are w + T with T^2 = (I + Y Y^T/(N-1))^-1.
		y := mat.NewDense(c.members, c.p, anomalies)
		var inner, inverse, weights, root, squared mat.Dense
		inner.Mul(y, y.T())
		for i := range c.members {
			inner.Set(i, i, inner.At(i, i)+one)
		}
		if err := inverse.Inverse(&inner); err != nil {
			t.Fatal(err)
		}
		var yd mat.VecDense
		yd.MulVec(y, mat.NewVecDense(c.p, residual))
		weights.Mul(&inverse, &yd)
		whole := dense(transforms["members"])
		root.CloneFrom(whole)
		for i := range c.members {
			for j := range c.members {
				root.Set(i, j, whole.At(i, j)-weights.At(j, 0))
			}
		}
		squared.Mul(&root, &root)
		squared.Scale(1/one, &squared)
		if !mat.EqualApprox(&squared, &inverse, 1e-9) {
			t.Errorf("%+v: the square of the transform is not the inverse", c)
		}
	}
}

// primal minimises the cost function of the finite-size filter over weights w,
//
//	sum (d - Y^T w)^2/2 + (N-1) c log(e + w^T w)/2 ,
//
// by damped Newton steps on its gradient, and returns z at the minimum.
func primal(anomalies, residual []float64, members int, h hyperprior) float64 {
	p := len(residual)
	y := mat.NewDense(members, p, anomalies)
	w := mat.NewVecDense(members, nil)
	cost := func(w *mat.VecDense) float64 {
		var misfit mat.VecDense
		misfit.MulVec(y.T(), w)
		misfit.SubVec(mat.NewVecDense(p, residual), &misfit)
		return mat.Dot(&misfit, &misfit)/2 + float64(members-1)*h.c*math.Log(h.e+mat.Dot(w, w))/2
	}
	for range 500 {
		z := h.given(mat.Dot(w, w))
		var misfit, gradient, step mat.VecDense
		misfit.MulVec(y.T(), w)
		misfit.SubVec(&misfit, mat.NewVecDense(p, residual))
		gradient.MulVec(y, &misfit)
		gradient.AddScaledVec(&gradient, z, w)
		var hessian mat.Dense
		hessian.Mul(y, y.T())
		for i := range members {
			hessian.Set(i, i, hessian.At(i, i)+z)
		}
		if err := step.SolveVec(&hessian, &gradient); err != nil {
			panic(err)
		}
		next, scale := mat.NewVecDense(members, nil), 1.
		for range 40 {
			next.AddScaledVec(w, -scale, &step)
			if cost(next) <= cost(w) {
				break
			}
			scale /= 2
		}
		w.CopyVec(next)
	}
	return h.given(mat.Dot(w, w))
}

func TestFiniteSizePrimalIsDual(t *testing.T) {
	for _, c := range []struct {
		members, p int
		scale, xn  float64
	}{{10, 3, 1, 1}, {10, 3, 0.3, 1}, {3, 3, 1, 1}, {24, 40, 0.5, 2}, {7, 20, 0.1, 1}} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			anomalies, residual := sample(c.members, c.p, c.scale)
			s := newSpectrum(c.members, c.p)
			s.decompose(anomalies, residual, c.p)
			h := newHyperprior(s, c.xn)
			z := h.size(s)
			if value, _ := h.stationarity(s, z); math.Abs(value) > 1e-9 {
				t.Errorf("z = %v is no root: %v", z, value)
			}
			if want := primal(anomalies, residual, c.members, h); math.Abs(z-want) > 1e-4*want {
				t.Errorf("dual z = %v, primal %v", z, want)
			}
			p := newPrimalSpectrum(c.members)
			p.decompose(anomalies, residual, c.p)
			if other := newHyperprior(p, c.xn).size(p); math.Abs(other-z) > 1e-8*z {
				t.Errorf("z = %v in the space of members, %v in the smaller", other, z)
			}
		})
	}
}

func TestFiniteSizeLimits(t *testing.T) {
	inflation := func(scale, xn float64) float64 {
		const members, p = 10, 3
		anomalies, residual := sample(members, p, 1)
		for i := range anomalies {
			anomalies[i] *= scale
		}
		for j := range residual {
			residual[j] *= scale
		}
		s := newSpectrum(members, p)
		s.decompose(anomalies, residual, p)
		return math.Sqrt((members - 1) / newHyperprior(s, xn).size(s))
	}
	if r := inflation(1e-4, 1); math.Abs(r-1) > 1e-6 {
		t.Errorf("observations that say nothing inflate by %v", r)
	}
	// A sure prior leaves its mode, which is 1 up to 1/(2 N^2).
	if r := inflation(1, 1e9); math.Abs(r-1) > 0.006 {
		t.Errorf("a certain prior inflates by %v", r)
	}
	if r := inflation(3, 1); r < 1.02 {
		t.Errorf("surprising innovations inflate by %v only", r)
	}
}

func TestRotationIsUniform(t *testing.T) {
	// Of a uniform rotation that fixes the mean, the first row of the rotated
	// identity has mean 1/N and its deviation from it is isotropic: E q_1j^2 =
	// 1/N, including j = 1.
	const members, draws = 5, 20000
	r := newRotation(1, members, members)
	a := make([]float64, members*members)
	var first, second [members]float64
	for k := range draws {
		identity(a, members)
		r.draw(0, k)
		r.apply(a, members)
		for j := range members {
			first[j] += a[j] / draws
			second[j] += a[j] * a[j] / draws
		}
		for j := range members {
			var sum float64
			for i := range members {
				sum += a[i*members+j]
			}
			if math.Abs(sum-1) > 1e-12 {
				t.Fatalf("column %d sums to %v", j, sum)
			}
		}
	}
	for j := range members {
		if math.Abs(first[j]-1./members) > 0.02 || math.Abs(second[j]-1./members) > 0.02 {
			t.Errorf("element %d has mean %.3f and mean square %.3f, want %.3f", j, first[j], second[j], 1./members)
		}
	}
}

func TestRootOfACovariance(t *testing.T) {
	for _, c := range []struct{ order, rank int }{{1, 1}, {4, 4}, {5, 2}, {30, 7}} {
		a := gram(c.order, c.rank)
		l := append([]float64(nil), a...)
		root(l, c.order)
		back := make([]float64, len(a))
		multiplyTransposed(back, 1, l, l, 0, c.order, c.order, c.order)
		for i := range a {
			if math.Abs(back[i]-a[i]) > 1e-6 {
				t.Fatalf("%+v: element %d is %v, was %v", c, i, back[i], a[i])
			}
		}
	}
}

func TestAdaptationFindsTheMissingVariance(t *testing.T) {
	a := newAdaptation(0.05)
	r := rng.Stream(2, "adaptation")
	const p, t0, truth = 10, 8., 3. // summed variance of the predictions, and what it should be multiplied by
	var mean float64
	for k := range 4000 {
		var innovations float64
		for range p {
			innovations += square(math.Sqrt(1+truth*t0/p) * r.NormFloat64())
		}
		a.learn(innovations, a.v*t0, p)
		if k >= 1000 {
			mean += a.v / 3000
		}
	}
	if math.Abs(mean-truth) > 0.3 { // its weight falls as v rises, so it stays a little low
		t.Errorf("inflation of variance %.2f, want %v", mean, truth)
	}
	a.learn(1e300, 0, p)
	a.learn(math.Inf(1), 1, p)
	if !(a.v >= leastAdaptive && a.v <= mostAdaptive) {
		t.Errorf("inflation %v is out of bounds", a.v)
	}
}
