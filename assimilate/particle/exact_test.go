package particle_test

import (
	"math"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/assimilate"
	"retrace/assimilate/particle"
	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/observe"
)

// gaussian is what the exact smoother of a linear-Gaussian system is compared
// by: joint moments of the trajectory given the observations, and log p(y).
type gaussian struct {
	mean       []float64
	covariance *mat.SymDense
	evidence   float64
}

// law is a linear-Gaussian system with exact moments.
type law interface {
	dynamics.Model
	Moments(length int) (mean []float64, covariance *mat.SymDense)
}

// condition gives the posterior under observations of single components, one
// at a time: the Kalman update of the whole trajectory.
func condition(model law, p assimilate.Problem) gaussian {
	mean, covariance := model.Moments(p.Length)
	g := gaussian{mean, covariance, 0}
	n := len(mean)
	size := model.Space().Size()
	for _, o := range p.Observations.Observations {
		if math.IsNaN(o.Values[0]) {
			continue
		}
		unit, gradient := make([]float64, 1), make([]float64, size)
		unit[0] = 1
		o.Operator.VJP(gradient, make([]float64, size), unit) // row of h
		h := make([]float64, n)
		copy(h[o.Index*size:], gradient)
		ph := mat.NewVecDense(n, nil)
		ph.MulVec(g.covariance, mat.NewVecDense(n, h))
		s := mat.Dot(mat.NewVecDense(n, h), ph) + o.Sd[0]*o.Sd[0]
		innovation := o.Values[0] - mat.Dot(mat.NewVecDense(n, h), mat.NewVecDense(n, g.mean))
		g.evidence -= (innovation*innovation/s + math.Log(2*math.Pi*s)) / 2
		updated := mat.NewSymDense(n, nil)
		updated.SymRankOne(g.covariance, -1/s, ph)
		g.covariance = updated
		for i := range g.mean {
			g.mean[i] += ph.AtVec(i) * innovation / s
		}
	}
	return g
}

func TestMembersHaveTheExactSmoothingLaw(t *testing.T) {
	two := dynamics.NewAR1()
	two.N, two.Rho = 2, 0.8
	wide := dynamics.NewAR1()
	wide.N = 40
	ring := dynamics.NewAdvection()
	ring.N = 4
	for _, c := range []struct {
		name                       string
		model                      dynamics.Model
		particles, members, length int
	}{
		// Additive noise: the tree.
		{"one component", build(t, dynamics.NewAR1()), 8192, 2000, 12},
		{"two components", build(t, two), 8192, 2000, 12},
		{"40 components, where boxes bound nothing", build(t, wide), 4096, 200, 3},
		// Correlated noise: the sum over all particles.
		{"advection", build(t, ring), 4096, 300, 8},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := assimilate.Problem{Model: c.model, Length: c.length, Members: c.members, Seed: 5}
			p.Observations = scattered(t, c.model, c.length)
			exact := condition(c.model.(law), p)
			result := assimilated(t, &particle.Method{Particles: c.particles, SpinUp: -1}, p)
			compareMoments(t, result, exact, c.particles)
		})
	}
}

// scattered observes the first two components at some states, with noise about
// as large as the signal: one state twice, one value missing, the last states
// not at all.
func scattered(t *testing.T, model dynamics.Model, length int) observe.Sequence {
	last := min(1, model.Space().Size()-1)
	_, covariance := model.(law).Moments(1)
	sd := math.Sqrt(covariance.At(0, 0)) // all components are alike
	r := rng.Stream(6, "observations")
	var s observe.Sequence
	for i := 0; i < max(2, length-2); i += 2 {
		s.Observations = append(s.Observations, component(t, model.Space(), i, 0, sd*r.NormFloat64(), 0.5*sd))
		if i == 2 {
			s.Observations = append(s.Observations, component(t, model.Space(), i, last, sd*r.NormFloat64(), sd))
		}
		if i == 4 {
			s.Observations[len(s.Observations)-1].Values[0] = math.NaN()
		}
	}
	return s
}

// compareMoments checks means, variances and the covariances of successive
// states against the exact ones, within five standard errors.
func compareMoments(t *testing.T, result *assimilate.Result, exact gaussian, particles int) {
	t.Helper()
	set := result.Ensemble
	size, width := set.Space.Size(), set.Length*set.Space.Size()
	members := set.Lead[0].Len
	// The filter's own sampling error: weights of the smoother cost a factor
	// in the effective number of particles.
	errorScale := 5 * math.Sqrt(1/float64(members)+10/float64(particles))
	mean := func(i, j int) (sum float64) { // of a product of deviations from the exact mean
		for m := range members {
			d := float64(set.Data[m*width+i]) - exact.mean[i]
			if j >= 0 {
				d *= float64(set.Data[m*width+j]) - exact.mean[j]
			}
			sum += d / float64(members)
		}
		return sum
	}
	for i := range width {
		variance := exact.covariance.At(i, i)
		if bias := mean(i, -1); math.Abs(bias) > errorScale*math.Sqrt(variance) {
			t.Errorf("value %d: mean off by %v, sd %v", i, bias, math.Sqrt(variance))
		}
		if got := mean(i, i); math.Abs(got/variance-1) > errorScale*math.Sqrt2 {
			t.Errorf("value %d: variance %v, want %v", i, got, variance)
		}
		if next := i + size; next < width {
			want, scale := exact.covariance.At(i, next), math.Sqrt(variance*exact.covariance.At(next, next))
			if got := mean(i, next); math.Abs(got-want) > errorScale*math.Sqrt2*scale {
				t.Errorf("values %d and %d: covariance %v, want %v", i, next, got, want)
			}
		}
	}
	if got := result.Diagnostics[particle.LogEvidence]; math.Abs(got-exact.evidence) > 0.15 {
		t.Errorf("log evidence %v, want %v", got, exact.evidence)
	}
}
