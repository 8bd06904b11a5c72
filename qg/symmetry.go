package qg

import "math/rand/v2"

// The dynamics do not know where they are: any shift of a trajectory, by whole
// cells along both axes, is a trajectory. Nor do they tell north from south if
// the rotation that they feel is turned too: y -> -y with
//
//	psi, q, v -> -psi, -q, -v   and   u -> u
//
// maps trajectories to trajectories (the gradient of potential vorticity, and
// with it the background flow, stays). Reflection without the signs does not,
// nor does any reflection of x. The wind of the parameters only breaks the shift along
// y; constant tendencies and topography in general break all.

// Symmetry is a map of states that takes trajectories to trajectories: a
// reflection of y, then a shift northward and eastward by cells of the state.
type Symmetry struct {
	Reflect     bool
	North, East int // any number; they wrap around
}

// DrawSymmetry draws a symmetry that the model has, each with equal probability.
func (m *Model) DrawSymmetry(r *rand.Rand) Symmetry {
	p := &m.parameters
	var s Symmetry
	if p.Tendency[0] != nil || p.Tendency[1] != nil || p.Topography != nil || p.HillHeight != 0 {
		return s
	}
	s.Reflect, s.East = r.IntN(2) == 1, r.IntN(m.view.coarse.nx)
	if p.WindStress == 0 {
		s.North = r.IntN(m.view.coarse.ny)
	}
	return s
}

// Symmetry implements dynamics.Symmetric.
func (m *Model) Symmetry(r *rand.Rand) (image func(dst, x []float32)) {
	s := m.DrawSymmetry(r)
	return func(dst, x []float32) { m.Transform32(dst, x, s) }
}

// Transform writes the image of state x under a symmetry to dst, which must not
// overlap it. All states of a trajectory, or of a window of one, must go through
// the same symmetry.
func (m *Model) Transform(dst, x []float64, s Symmetry) { transform(m, dst, x, s) }

// Transform32 is Transform for states in single precision, such as those of a
// trajectory.Set.
func (m *Model) Transform32(dst, x []float32, s Symmetry) { transform(m, dst, x, s) }

func transform[T float32 | float64](m *Model, dst, x []T, s Symmetry) {
	if len(x) != m.space.Size() || len(dst) != len(x) {
		panic("qg: a state of the wrong length")
	}
	g := m.view.coarse
	north, east := modulo(s.North, g.ny), modulo(s.East, g.nx)
	for c, channel := range m.view.channels {
		negate := s.Reflect && channel.odd
		for y := range g.ny {
			from := y
			if s.Reflect {
				from = g.ny - 1 - y
			}
			source := x[(c*g.ny+from)*g.nx:][:g.nx]
			row := dst[(c*g.ny+(y+north)%g.ny)*g.nx:][:g.nx]
			copy(row[east:], source)
			copy(row, source[g.nx-east:])
			if negate {
				for i := range row {
					row[i] = -row[i]
				}
			}
		}
	}
}

// modulo is i mod n in 0, ... n-1 for any sign of i.
func modulo(i, n int) int { return (i%n + n) % n }
