package qg_test

import (
	"fmt"
	"math/cmplx"
	"testing"

	"gonum.org/v1/gonum/dsp/fourier"

	"retrace/internal/fft"
	"retrace/internal/rng"
	"retrace/qg"
)

// BenchmarkStep is a time step; compare it with BenchmarkFloor, the five complex
// transforms of a step alone, in the same run.
func BenchmarkStep(b *testing.B) {
	for _, n := range []int{64, 128, 256, 512} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			p := qg.New("eddy")
			p.Nx, p.Ny = n, n
			s := build(b, p).Begin(rng.Stream(1, "start")).(*qg.Simulation)
			b.ReportAllocs()
			for b.Loop() {
				s.Step(nil)
			}
		})
	}
}

// BenchmarkFloor is five complex transforms by package internal/fft.
func BenchmarkFloor(b *testing.B) {
	for _, n := range []int{64, 128, 256, 512} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			plan := fft.NewPlan(n, n)
			x, y := fft.NewPlanes(n*n), fft.NewPlanes(n*n)
			x.Re[1] = 1
			for b.Loop() {
				for range 3 {
					plan.Inverse(y, x)
				}
				for range 2 {
					plan.Forward(x, y)
				}
			}
		})
	}
}

// BenchmarkPlainFloor is five complex transforms by rows and columns with a
// plain library.
func BenchmarkPlainFloor(b *testing.B) {
	for _, n := range []int{64, 128} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			plan := fourier.NewCmplxFFT(n)
			x, column := make([]complex128, n*n), make([]complex128, n)
			for i := range x {
				x[i] = cmplx.Rect(1, float64(i))
			}
			for b.Loop() {
				for range 5 {
					for row := range n {
						plan.Coefficients(x[row*n:(row+1)*n], x[row*n:(row+1)*n])
					}
					for j := range n {
						for row := range n {
							column[row] = x[row*n+j]
						}
						plan.Coefficients(column, column)
						for row, z := range column {
							x[row*n+j] = z / complex(float64(n*n), 0)
						}
					}
				}
			}
		})
	}
}
