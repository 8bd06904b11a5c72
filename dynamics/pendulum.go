package dynamics

import (
	"cmp"
	"math"
	"math/rand/v2"
)

// Two point masses m, M hang on massless rods of lengths l, L, the second from the
// first. With angles a, b from the vertical, their rates u, v and d = b - a,
//
//	D  = (m + M) - M cos(d)^2
//	a" = (M sin(d) cos(d) l u^2 + M g sin(b) cos(d) + M L v^2 sin(d) - (m+M) g sin(a)) / (l D)
//	b" = (-M L v^2 sin(d) cos(d) + (m+M) (g sin(a) cos(d) - l u^2 sin(d) - g sin(b))) / (L D)
//
// (Landau & Lifshitz, Mechanics, section 5, problem 1). Without noise the energy
//
//	(m+M) l^2 u^2/2 + M L^2 v^2/2 + M l L u v cos(d) - (m+M) g l cos(a) - M g L cos(b)
//
// is conserved. Angles are not wrapped: they count turns.

// DoublePendulum is the double pendulum, with the state theta1, omega1, theta2,
// omega2 in radians and radians a unit of time. The initial law is
// N((0.45 pi, 0, 0, 0), 0.01^2 I): the upper arm near the horizontal, which is chaotic.
// The default has unit masses and arms and g = 9.8, sampled every 0.01, as in DAPPER.
type DoublePendulum struct {
	Mass1         float64 `toml:"mass1" doc:"mass of the upper bob; 1e-3 to 1e3"`
	Mass2         float64 `toml:"mass2" doc:"mass of the lower bob; 1e-3 to 1e3"`
	Length1       float64 `toml:"length1" doc:"length of the upper arm; 1e-2 to 1e3"`
	Length2       float64 `toml:"length2" doc:"length of the lower arm; 1e-2 to 1e3"`
	Gravity       float64 `toml:"gravity" doc:"acceleration of gravity; 0 to 1e3"`
	Dt            float64 `toml:"dt" doc:"sampling interval; 1e-6 to 1000"`
	Steps         int     `toml:"steps" doc:"Runge-Kutta steps of an interval; dt/steps at most 0.05"`
	NoiseVariance float64 `toml:"noise_variance" doc:"variance of the noise added to every component once an interval; 0 (deterministic) to 1e6"`
}

// NewDoublePendulum returns the default pendulum.
func NewDoublePendulum() *DoublePendulum {
	return &DoublePendulum{Mass1: 1, Mass2: 1, Length1: 1, Length2: 1, Gravity: 9.8, Dt: 0.01, Steps: 1}
}

// Build checks the parameters and returns an [ODE], or a [Noisy] if NoiseVariance is
// positive. There is no attractor to spin up to.
func (p *DoublePendulum) Build() (Model, error) {
	s := sampled{p.Dt, p.Steps, p.NoiseVariance, 0.05}
	if err := cmp.Or(
		CheckBetween("mass1", p.Mass1, 1e-3, 1e3),
		CheckBetween("mass2", p.Mass2, 1e-3, 1e3),
		CheckBetween("length1", p.Length1, 1e-2, 1e3),
		CheckBetween("length2", p.Length2, 1e-2, 1e3),
		CheckBetween("gravity", p.Gravity, 0, 1e3),
		s.check(),
	); err != nil {
		return nil, err
	}
	return s.build(arms{p.Mass1 + p.Mass2, p.Mass2, p.Length1, p.Length2, p.Gravity}, 0), nil
}

// arms is the double pendulum: mass is m + M, lower is M, l and long are l and L.
type arms struct{ mass, lower, l, long, g float64 }

func (arms) Space() Space {
	return Space{
		Variable: "state", LongName: "double pendulum", Units: "1",
		Axes: []Axis{{Name: "variable", LongName: "component", Labels: []string{"theta1", "omega1", "theta2", "omega2"}}},
	}
}

func (arms) Initial(x []float64, r *rand.Rand) {
	for i, mean := range [4]float64{0.45 * math.Pi, 0, 0, 0} {
		x[i] = mean + 0.01*r.NormFloat64()
	}
}

func (s arms) Tendency(dst, x []float64) {
	numerators, denominator := s.fractions(x)
	dst[0], dst[1] = x[1], numerators[0]/(s.l*denominator)
	dst[2], dst[3] = x[3], numerators[1]/(s.long*denominator)
}

// fractions are the numerators of the accelerations, and D.
func (s arms) fractions(x []float64) (numerators [2]float64, denominator float64) {
	sin, cos := math.Sincos(x[2] - x[0])
	upper, lower := s.l*x[1]*x[1], s.lower*s.long*x[3]*x[3]
	gravity1, gravity2 := s.mass*s.g*math.Sin(x[0]), s.g*math.Sin(x[2])
	numerators[0] = s.lower*sin*cos*upper + s.lower*gravity2*cos + lower*sin - gravity1
	numerators[1] = -lower*sin*cos + gravity1*cos - s.mass*(upper*sin+gravity2)
	return numerators, s.mass - s.lower*cos*cos
}

// gradients are the derivatives of both accelerations with respect to the state.
func (s arms) gradients(x []float64) (rows [2][4]float64) {
	sin, cos := math.Sincos(x[2] - x[0])
	upper, lower := s.l*x[1]*x[1], s.lower*s.long*x[3]*x[3]
	sin1, cos1 := math.Sincos(x[0])
	sin2, cos2 := math.Sincos(x[2])
	numerators, d := s.fractions(x)
	slope := 2 * s.lower * sin * cos // of D with d
	double := cos*cos - sin*sin      // of sin(d) cos(d) with d
	// With d, of the numerators.
	bend1 := s.lower*double*upper - s.lower*s.g*sin2*sin + lower*cos
	bend2 := -lower*double - s.mass*s.g*sin1*sin - s.mass*upper*cos
	turn1 := (bend1 - numerators[0]/d*slope) / (s.l * d)
	turn2 := (bend2 - numerators[1]/d*slope) / (s.long * d)
	rows[0] = [4]float64{
		-turn1 - s.mass*s.g*cos1/(s.l*d), 2 * s.lower * sin * cos * x[1] / d,
		turn1 + s.lower*s.g*cos2*cos/(s.l*d), 2 * s.lower * s.long * x[3] * sin / (s.l * d),
	}
	rows[1] = [4]float64{
		-turn2 + s.mass*s.g*cos1*cos/(s.long*d), -2 * s.mass * s.l * x[1] * sin / (s.long * d),
		turn2 - s.mass*s.g*cos2/(s.long*d), -2 * s.lower * x[3] * sin * cos / d,
	}
	return rows
}

func (s arms) Tangent(dst, x, dx []float64) {
	rows := s.gradients(x)
	dst[0], dst[1] = dx[1], dot(rows[0][:], dx)
	dst[2], dst[3] = dx[3], dot(rows[1][:], dx)
}

func (s arms) Cotangent(dst, x, v []float64) {
	rows := s.gradients(x)
	for i := range dst {
		dst[i] = rows[0][i]*v[1] + rows[1][i]*v[3]
	}
	dst[1] += v[0]
	dst[3] += v[2]
}
