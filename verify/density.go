package verify

import (
	"fmt"
	"math"

	"retrace/dynamics"
)

// LogTransition is the mean over members of log p(x_2:L | x_1), in nats: the
// sum of the transition log-densities along a trajectory. The error names a
// member for which it is NaN or +Inf.
func LogTransition(s *Sample, model dynamics.TransitionDensity) (float64, error) {
	if model.Space().Size() != s.Size {
		panic("verify: the model has states of another size than the sample")
	}
	x, next := make([]float64, s.Size), make([]float64, s.Size)
	return meanLog(s, "log p(x_2:L | x_1)", func(trajectory []float32) float64 {
		var sum float64
		widen(next, trajectory[:s.Size])
		for t := 1; t < s.Length; t++ {
			x, next = next, x
			widen(next, trajectory[t*s.Size:][:s.Size])
			sum += model.LogTransition(x, next)
		}
		return sum
	})
}

// LogLikelihood is the mean over members of log p(y | x), in nats, where
// logLikelihood gives log p(y | x) of one trajectory (Length x Size values).
// The error names a member for which it is NaN or +Inf.
func LogLikelihood(s *Sample, logLikelihood func(trajectory []float32) float64) (float64, error) {
	return meanLog(s, "log p(y | x)", logLikelihood)
}

// meanLog averages a log density over the members.
func meanLog(s *Sample, name string, density func(trajectory []float32) float64) (float64, error) {
	var sum float64
	for m := range s.Members {
		value := density(s.Member(m))
		if math.IsNaN(value) || math.IsInf(value, 1) {
			return 0, fmt.Errorf("verify: member %d: %s is %v", m, name, value)
		}
		if w := s.share(m); w > 0 {
			sum += w * value
		}
	}
	if s.Weights == nil {
		sum /= float64(s.Members)
	}
	return sum, nil
}

func widen(dst []float64, src []float32) {
	for i, v := range src {
		dst[i] = float64(v)
	}
}
