package experiment

import (
	"context"
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
	_, err := scoresum.Train(ctx, *c.Prior, scoresum.Data{
		Training: data.training, Validation: data.validation, Standard: data.standard, Seed: c.Seed,
	}, dir, func(p scoresum.Progress) {
		detail := fmt.Sprintf("step %d of %d, %.0f windows/s", p.Step, p.Steps, p.Pace)
		if !math.IsNaN(p.Validation) {
			detail += fmt.Sprintf(", validation loss %.4g", p.Validation)
		}
		t.watcher.advance(p.Step, p.Steps, detail)
	})
	return err
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
