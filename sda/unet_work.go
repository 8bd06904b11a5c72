package sda

import "retrace/internal/kernel"

// lay tells how a window of a trajectory becomes a field.
type lay struct {
	// size is the field of a trajectory of a length and shape of states.
	size func(length int, state []int) grid
	// rows is set where the channels of a pixel lie together, as the values of a
	// state do; otherwise a channel is a contiguous field.
	rows bool
}

func (l lay) put(s sheet, values []float32) {
	if l.rows {
		s.putRows(values)
	} else {
		s.putPlanes(values)
	}
}

func (l lay) take(values []float32, s sheet) {
	if l.rows {
		s.takeRows(values)
	} else {
		s.takePlanes(values)
	}
}

// levelWork holds the activations of a level.
type levelWork struct {
	value, gradient sheet
	records         []record // of the blocks, down and up
	scratch         scratch
	// Of the way up to the next larger level, absent in level 0: what its tail
	// takes, before and after interpolation.
	normed, wide sheet
	scale        []float32
}

// unetWork evaluates one window at a time.
type unetWork struct {
	*unet
	input, output, cotangent sheet
	below                    []levelWork
}

func (u *unet) work(length int, state []int) worker {
	g := u.lay.size(length, state)
	w := &unetWork{unet: u, output: newSheet(g, u.in)}
	w.input = newSheet(g, u.in+len(u.context)/g.pixels())
	w.cotangent = newSheet(g, w.input.channels)
	for i := range u.context {
		pixel, channel := i%g.pixels(), u.in+i/g.pixels()
		w.input.data[pixel*w.input.pitch+channel] = u.context[i]
	}
	m := &margins{}
	for i, v := range u.levels {
		var l levelWork
		if i > 0 {
			l.wide = newSheet(g, v.channels)
			g = grid{g.rows / u.stride[0], g.columns / u.stride[1]}
			l.normed, l.scale = newSheet(g, v.channels), kernel.Slab(g.pixels())
		}
		l.value, l.gradient, l.scratch = newSheet(g, v.channels), newSheet(g, v.channels), newScratch(m, g, v.channels)
		for range len(v.down) + len(v.upward) {
			l.records = append(l.records, newRecord(g, v.channels))
		}
		w.below = append(w.below, l)
	}
	return w
}

func (w *unetWork) forward(out, in []float32, c condition) {
	within := w.input
	within.channels = w.in
	w.lay.put(within, in)
	x, first := w.input, make([]int, len(w.levels)) // of the shifts of a level
	for i, v := range w.levels {
		l := &w.below[i]
		v.head.apply(l.value, x, false, l.scratch.margins)
		for j, b := range v.down {
			b.apply(l.value, c.shifts[first[i]+j], l.records[j], l.scratch)
		}
		if i+1 < len(first) {
			first[i+1] = first[i] + len(l.records)
		}
		x = l.value
	}
	for i := len(w.levels) - 1; i >= 0; i-- {
		v, l := w.levels[i], &w.below[i]
		for j, b := range v.upward {
			b.apply(l.value, c.shifts[first[i]+len(v.down)+j], l.records[len(v.down)+j], l.scratch)
		}
		if i == 0 {
			v.tail.apply(w.output, l.value, false, l.scratch.margins)
			break
		}
		normalise(l.normed, l.scale, l.value, l.scratch.noShift)
		l.wide.spread(l.normed, w.stride)
		v.tail.apply(w.below[i-1].value, l.wide, true, l.scratch.margins)
	}
	w.lay.take(out, w.output)
}

func (w *unetWork) pull(dst, v []float32) {
	w.lay.put(w.output, v)
	for i, v := range w.levels {
		l := &w.below[i]
		if i == 0 {
			v.tail.pull(l.gradient, w.output, false, l.scratch.margins)
		} else {
			v.tail.pull(l.wide, w.below[i-1].gradient, false, l.scratch.margins)
			l.scratch.one.gather(l.wide, w.stride)
			clear(l.gradient.data)
			kernel.LayerNormPull(l.gradient.matrix(), l.scratch.one.matrix(), l.scale, l.normed.matrix())
		}
		for j := len(v.upward) - 1; j >= 0; j-- {
			v.upward[j].pull(l.gradient, l.records[len(v.down)+j], l.scratch)
		}
	}
	for i := len(w.levels) - 1; i >= 0; i-- {
		v, l := w.levels[i], &w.below[i]
		for j := len(v.down) - 1; j >= 0; j-- {
			v.down[j].pull(l.gradient, l.records[j], l.scratch)
		}
		if i > 0 {
			v.head.pull(w.below[i-1].gradient, l.gradient, true, l.scratch.margins)
		} else {
			v.head.pull(w.cotangent, l.gradient, false, l.scratch.margins)
		}
	}
	within := w.cotangent
	within.channels = w.in
	w.lay.take(dst, within)
}
