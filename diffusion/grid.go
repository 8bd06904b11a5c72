package diffusion

import (
	"fmt"
	"math"
)

// A grid is the list of n+1 noise levels that a sampler walks, from noise to
// data. Where the levels lie decides where the evaluations are spent: uniform
// times of the cosine schedule put 4 % of them below a noise-to-signal ratio of
// 0.1, where the small scales of a trajectory are made; uniform log ratios put
// a third there.

// Grids lists the names that GridNamed knows.
func Grids() []string { return []string{"uniform", "log"} }

// GridNamed returns a grid of n steps on a schedule by the name used in
// configs: "uniform" in t (Rozet & Louppe 2023), or "log", uniform in the
// logarithm of Sigma/Mu over the span.
func GridNamed(name string, s Schedule, n int, over Span) ([]Level, error) {
	switch name {
	case "uniform":
		return UniformGrid(s, n), nil
	case "log":
		return LogGrid(s, n, over), nil
	}
	return nil, fmt.Errorf("diffusion: unknown grid %q; known are %q", name, Grids())
}

// UniformGrid returns n+1 levels equally spaced in t from 1 to 0.
func UniformGrid(s Schedule, n int) []Level {
	levels := make([]Level, n+1)
	for i := range levels {
		levels[i] = s.At(1 - float64(i)/float64(n))
	}
	return levels
}

// Span is a range of noise-to-signal ratios, Sigma/Mu.
type Span struct {
	High, Low float64
}

// LogGrid returns n+1 levels equally spaced in log(Sigma/Mu) over the part of
// the span that the schedule covers.
func LogGrid(s Schedule, n int, over Span) []Level {
	first := math.Log(math.Min(over.High, s.At(1).Ratio()))
	last := math.Log(math.Max(over.Low, s.At(0).Ratio()))
	levels := make([]Level, n+1)
	for i := range levels {
		ratio := math.Exp(first + (last-first)*float64(i)/float64(n))
		levels[i] = s.At(TimeAt(s, ratio))
	}
	return levels
}
