package variational

import "math"

// look takes what the window's observations say: the rows of G and the members'
// innovations, and factorises.
func (h *hybrid) look() {
	for t := h.begin; t < h.end; t++ {
		h.before[t-h.begin+1] = h.before[t-h.begin] + h.lookAt(t)
	}
	if h.count() == 0 {
		return
	}
	h.centre()
	h.perturb()
	h.factorise()
	h.each(h.solve)
}

// lookAt sets the innovations of the members at state t and the fixed part of the
// rows, and returns the number of values.
func (h *hybrid) lookAt(t int) int {
	seen := h.seen[t]
	if len(seen) == 0 {
		return 0
	}
	members, first := h.members(t), h.before[t-h.begin]
	total := len(h.deviations) / h.problem.Members
	for k := range h.problem.Members {
		h.present.compare(seen, members[k*h.size:(k+1)*h.size])
		copy(h.deviations[k*total+first:], h.present.innovations[:h.present.count])
	}
	if h.fixed == nil && h.local == nil {
		return h.present.count
	}
	moments(h.mean, h.variance, members)
	h.present.linearise(seen, h.mean)
	if h.local != nil {
		scale := math.Sqrt(h.method.Share / float64(h.problem.Members-1))
		for i := range h.present.count {
			h.local.observe(h.row(first + i)[:h.own], scale, h.present.row(i), members, h.mean)
		}
	}
	if h.fixed != nil {
		root := math.Sqrt(1 - h.method.Share)
		for i := range h.present.count {
			part := h.row(first + i)[h.own:]
			h.fixed.transposed(part, h.present.row(i))
			for j := range part {
				part[j] *= root
			}
		}
	}
	return h.present.count
}

// row is row i of G: what value i makes of w and of v.
func (h *hybrid) row(i int) []float64 {
	n := h.own + h.rank
	return h.rows[i*n : (i+1)*n]
}

// centre sets the ensemble's part of the rows from the innovations, whose deviations
// are those of the observations with the sign turned.
func (h *hybrid) centre() {
	if h.local != nil {
		return // lookAt has set them
	}
	members := h.problem.Members
	total := len(h.deviations) / members
	scale := math.Sqrt(h.method.Share / float64(members-1))
	for i := range h.count() {
		var mean float64
		for k := range members {
			mean += h.deviations[k*total+i] / float64(members)
		}
		row := h.row(i)
		for k := range members {
			row[k] = scale * (mean - h.deviations[k*total+i])
		}
	}
}

// perturb adds draws of the observations' noise to the innovations: centred, so that
// they do not move the mean, and scaled to keep their variance.
func (h *hybrid) perturb() {
	members, count := h.problem.Members, h.count()
	total := len(h.deviations) / members
	scale := math.Sqrt(float64(members) / float64(members-1))
	noise := h.noise.At(uint64(h.problem.Case), uint64(h.begin))
	for i := range count {
		var mean float64
		for k := range h.draws {
			h.draws[k] = noise.NormFloat64()
			mean += h.draws[k] / float64(members)
		}
		for k, z := range h.draws {
			h.deviations[k*total+i] += scale * (z - mean)
		}
	}
}

// factorise makes the solver in the smaller of the two spaces.
func (h *hybrid) factorise() {
	count, unknowns := h.count(), h.own+h.rank
	if h.columns = unknowns < count; !h.columns {
		h.gram.reserve(count, unknowns)
		copy(h.gram.data, h.rows[:count*unknowns])
		h.gram.factorise()
		return
	}
	h.gram.reserve(unknowns, count)
	for i := range count {
		for j, g := range h.row(i) {
			h.gram.data[j*count+i] = g
		}
	}
	h.gram.factorise()
}

// solveMember finds the control that costs member k least.
func (h *hybrid) solveMember(_, k int) {
	total, unknowns := len(h.deviations)/h.problem.Members, h.own+h.rank
	right := h.deviations[k*total : k*total+h.count()] // not needed any more
	control := h.controls[k*unknowns : (k+1)*unknowns]
	if h.columns {
		for i := range control {
			control[i] = dot(h.gram.vector(i), right)
		}
		h.gram.divide(control)
		return
	}
	h.gram.divide(right)
	clear(control)
	h.gram.addTransposed(control, right)
}

// update turns the ensemble from the forecast of state t, of which h.mean is the
// mean, into its analysis.
func (h *hybrid) update(t int) {
	h.index = t
	h.each(h.correct)
	if h.method.Inflation == 1 {
		return
	}
	moments(h.mean, h.variance, h.ensemble.states)
	for i, x := range h.ensemble.states {
		m := h.mean[i%h.size]
		h.ensemble.states[i] = m + h.method.Inflation*(x-m)
	}
}

// correctMember adds the increment of member k.
func (h *hybrid) correctMember(worker, k int) {
	control := h.controls[k*(h.own+h.rank) : (k+1)*(h.own+h.rank)]
	x, forecast := h.member(k), h.members(h.index)
	scale := math.Sqrt(h.method.Share / float64(h.problem.Members-1))
	if h.local != nil {
		h.local.add(x, scale, control[:h.own], forecast, h.mean)
	} else {
		var sum float64
		for j, w := range control[:h.own] {
			addScaled(x, scale*w, forecast[j*h.size:])
			sum += w
		}
		addScaled(x, -scale*sum, h.mean)
	}
	if h.fixed != nil {
		shift := h.shift[worker]
		h.fixed.times(shift, control[h.own:])
		addScaled(x, math.Sqrt(1-h.method.Share), shift)
	}
}
