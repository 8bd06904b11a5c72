package scoresum

import (
	"errors"
	"slices"

	"retrace/internal/fault"
	"retrace/internal/nn"
)

// Settings describe a window denoiser, how it is trained and how it is
// composed: the [prior] table of a config.
type Settings struct {
	Network     string   `toml:"network" doc:"mlp: residual perceptron on the flattened window; temporal: residual convolutions along time"`
	Window      int      `toml:"window" doc:"states of a window (2k+1 in the paper)"`
	Width       int      `toml:"width" doc:"channels of the network"`
	Blocks      int      `toml:"blocks" doc:"residual blocks of the network"`
	Patch       int      `toml:"patch" doc:"consecutive states that a temporal network takes as one token"`
	Composition string   `toml:"composition" doc:"centre: the state in the middle of each window; overlap: windows minus overlaps; average: mean over windows"`
	Stride      int      `toml:"stride" doc:"states between windows of overlap and average; 0: half the window"`
	Training    Training `toml:"training" doc:"how the network is trained"`
}

// Training describes one training run.
type Training struct {
	Steps        int     `toml:"steps" doc:"optimiser steps"`
	Batch        int     `toml:"batch" doc:"windows a step"`
	LearningRate float64 `toml:"learning_rate" doc:"of AdamW, at its highest"`
	Schedule     string  `toml:"schedule" doc:"how the learning rate falls: cosine (along half a period, to zero), linear (to zero) or constant"`
	Warmup       float64 `toml:"warmup" doc:"share of the steps over which the learning rate rises from zero, in [0, 1)"`
	NoiseShare   float64 `toml:"noise_share" doc:"share of the loss that counts errors in units of the noise, as the paper does, in [0, 1]; the rest counts them in units of what a Gaussian prior leaves"`
	WeightDecay  float64 `toml:"weight_decay" doc:"of AdamW, decoupled"`
	Clip         float64 `toml:"clip" doc:"largest norm of the gradient; 0: no clipping"`
	Averaging    float64 `toml:"averaging" doc:"decay of the exponential moving average of the weights, in [0, 1)"`
	Checkpoint   int     `toml:"checkpoint" doc:"steps between checkpoints and points of the training curve"`
}

// DefaultSettings suit small systems of a few components.
func DefaultSettings() Settings {
	return Settings{
		Network: "temporal", Window: 33, Width: 32, Blocks: 6, Patch: 1, Composition: "overlap",
		Training: Training{
			Steps: 40000, Batch: 32, LearningRate: 3e-3, Schedule: "cosine", Warmup: 0.01,
			WeightDecay: 1e-3, Clip: 1, Averaging: 0.999, Checkpoint: 1000,
		},
	}
}

// Validate reports every setting at fault, as input errors named by key.
func (s Settings) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fault.Inputf(format, args...))
		}
	}
	check(s.Network == "mlp" || s.Network == "temporal", "network = %q: must be mlp or temporal", s.Network)
	check(slices.Contains(Compositions(), s.Composition), "composition = %q: must be one of %q", s.Composition, Compositions())
	check(s.Window >= 2 && s.Window <= 4096, "window = %d: must be between 2 and 4096", s.Window)
	check(s.Width >= 2 && s.Width <= 8192, "width = %d: must be between 2 and 8192", s.Width)
	check(s.Blocks >= 1 && s.Blocks <= 256, "blocks = %d: must be between 1 and 256", s.Blocks)
	check(s.Patch >= 1 && s.Patch <= s.Window, "patch = %d: must be between 1 and the window", s.Patch)
	check(s.Stride >= 0 && s.Stride < s.Window, "stride = %d: must be below the window, or 0 for half of it", s.Stride)
	t := s.Training
	check(t.Steps >= 1, "training.steps = %d: must be at least 1", t.Steps)
	check(t.Batch >= 1 && t.Batch <= 1<<20, "training.batch = %d: must be between 1 and %d", t.Batch, 1<<20)
	check(t.LearningRate > 0 && t.LearningRate <= 1, "training.learning_rate = %v: must be in (0, 1]", t.LearningRate)
	check(slices.Contains(schedules, t.Schedule), "training.schedule = %q: must be one of %q", t.Schedule, schedules)
	check(t.Warmup >= 0 && t.Warmup < 1, "training.warmup = %v: must be in [0, 1)", t.Warmup)
	check(t.NoiseShare >= 0 && t.NoiseShare <= 1, "training.noise_share = %v: must be in [0, 1]", t.NoiseShare)
	check(t.WeightDecay >= 0 && t.WeightDecay <= 1, "training.weight_decay = %v: must be in [0, 1]", t.WeightDecay)
	check(t.Clip >= 0 && t.Clip < 1e12, "training.clip = %v: must not be negative", t.Clip)
	check(t.Averaging >= 0 && t.Averaging < 1, "training.averaging = %v: must be in [0, 1)", t.Averaging)
	check(t.Checkpoint >= 1, "training.checkpoint = %d: must be at least 1", t.Checkpoint)
	return errors.Join(errs...)
}

// stride is the distance between windows.
func (s Settings) stride() int {
	if s.Stride == 0 {
		return max(1, s.Window/2)
	}
	return s.Stride
}

// layout is how windows of states of dim values are given to the network.
func (s Settings) layout(dim int) layout {
	if s.Network == "mlp" {
		return layout{s.Window, dim, s.Window, true}
	}
	return layout{s.Window, dim, s.Patch, false}
}

// shape is the shape of the network for states of dim values.
func (s Settings) shape(dim int) nn.Shape {
	l := s.layout(dim)
	shape := nn.Shape{In: l.width(), Out: l.span(), Width: s.Width, Blocks: s.Blocks, Kernel: 3, Embedding: 64}
	if s.Network == "mlp" {
		shape.Kernel = 1
	}
	return shape
}
