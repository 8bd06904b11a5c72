package calibrate

import (
	"gonum.org/v1/gonum/stat/distuv"

	"retrace/internal/rng"
	"retrace/trajectory"
	"retrace/verify"
)

// tally is what is kept of the ensembles of a method: numbers per case, not the
// ensembles.
type tally struct {
	study       *Study
	diverged    int
	evaluations int
	cases       []int            // those that did not diverge
	draws       [][]verify.Draws // of each site function, in the order of cases
	ranks       [][]float64      // of each function
	all         []float64        // mean squared normal score of all values, of each case
	crps        []float64        // mean fair CRPS over scaled values
	square      []float64        // mean over values of the scaled squared error of the mean
	variance    []float64        // and of the variance
	withheld    []verify.Draws   // one withheld value of each case, errors of observation included
	withheldR   []float64        // its rank
	heldOut     heldOut
}

// heldOut are sums over all values withheld.
type heldOut struct {
	count                      int
	innovation, crps, logScore float64
}

func newTally(s *Study) *tally {
	return &tally{study: s, draws: make([][]verify.Draws, len(s.functions)), ranks: make([][]float64, len(s.functions))}
}

// add takes the ensemble of case i in.
func (t *tally) add(i int, set *trajectory.Set) error {
	s := t.study
	ensemble, err := verify.NewSample(set)
	if err != nil {
		return err
	}
	truth, err := s.truth(i)
	if err != nil {
		return err
	}
	r := rng.Stream(s.Seed, "calibrate/rank", uint64(i))
	t.cases = append(t.cases, i)
	for k, f := range s.functions {
		d := ensemble.Draws(truth, f.of(s, i))
		t.ranks[k] = append(t.ranks[k], d.Rank(r.Float64()))
		if f.site {
			t.draws[k] = append(t.draws[k], d)
		}
	}
	t.addValues(ensemble, truth, i)
	t.addWithheld(ensemble, i)
	return nil
}

// truth is the truth of case i as a sample.
func (s *Study) truth(i int) (*verify.Sample, error) {
	return verify.NewSample(&trajectory.Set{Space: s.Model.Space(), Clock: s.Model.Clock(), Length: s.Length, Data: s.Cases[i].Truth})
}

// addValues looks at every value of the trajectory.
func (t *tally) addValues(ensemble, truth *verify.Sample, i int) {
	s := t.study
	r := rng.Stream(s.Seed, "calibrate/values", uint64(i))
	values := truth.Member(0)
	d := verify.Draws{Members: make([]float64, ensemble.Members), Weights: ensemble.Weights}
	var scores, crps, square, variance float64
	for k, v := range values {
		scale := s.scales[k%len(s.scales)]
		d.Truth = float64(v) / scale
		for m := range d.Members {
			d.Members[m] = float64(ensemble.Member(m)[k]) / scale
		}
		z := distuv.UnitNormal.Quantile(min(max(d.Rank(r.Float64()), 1e-12), 1-1e-12))
		scores += z * z
		e := d.Mean() - d.Truth
		square += e * e
		variance += d.Variance()
		crps += verify.FairCRPS(d.Members, d.Truth) // sorts
	}
	n := float64(len(values))
	t.all = append(t.all, scores/n)
	t.crps = append(t.crps, crps/n)
	t.square = append(t.square, square/n)
	t.variance = append(t.variance, variance/n)
}

// addWithheld compares the values that the method was not given with what its
// ensemble predicts; one of them, the first, enters the tests, since those of a case
// are not independent.
func (t *tally) addWithheld(ensemble *verify.Sample, i int) {
	r := rng.Stream(t.study.Seed, "calibrate/withheld", uint64(i))
	for k, p := range verify.Predictions(ensemble, t.study.Cases[i].Withheld) {
		if k == 0 {
			d := p.Draws(r)
			t.withheld = append(t.withheld, d)
			t.withheldR = append(t.withheldR, d.Rank(r.Float64()))
		}
		z := p.Innovation()
		t.heldOut.count++
		t.heldOut.innovation += z * z
		t.heldOut.crps += p.CRPS()
		t.heldOut.logScore += p.LogScore()
	}
}
