package experiment

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"time"

	"retrace/assimilate"
	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/figure"
	"retrace/scoresum"
	"retrace/trajectory"
)

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
	_, err := scoresum.Train(ctx, c.Prior.Settings, scoresum.Data{
		Training: data.training, Validation: data.validation, Standard: data.standard, Seed: c.Seed, Symmetry: symmetryOf(c.model),
	}, dir, func(p scoresum.Progress) {
		detail := fmt.Sprintf("step %d of %d, %.0f windows/s", p.Step, p.Steps, p.Pace)
		if !math.IsNaN(p.Validation) {
			detail += fmt.Sprintf(", validation loss %.4g", p.Validation)
		}
		t.watcher.advance(p.Step, p.Steps, detail)
	})
	return err
}

// Prior is what methods sample from: a trained network, an exact Gaussian or an
// imported network.
type Prior = assimilate.Prior

// sampleFrom draws unconditional samples.
func sampleFrom(ctx context.Context, prior Prior, s Samples, seed int64, sampler diffusion.PredictorCorrector, w *Watcher) (*trajectory.Set, error) {
	const unit = "sample"
	w.begin(unit)
	start := time.Now()
	space, clock, standard := prior.Describe()
	set := trajectory.New(space, clock, []trajectory.Dimension{{Name: "member", Len: s.Members}}, s.Length)
	newDenoiser := func() (diffusion.Denoiser, error) {
		return prior.Differentiable(s.Length, scoresum.SampleRows, scoresum.ChunkWindows)
	}
	noise := func() diffusion.Noise { return scoresum.NewNoise(seed, "sample", 0) }
	err := scoresum.SampleMembers(ctx, set.Data, sampler, newDenoiser, noise, func(done, total int) { w.advance(done, total, "") })
	w.end(unit, time.Since(start), err)
	if err != nil {
		return nil, err
	}
	standard.Inverse(set.Data, set.Data)
	return set, nil
}

// symmetryOf is the law of the symmetries of a model, nil if none are known.
func symmetryOf(model dynamics.Model) func(r *rand.Rand) func(dst, x []float32) {
	if symmetric, ok := model.(dynamics.Symmetric); ok {
		return symmetric.Symmetry
	}
	return nil
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
