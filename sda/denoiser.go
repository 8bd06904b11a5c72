package sda

import (
	"context"
	"fmt"
	"math"
	"slices"

	"retrace/diffusion"
	"retrace/internal/fault"
	"retrace/internal/parallel"
	"retrace/scoresum"
)

// wave is the number of batches whose cotangents are held at once, before they are
// summed in order.
const wave = 16

// A Denoiser applies an imported prior to trajectories of one length and shape of
// states. Rows are trajectories, the last axis of a state varying fastest. It is
// not safe for concurrent use; it uses all cores itself.
//
// The noise of a window does not depend on the others, so a batch of windows is
// the unit of work. Cotangents of overlapping windows add up in the order of the
// windows. Activations are kept for one batch: if there are more, PullNoise
// computes those of each again.
type Denoiser struct {
	prior       *Prior
	length, dim int
	pieces      []scoresum.Piece
	span        int // values of a window
	state       []int
	windows     int // that the workers were made for
	workers     []*worker
	pulled      []float32 // of the batches of a wave

	level  diffusion.Level // of the last Denoise
	time   float64         // of the last evaluation
	at     []float32       // its argument
	scaled []float32       // the argument of the last Denoise, in the units of Schedule
}

// worker is an evaluator with space for its windows.
type worker struct {
	evaluator
	in, out []float32 // a batch of windows
}

// Denoiser returns the denoiser of trajectories of length states of the given
// shape: (features), or (features, columns) and (features, rows, columns) for
// fields. A shape that the network cannot take is an input error.
func (p *Prior) Denoiser(length int, state []int) (*Denoiser, error) {
	arguments := p.Architecture.Arguments
	if err := arguments.checkState(state); err != nil {
		return nil, fault.Input(err)
	}
	if length < max(arguments.window(), 1) {
		return nil, fault.Inputf("trajectories have %d states, but windows of the network have %d", length, max(arguments.window(), 1))
	}
	window, pieces, err := p.network.cut(length, state)
	if err != nil {
		return nil, fault.Input(err)
	}
	d := &Denoiser{prior: p, length: length, dim: 1, pieces: pieces, state: slices.Clone(state)}
	for _, n := range state {
		d.dim *= n
	}
	d.span = window * d.dim
	return d, nil
}

// Dim implements diffusion.Denoiser.
func (d *Denoiser) Dim() int { return d.length * d.dim }

// Noise writes the predicted noise of the rows xt at time t of Schedule to eps.
// It fails where a prediction is not finite, and when ctx ends.
func (d *Denoiser) Noise(ctx context.Context, eps, xt []float32, t float64) error {
	d.check(eps, xt)
	if len(xt) == 0 {
		return nil
	}
	d.at, d.time = xt, t
	if err := d.hire(len(xt) / d.Dim() * len(d.pieces)); err != nil {
		return err
	}
	err := d.each(ctx, 0, d.batches(), func(own *worker, batch int) {
		first, last := d.bounds(batch)
		out := d.evaluate(own, first, last)
		for w := first; w < last; w++ {
			d.place(eps, out[(w-first)*d.span:], w)
		}
	})
	if err != nil {
		return err
	}
	for i, v := range eps {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("sda: the predicted noise is not finite at value %d and t = %v", i, t)
		}
	}
	return nil
}

// PullNoise writes J^T v to dst, J being the Jacobian of the noise with respect to
// xt at the point of the last Noise, whose argument must not have been changed.
func (d *Denoiser) PullNoise(ctx context.Context, dst, v []float32) error {
	d.check(dst, v)
	if len(v) != len(d.at) {
		panic("sda: rows do not match those of the last Noise")
	}
	if len(v) == 0 {
		return nil
	}
	clear(dst)
	for start := 0; start < d.batches(); start += wave {
		count := min(wave, d.batches()-start)
		if err := d.pullWave(ctx, start, count, v); err != nil {
			return err
		}
		first, _ := d.bounds(start)
		_, last := d.bounds(start + count - 1)
		for w := first; w < last; w++ {
			target := dst[d.start(w):][:d.span]
			for j, g := range d.pulled[(w-first)*d.span:][:d.span] {
				target[j] += g
			}
		}
	}
	return nil
}

// pullWave pulls the cotangents of some batches back, to pulled.
func (d *Denoiser) pullWave(ctx context.Context, start, count int, v []float32) error {
	if err := d.hire(d.windows); err != nil {
		return err
	}
	size := d.workers[0].batch() * d.span
	if len(d.pulled) < count*size {
		d.pulled = make([]float32, count*size)
	}
	return d.each(ctx, start, count, func(own *worker, batch int) {
		first, last := d.bounds(batch)
		cotangent := own.out[:(last-first)*d.span]
		if d.batches() > 1 {
			d.evaluate(own, first, last)
		}
		clear(cotangent)
		for w := first; w < last; w++ {
			d.cut(cotangent[(w-first)*d.span:], v, w)
		}
		own.pull(d.pulled[(batch-start)*size:][:len(cotangent)], cotangent)
	})
}

// Denoise implements diffusion.Denoiser: with the time t of Schedule at which the
// noise ratio is that of the level, and x the argument in the scale of Schedule,
// the mean is (x - sigma eps(x, t))/mu.
func (d *Denoiser) Denoise(mean, xt []float32, level diffusion.Level) error {
	d.level = level
	own := Schedule.At(diffusion.TimeAt(Schedule, level.Ratio()))
	if len(d.scaled) < len(xt) {
		d.scaled = make([]float32, len(xt))
	}
	scaled := d.scaled[:len(xt)]
	for i, x := range xt {
		scaled[i] = float32(own.Mu/level.Mu) * x
	}
	if err := d.Noise(context.Background(), mean, scaled, own.T); err != nil {
		return err
	}
	for i, eps := range mean {
		mean[i] = float32((float64(scaled[i]) - own.Sigma*float64(eps)) / own.Mu)
	}
	return nil
}

// Pull implements diffusion.Differentiable.
func (d *Denoiser) Pull(dst, v []float32) error {
	if err := d.PullNoise(context.Background(), dst, v); err != nil {
		return err
	}
	own := Schedule.At(diffusion.TimeAt(Schedule, d.level.Ratio()))
	for i, g := range dst {
		dst[i] = float32((float64(v[i]) - own.Sigma*float64(g)) / d.level.Mu)
	}
	return nil
}

func (d *Denoiser) check(a, b []float32) {
	if len(a) != len(b) || len(a)%d.Dim() != 0 {
		panic("sda: rows do not match")
	}
}

// hire makes the workers for so many windows that are missing.
func (d *Denoiser) hire(windows int) error {
	if d.windows != windows {
		d.workers, d.windows = nil, windows
	}
	for most := 1; len(d.workers) < most; most = d.prior.network.workers(d.batches()) {
		e, err := d.prior.network.evaluator(d.span/d.dim, d.state, windows)
		if err != nil {
			return err
		}
		size := e.batch() * d.span
		d.workers = append(d.workers, &worker{e, make([]float32, size), make([]float32, size)})
	}
	return nil
}

// each works on batches, in parallel if there are several workers.
func (d *Denoiser) each(ctx context.Context, start, count int, work func(own *worker, batch int)) error {
	if d.prior.network.workers(count) > 1 {
		return parallel.For(ctx, count, func(worker, piece int) error {
			work(d.workers[worker], start+piece)
			return nil
		})
	}
	for batch := start; batch < start+count; batch++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		work(d.workers[0], batch)
	}
	return nil
}

// batches is the number of batches of the last evaluation.
func (d *Denoiser) batches() int {
	size := d.workers[0].batch()
	return (d.windows + size - 1) / size
}

// bounds are the first window of a batch and the last but one, counted row by row.
func (d *Denoiser) bounds(batch int) (first, last int) {
	size := d.workers[0].batch()
	return batch * size, min((batch+1)*size, d.windows)
}

// start is where a window starts in the rows.
func (d *Denoiser) start(w int) int {
	return w/len(d.pieces)*d.Dim() + d.pieces[w%len(d.pieces)].Start*d.dim
}

// evaluate runs the network on windows [first, last) of the argument. The result
// is space of the worker.
func (d *Denoiser) evaluate(own *worker, first, last int) []float32 {
	size := (last - first) * d.span
	in, out := own.in[:size], own.out[:size]
	for w := first; w < last; w++ {
		copy(in[(w-first)*d.span:][:d.span], d.at[d.start(w):])
	}
	own.forward(out, in, d.time)
	return out
}

// place copies the states that a window gives to their places in the rows.
func (d *Denoiser) place(rows, window []float32, w int) {
	target := rows[d.start(w):]
	for i, weight := range d.pieces[w%len(d.pieces)].Weights {
		if weight != 0 {
			copy(target[i*d.dim:(i+1)*d.dim], window[i*d.dim:])
		}
	}
}

// cut is the transpose of place: it leaves zeros where a window gives no state.
func (d *Denoiser) cut(window, rows []float32, w int) {
	source := rows[d.start(w):]
	for i, weight := range d.pieces[w%len(d.pieces)].Weights {
		if weight != 0 {
			copy(window[i*d.dim:(i+1)*d.dim], source[i*d.dim:])
		}
	}
}
