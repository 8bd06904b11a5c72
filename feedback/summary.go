package feedback

// Statistics of departures. For the values that were accepted, with prior mean b and
// spread s, posterior mean a, and noise r,
//
//	bias = mean(y - b),   chi^2 = mean((y - b)^2/(s^2 + r^2)),
//
// is about 0 and about 1 if prior and noise are what they claim to be; the root mean
// square of y - a is smaller than that of y - b by what was learnt.

import (
	"math"

	"retrace/quality"
)

// Summary is what the rows of one operator say together. Statistics are over the
// values accepted of which the moments are known; NaN if there are none.
type Summary struct {
	Operator string
	Counts   quality.Counts
	Bias     float64 // mean of value - prior mean
	Prior    float64 // root mean square of value - prior mean
	After    float64 // root mean square of value - posterior mean
	Expected float64 // root of the mean of prior variance + noise variance
	Chi2     float64 // mean of (value - prior mean)^2/(prior variance + noise variance)
}

// Summarise makes a Summary for each operator that occurs in rows which meet all
// conditions, in the order in which they occur.
func (t *Table) Summarise(where []Condition) ([]Summary, error) {
	var list []*sums
	byName := map[string]*sums{}
	err := t.Scan(where, func(r *Row) error {
		s := byName[r.Operator]
		if s == nil {
			s = &sums{Summary: Summary{Operator: r.Operator, Counts: quality.Counts{}}}
			byName[r.Operator] = s
			list = append(list, s)
		}
		s.add(r)
		return nil
	})
	summaries := make([]Summary, len(list))
	for i, s := range list {
		summaries[i] = s.mean()
	}
	return summaries, err
}

// sums accumulates a Summary.
type sums struct {
	Summary
	before, after int
}

func (s *sums) add(r *Row) {
	s.Counts[r.Verdict]++
	if r.Verdict != quality.Accepted {
		return
	}
	if variance := square(r.PriorSd) + square(r.Sd); !math.IsNaN(r.PriorMean) && variance > 0 {
		s.before++
		s.Bias += r.Value - r.PriorMean
		s.Prior += square(r.Value - r.PriorMean)
		s.Expected += variance
		s.Chi2 += square(r.Value-r.PriorMean) / variance
	}
	if !math.IsNaN(r.PosteriorMean) {
		s.after++
		s.After += square(r.Value - r.PosteriorMean)
	}
}

func (s *sums) mean() Summary {
	m, n := s.Summary, float64(s.before)
	m.Bias, m.Chi2 = m.Bias/n, m.Chi2/n
	m.Prior, m.Expected = math.Sqrt(m.Prior/n), math.Sqrt(m.Expected/n)
	m.After = math.Sqrt(m.After / float64(s.after))
	return m
}

func square(x float64) float64 { return x * x }
