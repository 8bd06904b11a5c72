package sda_test

import (
	"context"
	"testing"
)

// BenchmarkNoise evaluates networks of the papers' sizes, and pulls back.
func BenchmarkNoise(b *testing.B) {
	for name, c := range map[string]struct {
		sample
		batch int
	}{
		"lorenz local":  {sample{"kind='mcscore-mlp'\nfeatures=3\norder=2\nembedding=32\nhidden_features=[256,256,256,256,256]\n", 65, []int{3}, nil}, 64},
		"lorenz global": {sample{"kind='global-unet-1d'\nchannels=3\nembedding=32\nhidden_channels=[64]\nhidden_blocks=[3]\n", 65, []int{3}, nil}, 64},
		"kolmogorov":    {sample{"kind='mcscore-unet'\nfeatures=2\norder=2\nembedding=64\nhidden_channels=[96,192,384]\nhidden_blocks=[3,3,3]\n", 12, []int{2, 64, 64}, nil}, 1},
		"qg":            {sample{"kind='qg-unet'\nchannels=6\ncontext=4\nembedding=64\nhidden_channels=[16,32,64]\nhidden_blocks=[3,3,3]\n", 9, []int{6, 64, 64}, nil}, 1},
	} {
		b.Run(name, func(b *testing.B) {
			d := newDenoiser(b, c.prior(b), c.length, c.state...)
			x := normals(c.batch*d.Dim(), 1)
			y, g := make([]float32, len(x)), make([]float32, len(x))
			run := func(name string, pull bool) {
				b.Run(name, func(b *testing.B) {
					for b.Loop() {
						if err := d.Noise(context.Background(), y, x, 0.3); err != nil {
							b.Fatal(err)
						}
						if !pull {
							continue
						}
						if err := d.PullNoise(context.Background(), g, x); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
			run("noise", false)
			run("guided", true)
		})
	}
}
