// Spectra of fields of one or two axes, in rings of physical wavenumber. Ring n
// holds the wavenumbers whose length is nearest to n cycles in the longest extent of
// the axes, so that fields of unequal sides are measured by one rule. Along an axis
// with ends a field is multiplied by the window of Hann, scaled to keep the variance
// of a homogeneous field, because the jump between its ends would fill the small
// scales otherwise.

package verify

import (
	"math"

	"retrace/dynamics"
	"retrace/internal/fft"
)

// Spectrometer computes isotropic spectra of fields on given axes. One goroutine at
// a time may use it.
type Spectrometer struct {
	plan          *fft.Plan
	values, waves fft.Planes
	ring          []int     // of each element of waves
	window        []float64 // of each value; nil if all axes are periodic
	extent        float64   // the longest, in units of its axis
	last          int       // whole ring
}

// NewSpectrometer prepares for fields on one axis or two.
func NewSpectrometer(axes []dynamics.Axis) *Spectrometer {
	if len(axes) == 1 {
		axes = []dynamics.Axis{{Coordinates: []float64{0}, Period: 1}, axes[0]}
	}
	ny, nx := axes[0].Len(), axes[1].Len()
	s := &Spectrometer{plan: fft.NewPlan(ny, nx)}
	s.values, s.waves = fft.NewPlanes(s.plan.Len()), fft.NewPlanes(s.plan.Len())
	lengthY, lengthX := extent(axes[0]), extent(axes[1])
	if ny == 1 {
		lengthY = 0 // it says nothing about scale
	}
	s.extent = max(lengthY, lengthX)
	s.last = int(float64(nx/2) * s.extent / lengthX)
	if ny > 1 {
		s.last = min(s.last, int(float64(ny/2)*s.extent/lengthY))
	}
	s.ring = make([]int, s.plan.Len())
	for kx := range nx {
		for ky := range ny {
			k := math.Abs(float64(fft.Wavenumber(kx, nx))) * s.extent / lengthX
			if ny > 1 {
				k = math.Hypot(k, float64(fft.Wavenumber(ky, ny))*s.extent/lengthY)
			}
			s.ring[kx*ny+ky] = int(math.Round(k))
		}
	}
	s.window = window(axes)
	return s
}

// extent is the length that an axis covers: its period, or that of its cells.
func extent(a dynamics.Axis) float64 {
	c := a.Coordinates
	if a.Period > 0 || len(c) < 2 {
		return max(a.Period, math.SmallestNonzeroFloat64)
	}
	return math.Abs(c[len(c)-1]-c[0]) * float64(len(c)) / float64(len(c)-1)
}

// window is the product of the windows of the axes; nil if none has ends.
func window(axes []dynamics.Axis) []float64 {
	if axes[0].Period > 0 && axes[1].Period > 0 {
		return nil
	}
	along := func(a dynamics.Axis) []float64 {
		w := make([]float64, a.Len())
		for i := range w {
			w[i] = 1
			if a.Period == 0 {
				sin := math.Sin(math.Pi * (float64(i) + 0.5) / float64(len(w)))
				w[i] = sin * sin * math.Sqrt(8./3)
			}
		}
		return w
	}
	y, x := along(axes[0]), along(axes[1])
	w := make([]float64, 0, len(y)*len(x))
	for _, a := range y {
		for _, b := range x {
			w = append(w, a*b)
		}
	}
	return w
}

// Nyquist is the last whole ring: the spectra that Power returns end there.
func (s *Spectrometer) Nyquist() int { return s.last }

// Wavenumber is that of a ring, in cycles per unit of the axes.
func (s *Spectrometer) Wavenumber(ring int) float64 { return float64(ring) / s.extent }

// Power adds the variance of a field in each ring, from 0 to Nyquist, in squared
// units of the field and times a weight, to dst, and returns it; nil stands for
// zeros.
func (s *Spectrometer) Power(dst []float64, field []float32, weight float64) []float64 {
	if len(field) != s.plan.Len() {
		panic("verify: a field has not the size of the axes")
	}
	if dst == nil {
		dst = make([]float64, s.last+1)
	}
	clear(s.values.Im)
	var centre float64
	for _, v := range field {
		centre += float64(v) / float64(len(field))
	}
	for i, v := range field {
		s.values.Re[i] = float64(v)
		if s.window != nil {
			s.values.Re[i] = (float64(v) - centre) * s.window[i]
		}
	}
	s.plan.Forward(s.waves, s.values)
	scale := weight / float64(len(field)) / float64(len(field))
	for i, ring := range s.ring {
		if ring < len(dst) {
			re, im := s.waves.Re[i], s.waves.Im[i]
			dst[ring] += (re*re + im*im) * scale
		}
	}
	return dst
}

// Bands are two ranges of rings: those that are resolved well, up to half the Nyquist
// wavenumber, and those above it.
func (s *Spectrometer) Bands() (low, high Band) {
	half := max(1, s.last/2)
	return Band{1, half}, Band{min(half+1, s.last), s.last}
}
