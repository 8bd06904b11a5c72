package twolayer

import (
	"retrace/internal/fft"
	"retrace/internal/kernel"
)

// Fluxes forms fluxes at points of the grid and watches how fast the flow is.
type Fluxes struct {
	// Fastest is the largest |u+U| and the largest |v| of both layers in all
	// calls of Multiply since it was set; not finite if the flow is not.
	Fastest [2]float64

	background [2]float64
	level      string
}

// NewFluxes returns fluxes for background flows U of the layers.
func NewFluxes(background [2]float64) *Fluxes {
	return &Fluxes{background: background, level: kernel.Level()}
}

// Multiply sets out[n] = (u+U) q + i v q for both layers, given the flow
// in[n] = u + iv and the potential vorticity in[2] = q1 + i q2. It is the product
// of [fft.Plan.Products].
func (f *Fluxes) Multiply(out, in []fft.Planes) {
	f.layer(out[0], in[0], in[2].Re, f.background[0])
	f.layer(out[1], in[1], in[2].Im, f.background[1])
}

func (f *Fluxes) layer(flux, flow fft.Planes, q []float64, background float64) {
	n := len(q)
	if len(flow.Re) != n || len(flow.Im) != n || len(flux.Re) != n || len(flux.Im) != n {
		panic("twolayer: fluxes of planes of different lengths")
	}
	if f.level == kernel.Generic || n%lanes != 0 || n == 0 {
		f.generic(flux, flow, q, background)
		return
	}
	args := fluxArgs{
		u: &flow.Re[0], v: &flow.Im[0], q: &q[0], fluxX: &flux.Re[0], fluxY: &flux.Im[0],
		n: n, background: background,
	}
	f.assembly(&args)
	for l := range lanes {
		f.see(args.fastestX[l], args.fastestY[l])
	}
}

func (f *Fluxes) generic(flux, flow fft.Planes, q []float64, background float64) {
	for i, q := range q {
		u, v := flow.Re[i]+background, flow.Im[i]
		flux.Re[i], flux.Im[i] = u*q, v*q
		f.see(max(u, -u), max(v, -v))
	}
}

func (f *Fluxes) see(x, y float64) {
	f.Fastest[0], f.Fastest[1] = max(f.Fastest[0], x), max(f.Fastest[1], y)
}
