package unet

// The tangent map follows forward.go with one tangent a level, in the place of
// the gradient: linear layers without their bias, and LN and f by their
// pullbacks, whose Jacobians are symmetric.

// push computes the tangent of the output from that of the input, in gradInput.
func (w *workspace[T]) push() {
	x := w.gradInput
	for i := range w.levels {
		l, v := &w.levels[i], &w.net.levels[i]
		for first := 0; first < w.images; first += w.chunk {
			w.engine.apply(v.head, l.gradient.part(first, w.chunk), x.part(first, w.chunk), extra[T]{})
		}
		if v.headTime != nil {
			w.pushMix(v.headTime, &l.headMix, i)
		}
		for j := range v.down {
			w.pushBlock(&v.down[j], &l.downward[j], i)
		}
		x = l.gradient
	}
	for i := len(w.levels) - 1; i >= 0; i-- {
		w.pushAscent(i)
	}
}

func (w *workspace[T]) pushAscent(i int) {
	l, v := &w.levels[i], &w.net.levels[i]
	for j := range v.up {
		w.pushBlock(&v.up[j], &l.upward[j], i)
	}
	if i > 0 && v.tailTime != nil {
		w.pushMix(v.tailTime, &l.tailMix, i)
	}
	for first := 0; first < w.images; first += w.chunk {
		t := l.gradient.part(first, w.chunk)
		if i == 0 {
			w.engine.apply(v.tail, w.output.part(first, w.chunk), t, extra[T]{})
			continue
		}
		scale := l.scale[first*l.normal.pixels():][:t.rows()]
		w.engine.pullNormalise(l.scratch.spare, t, scale, l.normal.part(first, w.chunk))
		w.engine.spread(l.wide, t, w.net.shape.Step)
		finer := &w.levels[i-1]
		y := finer.gradient.part(first, w.chunk)
		if skip := w.net.levels[i-1].skip; skip != nil {
			w.engine.apply(skip, finer.scratch.gradNormal, y, extra[T]{})
			copy(y.data, finer.scratch.gradNormal.data)
		}
		w.engine.apply(v.tail, y, l.wide, extra[T]{more: y})
	}
}

func (w *workspace[T]) pushBlock(b *block[T], r *record[T], level int) {
	l := &w.levels[level]
	s := &l.scratch
	for first := 0; first < w.images; first += w.chunk {
		t := l.gradient.part(first, w.chunk)
		normal, hidden := w.recall(b, r, s, first)
		copy(s.gradNormal.data, t.data)
		w.engine.pullNormalise(s.spare, s.gradNormal, w.scale(r, first), normal)
		w.engine.apply(b.first, s.gradHidden, s.gradNormal, extra[T]{})
		w.engine.pullActivate(s.gradHidden, hidden, w.net.shape.Function)
		w.engine.apply(b.second, t, s.gradHidden, extra[T]{more: t})
	}
}

func (w *workspace[T]) pushMix(m *mixing[T], r *mixRecord[T], level int) {
	s, t := &w.levels[level].scratch, w.levels[level].gradient
	hidden := w.recallMix(m, r, s)
	w.engine.apply(m.first, s.mixGradHidden, t, extra[T]{})
	w.engine.pullActivate(s.mixGradHidden, hidden, w.net.shape.Function)
	w.engine.apply(m.second, t, s.mixGradHidden, extra[T]{more: t})
}
