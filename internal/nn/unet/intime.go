package unet

// A layer in time is, for every tap, a linear map of all the frames of a
// trajectory that it meets, which lie together in memory:
//
//	y(n, f) = b + sum_i W_i x(n, f + i - taps/2),  x(n, f) = 0 beyond the frames

// span views frames from the given one on as one image whose rows are frames.
func span(x tensor[float32], first, count int) tensor[float32] {
	x = x.part(first, count)
	x.Grid, x.images = Grid{count, x.pixels()}, 1
	return x
}

// A meeting is what a tap of a trajectory meets: count frames of the argument
// from frame x on, and of the result from frame y on, counted over all images.
type meeting struct{ x, y, count int }

// meeting of tap i and a trajectory.
func (k *kernels) meeting(l *layer[float32], i, trajectory int) meeting {
	away := i - l.taps.Rows/2
	first := trajectory * k.frames
	return meeting{x: first + max(away, 0), y: first + max(-away, 0), count: k.frames - max(away, -away)}
}

// taps visits the middle tap, which meets every frame, and then the others.
func (k *kernels) taps(l *layer[float32], trajectories int, visit func(i int, m meeting)) {
	middle := l.taps.Rows / 2
	for trajectory := range trajectories {
		visit(middle, k.meeting(l, middle, trajectory))
		for i := range l.taps.Rows {
			if m := k.meeting(l, i, trajectory); i != middle && m.count > 0 {
				visit(i, m)
			}
		}
	}
}

func (k *kernels) applyInTime(l *layer[float32], y, x tensor[float32], e extra[float32]) {
	middle := l.taps.Rows / 2
	k.taps(l, x.images/k.frames, func(i int, m meeting) {
		from, to := span(x, m.x, m.count), span(y, m.y, m.count)
		part := extra[float32]{more: to}
		if i == middle {
			part = extra[float32]{e.bias, spanOf(e.more, m.y, m.count)}
		}
		k.convolver(l.convolution(), from).Forward(image(to), image(from), l.filters[i], added(part))
	})
}

func (k *kernels) pullInTime(l *layer[float32], gx, gy, more tensor[float32]) {
	middle := l.taps.Rows / 2
	k.taps(l, gx.images/k.frames, func(i int, m meeting) {
		from, to := span(gy, m.y, m.count), span(gx, m.x, m.count)
		part := to
		if i == middle {
			part = spanOf(more, m.x, m.count)
		}
		k.convolver(l.convolution(), to).PullInput(image(to), image(from), l.filters[i], added(extra[float32]{more: part}))
	})
}

func (k *kernels) gradientInTime(l *layer[float32], grad []float32, x, gy tensor[float32]) {
	middle, weight := l.taps.Rows/2, l.weight(grad)
	k.taps(l, x.images/k.frames, func(i int, m meeting) {
		from, to := span(x, m.x, m.count), span(gy, m.y, m.count)
		bias := l.bias(grad)
		if i != middle {
			bias = nil
		}
		k.convolver(l.convolution(), from).PullWeights(l.tap(weight, i), bias, image(from), image(to))
	})
}

// spanOf is the span of a tensor that may be without data.
func spanOf(x tensor[float32], first, count int) tensor[float32] {
	if x.data == nil {
		return x
	}
	return span(x, first, count)
}
