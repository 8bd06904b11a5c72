package qg

import (
	"math"

	"retrace/internal/fft"
)

// Isotropic sorts the variance of a periodic field, ny rows of nx values, by
// scale: element n of the result is the sum over the wavenumbers whose length is
// nearest to n times 2 pi over the longer of the two periods, m. Corners count,
// so the elements sum to the mean square of the field; element 0 is the square
// of its mean.
//
// The spectrum of kinetic energy of a layer is half the sum of those of u and v.
func Isotropic(field []float64, ny, nx int, lengthY, lengthX float64) []float64 {
	plan := fft.NewPlan(ny, nx)
	in, spectrum := fft.NewPlanes(ny*nx), fft.NewPlanes(ny*nx)
	copy(in.Re, field)
	plan.Forward(spectrum, in)
	unit := 1 / max(lengthX, lengthY)
	n := float64(nx * ny)
	var bins []float64
	for kx := range nx {
		for ky := range ny {
			k := math.Hypot(float64(fft.Wavenumber(kx, nx))/lengthX, float64(fft.Wavenumber(ky, ny))/lengthY)
			bin := int(math.Round(k / unit))
			for len(bins) <= bin {
				bins = append(bins, 0)
			}
			re, im := spectrum.Re[kx*ny+ky], spectrum.Im[kx*ny+ky]
			bins[bin] += (re*re + im*im) / (n * n)
		}
	}
	return bins
}
