// A window linearised around the trajectory of a control: the derivative G of all
// R^(-1/2) h_t with respect to the control. The tangent sweep gives G c forward in
// time,
//
//	dx_0 = S v,  dx_(t+1) = M_t dx_t + s u_(t+1),  (G c)_t = R^(-1/2) H_t dx_t,
//
// and the adjoint sweep G^T e backward,
//
//	l_t = H_t^T R^(-1/2) e_t + M_t^T l_(t+1),  G^T e = (S^T l_0, s l_1, ...) .

package variational

import (
	"context"

	"retrace/internal/parallel"
)

// linear is a window linearised around its path. It is safe for concurrent use.
type linear struct {
	*window
	rows        []sparse // of R^(-1/2) H_t, for each state
	innovations []float64
	before      []int // number of rows of earlier states
}

// sparse is a matrix by rows, without its zeros.
type sparse struct {
	start []int // of each row, and the end
	index []int
	value []float64
}

func (s *sparse) count() int { return len(s.start) - 1 }

// times writes the products of the rows with x to dst.
func (s *sparse) times(dst, x []float64) {
	for k := range dst {
		var sum float64
		for e := s.start[k]; e < s.start[k+1]; e++ {
			sum += s.value[e] * x[s.index[e]]
		}
		dst[k] = sum
	}
}

// addRow adds a times row k to x.
func (s *sparse) addRow(x []float64, a float64, k int) {
	for e := s.start[k]; e < s.start[k+1]; e++ {
		x[s.index[e]] += a * s.value[e]
	}
}

// linearise takes the derivatives at the path of the last cost.
func (w *window) linearise(h *present) *linear {
	l := &linear{window: w, rows: make([]sparse, w.length()), before: make([]int, w.length()+1)}
	for t, seen := range w.seen {
		x := w.path.state(t, w.size)
		h.compare(seen, x)
		l.innovations = append(l.innovations, h.innovations[:h.count]...)
		h.linearise(seen, x)
		l.rows[t] = compress(h)
		l.before[t+1] = l.before[t] + h.count
	}
	return l
}

// compress drops the zeros of the rows at hand.
func compress(h *present) sparse {
	s := sparse{start: make([]int, 1, h.count+1)}
	for k := range h.count {
		for i, v := range h.row(k) {
			if v != 0 {
				s.index, s.value = append(s.index, i), append(s.value, v)
			}
		}
		s.start = append(s.start, len(s.index))
	}
	return s
}

// count is the number of values seen in the window.
func (l *linear) count() int { return l.before[len(l.before)-1] }

// tangent writes G c to dst; dx is scratch space for a state.
func (l *linear) tangent(dst, control, dx []float64) {
	l.law.root.times(dx, control[:l.law.root.rank()])
	for t := range l.rows {
		if t > 0 {
			l.model.TangentLinear(l.path.state(t-1, l.size), dx)
			if l.sd != nil {
				for i, u := range l.noise(control, t) {
					dx[i] += l.sd[i] * u
				}
			}
		}
		l.rows[t].times(dst[l.before[t]:l.before[t+1]], dx)
	}
}

// adjoint writes G^T e to dst; v is scratch space for a state.
func (l *linear) adjoint(dst, e, v []float64) {
	clear(v)
	l.sweep(dst, v, len(l.rows)-1, func(t int) {
		for k := range l.rows[t].count() {
			l.rows[t].addRow(v, e[l.before[t]+k], k)
		}
	})
}

// sweep takes the cotangent v backward from state last and writes what the control
// receives of it to dst; add adds what enters at a state.
func (l *linear) sweep(dst, v []float64, last int, add func(t int)) {
	clear(dst)
	for t := last; t >= 0; t-- {
		if t < last {
			l.model.Adjoint(l.path.state(t, l.size), v)
		}
		add(t)
		if t > 0 && l.sd != nil {
			for i := range v {
				l.noise(dst, t)[i] = l.sd[i] * v[i]
			}
		}
	}
	l.law.root.transposed(dst[:l.law.root.rank()], v)
}

// byRows makes the solver that stores the rows of G, an adjoint sweep each.
func (l *linear) byRows(ctx context.Context) (solver, error) {
	g := &gram{}
	g.reserve(l.count(), l.dim())
	states := make([]int, 0, g.count) // that each row is of
	for t := range l.rows {
		for range l.rows[t].count() {
			states = append(states, t)
		}
	}
	err := parallel.For(ctx, g.count, func(_, i int) error {
		t := states[i]
		v := make([]float64, l.size)
		l.rows[t].addRow(v, 1, i-l.before[t])
		l.sweep(g.vector(i), v, t, func(int) {})
		return nil
	})
	g.factorise()
	return byRows{g}, err
}

// byColumns makes the solver that stores the columns of G, a tangent sweep each.
func (l *linear) byColumns(ctx context.Context) (solver, error) {
	g := &gram{}
	g.reserve(l.dim(), l.count())
	err := parallel.For(ctx, g.count, func(_, i int) error {
		dx := make([]float64, l.size)
		rank := l.law.root.rank()
		if i >= rank { // component j of u_t: nothing before state t
			t, j := (i-rank)/l.size+1, (i-rank)%l.size
			dx[j] = l.sd[j]
			l.carry(g.vector(i), dx, t)
			return nil
		}
		unit := make([]float64, rank)
		unit[i] = 1
		l.law.root.times(dx, unit)
		l.carry(g.vector(i), dx, 0)
		return nil
	})
	g.factorise()
	return byColumns{g}, err
}

// carry takes the perturbation dx of state first forward and writes what the
// observations see of it to dst.
func (l *linear) carry(dst, dx []float64, first int) {
	for t := first; t < len(l.rows); t++ {
		if t > first {
			l.model.TangentLinear(l.path.state(t-1, l.size), dx)
		}
		l.rows[t].times(dst[l.before[t]:l.before[t+1]], dx)
	}
}
