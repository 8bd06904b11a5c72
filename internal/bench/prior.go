package bench

import (
	"fmt"

	"retrace/diffusion"
	"retrace/scoresum"
)

// Prior returns probes of a learnt prior for trajectories of length states:
// denoising them, and denoising them with the VJP that guidance takes, in the
// batches in which a worker draws samples. Of the same timings they count the
// trajectories and the windows that go through the network.
func Prior(name string, prior *scoresum.Prior, length int) ([]Probe, error) {
	windows, err := prior.Rows(length)
	if err != nil {
		return nil, err
	}
	probe := func(work string) Probe {
		const rows = scoresum.SampleRows
		return Probe{
			Counts: []Count{
				{name, fmt.Sprintf("prior of %d states, %s", length, work), Executions, rows},
				{name, "network evaluations in it, " + work, Executions, float64(rows * windows)},
			},
			Worker: func() (func() error, error) { return denoising(prior, length, work) },
		}
	}
	return []Probe{probe(forward), probe(guided)}, nil
}

// denoising returns one evaluation of a batch of trajectories.
func denoising(prior *scoresum.Prior, length int, work string) (func() error, error) {
	denoiser, err := prior.Denoiser(length, scoresum.SampleRows, scoresum.ChunkWindows)
	if err != nil {
		return nil, err
	}
	x := values(scoresum.SampleRows * denoiser.Dim())
	mean, gradient := make([]float32, len(x)), make([]float32, len(x))
	at := diffusion.Level{T: 0.5, Mu: 0.5, Sigma: 0.5}
	return func() error {
		if err := denoiser.Denoise(mean, x, at); err != nil || work == forward {
			return err
		}
		return denoiser.Pull(gradient, x)
	}, nil
}
