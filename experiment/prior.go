package experiment

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"time"

	"retrace/diffusion"
	"retrace/figure"
	"retrace/scoresum"
	"retrace/trajectory"
)

// All calls of scoresum stand in this file.

// priorData is what a prior is learnt from.
type priorData struct {
	training, validation *trajectory.Set
	standard             trajectory.Standardiser
}

// trainPrior learns the prior into the folder prior, going on from its
// checkpoint if there is one.
func (t *task) trainPrior(ctx context.Context, c *Config, data priorData) error {
	dir := t.file("prior")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	prior, err := scoresum.Train(ctx, *c.Prior, scoresum.Data{
		Training: data.training, Validation: data.validation, Standard: data.standard, Seed: c.Seed,
	}, dir, func(p scoresum.Progress) {
		detail := fmt.Sprintf("step %d of %d", p.Step, p.Steps)
		if !math.IsNaN(p.Validation) {
			detail += fmt.Sprintf(", validation loss %.4g", p.Validation)
		}
		t.watcher.advance(p.Step, p.Steps, detail)
	})
	if err != nil {
		return err
	}
	return prior.Save(dir)
}

// Prior is a trained prior.
type Prior = *scoresum.Prior

// loadPrior reads the trained prior.
func (d *directory) loadPrior() (*scoresum.Prior, error) { return scoresum.Load(d.file("prior")) }

// sampleFrom draws unconditional samples.
func sampleFrom(ctx context.Context, prior Prior, s Samples, seed int64, sampler diffusion.PredictorCorrector, w *Watcher) (*trajectory.Set, error) {
	const unit = "sample"
	w.begin(unit)
	start := time.Now()
	set, err := prior.Sample(ctx, scoresum.Draw{Members: s.Members, Length: s.Length, Seed: seed}, sampler,
		func(done, total int) { w.advance(done, total, "") })
	w.end(unit, time.Since(start), err)
	return set, err
}

// readLosses reads the training curve of a prior's folder.
func readLosses(dir string) (figure.Losses, error) {
	curve, err := scoresum.ReadCurve(filepath.Join(dir, scoresum.CurveName))
	var losses figure.Losses
	for _, p := range curve {
		losses.Training.Steps = append(losses.Training.Steps, float64(p.Step))
		losses.Training.Loss = append(losses.Training.Loss, p.Loss)
		losses.Validation.Loss = append(losses.Validation.Loss, p.Validation)
	}
	losses.Validation.Steps = losses.Training.Steps
	return losses, err
}

// measurePrior times a training step and the denoising of one trajectory, by
// training a prior for a moment on a few windows.
func (e *estimator) measurePrior(ctx context.Context) error {
	const trainSteps, rows = 3, 32
	set, err := trajectory.Simulate(ctx, e.model, trajectory.Plan{
		Count: 16, Length: 2 * e.Prior.Window, SpinUp: min(e.Trajectories.SpinUp, 100), Seed: e.Seed, Purpose: "estimate",
	}, nil)
	if err != nil {
		return err
	}
	standard, err := trajectory.FitStandardiser(set, int(e.size))
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "retrace-estimate-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	settings := *e.Prior
	settings.Training.Steps = trainSteps
	var begin time.Time
	prior, err := scoresum.Train(ctx, settings, scoresum.Data{Training: set, Validation: set, Standard: standard, Seed: e.Seed},
		dir, func(p scoresum.Progress) {
			switch p.Step {
			case 1: // the first step warms caches up
				begin = time.Now()
			case trainSteps - 1:
				e.trainStep = time.Since(begin).Seconds() / (trainSteps - 2)
			}
		})
	if err != nil {
		return err
	}
	e.denoise = map[int]float64{}
	for i := range e.Scenarios {
		length := e.timeline(&e.Scenarios[i]).Length
		if e.denoise[length] > 0 {
			continue
		}
		denoiser, err := prior.Denoiser(length, rows, rows*length)
		if err != nil {
			return err
		}
		x := make([]float32, rows*denoiser.Dim())
		mean, pull := make([]float32, len(x)), make([]float32, len(x))
		e.denoise[length] = timed(func(n int) {
			for range n {
				err = errors.Join(err, denoiser.Denoise(mean, x, diffusion.Level{T: 0.5, Mu: 0.5, Sigma: 0.5}), denoiser.Pull(pull, x))
			}
		}) / rows
		if err != nil {
			return err
		}
	}
	return nil
}
