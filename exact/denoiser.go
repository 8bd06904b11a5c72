package exact

import (
	"retrace/diffusion"
)

// law is a distribution in float64: the mean of x given y = x + s n, and the product
// of its Jacobian with respect to y, at the y of the last call of mean, or of the
// Jacobian's transpose.
type law interface {
	dim() int
	mean(dst, y []float64, variance float64) error
	push(dst, v []float64) error
	pull(dst, v []float64) error
}

// Denoiser is the exact denoiser of a distribution. It implements
// diffusion.Differentiable and, beyond it, Push. It is not safe for concurrent use.
type Denoiser struct {
	newLaw func() law
	laws   []law // one for each row, which hold where Jacobians are taken
	level  diffusion.Level
	y, out []float64
}

func newDenoiser(newLaw func() law) *Denoiser {
	first := newLaw()
	return &Denoiser{
		newLaw: newLaw, laws: []law{first}, y: make([]float64, first.dim()), out: make([]float64, first.dim()),
	}
}

// Dim implements diffusion.Denoiser.
func (d *Denoiser) Dim() int { return len(d.y) }

// Denoise implements diffusion.Denoiser.
func (d *Denoiser) Denoise(mean, xt []float32, at diffusion.Level) error {
	d.level = at
	variance := at.Ratio() * at.Ratio()
	return d.each(mean, xt, 1/at.Mu, func(l law) error { return l.mean(d.out, d.y, variance) })
}

// Pull implements diffusion.Differentiable.
func (d *Denoiser) Pull(dst, v []float32) error {
	return d.each(dst, v, 1/d.level.Mu, func(l law) error { return l.pull(d.out, d.y) })
}

// Push writes J v to dst, J being the Jacobian of the last Denoise.
func (d *Denoiser) Push(dst, v []float32) error {
	return d.each(dst, v, 1/d.level.Mu, func(l law) error { return l.push(d.out, d.y) })
}

// each applies work to every row of from, scaled, and writes what it leaves in out.
func (d *Denoiser) each(to, from []float32, scale float64, work func(law) error) error {
	n := d.Dim()
	for row := 0; row*n < len(from); row++ {
		if row == len(d.laws) {
			d.laws = append(d.laws, d.newLaw())
		}
		for i, v := range from[row*n : (row+1)*n] {
			d.y[i] = scale * float64(v)
		}
		if err := work(d.laws[row]); err != nil {
			return err
		}
		for i, v := range d.out {
			to[row*n+i] = float32(v)
		}
	}
	return nil
}
