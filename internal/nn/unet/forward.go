package unet

// apply computes y = l(x) + more, with the bias of the layer.
func (w *workspace[T]) apply(l *layer[T], y, x, more tensor[T]) {
	w.engine.apply(l, y, x, extra[T]{l.bias(w.net.slab), more})
}

// prepare tells the engine the layers and their arguments.
func (w *workspace[T]) prepare() {
	finer := w.input
	for i, v := range w.net.levels {
		l := &w.levels[i]
		chunk := l.scratch
		w.engine.prepare(v.head, finer.part(0, w.chunk))
		for _, b := range append(append([]block[T]{}, v.down...), v.up...) {
			w.engine.prepare(b.first, chunk.gradNormal)
			w.engine.prepare(b.second, chunk.hidden)
			for _, count := range []int{1, w.size.Batch} {
				w.engine.prepare(b.shift, vectorsOf(w.time.embedding, count))
			}
		}
		if v.headTime != nil {
			w.engine.prepare(v.headTime.first, l.up)
			w.engine.prepare(v.headTime.second, chunk.mixHidden)
		}
		if v.skip != nil {
			w.engine.prepare(v.skip, l.up.part(0, w.chunk))
		}
		if i > 0 {
			w.engine.prepare(v.tail, l.wide)
		} else {
			w.engine.prepare(v.tail, l.up.part(0, w.chunk))
		}
		finer = l.down
	}
}

// forward computes the output from the input.
func (w *workspace[T]) forward(times []float32) {
	w.time.embed(w, times)
	for i := range w.levels {
		w.descend(i)
	}
	for i := len(w.levels) - 1; i >= 0; i-- {
		w.ascend(i)
	}
	w.ran = true
}

// descend goes to level i from the next finer one, or from the input.
func (w *workspace[T]) descend(i int) {
	l, v := &w.levels[i], &w.net.levels[i]
	x := w.input
	if i > 0 {
		x = w.levels[i-1].down
	}
	start := entry(l.downward, l.down)
	y := start
	if v.headTime != nil {
		y = l.headMix.x
	}
	for first := 0; first < w.images; first += w.chunk {
		w.apply(v.head, y.part(first, w.chunk), x.part(first, w.chunk), tensor[T]{})
	}
	if v.headTime != nil {
		w.mix(v.headTime, &l.headMix, start, &l.scratch)
	}
	for j := range v.down {
		w.block(&v.down[j], &l.downward[j], exit(l.downward, j, l.down), &l.scratch)
	}
}

// ascend goes from level i to the next finer one, or to the output.
func (w *workspace[T]) ascend(i int) {
	l, v := &w.levels[i], &w.net.levels[i]
	for j := range v.up {
		w.block(&v.up[j], &l.upward[j], exit(l.upward, j, l.up), &l.scratch)
	}
	if i == 0 {
		for first := 0; first < w.images; first += w.chunk {
			w.apply(v.tail, w.output.part(first, w.chunk), l.up.part(first, w.chunk), tensor[T]{})
		}
		return
	}
	u := l.up
	if v.tailTime != nil {
		w.mix(v.tailTime, &l.tailMix, l.normal, &l.scratch)
		u = l.normal
	}
	w.engine.normalise(l.normal, l.scale, u, shift[T]{tensor: l.noShift, span: w.images})
	finer, skip := &w.levels[i-1], w.net.levels[i-1].skip
	y := entry(finer.upward, finer.up)
	for first := 0; first < w.images; first += w.chunk {
		part, more := y.part(first, w.chunk), finer.down.part(first, w.chunk)
		if skip != nil {
			w.apply(skip, part, more, tensor[T]{})
			more = part
		}
		w.engine.spread(l.wide, l.normal.part(first, w.chunk), w.net.shape.Step)
		w.apply(v.tail, part, l.wide, more)
	}
}

// block computes y = x + second(f(first(LN(x + shift)))), x being that of the
// record.
func (w *workspace[T]) block(b *block[T], r *record[T], y tensor[T], s *scratch[T]) {
	vectors := w.time.of(r.shift)
	w.apply(b.shift, vectors, w.time.of(w.time.embedding), tensor[T]{})
	for first := 0; first < w.images; first += w.chunk {
		normal, hidden := w.kept(r, s, first)
		x := r.x.part(first, w.chunk)
		w.engine.normalise(normal, w.scale(r, first), x, w.time.shift(vectors).from(first))
		w.apply(b.first, hidden, normal, tensor[T]{})
		w.engine.activate(s.gradHidden, hidden, w.net.shape.Function)
		w.apply(b.second, y.part(first, w.chunk), s.gradHidden, x)
	}
}

// kept is where a chunk of what a block keeps lies, or lies for the moment.
func (w *workspace[T]) kept(r *record[T], s *scratch[T], first int) (normal, hidden tensor[T]) {
	if w.keep {
		return r.normal.part(first, w.chunk), r.hidden.part(first, w.chunk)
	}
	return s.normal, s.hidden
}

// scale is that of a chunk.
func (w *workspace[T]) scale(r *record[T], first int) []T {
	return r.scale[first*r.x.pixels():][:w.chunk*r.x.pixels()]
}

// recall returns what a block keeps of a chunk, computed again if need be.
func (w *workspace[T]) recall(b *block[T], r *record[T], s *scratch[T], first int) (normal, hidden tensor[T]) {
	normal, hidden = w.kept(r, s, first)
	if !w.keep {
		shift := w.time.shift(w.time.of(r.shift)).from(first)
		w.engine.normalise(normal, w.scale(r, first), r.x.part(first, w.chunk), shift)
		w.apply(b.first, hidden, normal, tensor[T]{})
	}
	return normal, hidden
}

// mix computes y = x + second(f(first(x))) over the frames of every trajectory.
func (w *workspace[T]) mix(m *mixing[T], r *mixRecord[T], y tensor[T], s *scratch[T]) {
	hidden := s.mixHidden
	if w.keep {
		hidden = r.hidden
	}
	w.apply(m.first, hidden, r.x, tensor[T]{})
	w.engine.activate(s.mixGradHidden, hidden, w.net.shape.Function)
	w.apply(m.second, y, s.mixGradHidden, r.x)
}

// recallMix returns the argument of f.
func (w *workspace[T]) recallMix(m *mixing[T], r *mixRecord[T], s *scratch[T]) tensor[T] {
	if w.keep {
		return r.hidden
	}
	w.apply(m.first, s.mixHidden, r.x, tensor[T]{})
	return s.mixHidden
}
