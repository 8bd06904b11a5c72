package lorenz

import (
	"cmp"
	"math"
	"math/rand/v2"

	"retrace/dynamics"
)

// Three-mode truncation of Rayleigh–Bénard convection (Lorenz 1963, J. Atmos.
// Sci. 20, 130-141, equations 25-27):
//
//	dx/dt = sigma (y - x)
//	dy/dt = x (rho - z) - y
//	dz/dt = x y - beta z
//
// It is symmetric under (x, y) -> (-x, -y), contracts volume at the constant
// rate sigma + 1 + beta, and for rho > 1 has the fixed points
// (+-a, +-a, rho - 1), a = sqrt(beta (rho - 1)), and the origin.

// Lorenz63 holds the parameters of the Lorenz 63 system, with components x, y
// and z. The initial law, the sampling and the noise are those of Rozet &
// Louppe 2023 (arXiv 2306.10574): N((0, 0, 25), S) with
// S = [64 50 0; 50 81 0; 0 0 75], one Runge–Kutta step of 0.025 an interval,
// and noise of variance 0.025.
type Lorenz63 struct {
	Sigma         float64 `toml:"sigma" doc:"Prandtl number; 0 to 1000"`
	Rho           float64 `toml:"rho" doc:"relative Rayleigh number; 0 to 1000"`
	Beta          float64 `toml:"beta" doc:"aspect ratio of the rolls; 0 to 1000"`
	Dt            float64 `toml:"dt" doc:"sampling interval; 1e-6 to 1000"`
	Steps         int     `toml:"steps" doc:"Runge-Kutta steps of an interval; dt/steps at most 0.1"`
	NoiseVariance float64 `toml:"noise_variance" doc:"variance of the noise added to every component once an interval; 0 (deterministic) to 1e6"`
}

// NewLorenz63 returns the noisy system of Rozet & Louppe 2023.
func NewLorenz63() *Lorenz63 {
	return &Lorenz63{Sigma: 10, Rho: 28, Beta: 8. / 3, Dt: 0.025, Steps: 1, NoiseVariance: 0.025}
}

// Build checks the parameters and returns a [dynamics.Noisy], or a
// [dynamics.ODE] if NoiseVariance is zero. The spin-up is 25.6 units of time:
// 1024 default intervals.
func (p *Lorenz63) Build() (dynamics.Model, error) {
	s := sampling{p.Dt, p.Steps, p.NoiseVariance}
	if err := cmp.Or(
		dynamics.CheckBetween("sigma", p.Sigma, 0, 1000),
		dynamics.CheckBetween("rho", p.Rho, 0, 1000),
		dynamics.CheckBetween("beta", p.Beta, 0, 1000),
		s.check(0.1),
	); err != nil {
		return nil, err
	}
	return s.build(convection{p.Sigma, p.Rho, p.Beta}, 25.6), nil
}

// convection is the Lorenz 63 system.
type convection struct{ sigma, rho, beta float64 }

func (convection) Space() dynamics.Space { return components("Lorenz 63 state", "x", "y", "z") }

func (convection) Initial(x []float64, r *rand.Rand) {
	// The Cholesky factor of S.
	a, b, c := r.NormFloat64(), r.NormFloat64(), r.NormFloat64()
	x[0] = 8 * a
	x[1] = 6.25*a + math.Sqrt(81-6.25*6.25)*b
	x[2] = 25 + math.Sqrt(75)*c
}

func (s convection) Tendency(dst, x []float64) {
	dst, x = dst[:3], x[:3]
	dst[0] = s.sigma * (x[1] - x[0])
	dst[1] = x[0]*(s.rho-x[2]) - x[1]
	dst[2] = x[0]*x[1] - s.beta*x[2]
}

func (s convection) Tangent(dst, x, dx []float64) {
	dst[0] = s.sigma * (dx[1] - dx[0])
	dst[1] = (s.rho-x[2])*dx[0] - dx[1] - x[0]*dx[2]
	dst[2] = x[1]*dx[0] + x[0]*dx[1] - s.beta*dx[2]
}

func (s convection) Cotangent(dst, x, v []float64) {
	dst[0] = -s.sigma*v[0] + (s.rho-x[2])*v[1] + x[1]*v[2]
	dst[1] = s.sigma*v[0] - v[1] + x[0]*v[2]
	dst[2] = -x[0]*v[1] - s.beta*v[2]
}
