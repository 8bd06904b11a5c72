package diffusion_test

import (
	"testing"

	"retrace/diffusion"
)

func TestGaussianIsThePosteriorMean(t *testing.T) {
	// x ~ N(2, 3), x_t = 0.5 x + 0.8 z = 2.2: x has the precision
	// 1/3 + 0.25/0.64 and the mean (2/3 + 0.5 2.2 / 0.64) / precision.
	d := &diffusion.Gaussian{Mean: []float64{2, 0}, Variance: []float64{3, 0}}
	mean := make([]float32, 4)
	if err := d.Denoise(mean, []float32{2.2, 9, 1, 9}, diffusion.Level{Mu: 0.5, Sigma: 0.8}); err != nil {
		t.Fatal(err)
	}
	near(t, "mean", float64(mean[0]), (2.0/3+0.5*2.2/0.64)/(1.0/3+0.25/0.64), 1e-6)
	near(t, "mean of the second row", float64(mean[2]), 2, 1e-6)
	near(t, "mean without variance", float64(mean[1]), 0, 0)
}

func TestGaussianPullsItsJacobianBack(t *testing.T) {
	d := &diffusion.Gaussian{Mean: []float64{2, -1}, Variance: []float64{3, 0.1}}
	at := diffusion.Level{Mu: 0.5, Sigma: 0.8}
	low, high, pulled := make([]float32, 2), make([]float32, 2), make([]float32, 2)
	for _, point := range []struct {
		x    []float32
		mean []float32
	}{{[]float32{-1, -1}, low}, {[]float32{1, 1}, high}} {
		if err := d.Denoise(point.mean, point.x, at); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Pull(pulled, []float32{1, -3}); err != nil {
		t.Fatal(err)
	}
	near(t, "first", float64(pulled[0]), float64(high[0]-low[0])/2, 1e-6)
	near(t, "second", float64(pulled[1]), -3*float64(high[1]-low[1])/2, 1e-6)
}

func TestGaussianOfUnequalLengthsIsAnError(t *testing.T) {
	d := &diffusion.Gaussian{Mean: []float64{1}, Variance: []float64{1, 2}}
	if err := d.Denoise(make([]float32, 2), make([]float32, 2), diffusion.Level{Mu: 1, Sigma: 1}); err == nil {
		t.Error("no error")
	}
}

var _ diffusion.Differentiable = (*diffusion.Gaussian)(nil)
