package assimilate

import (
	"context"
	"errors"
	"fmt"
	"math"

	"retrace/diffusion"
	"retrace/internal/fault"
	"retrace/scoresum"
)

// How many steps a posterior needs depends on prior, observations and guidance, and shows
// when they are doubled. Members of a pilot are carried from the same noise, by the
// deterministic solver of the second order and without corrections, over the grid of n
// steps and over that of 2n. What their samples differ by, root mean square over values and
// in units of the spread of the pilot, is the error of n steps to within the error of 2n.
// The first n at which it is within the tolerance is taken, for the sampler that is wanted.

// Doubling chooses the number of steps of a sampler by doubling them.
type Doubling struct {
	// Tolerance is the difference allowed, in standard deviations of the posterior, such
	// as 0.05.
	Tolerance float64
	// Sampler returns the sampler of a number of steps.
	Sampler func(steps int) (diffusion.PredictorCorrector, error)
}

const (
	// Steps is the diagnostic that holds the number of steps chosen, StepError what
	// doubling them changed, in standard deviations.
	Steps, StepError = "steps", "step_error"

	fewestSteps, mostSteps = 8, 1024
	pilotMembers           = 8
)

// choose returns the method with the sampler chosen for a problem, and what doubling
// changed.
func (s *Score) choose(ctx context.Context, p Problem) (chosen *Score, change float64, err error) {
	if !(s.Doubling.Tolerance > 0) {
		return nil, 0, fault.Inputf("tolerance = %v: must be above 0", s.Doubling.Tolerance)
	}
	var before []float32
	for steps := fewestSteps; steps <= mostSteps; steps *= 2 {
		next := *s
		next.Doubling = nil
		if next.Sampler, err = s.Doubling.Sampler(steps); err != nil {
			return nil, 0, err
		}
		after, err := next.pilot(ctx, p)
		if err != nil {
			return nil, 0, err
		}
		if before != nil {
			if change = difference(before, after); change <= s.Doubling.Tolerance {
				return chosen, change, nil
			}
		}
		chosen, before = &next, after
	}
	return chosen, change, nil
}

// pilot draws a few standardised members without any noise but that of the start; nil if
// the guidance is unstable with so few steps.
func (s *Score) pilot(ctx context.Context, p Problem) ([]float32, error) {
	quiet := *s
	quiet.Sampler = diffusion.PredictorCorrector{Levels: s.Sampler.Levels, Solver: diffusion.DPM{Order: 2}}
	newDenoiser, err := quiet.guided(p, &Result{Diagnostics: map[string]float64{}})
	if errors.Is(err, ErrDiverged) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	space, _, _ := s.Prior.Describe()
	x := make([]float32, pilotMembers*p.Length*space.Size())
	noise := func() diffusion.Noise { return scoresum.NewNoise(p.Seed, "pilot", p.Case) }
	if err := scoresum.SampleMembers(ctx, x, quiet.Sampler, newDenoiser, noise, nil); errors.Is(err, scoresum.ErrNotFinite) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	return x, nil
}

// difference of two pilots in units of the spread of the second; infinite if one of them
// diverged.
func difference(before, after []float32) float64 {
	if before == nil || after == nil {
		return math.Inf(1)
	}
	n := len(after) / pilotMembers
	var square, variance float64
	for i := range n {
		var mean float64
		for k := range pilotMembers {
			mean += float64(after[k*n+i]) / pilotMembers
		}
		for k := range pilotMembers {
			square += math.Pow(float64(after[k*n+i]-before[k*n+i]), 2)
			variance += math.Pow(float64(after[k*n+i])-mean, 2) * pilotMembers / (pilotMembers - 1)
		}
	}
	if variance == 0 && square == 0 {
		return 0
	}
	if d := math.Sqrt(square / variance); !math.IsNaN(d) {
		return d
	}
	return math.Inf(1)
}

// doubled is Assimilate with the steps chosen.
func (s *Score) doubled(ctx context.Context, p Problem, progress func(done, total int)) (*Result, error) {
	chosen, change, err := s.choose(ctx, p)
	if err != nil {
		return nil, fmt.Errorf("score, case %d: choosing the number of steps: %w", p.Case, err)
	}
	result, err := chosen.Assimilate(ctx, p, progress)
	if err != nil {
		return nil, err
	}
	steps := len(chosen.Sampler.Levels) - 1
	result.Diagnostics[Steps], result.Diagnostics[StepError] = float64(steps), change
	if change > s.Doubling.Tolerance {
		if result.Notes == nil {
			result.Notes = map[string]string{}
		}
		result.Notes["warning"] = fmt.Sprintf("%d steps change members by %.2g standard deviations against half as many: tolerance = %v is not reached", steps, change, s.Doubling.Tolerance)
	}
	return result, nil
}
