package kalman

// The local ensemble transform Kalman filter (Hunt, Kostelich & Szunyogh 2007):
// each group of components has an analysis of its own, a symmetric square root
// from the values near it, whose Y and d are multiplied by the square root of
// their taper (which divides R by the taper). Neighbouring analyses see nearly
// the same values and, the root being symmetric, fit together.

import (
	"context"
	"math"

	"retrace/dynamics"
	"retrace/internal/parallel"
)

// LETKF is the local ETKF.
type LETKF struct {
	Localisation `toml:",inline"`
	Batch        int     `toml:"batch" doc:"points along each axis that share an analysis, with the mean of their distances; 1 to 1000"`
	XN           float64 `toml:"xn" doc:"above 0, inflation is estimated in each local analysis as in the enkf-n, with this certainty; 0: it is not"`
}

// NewLETKF returns the filter with the taper of Gaspari and Cohn, a radius of 4
// and an analysis for each point.
func NewLETKF() *LETKF { return &LETKF{Localisation: NewLocalisation(), Batch: 1} }

func (*LETKF) kind() string { return "letkf" }

func (u *LETKF) check(model dynamics.Model) error {
	if err := u.Localisation.check(model.Space()); err != nil {
		return err
	}
	if err := dynamics.CheckBetween("batch", u.Batch, 1, 1000); err != nil {
		return err
	}
	if u.XN == 0 {
		return nil
	}
	return dynamics.CheckBetween("xn", u.XN, 0.01, 1e9)
}

func (u *LETKF) begin(c *cycle) (analysis, error) {
	geometry, err := newGeometry(u.Localisation, c.problem.Model.Space(), u.Batch)
	if err != nil {
		return nil, err
	}
	l := &local{geometry: geometry, xn: u.XN, present: make([]int, c.most)}
	if c.keep.Adaptive > 0 {
		for range geometry.groups {
			l.adaptations = append(l.adaptations, *newAdaptation(c.keep.Adaptive))
		}
	}
	l.spread = len(c.ensemble) >= spreadFrom
	workers := 1
	if l.spread {
		workers = parallel.Workers(len(geometry.groups))
	}
	largest := 0
	for _, g := range geometry.groups {
		largest = max(largest, len(g.components))
	}
	for range workers {
		l.workers = append(l.workers, newLocalWorker(c, largest))
	}
	return l, nil
}

// local is the LETKF at work.
type local struct {
	*geometry
	xn          float64
	adaptations []adaptation // of each group; nil without
	present     []int        // of each place: its column in Y, or -1
	workers     []*localWorker
	spread      bool // over workers
}

func (l *local) analyse(ctx context.Context, c *cycle) error {
	if err := l.locate(c.seen.seen); err != nil {
		return err
	}
	for i := range l.present {
		l.present[i] = -1
	}
	for j, place := range c.seen.place[:c.seen.count] {
		l.present[place] = j
	}
	if l.spread {
		return parallel.For(ctx, len(l.groups), func(worker, k int) error { return l.one(l.workers[worker], c, k) })
	}
	for k := range l.groups {
		if err := l.one(l.workers[0], c, k); err != nil {
			return err
		}
	}
	return nil
}

// one is the analysis of group k.
func (l *local) one(w *localWorker, c *cycle, k int) error {
	p := w.gather(c.seen, l.near[k], l.present)
	if p == 0 {
		return nil
	}
	z := float64(c.members - 1)
	if l.xn > 0 { // from values that are not tapered: the estimate expects the usual sampling error
		if !w.spectrum.decompose(w.anomalies, w.residual, p) {
			return c.diverged()
		}
		z = newHyperprior(w.spectrum, l.xn).size(w.spectrum)
	}
	if l.adaptations != nil {
		z /= l.adaptations[k].v
	}
	sums := w.taper(p)
	if !w.spectrum.decompose(w.anomalies, w.residual, p) {
		return c.diverged()
	}
	w.spectrum.squareRoot(w.transform, w.anomalies, z)
	components := l.groups[k].components
	block := w.block[:c.members*len(components)]
	for i := range c.members {
		for j, component := range components {
			block[i*len(components)+j] = c.ensemble[i*c.size+component]
		}
	}
	w.transform.apply(block, len(components))
	for i := range c.members {
		for j, component := range components {
			c.ensemble[i*c.size+component] = block[i*len(components)+j]
		}
	}
	if l.adaptations != nil {
		a := &l.adaptations[k]
		a.learn(sums.innovations, a.v*sums.spread/float64(c.members-1), sums.weight)
	}
	return nil
}

// localWorker is the scratch space of local analyses.
type localWorker struct {
	members                           int
	spectrum                          *spectrum
	transform                         *transform
	anomalies, residual, roots, block []float64
	columns                           []int
}

func newLocalWorker(c *cycle, largest int) *localWorker {
	return &localWorker{
		members: c.members, spectrum: newSpectrum(c.members, c.most),
		transform: newTransform(c.members, min(c.members, c.most), largest),
		anomalies: make([]float64, c.members*c.most), residual: make([]float64, c.most),
		roots: make([]float64, c.most), block: make([]float64, c.members*largest), columns: make([]int, c.most),
	}
}

// gather copies the anomalies and innovations of the neighbours that are
// present, and returns their number.
func (w *localWorker) gather(s *innovation, near []neighbour, present []int) int {
	p := 0
	for _, n := range near {
		if j := present[n.place]; j >= 0 {
			w.columns[p], w.roots[p], w.residual[p] = j, math.Sqrt(n.coefficient), s.residual[j]
			p++
		}
	}
	for i := range w.members {
		row := s.anomalies[i*s.count : (i+1)*s.count]
		for k, j := range w.columns[:p] {
			w.anomalies[i*p+k] = row[j]
		}
	}
	return p
}

// sums are weighed sums of squares: of innovations, of anomalies, of nothing.
type sums struct{ innovations, spread, weight float64 }

// taper multiplies the values gathered by the roots of their coefficients.
func (w *localWorker) taper(p int) (s sums) {
	for k, root := range w.roots[:p] {
		w.residual[k] *= root
		s.innovations += square(w.residual[k])
		s.weight += root * root
	}
	for i, row := 0, 0; i < w.members; i, row = i+1, row+p {
		for k, root := range w.roots[:p] {
			w.anomalies[row+k] *= root
			s.spread += square(w.anomalies[row+k])
		}
	}
	return s
}
