package scoresum

import "math"

// The learning rate at step i of n, in the middle of which training is at p =
// (i + 1/2)/n, is the highest rate times
//
//	cosine: (1 + cos(pi p))/2    linear: 1 - p    constant: 1
//
// and, over the first share w of the steps, times p/w.
var schedules = []string{"cosine", "linear", "constant"}

// rate is the learning rate of a step, counted from 0.
func (t Training) rate(step int) float64 {
	p := (float64(step) + 0.5) / float64(t.Steps)
	rate := t.LearningRate
	switch t.Schedule {
	case "cosine":
		rate *= (1 + math.Cos(math.Pi*p)) / 2
	case "linear":
		rate *= 1 - p
	}
	if p < t.Warmup {
		rate *= p / t.Warmup
	}
	return rate
}
