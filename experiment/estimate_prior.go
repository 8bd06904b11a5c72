package experiment

import (
	"context"
	"errors"
	"os"
	"runtime"
	"time"

	"retrace/diffusion"
	"retrace/scoresum"
	"retrace/trajectory"
)

// briefPlan is a plan of a few trajectories to train on for a moment: shorter and
// fewer of a model whose transitions take long.
func (e *estimator) briefPlan() trajectory.Plan {
	plan := trajectory.Plan{
		Count: 16, Length: 2 * e.Prior.Window, SpinUp: min(e.Trajectories.SpinUp, 100), Seed: e.Seed, Purpose: "estimate",
	}
	const patience = 10 // seconds of one core
	if float64(plan.Transitions())*e.step > patience {
		plan.Length, plan.SpinUp = e.Prior.Window, 0
		plan.Count = max(1, min(plan.Count, int(patience/(float64(plan.Length)*e.step))))
	}
	return plan
}

// measurePrior times a training step and the denoising of one trajectory, by
// training a prior for a moment on a few windows.
func (e *estimator) measurePrior(ctx context.Context) error {
	set, err := trajectory.Simulate(ctx, e.model, e.briefPlan(), nil)
	if err != nil {
		return err
	}
	standard, err := e.standardiser(set)
	if err != nil {
		return err
	}
	prior, err := e.briefPrior(ctx, priorData{set, set, standard})
	if err != nil {
		return err
	}
	e.denoise = map[int]float64{}
	for i := range e.Scenarios {
		length := e.timeline(&e.Scenarios[i]).Length
		if e.denoise[length] == 0 {
			if e.denoise[length], err = denoiseSeconds(prior, length); err != nil {
				return err
			}
		}
	}
	return nil
}

// briefPrior is a prior as fast as that of the config.
func (e *estimator) briefPrior(ctx context.Context, data priorData) (Prior, error) {
	if e.Prior.Kind != KindNetwork {
		return e.Prior.build(e.Config, data)
	}
	var err error
	e.prior, err = e.trainMoment(ctx, scoresum.Data{Training: data.training, Validation: data.validation, Standard: data.standard, Seed: e.Seed, Symmetry: symmetryOf(e.model)})
	return e.prior, err
}

// trainMoment makes a few training steps and notes the time of one.
func (e *estimator) trainMoment(ctx context.Context, data scoresum.Data) (*scoresum.Prior, error) {
	const steps = 3
	dir, err := os.MkdirTemp("", "retrace-estimate-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	settings := e.Prior.Settings
	settings.Training.Steps = steps
	var begin time.Time
	return scoresum.Train(ctx, settings, data, dir, func(p scoresum.Progress) {
		switch p.Step {
		case 1: // the first step warms caches up, the last one writes files
			begin = time.Now()
		case steps - 1:
			e.trainStep = time.Since(begin).Seconds() / (steps - 2)
		}
	})
}

// denoiseSeconds is the time, on one core, of denoising one trajectory with
// its gradient, in the batches in which methods do it.
func denoiseSeconds(prior Prior, length int) (float64, error) {
	denoiser, err := prior.Differentiable(length, scoresum.SampleRows, scoresum.ChunkWindows)
	if err != nil {
		return 0, err
	}
	x := make([]float32, scoresum.SampleRows*denoiser.Dim())
	mean, pull := make([]float32, len(x)), make([]float32, len(x))
	level := diffusion.Level{T: 0.5, Mu: 0.5, Sigma: 0.5}
	row := denoiser.Dim()
	once := func() time.Duration {
		begin := time.Now()
		err = errors.Join(err, denoiser.Denoise(mean[:row], x[:row], level), denoiser.Pull(pull[:row], x[:row]))
		return time.Since(begin)
	}
	if first := once(); err != nil || first > 200*time.Millisecond {
		// A network on fields: rows gain nothing from each other, and all cores
		// have been at work. The first evaluation makes its workspaces.
		return min(first, once()).Seconds() * float64(runtime.GOMAXPROCS(0)), err
	}
	seconds := timed(func(n int) {
		for range n {
			err = errors.Join(err, denoiser.Denoise(mean, x, level), denoiser.Pull(pull, x))
		}
	})
	return seconds / scoresum.SampleRows, err
}
