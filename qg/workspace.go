package qg

import (
	"retrace/internal/fft"
	"retrace/internal/twolayer"
)

// workspace is the scratch space of one trajectory, or of one call.
type workspace struct {
	grid   *grid
	tables *tables
	plan   *fft.Plan
	// Whole spectra of w1, w2 and z (see rightside.go); the fluxes g1 and g2 take
	// the places of w1 and w2.
	w1, w2, z fft.Planes
	field     fft.Planes // on the grid
	in, out   []fft.Planes
	// points forms fluxes on the grid, and knows the fastest flow eastward and
	// northward at any point at the last step, background included, m/s.
	points   *twolayer.Fluxes
	multiply func(out, in []fft.Planes)
	stepper  *twolayer.Stepper // nil until needed
	present  pair              // tendency at a row of wavenumbers
	coarse   *coarseSpace      // of states on a coarser grid; nil until needed
	// pairs are half spectra to be borrowed.
	pairs []pair
}

func newWorkspace(g *grid, t *tables) *workspace {
	n := g.size()
	w := &workspace{
		grid: g, tables: t, plan: fft.NewPlan(g.ny, g.nx),
		w1: fft.NewPlanes(n), w2: fft.NewPlanes(n), z: fft.NewPlanes(n),
		field: fft.NewPlanes(n),
	}
	w.present = pair{fft.NewPlanes(g.ny), fft.NewPlanes(g.ny)}
	w.in, w.out = []fft.Planes{w.w1, w.w2, w.z}, []fft.Planes{w.w1, w.w2}
	w.points = twolayer.NewFluxes(t.background)
	w.multiply = w.points.Multiply
	return w
}

// plainStepper returns the stepper of the workspace, made when first asked for.
func (w *workspace) plainStepper() *twolayer.Stepper {
	if w.stepper == nil {
		w.stepper = twolayer.NewStepper(w.plan, w.tables.plain, w.points)
	}
	return w.stepper
}

// borrow lends a pair of half spectra with unspecified contents; give it back.
func (w *workspace) borrow() pair {
	if n := len(w.pairs); n > 0 {
		p := w.pairs[n-1]
		w.pairs = w.pairs[:n-1]
		return p
	}
	return w.grid.newPair()
}

func (w *workspace) giveBack(p pair) { w.pairs = append(w.pairs, p) }

// transform sets q to the spectra of two fields on the grid, ny rows of nx
// values each.
func (w *workspace) transform(q pair, first, second []float64) {
	copy(w.field.Re, first)
	copy(w.field.Im, second)
	w.plan.Forward(w.z, w.field)
	w.plan.Split(q[0], q[1], w.z)
}

// toGrid returns the fields of two half spectra, in scratch space that lasts
// until the next transform.
func (w *workspace) toGrid(first, second fft.Planes) (a, b []float64) {
	w.merge(w.z, first, second)
	w.plan.Inverse(w.field, w.z)
	return w.field.Re, w.field.Im
}

// merge sets the spectrum of the pair of fields that two half spectra mean: of
// the rows that hold their own partners the Hermitian part counts.
func (w *workspace) merge(z, first, second fft.Planes) {
	ny := w.grid.ny
	for kx := range w.grid.kx {
		row, opposite := w.grid.row(kx)
		share := w.grid.weight(kx) / 2
		if w.grid.alone(kx) {
			clear(z.Re[row : row+ny])
			clear(z.Im[row : row+ny])
		} else {
			clear(z.Re[opposite : opposite+ny])
			clear(z.Im[opposite : opposite+ny])
			clear(z.Re[row : row+ny])
			clear(z.Im[row : row+ny])
		}
		for j := range ny {
			i, m := row+j, opposite+fft.Partner(j, ny)
			a, b, c, d := first.Re[i], first.Im[i], second.Re[i], second.Im[i]
			z.Re[i] += share * (a - d)
			z.Im[i] += share * (b + c)
			z.Re[m] += share * (a + d)
			z.Im[m] += share * (c - b)
		}
	}
}
