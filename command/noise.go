package command

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"retrace/diffusion"
	"retrace/internal/fault"
	"retrace/scoresum"
	"retrace/sda"
)

// noise predicts the noise in trajectories at a time of sda.Schedule.
type noise interface {
	Noise(ctx context.Context, eps, xt []float32, t float64) error
	// PullNoise multiplies a cotangent by the Jacobian at the last Noise.
	PullNoise(ctx context.Context, dst, v []float32) error
}

// loadNoise reads a prior, imported or trained, for arrays (batch, time, state...)
// of a shape. What does not fit is an input error.
func loadNoise(dir string, shape []int) (noise, error) {
	file := filepath.Join(dir, scoresum.WeightsName)
	if !exists(file) {
		cure := "name the folder that train or import-weights has written"
		if below := filepath.Join(dir, "prior"); exists(filepath.Join(below, scoresum.WeightsName)) {
			cure = "did you mean " + below + "?"
		}
		return nil, fault.Inputf("--prior %s: there is no %s; %s", dir, scoresum.WeightsName, cure)
	}
	length, state := shape[1], shape[2:]
	imported, err := sda.Load(dir)
	if err == nil {
		d, err := imported.Denoiser(length, state)
		if err != nil {
			return nil, fmt.Errorf("--input of the shape %v: %w", shape, err)
		}
		return d, nil
	}
	if !errors.Is(err, sda.ErrOtherFormat) {
		return nil, err
	}
	prior, err := scoresum.Load(dir)
	if err != nil {
		return nil, err
	}
	var want []int
	for _, axis := range prior.Space.Axes {
		want = append(want, axis.Len())
	}
	if fmt.Sprint(state) != fmt.Sprint(want) {
		return nil, fault.Inputf("--input of the shape %v: states have the shape %v, but those of the prior are %v", shape, state, want)
	}
	d, err := prior.Denoiser(length, shape[0], 256)
	if err != nil {
		return nil, err
	}
	return &meanNoise{Differentiable: d}, nil
}

// meanNoise tells the noise from the mean that a denoiser gives:
// eps = (x_t - mu mean)/sigma.
type meanNoise struct {
	diffusion.Differentiable
	level diffusion.Level
}

func (m *meanNoise) Noise(ctx context.Context, eps, xt []float32, t float64) error {
	m.level = sda.Schedule.At(t)
	if err := m.Denoise(eps, xt, m.level); err != nil {
		return err
	}
	m.fromMean(eps, xt)
	return ctx.Err()
}

func (m *meanNoise) PullNoise(ctx context.Context, dst, v []float32) error {
	if err := m.Pull(dst, v); err != nil {
		return err
	}
	m.fromMean(dst, v)
	return ctx.Err()
}

// fromMean replaces a mean, or a cotangent v times its Jacobian, by that of eps.
func (m *meanNoise) fromMean(mean, x []float32) {
	for i, v := range mean {
		mean[i] = float32((float64(x[i]) - m.level.Mu*float64(v)) / m.level.Sigma)
	}
}
