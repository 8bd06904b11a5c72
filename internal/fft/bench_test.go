package fft_test

import (
	"fmt"
	"testing"
	"time"

	"gonum.org/v1/gonum/dsp/fourier"

	"retrace/internal/fft"
	"retrace/internal/kernel"
)

// BenchmarkTransform is a transform there and back of a pair of real fields.
// us/field is the best time of a transform for one of them; x-plain compares
// with transforms by rows and columns with a plain library, in the same run.
func BenchmarkTransform(b *testing.B) {
	before := kernel.Level()
	defer kernel.Use(before)
	for _, level := range []string{kernel.AVX512, kernel.AVX2, kernel.Generic} {
		if kernel.Use(level) != nil {
			continue
		}
		for _, n := range []int{64, 128, 256, 512} {
			b.Run(fmt.Sprintf("%s/%d", level, n), func(b *testing.B) {
				p := fft.NewPlan(n, n)
				field, spectrum := noise(p.Len(), 1), fft.NewPlanes(p.Len())
				best, floor := time.Hour, time.Hour
				for b.Loop() {
					best = min(best, clock(func() { p.Forward(spectrum, field); p.Inverse(field, spectrum) }))
				}
				plain := plainTransform(n)
				for range max(3, 100*64/n) {
					floor = min(floor, clock(plain))
				}
				b.ReportMetric(best.Seconds()*1e6/4, "us/field")
				b.ReportMetric(2*floor.Seconds()/best.Seconds(), "x-plain")
			})
		}
	}
}

func clock(f func()) time.Duration {
	start := time.Now()
	f()
	return time.Since(start)
}

// plainTransform returns a complex transform of n by n values with a plain
// library.
func plainTransform(n int) func() {
	plan := fourier.NewCmplxFFT(n)
	x, column := make([]complex128, n*n), make([]complex128, n)
	return func() {
		for row := range n {
			plan.Coefficients(x[row*n:(row+1)*n], x[row*n:(row+1)*n])
		}
		for j := range n {
			for row := range n {
				column[row] = x[row*n+j]
			}
			plan.Coefficients(column, column)
			for row, z := range column {
				x[row*n+j] = z
			}
		}
	}
}
