package diffusion

import (
	"fmt"
	"math"
)

// A grid is the list of n+1 noise levels that a sampler walks, from noise to
// data. Where the levels lie decides where the evaluations are spent: uniform
// times of the cosine schedule put 4 % of them below a noise-to-signal ratio of
// 0.1, where the small scales of a trajectory are made; uniform log ratios put
// a third there, and a knee any share one likes.

// Grids lists the names that GridNamed knows.
func Grids() []string { return []string{"uniform", "log", "karras"} }

// GridNamed returns a grid of n steps on a schedule by the name used in
// configs: "uniform" in t (Rozet & Louppe 2023); "log", uniform in the
// logarithm of Sigma/Mu over the span; or "karras", uniform in the seventh root
// of Sigma/Mu (Karras et al. 2022).
func GridNamed(name string, s Schedule, n int, over Span) ([]Level, error) {
	switch name {
	case "uniform":
		return UniformGrid(s, n), nil
	case "log":
		return LogGrid(s, n, over), nil
	case "karras":
		return KarrasGrid(s, n, over), nil
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

// Span is a range of noise-to-signal ratios, Sigma/Mu. Grids keep to the part
// of it that the schedule covers.
type Span struct {
	High, Low float64
	// Knee, if inside the range, is where a log grid changes its spacing: Below is
	// the share of its steps, in (0, 1), that lies below. Elsewhere, as at 0, there
	// is none.
	Knee, Below float64
}

// LogGrid returns n+1 levels equally spaced in log(Sigma/Mu) over the span, or
// on both sides of its knee; both sides get at least one step if n allows.
func LogGrid(s Schedule, n int, over Span) []Level {
	over = over.within(s)
	first, last := math.Log(over.High), math.Log(over.Low)
	above, knee := n, last
	if over.Low < over.Knee && over.Knee < over.High && n > 1 {
		below := math.Round(over.Below * float64(n))
		above = n - min(max(int(below), 1), n-1)
		knee = math.Log(over.Knee)
	}
	return ratioGrid(s, n, func(i int) float64 {
		if i <= above {
			return math.Exp(first + (knee-first)*float64(i)/float64(above))
		}
		return math.Exp(knee + (last-knee)*float64(i-above)/float64(n-above))
	})
}

// karrasRoot is rho of Karras et al. (2022, equation 5).
const karrasRoot = 7

// KarrasGrid returns n+1 levels equally spaced in (Sigma/Mu)^(1/7) over the
// span.
func KarrasGrid(s Schedule, n int, over Span) []Level {
	over = over.within(s)
	first, last := math.Pow(over.High, 1./karrasRoot), math.Pow(over.Low, 1./karrasRoot)
	return ratioGrid(s, n, func(i int) float64 {
		return math.Pow(first+(last-first)*float64(i)/float64(n), karrasRoot)
	})
}

// within cuts the range to what a schedule covers.
func (o Span) within(s Schedule) Span {
	o.High = math.Min(o.High, s.At(1).Ratio())
	o.Low = math.Max(o.Low, s.At(0).Ratio())
	return o
}

// ratioGrid returns the levels of n+1 noise-to-signal ratios.
func ratioGrid(s Schedule, n int, ratio func(i int) float64) []Level {
	levels := make([]Level, n+1)
	for i := range levels {
		levels[i] = s.At(TimeAt(s, ratio(i)))
	}
	return levels
}
