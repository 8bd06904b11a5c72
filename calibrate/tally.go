package calibrate

import (
	"retrace/verify"
)

// tally is what is kept of the ensembles of a method: numbers per case, not the
// ensembles.
type tally struct {
	study       *Study
	diverged    int
	evaluations int
	seconds     float64
	cases       []int            // those that did not diverge
	draws       [][]verify.Draws // of each site function, in the order of cases
	ranks       [][]float64      // of each function
	all         []float64        // mean squared normal score of all values, of each case
	crps        []float64        // mean fair CRPS over scaled values
	energy      []float64        // energy score of scaled values
	variogram   []float64        // variogram score of scaled values
	square      []float64        // mean over values of the scaled squared error of the mean
	variance    []float64        // and of the variance
	withheld    []verify.Draws   // one withheld value of each case, errors of observation included
	withheldR   []float64        // its rank
	heldOut     heldOut
	physics     []likeness // of each realism, summed over cases
}

func newTally(s *Study) *tally {
	return &tally{
		study: s, draws: make([][]verify.Draws, len(s.functions)), ranks: make([][]float64, len(s.functions)),
		physics: make([]likeness, len(s.realisms)),
	}
}

// take adds what was found in a case.
func (t *tally) take(o *outcome) {
	t.seconds += o.Seconds
	if o.Diverged {
		t.diverged++
		return
	}
	t.evaluations = o.Evaluations
	t.cases = append(t.cases, o.Case)
	site := 0
	for k, f := range t.study.functions {
		t.ranks[k] = append(t.ranks[k], o.Ranks[k])
		if f.site {
			t.draws[k] = append(t.draws[k], o.Draws[site])
			site++
		}
	}
	t.all, t.crps = append(t.all, o.All), append(t.crps, o.CRPS)
	t.energy, t.variogram = append(t.energy, o.Energy), append(t.variogram, o.Variogram)
	t.square, t.variance = append(t.square, o.Square), append(t.variance, o.Variance)
	if o.Withheld != nil {
		t.withheld, t.withheldR = append(t.withheld, *o.Withheld), append(t.withheldR, o.WithheldRank)
	}
	t.heldOut.add(o.HeldOut)
	for k, p := range o.Physics {
		t.physics[k].Truth += p.Truth
		t.physics[k].Members += p.Members
	}
}
