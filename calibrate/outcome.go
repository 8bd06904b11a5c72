package calibrate

import (
	"gonum.org/v1/gonum/stat/distuv"

	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/trajectory"
	"retrace/verify"
)

// outcome is what a method's ensemble of one case leaves: all that tests need. It is kept
// in a ledger, so that a study goes on where it was cut off.
type outcome struct {
	Case         int            `json:"case"`
	Diverged     bool           `json:"diverged,omitempty"`
	Evaluations  int            `json:"evaluations"`
	Seconds      float64        `json:"seconds"`
	Draws        []verify.Draws `json:"draws"` // of each site function
	Ranks        []float64      `json:"ranks"` // of each function
	All          float64        `json:"all"`
	CRPS         float64        `json:"crps"`
	Energy       float64        `json:"energy"`
	Variogram    float64        `json:"variogram"`
	Square       float64        `json:"square"`
	Variance     float64        `json:"variance"`
	Withheld     *verify.Draws  `json:"withheld,omitempty"`
	WithheldRank float64        `json:"withheld_rank,omitempty"`
	HeldOut      heldOut        `json:"held_out"`
	Physics      []likeness     `json:"physics,omitempty"`
}

// heldOut are sums over all values withheld.
type heldOut struct {
	Count      int     `json:"count"`
	Innovation float64 `json:"innovation"`
	CRPS       float64 `json:"crps"`
	LogScore   float64 `json:"log_score"`
}

func (h *heldOut) add(o heldOut) {
	h.Count += o.Count
	h.Innovation, h.CRPS, h.LogScore = h.Innovation+o.Innovation, h.CRPS+o.CRPS, h.LogScore+o.LogScore
}

// outcome judges the ensemble of case i.
func (s *Study) outcome(i int, set *trajectory.Set) (*outcome, error) {
	ensemble, err := verify.NewSample(set)
	if err != nil {
		return nil, err
	}
	truth, err := s.truth(i)
	if err != nil {
		return nil, err
	}
	r := rng.Stream(s.Seed, "calibrate/rank", uint64(i))
	o := &outcome{Case: i}
	for _, f := range s.functions {
		d := ensemble.Draws(truth, f.of(s, i))
		o.Ranks = append(o.Ranks, d.Rank(r.Float64()))
		if f.site {
			o.Draws = append(o.Draws, d)
		}
	}
	s.judgeValues(o, ensemble, truth)
	s.judgeWhole(o, ensemble, truth)
	s.judgeWithheld(o, ensemble)
	for _, f := range s.realisms {
		o.Physics = append(o.Physics, f.of(s, i, truth, ensemble))
	}
	return o, nil
}

// truth is the truth of case i as a sample.
func (s *Study) truth(i int) (*verify.Sample, error) {
	return verify.NewSample(&trajectory.Set{Space: s.Model.Space(), Clock: s.Model.Clock(), Length: s.Length, Data: s.Cases[i].Truth})
}

// judgeValues looks at every value of the trajectory.
func (s *Study) judgeValues(o *outcome, ensemble, truth *verify.Sample) {
	r := rng.Stream(s.Seed, "calibrate/values", uint64(o.Case))
	values := truth.Member(0)
	n := float64(len(values))
	d := verify.Draws{Members: make([]float64, ensemble.Members), Weights: ensemble.Weights}
	for k, v := range values {
		scale := s.scales[k%len(s.scales)]
		d.Truth = float64(v) / scale
		for m := range d.Members {
			d.Members[m] = float64(ensemble.Member(m)[k]) / scale
		}
		z := distuv.UnitNormal.Quantile(min(max(d.Rank(r.Float64()), 1e-12), 1-1e-12))
		o.All += z * z
		e := d.Mean() - d.Truth
		o.Square += e * e
		o.Variance += d.Variance()
		o.CRPS += verify.FairCRPS(d.Members, d.Truth) // sorts
	}
	o.All, o.Square, o.Variance, o.CRPS = o.All/n, o.Square/n, o.Variance/n, o.CRPS/n
}

// Values of a trajectory, evenly spread, that the scores of whole trajectories look at.
const (
	energyValues    = 4096
	variogramValues = 96
)

// judgeWhole scores trajectories as wholes, in scaled values: what single values cannot
// tell, their dependence.
func (s *Study) judgeWhole(o *outcome, ensemble, truth *verify.Sample) {
	o.Energy = verify.EnergyScore(s.scaled(ensemble, energyValues), s.scaled(truth, energyValues))
	o.Variogram = verify.VariogramScore(s.scaled(ensemble, variogramValues), s.scaled(truth, variogramValues), 0.5, 0)
}

// scaled is a sample of so many scaled values of each trajectory, at most.
func (s *Study) scaled(sample *verify.Sample, most int) *verify.Sample {
	width := sample.Length * sample.Size
	n := min(most, width)
	axis := dynamics.Axis{Name: "value", Coordinates: make([]float64, n)}
	set := &trajectory.Set{Space: dynamics.Space{Axes: []dynamics.Axis{axis}}, Length: 1, Lead: []trajectory.Dimension{{Name: "member", Len: sample.Members}}}
	for m := range sample.Members {
		x := sample.Member(m)
		for k := range n {
			at := k * width / n
			set.Data = append(set.Data, float32(float64(x[at])/s.scales[at%len(s.scales)]))
		}
	}
	picked, err := verify.NewSample(set)
	if err != nil {
		panic("calibrate: finite values scaled by positive numbers: " + err.Error())
	}
	picked.Weights = sample.Weights
	return picked
}

// judgeWithheld compares the values that the method was not given with what its
// ensemble predicts; one of them, the first, enters the tests, since those of a case
// are not independent.
func (s *Study) judgeWithheld(o *outcome, ensemble *verify.Sample) {
	r := rng.Stream(s.Seed, "calibrate/withheld", uint64(o.Case))
	for k, p := range verify.Predictions(ensemble, s.Cases[o.Case].Withheld) {
		if k == 0 {
			d := p.Draws(r)
			o.Withheld, o.WithheldRank = &d, d.Rank(r.Float64())
		}
		z := p.Innovation()
		o.HeldOut.add(heldOut{1, z * z, p.CRPS(), p.LogScore()})
	}
}
