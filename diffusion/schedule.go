package diffusion

import (
	"fmt"
	"math"
)

// Cosine is the variance-preserving schedule of score-based data assimilation
// (Rozet & Louppe 2023, section 4):
//
//	mu(t) = cos(w t)^2,  w = arccos(sqrt(Eta)),  sigma(t)^2 = 1 - mu(t)^2 + Eta^2
//
// so that sigma(0) = Eta, mu(1) = Eta and sigma(1) = 1. The Eta^2 is in the
// authors' code, not in their text.
type Cosine struct {
	Eta float64 // 1e-3 in the paper
}

// At implements Schedule.
func (c Cosine) At(t float64) Level {
	cos := math.Cos(math.Acos(math.Sqrt(c.Eta)) * t)
	mu := cos * cos
	return Level{t, mu, math.Sqrt(1 - mu*mu + c.Eta*c.Eta)}
}

// Rectified is the straight path between a sample and noise used by flow
// matching (Liu et al. 2023; Lipman et al. 2023), kept Eta away from both ends:
//
//	mu(t) = 1 - (1-Eta) t,  sigma(t) = Eta + (1-Eta) t .
type Rectified struct {
	Eta float64
}

// At implements Schedule.
func (r Rectified) At(t float64) Level {
	return Level{t, 1 - (1-r.Eta)*t, r.Eta + (1-r.Eta)*t}
}

// VarianceExploding leaves the sample unscaled and grows the noise
// geometrically (Song et al. 2021): mu = 1, sigma(t) = Min^(1-t) Max^t.
type VarianceExploding struct {
	Min, Max float64
}

// At implements Schedule.
func (v VarianceExploding) At(t float64) Level {
	return Level{t, 1, v.Min * math.Pow(v.Max/v.Min, t)}
}

// Schedules lists the names that ScheduleNamed knows.
func Schedules() []string { return []string{"cosine", "rectified", "exploding"} }

// ScheduleNamed returns a schedule by the name used in configs, with noise to
// signal ratios from about 1e-3 to 1e3 ("exploding": to 100).
func ScheduleNamed(name string) (Schedule, error) {
	switch name {
	case "cosine":
		return Cosine{1e-3}, nil
	case "rectified":
		return Rectified{1e-3}, nil
	case "exploding":
		return VarianceExploding{1e-3, 100}, nil
	}
	return nil, fmt.Errorf("diffusion: unknown schedule %q; known are %q", name, Schedules())
}

// TimeAt inverts a schedule: the t at which Sigma/Mu equals ratio, clamped to
// [0, 1].
func TimeAt(s Schedule, ratio float64) float64 {
	low, high := 0.0, 1.0
	if ratio <= s.At(low).Ratio() {
		return low
	}
	if ratio >= s.At(high).Ratio() {
		return high
	}
	for range 80 {
		middle := (low + high) / 2
		if s.At(middle).Ratio() < ratio {
			low = middle
		} else {
			high = middle
		}
	}
	return (low + high) / 2
}
