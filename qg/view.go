package qg

import (
	"math"
	"slices"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/fft"
)

// A state shows fields of the flow on the grid, or their means over blocks of
// c x c cells, which a coarser grid has in its centre points. The fields are
// linear in potential vorticity. The way back takes the q1 and q2 of a state as
// means of the smoothest field that has them: at each wavenumber k below the
// coarse Nyquist one, along each axis, the coarse spectrum is divided by the
// response of the mean, and moved from the coarse to the fine first point,
//
//	Q(k) = Q_coarse(k) exp(-i k d (c-1)/2)/R(k),  R(k) = 1/c sum_j cos(k d (j - (c-1)/2))
//
// with d the side of a fine cell; R is at least 2/pi.

// group is a pair of fields that one complex transform brings to the grid.
type group int

const (
	vorticity group = iota // q1, q2
	stream                 // psi1, psi2
	upper                  // u1, v1
	lower                  // u2, v2
	groups
)

// quantity is one field of the flow.
type quantity struct {
	name, longName, units string
	group                 group
	part                  int // place in the pair
	// odd fields change sign under a reflection of y.
	odd bool
}

// quantities are the fields that a state can show.
var quantities = []quantity{
	{"q1", "potential vorticity of the upper layer", "s-1", vorticity, 0, true},
	{"q2", "potential vorticity of the lower layer", "s-1", vorticity, 1, true},
	{"psi1", "stream function of the upper layer", "m2 s-1", stream, 0, true},
	{"psi2", "stream function of the lower layer", "m2 s-1", stream, 1, true},
	{"u1", "eastward velocity of the upper layer", "m s-1", upper, 0, false},
	{"v1", "northward velocity of the upper layer", "m s-1", upper, 1, true},
	{"u2", "eastward velocity of the lower layer", "m s-1", lower, 0, false},
	{"v2", "northward velocity of the lower layer", "m s-1", lower, 1, true},
}

func quantityNames() []string {
	var names []string
	for _, q := range quantities {
		names = append(names, q.name)
	}
	return names
}

// view is what a state shows of the flow.
type view struct {
	fine, coarse *grid
	factor       int
	channels     []quantity
	pv           [2]int // channels that are q1 and q2
	// Factors from coarse to fine wavenumbers along each axis; zero at the
	// coarse Nyquist wavenumber.
	alongX, alongY []complex128
}

func newView(p *TwoLayer, fine *grid) (*view, error) {
	v := &view{
		fine: fine, factor: p.Coarsen,
		coarse: newGrid(fine.nx/p.Coarsen, fine.ny/p.Coarsen, fine.lengthX, fine.width),
	}
	names := quantityNames()
	for i, name := range p.Channels {
		at := slices.Index(names, name)
		switch {
		case at < 0:
			return nil, unknownChannel(name, names)
		case slices.Contains(p.Channels[:i], name):
			return nil, fault.Inputf("channels: %q is listed twice: list each field once", name)
		}
		v.channels = append(v.channels, quantities[at])
	}
	for layer, name := range []string{"q1", "q2"} {
		if v.pv[layer] = slices.Index(p.Channels, name); v.pv[layer] < 0 {
			return nil, fault.Inputf("channels: %q is missing: the model advances q1 and q2, so a state needs both", name)
		}
	}
	v.alongX = sharpen(v.coarse.kx, v.coarse.nx, fine.dx(), p.Coarsen)
	v.alongY = sharpen(v.coarse.ky, v.coarse.ny, fine.dy(), p.Coarsen)
	return v, nil
}

// sharpen returns the factors from coarse to fine wavenumbers along an axis of n
// coarse points.
func sharpen(k []float64, n int, side float64, factor int) []complex128 {
	factors := make([]complex128, len(k))
	for i, k := range k {
		if i == n/2 {
			continue
		}
		response := 0.0
		for j := range factor {
			response += math.Cos(k*side*(float64(j)-float64(factor-1)/2)) / float64(factor)
		}
		sin, cos := math.Sincos(-k * side * float64(factor-1) / 2)
		factors[i] = complex(cos/response, sin/response)
	}
	return factors
}

// emit writes the state whose potential vorticity is q to x. It leaves the
// spectra of w undefined.
func (m *Model) emit(w *workspace, x []float64, q pair) {
	if len(x) != m.space.Size() {
		panic("qg: a state of the wrong length")
	}
	n := m.view.coarse.size()
	for g := range groups {
		var pair [2][]float64
		for c, channel := range m.view.channels {
			if channel.group != g {
				continue
			}
			if pair[0] == nil {
				pair[0], pair[1] = w.evaluate(g, q)
			}
			m.view.mean(x[c*n:(c+1)*n], pair[channel.part])
		}
	}
}

// evaluate brings a group of fields to the grid, in scratch space.
func (w *workspace) evaluate(g group, q pair) (first, second []float64) {
	if g == vorticity {
		return w.toGrid(q[0], q[1])
	}
	psi := w.borrow()
	defer w.giveBack(psi)
	psi.copyFrom(q)
	w.tables.streamFunction(psi)
	if g == stream {
		return w.toGrid(psi[0], psi[1])
	}
	velocity := w.borrow()
	defer w.giveBack(velocity)
	w.velocity(velocity, psi[g-upper])
	return w.toGrid(velocity[0], velocity[1])
}

// velocity sets uv to -i ky psi and i kx psi.
func (w *workspace) velocity(uv pair, psi fft.Planes) {
	for kx, k := range w.grid.kx {
		row, _ := w.grid.row(kx)
		for j, l := range w.grid.ky {
			i := row + j
			uv[0].Re[i], uv[0].Im[i] = l*psi.Im[i], -l*psi.Re[i]
			uv[1].Re[i], uv[1].Im[i] = -k*psi.Im[i], k*psi.Re[i]
		}
	}
}

// mean writes the means over blocks of a fine field.
func (v *view) mean(dst, fine []float64) {
	if v.factor == 1 {
		copy(dst, fine)
		return
	}
	clear(dst)
	inverse := 1 / float64(v.factor*v.factor)
	for y := range v.fine.ny {
		to := dst[y/v.factor*v.coarse.nx:]
		for x, value := range fine[y*v.fine.nx : (y+1)*v.fine.nx] {
			to[x/v.factor] += value
		}
	}
	for i := range dst {
		dst[i] *= inverse
	}
}

// spread is the transpose of mean.
func (v *view) spread(fine, src []float64) {
	inverse := 1 / float64(v.factor*v.factor)
	for y := range v.fine.ny {
		from := src[y/v.factor*v.coarse.nx:]
		row := fine[y*v.fine.nx : (y+1)*v.fine.nx]
		for x := range row {
			row[x] = from[x/v.factor] * inverse
		}
	}
}

// lift sets q to the potential vorticity of state x. It leaves the spectra of w
// undefined.
func (m *Model) lift(w *workspace, q pair, x []float64) {
	if len(x) != m.space.Size() {
		panic("qg: a state of the wrong length")
	}
	n := m.view.coarse.size()
	first, second := m.view.pv[0]*n, m.view.pv[1]*n
	if m.view.factor == 1 {
		w.transform(q, x[first:first+n], x[second:second+n])
	} else {
		c := w.coarseWork(m.view.coarse)
		c.transform(c.q, x[first:first+n], x[second:second+n])
		q.clear()
		m.view.each(func(i, k int, factor complex128) {
			factor *= complex(float64(m.view.factor*m.view.factor), 0)
			for layer := range q {
				z := factor * complex(c.q[layer].Re[k], c.q[layer].Im[k])
				q[layer].Re[i], q[layer].Im[i] = real(z), imag(z)
			}
		})
	}
	m.truncate(q)
}

// each goes through the wavenumbers that both grids have: i in the fine half
// spectrum, k in the coarse one.
func (v *view) each(visit func(i, k int, factor complex128)) {
	for kx := range v.coarse.nx / 2 {
		fineRow, _ := v.fine.row(kx)
		coarseRow, _ := v.coarse.row(kx)
		for j := range v.coarse.ny {
			if j == v.coarse.ny/2 {
				continue
			}
			column := fft.Wavenumber(j, v.coarse.ny)
			if column < 0 {
				column += v.fine.ny
			}
			visit(fineRow+column, coarseRow+j, v.alongX[kx]*v.alongY[j])
		}
	}
}

// coarseSpace is the scratch space of the coarse grid.
type coarseSpace struct {
	*workspace
	q pair
}

// coarseWork returns the scratch space of the coarse grid, made when first asked
// for.
func (w *workspace) coarseWork(g *grid) *coarseSpace {
	if w.coarse == nil {
		w.coarse = &coarseSpace{newWorkspace(g, w.tables), g.newPair()}
	}
	return w.coarse
}

// newSpace describes the states.
func (m *Model) newSpace() dynamics.Space {
	space := dynamics.Space{Variable: "flow", LongName: "two-layer quasi-geostrophic flow", Units: m.view.channels[0].units}
	channel := dynamics.Axis{Name: "channel", LongName: "field of a layer (1 upper, 2 lower): q in s-1, psi in m2 s-1, u and v in m s-1"}
	for _, c := range m.view.channels {
		channel.Labels = append(channel.Labels, c.name)
		if c.units != space.Units {
			space.Units = ""
		}
	}
	g := m.view.coarse
	space.Axes = []dynamics.Axis{
		channel,
		centres("y", "northward distance", g.ny, g.width),
		centres("x", "eastward distance", g.nx, g.lengthX),
	}
	space.Derived = m.derived()
	return space
}

// centres is a periodic axis of n cells.
func centres(name, longName string, n int, period float64) dynamics.Axis {
	axis := dynamics.Axis{Name: name, LongName: longName, Units: "m", Period: period}
	for i := range n {
		axis.Coordinates = append(axis.Coordinates, period/float64(n)*(float64(i)+0.5))
	}
	return axis
}
