package calibrate

import (
	"fmt"
	"math"

	"retrace/internal/rng"
	"retrace/verify"
)

// Realism of fields. A member that fits the observations may still be no state of the
// model: too smooth, or at odds with itself. These are no questions of chance, where a
// truth differs from a sample only by luck, but of tolerance: the mean over cases of a
// number of the members is compared with that of the truths.

// Tolerances of realism: variances may differ by a share, residuals by a share of the
// truth's and a little more, for a truth may have none.
const (
	realismShare = 0.15
	residualSlip = 0.05
)

// likeness is a number of the truth and the mean of it over members.
type likeness struct {
	Truth   float64 `json:"truth"`
	Members float64 `json:"members"`
}

// realism is a number of trajectories of fields.
type realism struct {
	name, subject string // of the test
	of            func(s *Study, i int, truth, ensemble *verify.Sample) likeness
}

// looked is how many members, from the first, realism looks at.
const looked = 8

// chooseRealisms lists the realisms of a model whose states are fields.
func chooseRealisms(s *Study) []realism {
	p, ok := verify.NewPhysics(s.Model)
	if !ok {
		return nil
	}
	low, high := verify.NewSpectrometer(p.Axes).Bands()
	var list []realism
	for c, channel := range p.Channels {
		for _, b := range []struct {
			text string
			band verify.Band
		}{{"large scales", low}, {"small scales", high}} {
			list = append(list, realism{"spectrum", fmt.Sprintf("%s of %s", b.text, channel), meanOver(func(x []float32, _ int) float64 {
				return b.band.Sum(p.Spectra(x)[c])
			})})
		}
	}
	truth := s.Cases[0].Truth
	if p.InversionResidual(truth) != nil {
		list = append(list, realism{"inversion residual", "channels that follow from others", meanOver(func(x []float32, _ int) float64 {
			return meanOf(p.InversionResidual(x))
		})})
	}
	return append(list, realism{"model residual", "all fields", meanOver(func(x []float32, i int) float64 {
		return meanOf(p.ModelResidual(x, rng.Stream(s.Seed, "calibrate/residual", uint64(i))))
	})})
}

// meanOver evaluates a number at the truth and at members.
func meanOver(number func(x []float32, i int) float64) func(*Study, int, *verify.Sample, *verify.Sample) likeness {
	return func(_ *Study, i int, truth, ensemble *verify.Sample) likeness {
		l := likeness{Truth: number(truth.Member(0), i)}
		n := min(looked, ensemble.Members)
		for m := range n {
			l.Members += number(ensemble.Member(m), i) / float64(n)
		}
		// A member that the model blows up is as far from it as can be.
		if math.IsNaN(l.Members) || math.IsInf(l.Members, 0) {
			l.Members = math.MaxFloat32
		}
		return l
	}
}

func meanOf(list []verify.Quantity) float64 {
	var sum float64
	for _, q := range list {
		sum += q.Value / float64(len(list))
	}
	return sum
}

// realism lists the tests of realism on a tally. They take no part in the correction for
// the number of tests, for they have no p-values.
func (s *Study) realismTests(t *tally) []Test {
	n := float64(len(t.cases))
	none := Number(math.NaN())
	var list []Test
	for k, f := range s.realisms {
		truth, members := t.physics[k].Truth/n, t.physics[k].Members/n
		test := Test{Name: f.name, Subject: f.subject, P: none, Adjusted: none}
		if f.name == "spectrum" {
			test.Statistic, test.Expected = Number(members/truth), 1
			test.Low, test.High = 1-realismShare, 1+realismShare
		} else {
			test.Statistic, test.Expected = Number(members), Number(truth)
			test.Low = Number(max(0, truth*(1-realismShare)-residualSlip))
			test.High = Number(truth*(1+realismShare) + residualSlip)
		}
		test.Pass = test.Statistic >= test.Low && test.Statistic <= test.High
		list = append(list, test)
	}
	return list
}
