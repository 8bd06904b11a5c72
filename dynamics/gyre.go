package dynamics

import (
	"cmp"
	"math"
	"math/rand/v2"
)

// The wind-driven double gyre of a closed ocean basin in one and a half layers, quasi-
// geostrophic (Sakov & Oke 2008, Tellus 60A, 361, equations 37-38; Jelloul & Huck 2003):
//
//	q_t = -p_x - e J(p, q) - A lap^3 p + 2 pi sin(2 pi y),   q = lap p - F p
//
// on the unit square, with p the stream function and p = lap p = lap^2 p = 0 on its
// walls. e is the strength of the nonlinear terms, F the inverse square of the
// deformation radius, A the biharmonic viscosity. Time and space are non-dimensional;
// with the usual parameters a unit of time is about 0.8 hours.
//
// Differences are central, of second order; the Jacobian is Arakawa's (1966, J. Comput.
// Phys. 1, 119), which conserves energy and enstrophy and makes
//
//	sum a J(b, c) = sum b J(c, a) = sum c J(a, b)
//
// for fields that vanish on the walls. This gives the transpose of the linearised
// equation in closed form: with H = lap - F, symmetric, and q = H p,
//
//	f(p)   = H^-1 (-p_x - e J(p, q) - A lap^3 p + wind)
//	f' dp  = H^-1 (-dp_x - e J(dp, q) - e J(p, H dp) - A lap^3 dp)
//	f'^T v = w_x - e J(q, w) - e H J(w, p) - A lap^3 w,   w = H^-1 v .
//
// The state is p at the inner points. Runge-Kutta steps of p and of q are the same, for
// they are linear images of each other.

// Gyre is the quasi-geostrophic double gyre. The initial law is a random mixture of
// large eddies. The default is DAPPER's: 129 points each way, of which 127 are inside,
// e = 1e-5, F = 1600, A = 2e-12, sampled every 5 with steps of 1.25.
type Gyre struct {
	N            int     `toml:"n" doc:"points each way, walls included; 9 to 2049, fastest for one more than a power of two"`
	Nonlinearity float64 `toml:"nonlinearity" doc:"strength e of the advection of vorticity by the flow; 0 to 1"`
	Stretching   float64 `toml:"stretching" doc:"F, the inverse square of the deformation radius over the width of the basin; 0 to 1e6"`
	Viscosity    float64 `toml:"viscosity" doc:"biharmonic viscosity A; 0 to 1"`
	Dt           float64 `toml:"dt" doc:"sampling interval; 1e-6 to 1e4"`
	Steps        int     `toml:"steps" doc:"Runge-Kutta steps of an interval"`
}

// NewGyre returns the default gyre.
func NewGyre() *Gyre {
	return &Gyre{N: 129, Nonlinearity: 1e-5, Stretching: 1600, Viscosity: 2e-12, Dt: 5, Steps: 4}
}

// Build checks the parameters and returns an [ODE]. The spin-up is 3500 units of time.
func (p *Gyre) Build() (Model, error) {
	if err := cmp.Or(
		CheckBetween("n", p.N, 9, 2049),
		CheckBetween("nonlinearity", p.Nonlinearity, 0, 1),
		CheckBetween("stretching", p.Stretching, 0, 1e6),
		CheckBetween("viscosity", p.Viscosity, 0, 1),
		CheckBetween("dt", p.Dt, 1e-6, 1e4),
		CheckBetween("steps", p.Steps, 1, 1_000_000),
	); err != nil {
		return nil, err
	}
	return NewODE(newBasin(p), Clock{Interval: p.Dt, Units: "1"}, p.Steps, int(math.Ceil(3500/p.Dt))), nil
}

// basin is the double gyre as a [System].
type basin struct {
	m                                   int // inner points each way
	h                                   float64
	nonlinearity, stretching, viscosity float64
	wind                                []float64 // of each row
	solver                              *helmholtz
	work                                *scratch
}

// basinFields is the number of fields, with their walls, that a tendency needs.
const basinFields = 6

func newBasin(p *Gyre) *basin {
	m := p.N - 2
	b := &basin{
		m: m, h: 1 / float64(p.N-1), nonlinearity: p.Nonlinearity, stretching: p.Stretching, viscosity: p.Viscosity,
		wind: make([]float64, m), solver: newHelmholtz(m, p.Stretching),
		work: newScratch(basinFields * p.N * p.N), // walls are never written, and stay zero
	}
	for j := range b.wind {
		b.wind[j] = 2 * math.Pi * math.Sin(2*math.Pi*float64(j+1)*b.h)
	}
	return b
}

func (b *basin) Space() Space {
	axis := func(name, longName string) Axis {
		a := Axis{Name: name, LongName: longName, Units: "1", Coordinates: make([]float64, b.m)}
		for i := range a.Coordinates {
			a.Coordinates[i] = float64(i+1) * b.h
		}
		return a
	}
	return Space{
		Variable: "psi", LongName: "stream function", Units: "1",
		Axes: []Axis{axis("y", "distance from the southern wall"), axis("x", "distance from the western wall")},
	}
}

// Initial draws eddies: waves of up to four half-lengths each way that vanish on the
// walls.
func (b *basin) Initial(x []float64, r *rand.Rand) {
	const waves = 4
	var amplitude [waves][waves]float64
	for k := range amplitude {
		for l := range amplitude[k] {
			amplitude[k][l] = 5 * r.NormFloat64()
		}
	}
	for j := range b.m {
		for i := range b.m {
			var sum float64
			for k, row := range amplitude {
				sinY := math.Sin(math.Pi * float64((k+1)*(j+1)) * b.h)
				for l, a := range row {
					sum += a * sinY * math.Sin(math.Pi*float64((l+1)*(i+1))*b.h)
				}
			}
			x[j*b.m+i] = sum
		}
	}
}

func (b *basin) Tendency(dst, x []float64) {
	buffer, f := b.fields()
	psi, q := f[0], f[1]
	psi.set(x)
	b.vorticity(q, psi)
	for j, wind := range b.wind {
		for i := range b.m {
			dst[j*b.m+i] = wind
		}
	}
	b.addLinear(dst, psi, -1, f)
	addJacobian(dst, b.advection(), psi, q)
	b.solver.solve(dst)
	b.work.put(buffer)
}

func (b *basin) Tangent(dst, x, dx []float64) {
	buffer, f := b.fields()
	psi, q, d, dq := f[0], f[1], f[4], f[5]
	psi.set(x)
	b.vorticity(q, psi)
	d.set(dx)
	b.vorticity(dq, d)
	clear(dst)
	b.addLinear(dst, d, -1, f)
	addJacobian(dst, b.advection(), d, q)
	addJacobian(dst, b.advection(), psi, dq)
	b.solver.solve(dst)
	b.work.put(buffer)
}

func (b *basin) Cotangent(dst, x, v []float64) {
	buffer, f := b.fields()
	psi, q, w, turned := f[0], f[1], f[4], f[5]
	psi.set(x)
	b.vorticity(q, psi)
	copy(dst, v)
	b.solver.solve(dst)
	w.set(dst)
	clear(dst)
	addJacobian(dst, b.advection(), w, psi)
	turned.set(dst)
	b.vorticity(f[2], turned)
	f[2].get(dst)
	b.addLinear(dst, w, 1, f)
	addJacobian(dst, b.advection(), q, w)
	b.work.put(buffer)
}

// advection is the factor of Jacobian sums.
func (b *basin) advection() float64 { return -b.nonlinearity / (12 * b.h * b.h) }

// vorticity writes H src to dst.
func (b *basin) vorticity(dst, src walled) { laplacian(dst, src, 1/(b.h*b.h), b.stretching) }

// addLinear adds direction times the slope of p in x, and its viscous term, to dst. It
// overwrites f[2] and f[3].
func (b *basin) addLinear(dst []float64, p walled, direction float64, f [basinFields]walled) {
	once, twice := f[2], f[3]
	weight := 1 / (b.h * b.h)
	laplacian(once, p, weight, 0)
	laplacian(twice, once, weight, 0)
	laplacian(once, twice, weight, 0)
	slope, n := direction/(2*b.h), p.n
	for j := range b.m {
		row := p.data[(j+1)*n : (j+2)*n]
		third := once.data[(j+1)*n : (j+2)*n]
		out := dst[j*b.m : (j+1)*b.m]
		for i := range out {
			out[i] += slope*(row[i+2]-row[i]) - b.viscosity*third[i+1]
		}
	}
}

// fields lends fields whose walls are zero; give the buffer back.
func (b *basin) fields() (buffer *[]float64, f [basinFields]walled) {
	buffer = b.work.get()
	n := b.m + 2
	for i := range f {
		f[i] = walled{(*buffer)[i*n*n : (i+1)*n*n], n}
	}
	return buffer, f
}
