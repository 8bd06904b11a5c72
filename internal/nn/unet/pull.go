package unet

// The pullback goes through forward.go backwards, with one gradient a level: that
// of u_i, which becomes that of h_i by the skip. Under either rule s.hidden of
// the scratch is free for f(hidden) once the slope of f has been taken.

// pull computes the gradient of the input from that of the output, and adds those
// of the parameters to grad unless it is nil. input tells whether the former is
// wanted.
func (w *workspace[T]) pull(grad []T, input bool) {
	if grad != nil {
		clear(w.time.of(w.time.gradEmbedding).data)
	}
	for i := range w.levels {
		w.pullAscent(i, grad)
	}
	for i := len(w.levels) - 1; i >= 0; i-- {
		w.pullDescent(i, grad, input)
	}
	if grad != nil {
		w.time.pull(w, grad)
	}
}

func (w *workspace[T]) pullAscent(i int, grad []T) {
	l, v := &w.levels[i], &w.net.levels[i]
	if i == 0 {
		for first := 0; first < w.images; first += w.chunk {
			g := w.output.part(first, w.chunk)
			if grad != nil {
				w.engine.gradient(v.tail, grad, l.up.part(first, w.chunk), g)
			}
			w.engine.pull(v.tail, l.gradient.part(first, w.chunk), g, tensor[T]{})
		}
	} else {
		w.pullTail(i, grad)
	}
	for j := len(v.up) - 1; j >= 0; j-- {
		w.pullBlock(&v.up[j], &l.upward[j], i, grad)
	}
}

// pullTail computes the gradient of u_i from that of u_(i-1), which becomes that
// of h_(i-1).
func (w *workspace[T]) pullTail(i int, grad []T) {
	l, v := &w.levels[i], &w.net.levels[i]
	finer, skip := &w.levels[i-1], w.net.levels[i-1].skip
	clear(l.gradient.data)
	for first := 0; first < w.images; first += w.chunk {
		g := finer.gradient.part(first, w.chunk)
		normal := l.normal.part(first, w.chunk)
		if grad != nil {
			w.engine.spread(l.wide, normal, w.net.shape.Step)
			w.engine.gradient(v.tail, grad, l.wide, g)
		}
		w.engine.pull(v.tail, l.wide, g, tensor[T]{})
		w.engine.gather(l.scratch.gradNormal, l.wide, w.net.shape.Step)
		scale := l.scale[first*l.normal.pixels():][:l.scratch.gradNormal.rows()]
		w.engine.pullNormalise(l.gradient.part(first, w.chunk), l.scratch.gradNormal, scale, normal)
		if skip != nil {
			w.pullSkip(skip, finer, first, grad)
		}
	}
	if v.tailTime != nil {
		w.pullMix(v.tailTime, &l.tailMix, i, grad)
	}
}

// pullSkip replaces the gradient of the skip's result by that of its argument.
func (w *workspace[T]) pullSkip(skip *layer[T], finer *levelWork[T], first int, grad []T) {
	g := finer.gradient.part(first, w.chunk)
	if grad != nil {
		w.engine.gradient(skip, grad, finer.down.part(first, w.chunk), g)
	}
	w.engine.pull(skip, finer.scratch.gradNormal, g, tensor[T]{})
	copy(g.data, finer.scratch.gradNormal.data)
}

func (w *workspace[T]) pullDescent(i int, grad []T, input bool) {
	l, v := &w.levels[i], &w.net.levels[i]
	for j := len(v.down) - 1; j >= 0; j-- {
		w.pullBlock(&v.down[j], &l.downward[j], i, grad)
	}
	if v.headTime != nil {
		w.pullMix(v.headTime, &l.headMix, i, grad)
	}
	for first := 0; first < w.images; first += w.chunk {
		g := l.gradient.part(first, w.chunk)
		x, gx, more := w.input, w.gradInput.part(first, w.chunk), tensor[T]{}
		if i > 0 {
			x, gx = w.levels[i-1].down, w.levels[i-1].gradient.part(first, w.chunk)
			more = gx
		}
		if grad != nil {
			w.engine.gradient(v.head, grad, x.part(first, w.chunk), g)
		}
		if i > 0 || input {
			w.engine.pull(v.head, gx, g, more)
		}
	}
}

// pullBlock replaces the gradient of a block's result by that of its argument.
func (w *workspace[T]) pullBlock(b *block[T], r *record[T], level int, grad []T) {
	l := &w.levels[level]
	s := &l.scratch
	vectors := w.time.of(s.gradShift)
	clear(vectors.data)
	for first := 0; first < w.images; first += w.chunk {
		g := l.gradient.part(first, w.chunk)
		normal, hidden := w.recall(b, r, s, first)
		w.engine.pull(b.second, s.gradHidden, g, tensor[T]{})
		w.engine.pullActivate(s.gradHidden, hidden, w.net.shape.Function)
		if grad != nil {
			w.engine.activate(s.hidden, hidden, w.net.shape.Function)
			w.engine.gradient(b.second, grad, s.hidden, g)
			w.engine.gradient(b.first, grad, normal, s.gradHidden)
		}
		w.engine.pull(b.first, s.gradNormal, s.gradHidden, tensor[T]{})
		w.engine.pullNormalise(g, s.gradNormal, w.scale(r, first), normal)
		if grad != nil {
			w.engine.addShift(w.time.shift(vectors).from(first), s.gradNormal)
		}
	}
	if grad != nil {
		w.engine.gradient(b.shift, grad, w.time.of(w.time.embedding), vectors)
		e := w.time.of(w.time.gradEmbedding)
		w.engine.pull(b.shift, e, vectors, e)
	}
}

// pullMix replaces the gradient of the result of mix by that of its argument.
func (w *workspace[T]) pullMix(m *mixing[T], r *mixRecord[T], level int, grad []T) {
	s, g := &w.levels[level].scratch, w.levels[level].gradient
	hidden := w.recallMix(m, r, s)
	w.engine.pull(m.second, s.mixGradHidden, g, tensor[T]{})
	w.engine.pullActivate(s.mixGradHidden, hidden, w.net.shape.Function)
	if grad != nil {
		w.engine.activate(s.mixHidden, hidden, w.net.shape.Function)
		w.engine.gradient(m.second, grad, s.mixHidden, g)
		w.engine.gradient(m.first, grad, r.x, s.mixGradHidden)
	}
	w.engine.pull(m.first, g, s.mixGradHidden, g)
}
