package unet

import (
	"math"

	"retrace/internal/kernel"
	"retrace/internal/nn"
)

// plain is the engine in float64, one loop an equation: the definition of what the
// kernels compute, and the arithmetic in which pullbacks can be compared with
// finite differences. One serves a network and its workspaces.
type plain struct {
	frames  int
	weights map[*layer[float64]][]float64
}

func (plain) pitch(channels int) int                     { return channels }
func (plain) slab(n int) []float64                       { return make([]float64, n) }
func (plain) prepare(*layer[float64], tensor[float64])   {}
func (plain) ready()                                     {}
func (e plain) pack(l *layer[float64], weight []float64) { e.weights[l] = weight }

// each visits all pairs of pixels that a layer joins, with the part of the weights,
// (in, out), that does.
func (e plain) each(l *layer[float64], weight []float64, y, x tensor[float64], visit func(y, w, x []float64)) {
	for p := range y.rows() {
		for tap := range l.taps.pixels() {
			if from, ok := e.source(l, y, x, p, tap); ok {
				visit(y.row(p), weight[tap*l.in*l.out:][:l.in*l.out], x.row(from))
			}
		}
	}
}

// source is the pixel of x that a tap meets from a pixel of y.
func (e plain) source(l *layer[float64], y, x tensor[float64], pixel, tap int) (int, bool) {
	image, p := pixel/y.pixels(), pixel%y.pixels()
	if l.inTime {
		frame := image%e.frames + tap - l.taps.Rows/2
		return (image-image%e.frames+frame)*x.pixels() + p, frame >= 0 && frame < e.frames
	}
	near := func(place, step, tap, taps, length int) (int, bool) {
		at := place*step + tap - taps/2
		if l.padding == kernel.Circular {
			return (at%length + length) % length, true
		}
		return at, at >= 0 && at < length
	}
	row, above := near(p/y.Columns, l.step.Rows, tap/l.taps.Columns, l.taps.Rows, x.Rows)
	column, beside := near(p%y.Columns, l.step.Columns, tap%l.taps.Columns, l.taps.Columns, x.Columns)
	return image*x.pixels() + row*x.Columns + column, above && beside
}

// begin writes what is added to y.
func begin(y tensor[float64], e extra[float64]) {
	for i := range y.data {
		sum := 0.0
		if e.more.data != nil {
			sum = e.more.data[i]
		}
		if e.bias != nil {
			sum += e.bias[i%y.pitch]
		}
		y.data[i] = sum
	}
}

func (e plain) apply(l *layer[float64], y, x tensor[float64], plus extra[float64]) {
	begin(y, plus)
	e.each(l, e.weights[l], y, x, func(y, w, x []float64) {
		for i, v := range x {
			for o := range y {
				y[o] += w[i*len(y)+o] * v
			}
		}
	})
}

func (e plain) pull(l *layer[float64], gx, gy, more tensor[float64]) {
	begin(gx, extra[float64]{more: more})
	e.each(l, e.weights[l], gy, gx, func(y, w, x []float64) {
		for i := range x {
			for o, v := range y {
				x[i] += w[i*len(y)+o] * v
			}
		}
	})
}

func (e plain) gradient(l *layer[float64], grad []float64, x, gy tensor[float64]) {
	e.each(l, l.weight(grad), gy, x, func(y, w, x []float64) {
		for i, u := range x {
			for o, v := range y {
				w[i*len(y)+o] += u * v
			}
		}
	})
	for i, g := range gy.data {
		l.bias(grad)[i%gy.pitch] += g
	}
}

func (plain) normalise(y tensor[float64], scale []float64, x tensor[float64], s shift[float64]) {
	n := float64(x.channels)
	for p := range x.rows() {
		row, shift := y.row(p), s.at(p/x.pixels())
		mean, variance := 0.0, 0.0
		for i, v := range x.row(p) {
			row[i] = v + shift[i]
			mean += row[i] / n
		}
		for _, v := range row {
			variance += (v - mean) * (v - mean) / (n - 1)
		}
		scale[p] = 1 / math.Sqrt(variance+kernel.Epsilon)
		for i := range row {
			row[i] = (row[i] - mean) * scale[p]
		}
	}
}

func (plain) pullNormalise(sum, g tensor[float64], scale []float64, y tensor[float64]) {
	n := float64(y.channels)
	for p := range y.rows() {
		row, values, total := g.row(p), y.row(p), sum.row(p)
		mean, along := 0.0, 0.0
		for i, v := range row {
			mean += v / n
			along += v * values[i] / (n - 1)
		}
		for i := range row {
			row[i] = scale[p] * (row[i] - mean - values[i]*along)
			total[i] += row[i]
		}
	}
}

func (plain) addShift(s shift[float64], g tensor[float64]) {
	for p := range g.rows() {
		row := s.at(p / g.pixels())
		for i, v := range g.row(p) {
			row[i] += v
		}
	}
}

func (plain) activate(y, x tensor[float64], f nn.Activation) {
	for i, v := range x.data {
		y.data[i] = f.Value(v)
	}
}

func (plain) pullActivate(g, x tensor[float64], f nn.Activation) {
	for i, v := range x.data {
		g.data[i] *= f.Slope(v)
	}
}

// nearest visits all pixels of the finer y with those of x that they copy.
func nearest(y, x tensor[float64], step Grid, visit func(yi, xi int)) {
	for p := range y.rows() {
		image, row, column := p/y.pixels(), p%y.pixels()/y.Columns, p%y.Columns
		visit(p, image*x.pixels()+row/step.Rows*x.Columns+column/step.Columns)
	}
}

func (plain) spread(y, x tensor[float64], step Grid) {
	nearest(y, x, step, func(yi, xi int) { copy(y.row(yi), x.row(xi)) })
}

func (plain) gather(gx, gy tensor[float64], step Grid) {
	clear(gx.data)
	nearest(gy, gx, step, func(yi, xi int) {
		for c, v := range gy.row(yi) {
			gx.row(xi)[c] += v
		}
	})
}
