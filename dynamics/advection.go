package dynamics

import (
	"cmp"
	"math"

	"gonum.org/v1/gonum/mat"

	"retrace/internal/fault"
)

// Damped advection on a ring of n points, driven by correlated noise:
//
//	x_{t+1}(i) = d x_t(i - Speed) + w_t(i),  w_t ~ N(0, (1 - d^2) C)
//
// C is the Matérn covariance of smoothness 3/2 in the chord r between two
// points of the ring (positive definite, being the restriction of a covariance
// of the plane to a circle; Rasmussen & Williams 2006, equation 4.17),
//
//	C = Variance (1 + sqrt(3) r/Length) exp(-sqrt(3) r/Length)
//
// and Variance I for a zero Length. C does not change under a shift of the
// ring, so it is the stationary covariance of x. With waves, C is that of so many waves
// of equal power instead (waves.go).

// Advection is linear advection on a ring. Build returns a [Linear], an
// [IndependentLinear] if Length is zero, or [Waves].
type Advection struct {
	N        int     `toml:"n" doc:"points of the ring; 2 to 2000"`
	Speed    int     `toml:"speed" doc:"points travelled in one sampling interval; -2000 to 2000"`
	Damping  float64 `toml:"damping" doc:"factor on the amplitude in one sampling interval; 0 to 0.999999"`
	Variance float64 `toml:"variance" doc:"stationary variance; 1e-12 to 1e12"`
	Length   float64 `toml:"length" doc:"correlation length in points; 0 (uncorrelated) to 500"`
	Waves    int     `toml:"waves" doc:"waves of equal power that make the field, with 1 to so many crests on the ring; length then has no meaning. 0 (none) to 1000"`
}

// NewAdvection returns the default ring: 100 points, one point travelled an
// interval, damping 0.98, unit variance, correlation length of five points.
func NewAdvection() *Advection {
	return &Advection{N: 100, Speed: 1, Damping: 0.98, Variance: 1, Length: 5}
}

// Build checks the parameters and returns the model.
func (p *Advection) Build() (Model, error) {
	if err := cmp.Or(
		CheckBetween("n", p.N, 2, maxLinearSize),
		CheckBetween("speed", p.Speed, -maxLinearSize, maxLinearSize),
		CheckBetween("damping", p.Damping, 0, 0.999999),
		CheckBetween("variance", p.Variance, 1e-12, 1e12),
		CheckBetween("length", p.Length, 0, 500),
		CheckBetween("waves", p.Waves, 0, 1000),
	); err != nil {
		return nil, err
	}
	if p.Waves > 0 {
		if 2*p.Waves >= p.N {
			return nil, fault.Inputf("waves = %d: %d points resolve %d waves at most", p.Waves, p.N, (p.N-1)/2)
		}
		return newWaves(p), nil
	}
	law := LinearLaw{
		Transition: mat.NewDense(p.N, p.N, nil),
		Noise:      mat.NewSymDense(p.N, nil),
		Initial:    mat.NewSymDense(p.N, nil),
	}
	for i := range p.N {
		law.Transition.Set(modulo(i+p.Speed, p.N), i, p.Damping)
		for j := range i + 1 {
			c := p.covariance(i - j)
			law.Initial.SetSym(i, j, c)
			law.Noise.SetSym(i, j, (1-p.Damping*p.Damping)*c)
		}
	}
	return buildLinear(p.space(), Clock{Interval: 1, Units: "1"}, law)
}

func (p *Advection) space() Space {
	axis := indexAxis("position", "position on a ring", p.N)
	axis.Period = float64(p.N)
	return Space{Variable: "state", LongName: "advected field", Units: "1", Axes: []Axis{axis}}
}

// covariance is C at a distance of so many points along the ring.
func (p *Advection) covariance(points int) float64 {
	if points == 0 {
		return p.Variance
	}
	if p.Length == 0 {
		return 0
	}
	circumference := float64(p.N)
	chord := circumference / math.Pi * math.Sin(math.Pi*float64(points)/circumference)
	r := math.Sqrt(3) * chord / p.Length
	return p.Variance * (1 + r) * math.Exp(-r)
}

// modulo is i mod n in 0, ... n-1 for any sign of i.
func modulo(i, n int) int { return ((i % n) + n) % n }
