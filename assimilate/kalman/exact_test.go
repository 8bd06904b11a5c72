package kalman_test

import (
	"context"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/assimilate"
	"retrace/assimilate/kalman"
	"retrace/dynamics"
)

// plain is a space of n components without coordinates.
func plain(n int) dynamics.Space {
	axis := dynamics.Axis{Name: "variable"}
	for i := range n {
		axis.Labels = append(axis.Labels, string(rune('a'+i)))
	}
	return dynamics.Space{Variable: "state", Units: "1", Axes: []dynamics.Axis{axis}}
}

func linear(t testing.TB, law dynamics.LinearLaw) *dynamics.Linear {
	t.Helper()
	n, _ := law.Transition.Dims()
	m, err := dynamics.NewLinear(plain(n), dynamics.Clock{Interval: 1, Units: "1"}, law)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func diagonal(n int, v float64) *mat.SymDense {
	d := mat.NewSymDense(n, nil)
	for i := range n {
		d.SetSym(i, i, v)
	}
	return d
}

// randomWalk is case S of the reference cases: x' = x + N(0, I) in four
// components.
func randomWalk(t testing.TB) dynamics.Model {
	one := mat.DenseCopyOf(diagonal(4, 1))
	return linear(t, dynamics.LinearLaw{Transition: one, Noise: diagonal(4, 1), Initial: diagonal(4, 1)})
}

// spiral is a rotating, decaying system with correlated noise.
func spiral(t testing.TB) *dynamics.Linear {
	return linear(t, dynamics.LinearLaw{
		Transition: mat.NewDense(3, 3, []float64{0.9, -0.3, 0, 0.3, 0.9, 0.1, 0, 0, 0.7}),
		Noise:      mat.NewSymDense(3, []float64{0.5, 0.1, 0, 0.1, 0.4, -0.1, 0, -0.1, 0.3}),
		Mean:       []float64{1, -2, 0.5},
		Initial:    mat.NewSymDense(3, []float64{2, 0.3, 0, 0.3, 1, 0, 0, 0, 1.5}),
	})
}

// posterior is the dense Gaussian of all states given all observations, from
// the block precision of the trajectory.
func posterior(m *dynamics.Linear, p assimilate.Problem) (mean []float64, cov *mat.SymDense) {
	law := m.Law()
	n := len(law.Mean)
	size := n * p.Length
	precision, rhs := mat.NewDense(size, size, nil), mat.NewVecDense(size, nil)
	add := func(rows, columns int, block mat.Matrix, sign float64) {
		for i := range n {
			for j := range n {
				precision.Set(rows+i, columns+j, precision.At(rows+i, columns+j)+sign*block.At(i, j))
			}
		}
	}
	var initial, noise, fq, fqf mat.Dense
	initial.Inverse(law.Initial)
	noise.Inverse(law.Noise)
	fq.Mul(law.Transition.T(), &noise)
	fqf.Mul(&fq, law.Transition)
	add(0, 0, &initial, 1)
	var start mat.VecDense
	start.MulVec(&initial, mat.NewVecDense(n, law.Mean))
	for i := range n {
		rhs.SetVec(i, start.AtVec(i))
	}
	for t := 1; t < p.Length; t++ {
		add((t-1)*n, (t-1)*n, &fqf, 1)
		add(t*n, t*n, &noise, 1)
		add((t-1)*n, t*n, &fq, -1)
		add(t*n, (t-1)*n, fq.T(), -1)
	}
	row, unit := make([]float64, n), make([]float64, n)
	for _, o := range p.Observations.Observations {
		for j, y := range o.Values {
			if math.IsNaN(y) {
				continue
			}
			unit := unit[:len(o.Values)]
			clear(unit)
			unit[j] = 1
			o.Operator.VJP(row, make([]float64, n), unit)
			for a := range n {
				k := o.Index*n + a
				rhs.SetVec(k, rhs.AtVec(k)+row[a]*y/(o.Sd[j]*o.Sd[j]))
				for b := range n {
					precision.Set(k, o.Index*n+b, precision.At(k, o.Index*n+b)+row[a]*row[b]/(o.Sd[j]*o.Sd[j]))
				}
			}
		}
	}
	var inverse mat.Dense
	if err := inverse.Inverse(precision); err != nil {
		panic(err)
	}
	var solution mat.VecDense
	solution.MulVec(&inverse, rhs)
	cov = mat.NewSymDense(size, nil)
	for i := range size {
		for j := range i + 1 {
			cov.SetSym(i, j, (inverse.At(i, j)+inverse.At(j, i))/2)
		}
	}
	return solution.RawVector().Data, cov
}

func spiralProblem(t testing.TB, members int) (*dynamics.Linear, assimilate.Problem) {
	m := spiral(t)
	p := observing(t, m, 12, 2, members, 0.7, 0, 2)
	p.Observations.Observations[1].Values[1] = math.NaN()
	return m, p
}

func TestKalmanSmootherIsTheDensePosterior(t *testing.T) {
	m, p := spiralProblem(t, 2)
	mean, cov := posterior(m, p)
	extended := kalman.NewEKF()
	for name, method := range map[string]assimilate.Sequential{"kf": kalman.NewKF(), "ekf": extended} {
		smoothed := cycled(t, method, p)[assimilate.Smoothed]
		for k, e := range smoothed {
			for i := range 3 {
				if d := math.Abs(e.Mean[i] - mean[3*k+i]); d > 1e-10 {
					t.Errorf("%s: mean of component %d of state %d is %.1e off", name, i, k, d)
				}
				if d := math.Abs(e.Variance[i] - cov.At(3*k+i, 3*k+i)); d > 1e-10 {
					t.Errorf("%s: variance of component %d of state %d is %.1e off", name, i, k, d)
				}
			}
		}
	}
}

// moments are the mean and the covariance of whole trajectories.
func moments(result *assimilate.Result) (mean []float64, cov *mat.SymDense) {
	set := result.Ensemble
	n := set.Length * set.Space.Size()
	all := make([]float64, len(set.Data))
	for i, x := range set.Data {
		all[i] = float64(x)
	}
	mean = make([]float64, n)
	for i, x := range all {
		mean[i%n] += x / float64(set.Count())
	}
	return mean, covariance(all, n)
}

// distance is the largest error of moments in units of the standard deviations.
func distance(mean []float64, cov *mat.SymDense, wantMean []float64, want *mat.SymDense) (inMean, inCov float64) {
	for i, m := range mean {
		si := math.Sqrt(want.At(i, i))
		inMean = math.Max(inMean, math.Abs(m-wantMean[i])/si)
		for j := range mean {
			inCov = math.Max(inCov, math.Abs(cov.At(i, j)-want.At(i, j))/si/math.Sqrt(want.At(j, j)))
		}
	}
	return inMean, inCov
}

func TestMembersAreDrawsOfTheJointPosterior(t *testing.T) {
	m, p := spiralProblem(t, 40000)
	wantMean, want := posterior(m, p)
	result, err := kalman.NewKF().Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	mean, cov := moments(result)
	// A standard error of a mean is 0.005, of a covariance at most 0.007; the
	// largest of 36 and of 1296.
	if inMean, inCov := distance(mean, cov, wantMean, want); inMean > 0.02 || inCov > 0.032 {
		t.Errorf("means are up to %.3f, covariances up to %.3f standard deviations off", inMean, inCov)
	}
}

func TestFilterDrawsHaveTheMomentsOfTheFilter(t *testing.T) {
	_, p := spiralProblem(t, 40000)
	m := &kalman.KF{Smoother: false}
	result, err := m.Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	mean, cov := moments(result)
	for k, e := range cycled(t, m, p)[assimilate.Analysis] {
		for i, want := range e.Variance {
			if d := math.Abs(mean[3*k+i]-e.Mean[i]) / math.Sqrt(want); d > 0.022 {
				t.Errorf("state %d: mean %.3f standard deviations off", k, d)
			}
			if d := math.Abs(cov.At(3*k+i, 3*k+i)/want - 1); d > 0.03 {
				t.Errorf("state %d: variance off by %.3f", k, d)
			}
		}
	}
}

func TestKalmanMembersDoNotDependOnTheirNumber(t *testing.T) {
	_, p := spiralProblem(t, 20)
	for _, m := range []*kalman.KF{{Smoother: true}, {Smoother: false}} {
		p.Members = 20
		many, err := m.Assimilate(context.Background(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		p.Members = 1
		one, err := m.Assimilate(context.Background(), p, nil)
		if err != nil {
			t.Fatal(err)
		}
		for i, x := range one.Ensemble.Data {
			if x != many.Ensemble.Data[i] {
				t.Fatalf("value %d is %v alone and %v among 20", i, x, many.Ensemble.Data[i])
			}
		}
	}
}

func TestEnsemblesApproachTheExactPosterior(t *testing.T) {
	m, p := spiralProblem(t, 0)
	wantMean, want := posterior(m, p)
	iterative := kalman.NewIEnKS()
	iterative.Lag, iterative.Iterations = 6, 2
	for name, method := range map[string]assimilate.Method{
		"enks, etkf": &kalman.EnKS{Filter: *filter(&kalman.ETKF{}), Lag: 6},
		"enks, enkf": &kalman.EnKS{Filter: *filter(&kalman.EnKF{}), Lag: 6},
		"enrts":      &kalman.EnRTS{Filter: *filter(&kalman.ETKF{}), Decay: 1},
		"ienks":      iterative,
	} {
		var errors [2]float64
		for i, members := range []int{20, 160} {
			p.Members = members
			const repetitions = 4
			for k := range repetitions {
				p.Case = k
				result, err := method.Assimilate(context.Background(), p, nil)
				if err != nil {
					t.Fatal(err)
				}
				mean, cov := moments(result)
				inMean, _ := distance(mean, cov, wantMean, want)
				errors[i] += inMean / repetitions
			}
		}
		// 8 times the members: the error over 2.8.
		if ratio := errors[0] / errors[1]; ratio < 1.8 || ratio > 4.5 || errors[1] > 0.6 {
			t.Errorf("%s: the mean is %.3f standard deviations off with 20 members, %.3f with 160", name, errors[0], errors[1])
		}
	}
}

func TestExtendedFilterOfASingularLaw(t *testing.T) {
	// A component that is known exactly stays so, and J must not divide by its
	// variance.
	p := observing(t, newRing(6, 0), 8, 2, 5, 0.3, 1)
	tangent := linearised{newRing(6, 0)}
	p.Model = tangent
	p.Initial = &assimilate.Normal{Mean: []float64{1, 2, 3, 4, 5, 6}, Sd: []float64{1, 0, 1, 0, 0, 1}}
	result, err := kalman.NewEKF().Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	for k := range p.Members {
		x := result.Ensemble.State(k, 3)
		if math.Abs(float64(x[4])-2) > 1e-5 {
			t.Errorf("member %d: the known component is %v, not 2", k, x[4])
		}
		// A trajectory of the model: the ring turned by three.
		for i, v := range result.Ensemble.State(k, 0) {
			if math.Abs(float64(x[(i+3)%6]-v)) > 1e-4 {
				t.Errorf("member %d is no trajectory of the model", k)
			}
		}
	}
}

// linearised gives a ring its tangent-linear map.
type linearised struct{ ring }

func (m linearised) TangentLinear(_, dx []float64) { m.Flow(dx) }
func (m linearised) Adjoint(_, dx []float64) {
	first := dx[0]
	copy(dx, dx[1:])
	dx[m.n-1] = first
}
