package scoresum

import (
	"math"
	"strings"
	"testing"

	"retrace/internal/fault"
)

func TestSettingsAreChecked(t *testing.T) {
	if err := DefaultSettings().Validate(); err != nil {
		t.Errorf("default: %v", err)
	}
	for _, c := range []struct {
		key    string
		change func(*Settings)
	}{
		{"network", func(s *Settings) { s.Network = "cnn" }},
		{"network", func(s *Settings) { s.Network = "" }},
		{"composition", func(s *Settings) { s.Composition = "sum" }},
		{"window", func(s *Settings) { s.Window = 0 }},
		{"window", func(s *Settings) { s.Window = 4097 }},
		{"width", func(s *Settings) { s.Width = 1 }},
		{"width", func(s *Settings) { s.Width = 8193 }},
		{"blocks", func(s *Settings) { s.Blocks = 0 }},
		{"blocks", func(s *Settings) { s.Blocks = 257 }},
		{"patch", func(s *Settings) { s.Patch = 0 }},
		{"patch", func(s *Settings) { s.Patch = s.Window + 1 }},
		{"stride", func(s *Settings) { s.Stride = -1 }},
		{"stride", func(s *Settings) { s.Stride = s.Window }},
		{"training.steps", func(s *Settings) { s.Training.Steps = 0 }},
		{"training.batch", func(s *Settings) { s.Training.Batch = -1 }},
		{"training.batch", func(s *Settings) { s.Training.Batch = 1<<20 + 1 }},
		{"training.learning_rate", func(s *Settings) { s.Training.LearningRate = 0 }},
		{"training.learning_rate", func(s *Settings) { s.Training.LearningRate = math.NaN() }},
		{"training.learning_rate", func(s *Settings) { s.Training.LearningRate = 1.5 }},
		{"training.schedule", func(s *Settings) { s.Training.Schedule = "step" }},
		{"training.warmup", func(s *Settings) { s.Training.Warmup = 1 }},
		{"training.warmup", func(s *Settings) { s.Training.Warmup = math.NaN() }},
		{"training.noise_share", func(s *Settings) { s.Training.NoiseShare = -0.1 }},
		{"training.noise_share", func(s *Settings) { s.Training.NoiseShare = 1.1 }},
		{"training.weight_decay", func(s *Settings) { s.Training.WeightDecay = -1e-3 }},
		{"training.weight_decay", func(s *Settings) { s.Training.WeightDecay = math.NaN() }},
		{"training.clip", func(s *Settings) { s.Training.Clip = math.Inf(1) }},
		{"training.clip", func(s *Settings) { s.Training.Clip = -1 }},
		{"training.averaging", func(s *Settings) { s.Training.Averaging = 1 }},
		{"training.averaging", func(s *Settings) { s.Training.Averaging = math.NaN() }},
		{"training.checkpoint", func(s *Settings) { s.Training.Checkpoint = 0 }},
	} {
		s := DefaultSettings()
		c.change(&s)
		if err := s.Validate(); !fault.IsInput(err) || !strings.Contains(err.Error(), c.key+" = ") {
			t.Errorf("%s: error %v", c.key, err)
		}
	}
}

func TestAllSettingsAtFaultAreReported(t *testing.T) {
	err := Settings{}.Validate()
	for _, key := range []string{"network", "composition", "window", "width", "blocks", "patch", "stride",
		"training.steps", "training.batch", "training.learning_rate", "training.checkpoint"} {
		if err == nil || !strings.Contains(err.Error(), key+" = ") {
			t.Errorf("%s is not reported in %v", key, err)
		}
	}
}

func TestStrideFollowsTheWindow(t *testing.T) {
	for window, want := range map[int]int{2: 1, 5: 2, 9: 4, 33: 16} {
		s := DefaultSettings()
		s.Window = window
		if err := s.Validate(); err != nil || s.stride() != want {
			t.Errorf("window %d: stride %d, want %d (%v)", window, s.stride(), want, err)
		}
	}
}
