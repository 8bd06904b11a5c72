package scoresum

import (
	"errors"
	"fmt"
	"math"

	"retrace/diffusion"
)

// A Denoiser composes the window denoiser into the denoiser of trajectories of
// one length. Rows are trajectories in standardised units (length x state).
//
// Memory is bounded by the chunk, the number of windows that go through the
// network at once, whatever the length: where the windows of one length fit
// into one chunk, Pull uses the activations that Denoise left; otherwise it
// runs every chunk forward again before pulling back (two forward passes in
// all). A window's mean does not depend on the chunk it falls in.
type Denoiser struct {
	length, dim int
	groups      []*group
	xt          []float32       // argument of the last Denoise
	level       diffusion.Level // of the last Denoise
}

// ErrNotFinite is the cause if a denoised mean overflows: the argument was not
// a noised trajectory, as when a sampler diverges.
var ErrNotFinite = errors.New("the denoised mean is not finite")

// group is the pieces of one length.
type group struct {
	pieces  []Piece
	windows *windows
	chunk   int
	y, mean []float32 // chunk x padded
	kept    bool      // the workspace holds the last Denoise
}

// Dim implements diffusion.Denoiser.
func (d *Denoiser) Dim() int { return d.length * d.dim }

// Denoise implements diffusion.Denoiser. It fails where a mean is not finite.
func (d *Denoiser) Denoise(mean, xt []float32, at diffusion.Level) error {
	d.xt, d.level = xt, at
	clear(mean)
	for _, g := range d.groups {
		total := len(xt) / d.Dim() * len(g.pieces)
		for first := 0; first < total; first += g.chunk {
			last := min(first+g.chunk, total)
			g.forward(d, xt, first, last)
			g.scatter(d, mean, first, last)
		}
		g.kept = total <= g.chunk
	}
	for _, v := range mean {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return fmt.Errorf("scoresum: %w at noise ratio %.3g", ErrNotFinite, at.Ratio())
		}
	}
	return nil
}

// Pull implements diffusion.Differentiable.
func (d *Denoiser) Pull(dst, v []float32) error {
	clear(dst)
	for _, g := range d.groups {
		total := len(v) / d.Dim() * len(g.pieces)
		for first := 0; first < total; first += g.chunk {
			last := min(first+g.chunk, total)
			if !g.kept {
				g.forward(d, d.xt, first, last)
			}
			g.pull(d, dst, v, first, last)
		}
	}
	return nil
}

// forward denoises windows [first, last) of the group, counted row by row.
func (g *group) forward(d *Denoiser, xt []float32, first, last int) {
	n, padded := g.windows.length*d.dim, g.windows.basis.padded
	scale := float32(1 / d.level.Mu)
	for w := first; w < last; w++ {
		row, piece := w/len(g.pieces), g.pieces[w%len(g.pieces)]
		source := xt[row*d.Dim()+piece.Start*d.dim:][:n]
		y := g.y[(w-first)*padded:][:padded]
		for j, v := range source {
			y[j] = v * scale
		}
	}
	size := (last - first) * padded
	g.windows.denoise(g.mean[:size], g.y[:size], d.level.Ratio())
}

// scatter adds the weighted means of the windows to the trajectories.
func (g *group) scatter(d *Denoiser, mean []float32, first, last int) {
	for w := first; w < last; w++ {
		row, piece := w/len(g.pieces), g.pieces[w%len(g.pieces)]
		target := mean[row*d.Dim()+piece.Start*d.dim:]
		source := g.mean[(w-first)*g.windows.basis.padded:]
		for i, weight := range piece.Weights {
			if weight == 0 {
				continue
			}
			for j := i * d.dim; j < (i+1)*d.dim; j++ {
				target[j] += weight * source[j]
			}
		}
	}
}

// pull pulls the weighted cotangents of windows [first, last) back and adds
// them up.
func (g *group) pull(d *Denoiser, dst, v []float32, first, last int) {
	n, padded := g.windows.length*d.dim, g.windows.basis.padded
	for w := first; w < last; w++ {
		row, piece := w/len(g.pieces), g.pieces[w%len(g.pieces)]
		source := v[row*d.Dim()+piece.Start*d.dim:][:n]
		cotangent := g.mean[(w-first)*padded:][:padded]
		for i, weight := range piece.Weights {
			for j := i * d.dim; j < (i+1)*d.dim; j++ {
				cotangent[j] = weight * source[j]
			}
		}
	}
	size := (last - first) * padded
	g.windows.pull(g.y[:size], g.mean[:size])
	scale := float32(1 / d.level.Mu)
	for w := first; w < last; w++ {
		row, piece := w/len(g.pieces), g.pieces[w%len(g.pieces)]
		target := dst[row*d.Dim()+piece.Start*d.dim:][:n]
		gradient := g.y[(w-first)*padded:]
		for j := range target {
			target[j] += scale * gradient[j]
		}
	}
}

// newGroups gathers pieces by length, in order of first appearance.
func newGroups(pieces []Piece) []*group {
	var groups []*group
	find := map[int]*group{}
	for _, p := range pieces {
		g := find[len(p.Weights)]
		if g == nil {
			g = &group{}
			find[len(p.Weights)] = g
			groups = append(groups, g)
		}
		g.pieces = append(g.pieces, p)
	}
	return groups
}
