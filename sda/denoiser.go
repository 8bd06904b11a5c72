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
// windows.
type Denoiser struct {
	prior       *Prior
	length, dim int
	pieces      []scoresum.Piece
	span        int // values of a window
	state       []int
	workers     []*space
	pulled      []float32 // wave x batch x span

	level     diffusion.Level // of the last Denoise
	condition condition       // of the last evaluation
	at        []float32       // its argument
	scaled    []float32       // the argument of the last Denoise, in the units of Schedule
}

// space is what one worker owns.
type space struct {
	worker
	in, out []float32 // a batch of windows
}

// Denoiser returns the denoiser of trajectories of length states of the given
// shape: (features), or (features, columns) and (features, rows, columns) for
// fields. A shape that the network cannot take is an input error.
func (p *Prior) Denoiser(length int, state []int) (*Denoiser, error) {
	arguments := p.Architecture.Arguments
	err := arguments.checkState(length, state)
	if err == nil {
		err = p.network.checkState(state)
	}
	if err != nil {
		return nil, fault.Input(err)
	}
	window := arguments.window()
	if window == 0 {
		window = length
	}
	if length < max(window, 1) {
		return nil, fault.Inputf("trajectories have %d states, but windows of the network have %d", length, window)
	}
	pieces, err := scoresum.Compose("centre", length, window, 0)
	if err != nil {
		return nil, err
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
	d.at, d.condition = xt, d.prior.network.condition(t)
	total := d.batches(xt)
	d.hire(total)
	err := parallel.For(ctx, total, func(worker, piece int) error {
		first, last := d.windows(piece, xt)
		out := d.evaluate(worker, first, last)
		for w := first; w < last; w++ {
			d.place(eps, out[(w-first)*d.span:], w)
		}
		return nil
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
	clear(dst)
	d.hire(wave)
	if d.pulled == nil {
		d.pulled = make([]float32, wave*d.prior.network.batch()*d.span)
	}
	total, size := d.batches(v), d.prior.network.batch()*d.span
	for start := 0; start < total; start += wave {
		count := min(wave, total-start)
		err := parallel.For(ctx, count, func(worker, piece int) error {
			first, last := d.windows(start+piece, v)
			cotangent := d.evaluate(worker, first, last)
			clear(cotangent)
			for w := first; w < last; w++ {
				d.cut(cotangent[(w-first)*d.span:], v, w)
			}
			d.workers[worker].pull(d.pulled[piece*size:][:len(cotangent)], cotangent)
			return nil
		})
		if err != nil {
			return err
		}
		for piece := range count {
			first, last := d.windows(start+piece, v)
			for w := first; w < last; w++ {
				target := dst[d.start(w):][:d.span]
				for j, g := range d.pulled[piece*size+(w-first)*d.span:][:d.span] {
					target[j] += g
				}
			}
		}
	}
	return nil
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

// batches is the number of batches of windows of the rows.
func (d *Denoiser) batches(rows []float32) int {
	size := d.prior.network.batch()
	return (len(rows)/d.Dim()*len(d.pieces) + size - 1) / size
}

// windows are those of a batch, counted row by row.
func (d *Denoiser) windows(batch int, rows []float32) (first, last int) {
	size := d.prior.network.batch()
	return batch * size, min((batch+1)*size, len(rows)/d.Dim()*len(d.pieces))
}

// start is where a window starts in the rows.
func (d *Denoiser) start(w int) int {
	return w/len(d.pieces)*d.Dim() + d.pieces[w%len(d.pieces)].Start*d.dim
}

// hire makes room for the workers of n pieces; each gets its space when it first
// evaluates.
func (d *Denoiser) hire(n int) {
	for len(d.workers) < parallel.Workers(n) {
		d.workers = append(d.workers, nil)
	}
}

// evaluate runs the network on windows [first, last) of the argument. The result
// is space of the worker.
func (d *Denoiser) evaluate(worker, first, last int) []float32 {
	own := d.workers[worker]
	if own == nil {
		batch := d.prior.network.batch() * d.span
		own = &space{d.prior.network.work(d.span/d.dim, d.state), make([]float32, batch), make([]float32, batch)}
		d.workers[worker] = own
	}
	size := (last - first) * d.span
	in, out := own.in[:size], own.out[:size]
	for w := first; w < last; w++ {
		copy(in[(w-first)*d.span:][:d.span], d.at[d.start(w):])
	}
	own.forward(out, in, d.condition)
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
