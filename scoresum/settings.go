package scoresum

import (
	"errors"
	"slices"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/nn"
	"retrace/internal/parallel"
	"retrace/internal/strict"
)

// Settings describe a window denoiser, how it is trained and how it is
// composed: the [prior] table of a config.
type Settings struct {
	Network     string   `toml:"network" doc:"mlp: residual perceptron on the flattened window; temporal: residual convolutions along time; ring: residual convolutions along a ring of sites, such as that of lorenz96, which see the states of a window as channels; unet: U-Net on fields, which sees the states of a window as channels; frames: U-Net on fields that the states of a window share, with blocks that mix them in time"`
	Window      int      `toml:"window" doc:"states of a window (2k+1 in the paper); 1 for states that are independent"`
	Width       int      `toml:"width" doc:"channels of mlp, temporal and ring"`
	Blocks      int      `toml:"blocks" doc:"residual blocks of the network; of a U-Net at each level, on the way down and on the way up"`
	Patch       int      `toml:"patch" doc:"consecutive states that a temporal network takes as one token"`
	Widths      []int    `toml:"widths" doc:"channels of a U-Net (unet or frames) at its levels, each of half the grid of the one before"`
	Kernel      int      `toml:"kernel" doc:"taps of the kernels of a U-Net along each axis; odd"`
	Embedding   int      `toml:"embedding" doc:"length of the embedding of the noise of a U-Net"`
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

// FieldSettings suit fields of some 64 x 64 cells, in an hour of a small machine.
func FieldSettings() Settings {
	s := DefaultSettings()
	s.Network, s.Window, s.Composition = "unet", 5, "overlap"
	s.Widths, s.Blocks, s.Kernel, s.Embedding = []int{48, 96, 192}, 2, 3, 64
	s.Training = Training{
		Steps: 6000, Batch: 16, LearningRate: 1e-3, Schedule: "cosine", Warmup: 0.02,
		WeightDecay: 1e-3, Clip: 1, Averaging: 0.999, Checkpoint: 500,
	}
	return s
}

// FramesSettings are those of the network of Rozet & Louppe's quasi-geostrophic model
// (2023), which frames share: fewer channels, a longer window.
func FramesSettings() Settings {
	s := FieldSettings()
	s.Network, s.Window = "frames", 9
	s.Widths, s.Blocks, s.Kernel = []int{16, 32, 64}, 3, 5
	return s
}

// fields tells whether the network looks at fields.
func (s Settings) fields() bool { return s.Network == "unet" || s.Network == "frames" }

// Choose implements strict.Chooser: the defaults are those of the network's kind.
func (s *Settings) Choose(t strict.Table) bool {
	switch network, _ := t.Text("network"); network {
	case "unet":
		*s = FieldSettings()
	case "frames":
		*s = FramesSettings()
	}
	return true
}

// Validate reports every setting at fault, as input errors named by key.
func (s Settings) Validate() error {
	var errs []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			errs = append(errs, fault.Inputf(format, args...))
		}
	}
	check(slices.Contains(networkNames, s.Network), "network = %q: must be one of %q", s.Network, networkNames)
	check(slices.Contains(Compositions(), s.Composition), "composition = %q: must be one of %q", s.Composition, Compositions())
	check(s.Window >= 1 && s.Window <= 4096, "window = %d: must be between 1 and 4096", s.Window)
	check(s.Width >= 2 && s.Width <= 8192, "width = %d: must be between 2 and 8192", s.Width)
	check(s.Blocks >= 1 && s.Blocks <= 256, "blocks = %d: must be between 1 and 256", s.Blocks)
	check(s.Patch >= 1 && s.Patch <= s.Window, "patch = %d: must be between 1 and the window", s.Patch)
	if s.fields() {
		check(len(s.Widths) >= 1 && len(s.Widths) <= 8, "widths = %v: must be one to eight numbers", s.Widths)
		for _, w := range s.Widths {
			check(w >= 2 && w <= 4096, "widths = %v: each must be between 2 and 4096", s.Widths)
		}
		check(s.Kernel >= 1 && s.Kernel <= 15 && s.Kernel%2 == 1, "kernel = %d: must be odd and at most 15", s.Kernel)
		check(s.Embedding >= 1 && s.Embedding <= 4096, "embedding = %d: must be between 1 and 4096", s.Embedding)
	}
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

var networkNames = []string{"mlp", "temporal", "ring", "unet", "frames"}

// layout is how windows of states are given to the network.
func (s Settings) layout(space dynamics.Space) layout {
	dim := space.Size()
	switch s.Network {
	case "mlp":
		return layout{s.Window, dim, s.Window, 1, 0}
	case "ring":
		return layout{s.Window, dim, s.Window, 1, ringSites(space)}
	case "unet":
		g, err := newGrid(space)
		if err != nil {
			panic(err) // newNetwork comes first
		}
		return layout{s.Window, dim, s.Window, g.cells(), 0}
	case "frames":
		return layout{s.Window, dim, 1, 0, 0}
	}
	return layout{s.Window, dim, s.Patch, 0, 0}
}

// newNetwork returns the network for states of a space, all weights zero.
func (s Settings) newNetwork(space dynamics.Space) (network, error) {
	if s.Network == "ring" && ringSites(space) <= 2*ringHalo {
		return nil, fault.Inputf("network = \"ring\": goes along one axis of more than %d sites that closes upon itself, which states of this model do not have: use mlp or temporal", 2*ringHalo)
	}
	if !s.fields() {
		return newTokenNetwork(s.shape(space))
	}
	g, err := newGrid(space)
	if err != nil {
		return nil, err
	}
	return newFieldNetwork(s, space, g)
}

// budget is how much is measured of a network.
type budget struct {
	validation int // windows of the validation loss
	levels     int // of noise, at which fractions are measured
	fractions  int // windows of a level
	alone      bool
}

// budget of fields is small: each window of them holds thousands of errors.
func (s Settings) budget() budget {
	if s.fields() {
		return budget{validation: 32, levels: 13, fractions: meterWindows, alone: true}
	}
	return budget{validation: 1024, levels: 37, fractions: 2048}
}

// workers is the number of workers that n pieces keep busy, one if each uses all
// cores.
func (b budget) workers(n int) int {
	if b.alone {
		return 1
	}
	return parallel.Workers(n)
}

// shape is the shape of a network on tokens.
func (s Settings) shape(space dynamics.Space) nn.Shape {
	l := s.layout(space)
	shape := nn.Shape{In: l.width(), Out: l.span(), Width: s.Width, Blocks: s.Blocks, Kernel: 3, Embedding: 64}
	if s.Network == "mlp" {
		shape.Kernel = 1
	}
	return shape
}
