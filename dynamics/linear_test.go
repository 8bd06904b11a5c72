package dynamics_test

import (
	"errors"
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/dynamics"
	"retrace/internal/rng"
)

var (
	_ dynamics.TransitionDensity = (*dynamics.Linear)(nil)
	_ dynamics.Linearisable      = (*dynamics.Linear)(nil)
	_ dynamics.AdditiveNoise     = (*dynamics.IndependentLinear)(nil)
	_ dynamics.TransitionDensity = (*dynamics.IndependentLinear)(nil)
)

// gaussian is a linear-Gaussian model with exact moments.
type gaussian interface {
	dynamics.TransitionDensity
	dynamics.Linearisable
	Law() dynamics.LinearLaw
	Moments(length int) ([]float64, *mat.SymDense)
}

// skewed is a stable system with nothing special: full matrices, a mean, and
// an initial law that is not the stationary one.
func skewed(t *testing.T) gaussian {
	t.Helper()
	m, err := dynamics.NewLinear(top{}.Space(), clock, dynamics.LinearLaw{
		Transition: mat.NewDense(3, 3, []float64{0.5, 0.4, 0, -0.3, 0.6, 0.2, 0.1, 0, -0.7}),
		Noise:      mat.NewSymDense(3, []float64{1, 0.3, 0.1, 0.3, 0.5, -0.2, 0.1, -0.2, 2}),
		Mean:       []float64{1, -2, 0.5},
		Initial:    mat.NewSymDense(3, []float64{2, -0.5, 0, -0.5, 1, 0.4, 0, 0.4, 3}),
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// gaussians are linear models of every kind.
func gaussians(t *testing.T) map[string]gaussian {
	t.Helper()
	models := map[string]gaussian{"skewed": skewed(t)}
	for name, builder := range map[string]dynamics.Builder{
		"ar1":                 dynamics.NewAR1(),
		"ar1, four":           &dynamics.AR1{N: 4, Rho: -0.5, Variance: 3},
		"spring":              dynamics.NewDampedSpring(),
		"spring, overdamped":  &dynamics.DampedSpring{Frequency: 3, Damping: 4, Variance: 0.1, Dt: 0.5},
		"advection":           &dynamics.Advection{N: 10, Speed: 3, Damping: 0.8, Variance: 2, Length: 3},
		"advection, backward": &dynamics.Advection{N: 5, Speed: -7, Damping: 0.9, Variance: 1},
	} {
		model, err := builder.Build()
		if err != nil {
			t.Fatal(err)
		}
		models[name] = model.(gaussian)
	}
	return models
}

// logJoint is the log-density of a trajectory under the joint law.
func logJoint(t *testing.T, m gaussian, x []float64) float64 {
	t.Helper()
	mean, covariance := m.Moments(len(x) / m.Space().Size())
	var factor mat.Cholesky
	if !factor.Factorize(covariance) {
		t.Fatal("joint covariance is not positive definite")
	}
	residual, solution := mat.NewVecDense(len(x), nil), mat.NewVecDense(len(x), nil)
	residual.SubVec(mat.NewVecDense(len(x), x), mat.NewVecDense(len(x), mean))
	if err := factor.SolveVecTo(solution, residual); err != nil {
		t.Fatal(err)
	}
	return -(mat.Dot(residual, solution) + factor.LogDet() + float64(len(x))*math.Log(2*math.Pi)) / 2
}

// simulate draws a trajectory.
func simulate(m dynamics.Model, length int, trajectory uint64) []float64 {
	n := m.Space().Size()
	r := rng.Stream(3, "trajectory", trajectory)
	x := make([]float64, length*n)
	m.Initial(x[:n], r)
	for t := 1; t < length; t++ {
		copy(x[t*n:], x[(t-1)*n:t*n])
		m.Step(x[t*n:(t+1)*n], r)
	}
	return x
}

func TestJointLawIsTheProductOfTransitions(t *testing.T) {
	const length = 7
	for name, m := range gaussians(t) {
		t.Run(name, func(t *testing.T) {
			n := m.Space().Size()
			x := simulate(m, length, 0)
			want := logJoint(t, m, x[:n])
			for s := 1; s < length; s++ {
				want += m.LogTransition(x[(s-1)*n:s*n], x[s*n:(s+1)*n])
			}
			if got := logJoint(t, m, x); math.Abs(got-want) > 1e-9*max(1, math.Abs(want)) {
				t.Errorf("joint log-density %v, product of transitions %v", got, want)
			}
		})
	}
}

func TestMomentsEqualThoseOfTheNoiseMap(t *testing.T) {
	// A trajectory is a linear map B of (x_1, w_1, ..., w_{L-1}), which are
	// independent; its covariance is B D B^T.
	const length = 5
	m := skewed(t)
	law := m.Law()
	n := len(law.Mean)
	b, d := mat.NewDense(length*n, length*n, nil), mat.NewDense(length*n, length*n, nil)
	for source := range length {
		var block mat.Matrix = mat.NewDiagDense(n, []float64{1, 1, 1})
		for s := source; s < length; s++ {
			b.Slice(s*n, (s+1)*n, source*n, (source+1)*n).(*mat.Dense).Copy(block)
			var next mat.Dense
			next.Mul(law.Transition, block)
			block = &next
		}
		own := d.Slice(source*n, (source+1)*n, source*n, (source+1)*n).(*mat.Dense)
		own.Copy(law.Noise)
		if source == 0 {
			own.Copy(law.Initial)
		}
	}
	var half, want mat.Dense
	half.Mul(b, d)
	want.Mul(&half, b.T())
	mean, covariance := m.Moments(length)
	if !mat.EqualApprox(covariance, &want, 1e-13) {
		t.Errorf("covariance is not that of the noise map")
	}
	wantMean := mat.NewVecDense(length*n, nil)
	wantMean.MulVec(b.Slice(0, length*n, 0, n), mat.NewVecDense(n, law.Mean))
	if !mat.EqualApprox(mat.NewVecDense(length*n, mean), wantMean, 1e-14) {
		t.Errorf("mean is not that of the noise map")
	}
}

func TestSimulatedTrajectoriesFollowTheJointLaw(t *testing.T) {
	// The squared Mahalanobis length of a draw from N(0, C) is chi-squared, and
	// the whitened components are uncorrelated.
	length, draws := 4, 2000
	if *long {
		length, draws = 8, 20000
	}
	for name, m := range gaussians(t) {
		t.Run(name, func(t *testing.T) {
			mean, covariance := m.Moments(length)
			var factor mat.Cholesky
			if !factor.Factorize(covariance) {
				t.Fatal("joint covariance is not positive definite")
			}
			var lower mat.TriDense
			factor.LTo(&lower)
			size := len(mean)
			var sum float64
			total := mat.NewVecDense(size, nil)
			z := mat.NewVecDense(size, nil)
			for k := range draws {
				x := mat.NewVecDense(size, simulate(m, length, uint64(k)))
				x.SubVec(x, mat.NewVecDense(size, mean))
				if err := z.SolveVec(&lower, x); err != nil {
					t.Fatal(err)
				}
				sum += mat.Dot(z, z)
				total.AddVec(total, z)
			}
			dof := float64(size * draws)
			if score := (sum - dof) / math.Sqrt(2*dof); math.Abs(score) > 4 {
				t.Errorf("spread is %.1f standard errors off", score)
			}
			dof = float64(size)
			if score := (mat.Dot(total, total)/float64(draws) - dof) / math.Sqrt(2*dof); score > 5 {
				t.Errorf("mean is %.1f standard errors off", score)
			}
		})
	}
}

func TestMonteCarloMomentsApproachTheExactOnes(t *testing.T) {
	if !*long {
		t.Skip("slow statistical test; run with -long")
	}
	const length, draws = 3, 50000
	for name, m := range gaussians(t) {
		mean, covariance := m.Moments(length)
		size := len(mean)
		sample := mat.NewSymDense(size, nil)
		for k := range uint64(draws) {
			x := mat.NewVecDense(size, simulate(m, length, k))
			x.SubVec(x, mat.NewVecDense(size, mean))
			sample.SymRankOne(sample, 1./draws, x)
		}
		for i := range size {
			for j := range i + 1 {
				c := covariance.At(i, j)
				sd := math.Sqrt((covariance.At(i, i)*covariance.At(j, j) + c*c) / draws)
				if z := (sample.At(i, j) - c) / sd; math.Abs(z) > 5 {
					t.Errorf("%s: covariance of %d and %d is %.1f standard errors off", name, i, j, z)
				}
			}
		}
	}
}

func TestStationaryLawIsAFixedPoint(t *testing.T) {
	law := skewed(t).Law()
	p, err := dynamics.Stationary(law.Transition, law.Noise)
	if err != nil {
		t.Fatal(err)
	}
	var half, image mat.Dense
	half.Mul(law.Transition, p)
	image.Mul(&half, law.Transition.T())
	image.Add(&image, law.Noise)
	if !mat.EqualApprox(p, &image, 1e-14) {
		t.Error("P is not F P F^T + Q")
	}
	// Every built-in system gives its stationary law in closed form.
	for name, m := range gaussians(t) {
		if name == "skewed" {
			continue
		}
		law := m.Law()
		p, err := dynamics.Stationary(law.Transition, law.Noise)
		if err != nil {
			t.Fatal(err)
		}
		if !mat.EqualApprox(p, law.Initial, 1e-11) {
			t.Errorf("%s: initial law is not stationary", name)
		}
	}
}

func TestStationaryResolvesScalesOfEveryComponent(t *testing.T) {
	// A loud component that forgets at once beside a faint one that does not.
	p, err := dynamics.Stationary(
		mat.NewDense(2, 2, []float64{0, 0, 0, 0.99}),
		mat.NewSymDense(2, []float64{1e20, 0, 0, 1}),
	)
	if err != nil {
		t.Fatal(err)
	}
	if want := 1 / (1 - 0.99*0.99); math.Abs(p.At(1, 1)/want-1) > 1e-12 {
		t.Errorf("variance is %v, want %v", p.At(1, 1), want)
	}
}

func TestBrokenLinearSystemsAreErrors(t *testing.T) {
	one := func(v float64) *mat.SymDense { return mat.NewSymDense(1, []float64{v}) }
	space := dynamics.Space{Axes: []dynamics.Axis{{Labels: []string{"x"}}}}
	for name, c := range map[string]struct {
		transition float64
		noise      *mat.SymDense
		initial    *mat.SymDense
		want       error
	}{
		"random walk":      {1, one(1), nil, dynamics.ErrNotStable},
		"explosive":        {1.5, one(1), nil, dynamics.ErrNotStable},
		"not a number":     {math.NaN(), one(1), nil, dynamics.ErrNotFinite},
		"infinite initial": {0.5, one(1), one(math.Inf(1)), dynamics.ErrNotFinite},
		"no noise":         {0.5, one(0), nil, dynamics.ErrNotPositiveDefinite},
		"negative noise":   {0.5, one(-1), nil, dynamics.ErrNotPositiveDefinite},
		"negative initial": {0.5, one(1), one(-1), dynamics.ErrNotPositiveDefinite},
		"noise not finite": {0.5, one(math.NaN()), one(1), dynamics.ErrNotFinite},
		"walk from a law":  {1, one(1), one(2), nil},
	} {
		_, err := dynamics.NewLinear(space, clock, dynamics.LinearLaw{
			Transition: mat.NewDense(1, 1, []float64{c.transition}), Noise: c.noise, Initial: c.initial,
		})
		if !errors.Is(err, c.want) {
			t.Errorf("%s: error is %v, want %v", name, err, c.want)
		}
	}
}

func TestLinearAdjointIsTheTranspose(t *testing.T) {
	for name, m := range gaussians(t) {
		n := m.Space().Size()
		dx, v := draw(n, "perturbation"), draw(n, "cotangent")
		image, pulled := append([]float64(nil), dx...), append([]float64(nil), v...)
		m.TangentLinear(nil, image)
		m.Adjoint(nil, pulled)
		a, b := dot(image, v), dot(dx, pulled)
		if math.Abs(a-b) > 1e-12*(math.Abs(a)+1) {
			t.Errorf("%s: <F dx, v> = %v, <dx, F^T v> = %v", name, a, b)
		}
	}
}

func TestOnlyIndependentNoiseIsAdditiveNoise(t *testing.T) {
	for name, m := range gaussians(t) {
		noise := m.Law().Noise
		diagonal := true
		for i := range noise.SymmetricDim() {
			for j := range i {
				diagonal = diagonal && noise.At(i, j) == 0
			}
		}
		additive, ok := m.(dynamics.AdditiveNoise)
		if ok != diagonal {
			t.Errorf("%s: AdditiveNoise is %v, diagonal noise %v", name, ok, diagonal)
		}
		if !ok {
			continue
		}
		for i, sd := range additive.NoiseSd() {
			if math.Abs(sd*sd/noise.At(i, i)-1) > 1e-14 {
				t.Errorf("%s: sd %v of variance %v", name, sd, noise.At(i, i))
			}
		}
		x, next := draw(len(additive.NoiseSd()), "state"), draw(len(additive.NoiseSd()), "next")
		want := m.LogTransition(x, next)
		additive.Flow(x)
		if got := dynamics.LogGaussian(next, x, additive.NoiseSd()); math.Abs(got-want) > 1e-11*math.Abs(want) {
			t.Errorf("%s: log-density is %v by components, %v by matrix", name, got, want)
		}
	}
}

func TestLinearIsSharedSafelyAndDoesNotAllocate(t *testing.T) {
	m := skewed(t)
	checkConcurrent(t, func(worker uint64) []float64 {
		x, dx := draw(3, "state", worker), draw(3, "perturbation", worker)
		m.Adjoint(x, dx)
		m.Step(x, rng.Stream(1, "noise", worker))
		return append(x, m.LogTransition(x, dx))
	})
	x, r := draw(3, "state"), rng.Stream(1, "noise")
	var sink float64
	checkNoAllocation(t, "Step", func() { m.Step(x, r) })
	checkNoAllocation(t, "Adjoint", func() { m.Adjoint(x, x) })
	checkNoAllocation(t, "LogTransition", func() { sink += m.LogTransition(x, x) })
}
