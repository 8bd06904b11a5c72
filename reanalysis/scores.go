package reanalysis

import (
	"encoding/json"
	"errors"
	"math"

	"retrace/internal/atomicfile"
	"retrace/internal/fault"
)

// Scores sums a whole reanalysis up, as it stands in scores.json. Means of squares are
// over states; numbers that cannot be had are nil.
type Scores struct {
	Windows  int            `json:"windows"`
	States   int            `json:"states"`
	Members  int            `json:"members"`
	Observed int            `json:"observed"`
	Used     int            `json:"used"`
	Rejected map[string]int `json:"rejected,omitempty"`
	Chi2     *float64       `json:"chi2,omitempty"`
	Residual *float64       `json:"residual,omitempty"`
	Spread   float64        `json:"spread"`
	RMSE     *float64       `json:"rmse,omitempty"`
	// SpreadSkill is the ratio of spread to error, corrected for the number of
	// members: 1 if the ensemble knows how wrong it is.
	SpreadSkill *float64 `json:"spread_skill,omitempty"`
	Alarms      int      `json:"alarms"`
	Forecasts   int      `json:"forecasts"`
	Leads       []Lead   `json:"leads,omitempty"` // root mean squares over forecasts
}

// WriteScores sums the diagnostics of a joined batch up in scores.json.
func (b *Batch) WriteScores(plan *Plan) (*Scores, error) {
	lines, err := readLines[journalLine](b.file(diagnosticsFile))
	if err != nil {
		return nil, err
	}
	if len(lines) < len(plan.Jobs) {
		return nil, fault.Inputf("%d of %d windows are joined: %w", len(lines), len(plan.Jobs), ErrNotReady)
	}
	s := &Scores{Windows: len(lines), States: plan.Length, Members: b.Members}
	var chi2, residual, spread, square total
	for k, l := range lines {
		states := float64(plan.Jobs[k].Kept.Len())
		s.Observed, s.Used, s.Alarms = s.Observed+l.Observed, s.Used+l.Used, s.Alarms+len(l.Alarms)
		for verdict, n := range l.Rejected {
			if s.Rejected == nil {
				s.Rejected = map[string]int{}
			}
			s.Rejected[verdict] += n
		}
		chi2.add(l.Chi2, float64(l.Used))
		residual.addSquare(l.Residual, float64(l.Used))
		spread.addSquare(&l.Spread, states)
		square.addSquare(l.RMSE, states)
	}
	s.Chi2, s.Residual, s.RMSE = chi2.mean(), residual.root(), square.root()
	s.Spread = *spread.root()
	if s.RMSE != nil && *s.RMSE > 0 {
		s.SpreadSkill = new(math.Sqrt(float64(b.Members+1)/float64(b.Members)) * s.Spread / *s.RMSE)
	}
	forecasts, err := readLines[ForecastScore](b.file(forecastFile))
	if err != nil {
		return nil, err
	}
	s.Forecasts, s.Leads = len(forecasts), meanLeads(forecasts)
	text, err := json.MarshalIndent(s, "", " ")
	return s, errors.Join(err, atomicfile.Write(b.file(scoresFile), append(text, '\n')))
}

// total is a weighted mean of what is there.
type total struct{ sum, weight float64 }

func (t *total) add(x *float64, weight float64) {
	if x != nil && weight > 0 {
		t.sum += weight * *x
		t.weight += weight
	}
}

func (t *total) addSquare(x *float64, weight float64) {
	if x != nil {
		t.add(new(*x**x), weight)
	}
}

func (t *total) mean() *float64 {
	if t.weight == 0 {
		return nil
	}
	return new(t.sum / t.weight)
}

func (t *total) root() *float64 {
	m := t.mean()
	if m == nil {
		return nil
	}
	return new(math.Sqrt(*m))
}

// meanLeads are the scores by lead of all forecasts.
func meanLeads(forecasts []ForecastScore) []Lead {
	var leads []Lead
	var sums [][4]total
	for _, f := range forecasts {
		for t, l := range f.Leads {
			if t == len(leads) {
				leads, sums = append(leads, Lead{States: t}), append(sums, [4]total{})
			}
			leads[t].Count += l.Count
			sums[t][0].addSquare(l.RMSE, 1)
			sums[t][1].addSquare(&l.Spread, 1)
			sums[t][2].addSquare(l.Innovation, float64(l.Count))
			sums[t][3].addSquare(l.Expected, float64(l.Count))
		}
	}
	for t := range leads {
		leads[t].RMSE, leads[t].Spread = sums[t][0].root(), *sums[t][1].root()
		leads[t].Innovation, leads[t].Expected = sums[t][2].root(), sums[t][3].root()
	}
	return leads
}
