package fft_test

import (
	"fmt"
	"math"

	"retrace/internal/fft"
)

// The derivatives along x of two fields at once: they are the real and the
// imaginary part of one complex field.
func ExamplePlan() {
	const ny, nx = 16, 32
	p := fft.NewPlan(ny, nx)
	field, spectrum := fft.NewPlanes(p.Len()), fft.NewPlanes(p.Len())
	for i := range field.Re {
		x := 2 * math.Pi * float64(i%nx) / nx
		field.Re[i], field.Im[i] = math.Sin(x), math.Cos(3*x)
	}
	p.Forward(spectrum, field)
	for kx := range nx {
		k := float64(fft.Wavenumber(kx, nx))
		for i := kx * ny; i < (kx+1)*ny; i++ {
			spectrum.Re[i], spectrum.Im[i] = -k*spectrum.Im[i], k*spectrum.Re[i] // times ik
		}
	}
	p.Inverse(field, spectrum)
	at := 3 // x = 3 pi/16
	fmt.Printf("%.6f %.6f\n", field.Re[at], math.Cos(3*math.Pi/16))
	fmt.Printf("%.6f %.6f\n", field.Im[at], -3*math.Sin(9*math.Pi/16))
	// Output:
	// 0.831470 0.831470
	// -2.942356 -2.942356
}
