package kalman_test

// Tests that hold to rounding whatever the seed: the same analysis written in
// different ways.

import (
	"math"
	"testing"

	"retrace/assimilate"
	"retrace/assimilate/kalman"
	"retrace/observe"
)

func TestLETKFWithoutLocalisationIsTheETKF(t *testing.T) {
	for _, c := range []struct {
		name    string
		members int
		indices []int
	}{
		{"fewer values than members", 20, []int{3, 20, 21, 33}},
		{"more values than members", 5, []int{1, 3, 5, 7, 9, 11, 20, 30}},
	} {
		p := observing(t, lorenz96(t, 0.05, 1), 6, 1, c.members, 1, c.indices...)
		want := cycled(t, filter(&kalman.ETKF{}), p)
		for _, batch := range []int{1, 3, 40} {
			u := kalman.NewLETKF()
			u.Radius, u.Batch = 0, batch
			if _, d := apart(want, cycled(t, filter(u), p), assimilate.Analysis); d > 1e-10 {
				t.Errorf("%s, batches of %d: members are %.1e apart", c.name, batch, d)
			}
		}
	}
}

func TestEAKFWithoutLocalisationIsTheSerialFilter(t *testing.T) {
	p := observing(t, lorenz96(t, 0.05, 1), 6, 1, 9, 1, 0, 8, 16, 17, 30)
	for _, order := range kalman.Orders() {
		want := cycled(t, filter(&kalman.EnSRF{Order: order}), p)
		got := cycled(t, filter(&kalman.EAKF{Localisation: kalman.Localisation{Taper: "step"}, Order: order}), p)
		if _, d := apart(want, got, assimilate.Analysis); d > 1e-10 {
			t.Errorf("order %s: members are %.1e apart", order, d)
		}
	}
}

func TestSquareRootsShareMomentsButNotMembers(t *testing.T) {
	p := observing(t, lorenz96(t, 0.05, 1), 2, 1, 12, 0.5, 4, 14, 15, 24, 34)
	batch := cycled(t, filter(&kalman.ETKF{}), p)[assimilate.Analysis][1].Ensemble
	for _, order := range kalman.Orders() {
		serial := cycled(t, filter(&kalman.EnSRF{Order: order}), p)[assimilate.Analysis][1].Ensemble
		if d := farthest(covariance(batch, 40).RawSymmetric().Data, covariance(serial, 40).RawSymmetric().Data); d > 1e-10 {
			t.Errorf("order %s: covariances are %.1e apart", order, d)
		}
		if d := farthest(batch, serial); d < 1e-3 {
			t.Errorf("order %s: members are the same", order)
		}
	}
}

// linearCase is the small linear advection of DAPPER's test of the iEnKS, with
// or without noise of the model.
func linearCase(t *testing.T, noise float64) assimilate.Problem {
	return observing(t, newRing(100, noise), 57, 5, 20, 0.1, 12, 37, 62, 87)
}

func TestLinearModelMakesAllSmoothersAgree(t *testing.T) {
	for _, noise := range []float64{0, 0.1} {
		p := linearCase(t, noise)
		for name, u := range map[string]kalman.Update{"etkf": &kalman.ETKF{}, "enkf": &kalman.EnKF{}, "denkf": &kalman.DEnKF{}} {
			forecast := cycled(t, filter(u), p)
			for _, lag := range []int{0, 1, 3} {
				want := cycled(t, &kalman.EnKS{Filter: *filter(u), Lag: lag}, p)
				if _, d := apart(forecast, want, assimilate.Analysis); d != 0 {
					t.Errorf("%s, lag %d: the smoother's analysis is %.1e from the filter's", name, lag, d)
				}
				for _, m := range iterations(name, lag) {
					got := cycled(t, &m, p)
					for _, stage := range []assimilate.Stage{assimilate.Forecast, assimilate.Analysis, assimilate.Smoothed} {
						if _, d := apart(want, got, stage); d > 1e-10 {
							t.Errorf("noise %v, %s, lag %d, %d iterations, MDA %v, bundle %v: members of the %s are %.1e from those of the EnKS",
								noise, name, lag, m.Iterations, m.MDA, m.Bundle, stage, d)
						}
					}
				}
			}
		}
	}
}

// iterations lists the iterative smoothers that must be the EnKS for a linear
// model. The first-order form is only with a single iteration, and shares of
// perturbed observations draw other perturbations.
func iterations(update string, lag int) []kalman.IEnKS {
	var list []kalman.IEnKS
	for _, n := range []int{1, 4} {
		for _, mda := range []bool{false, true} {
			if n > 1 && (update == "denkf" || update == "enkf" && mda) {
				continue
			}
			m := kalman.NewIEnKS()
			m.Update, m.Lag, m.Iterations, m.MDA = update, lag, n, mda
			list = append(list, *m)
		}
	}
	return list
}

func TestLinearModelMakesAllSquareRootsAgree(t *testing.T) {
	p := linearCase(t, 0)
	want := cycled(t, &kalman.EnKS{Filter: *filter(&kalman.ETKF{}), Lag: 3}, p)
	bundle := kalman.NewIEnKS()
	bundle.Lag, bundle.Iterations, bundle.Bundle = 3, 2, true
	rotated := filter(&kalman.ETKF{})
	rotated.Rotate = true
	for name, m := range map[string]assimilate.Sequential{
		"serial":         &kalman.EnKS{Filter: *filter(&kalman.EnSRF{Order: kalman.OrderRandom}), Lag: 3},
		"rotated":        &kalman.EnKS{Filter: *rotated, Lag: 3},
		"bundle":         bundle,
		"enkf-n, sure":   &kalman.EnKS{Filter: *filter(&kalman.EnKFN{XN: 1e9}), Lag: 3},
		"iterative sure": &kalman.IEnKS{Update: "etkf", Lag: 3, Iterations: 1, XN: 1e9, Inflation: 1},
	} {
		got := cycled(t, m, p)
		for _, stage := range []assimilate.Stage{assimilate.Forecast, assimilate.Analysis, assimilate.Smoothed} {
			tolerance := 1e-10
			switch name {
			case "bundle":
				tolerance = 1e-7 // differences of members 1e-4 apart
			case "enkf-n, sure", "iterative sure":
				tolerance = 0.02 // the mode of its prior is not quite 1
			}
			if d, _ := apart(want, got, stage); d > tolerance {
				t.Errorf("%s: moments of the %s are %.1e from those of the ETKF", name, stage, d)
			}
		}
	}
}

func TestEnRTSOfALinearModelIsTheSmootherOfInfiniteLag(t *testing.T) {
	p := linearCase(t, 0)
	want := cycled(t, &kalman.EnKS{Filter: *filter(&kalman.ETKF{}), Lag: 100}, p)
	got := cycled(t, &kalman.EnRTS{Filter: *filter(&kalman.ETKF{}), Decay: 1}, p)
	if _, d := apart(want, got, assimilate.Smoothed); d > 1e-10 {
		t.Errorf("members are %.1e apart", d)
	}
}

func TestIteratingOnceWithoutLagIsTheFilter(t *testing.T) {
	p := observing(t, lorenz63(t, 0.05), 30, 3, 10, 1, 0, 1, 2)
	for name, u := range map[string]kalman.Update{"etkf": &kalman.ETKF{}, "enkf": &kalman.EnKF{}, "denkf": &kalman.DEnKF{}} {
		m := kalman.NewIEnKS()
		m.Update, m.Lag, m.Iterations = name, 0, 1
		want, got := cycled(t, filter(u), p), cycled(t, m, p)
		for _, stage := range []assimilate.Stage{assimilate.Forecast, assimilate.Analysis} {
			if _, d := apart(want, got, stage); d > 1e-10 {
				t.Errorf("%s: members of the %s are %.1e apart", name, stage, d)
			}
		}
	}
}

func TestRotationKeepsMeanAndCovariance(t *testing.T) {
	p := observing(t, lorenz96(t, 0.05, 1), 2, 1, 7, 1, 5, 6, 7)
	plain := filter(&kalman.ETKF{})
	rotated := filter(&kalman.ETKF{})
	rotated.Rotate = true
	a, b := cycled(t, plain, p)[assimilate.Analysis][1], cycled(t, rotated, p)[assimilate.Analysis][1]
	if d := farthest(a.Mean, b.Mean); d > 1e-12 {
		t.Errorf("the mean moves by %.1e", d)
	}
	if d := farthest(covariance(a.Ensemble, 40).RawSymmetric().Data, covariance(b.Ensemble, 40).RawSymmetric().Data); d > 1e-12 {
		t.Errorf("the covariance changes by %.1e", d)
	}
	if d := farthest(a.Ensemble, b.Ensemble); d < 1e-2 {
		t.Error("the members are the same")
	}
}

func TestInflationScalesTheSpread(t *testing.T) {
	p := observing(t, lorenz96(t, 0.05, 1), 2, 1, 7, 1, 5, 6, 7)
	plain := cycled(t, filter(&kalman.ETKF{}), p)[assimilate.Analysis][1]
	after := filter(&kalman.ETKF{})
	after.Inflation = 1.3
	got := cycled(t, after, p)[assimilate.Analysis][1]
	if d := farthest(plain.Mean, got.Mean); d > 1e-12 {
		t.Errorf("inflation after the analysis moves the mean by %.1e", d)
	}
	for i, v := range plain.Variance {
		if math.Abs(got.Variance[i]/v-1.3*1.3) > 1e-12 {
			t.Fatalf("component %d: variance grows by %v, not by 1.69", i, got.Variance[i]/v)
		}
	}
	// Before the analysis it is a larger prior: as inflated observations of
	// smaller noise, spread scaled back.
	before := filter(&kalman.ETKF{})
	before.Inflation, before.Timing = 1.3, "before"
	got = cycled(t, before, p)[assimilate.Analysis][1]
	surer := p
	surer.Observations.Observations = []observe.Observation{p.Observations.Observations[0]}
	o := &surer.Observations.Observations[0]
	o.Sd = []float64{1 / 1.3, 1 / 1.3, 1 / 1.3}
	want := cycled(t, filter(&kalman.ETKF{}), surer)[assimilate.Analysis][1]
	if d := farthest(want.Mean, got.Mean); d > 1e-12 {
		t.Errorf("inflation before the analysis: mean %.1e from that of surer observations", d)
	}
	for i, v := range want.Variance {
		if math.Abs(got.Variance[i]/v-1.3*1.3) > 1e-12 {
			t.Fatalf("component %d: variance %v times that of surer observations", i, got.Variance[i]/v)
		}
	}
}

func TestRelaxation(t *testing.T) {
	p := observing(t, lorenz96(t, 0.05, 1), 2, 1, 7, 0.1, 5, 6, 7)
	prior := cycled(t, filter(&kalman.ETKF{}), p)[assimilate.Forecast][1]
	analysis := cycled(t, filter(&kalman.ETKF{}), p)[assimilate.Analysis][1]
	spread := filter(&kalman.ETKF{})
	spread.RTPS = 0.4
	got := cycled(t, spread, p)[assimilate.Analysis][1]
	for i := range got.Mean {
		want := 0.6*math.Sqrt(analysis.Variance[i]) + 0.4*math.Sqrt(prior.Variance[i])
		if math.Abs(math.Sqrt(got.Variance[i])-want) > 1e-12 {
			t.Fatalf("RTPS: component %d has spread %v, want %v", i, math.Sqrt(got.Variance[i]), want)
		}
	}
	anomalies := filter(&kalman.ETKF{})
	anomalies.RTPP = 0.4
	got = cycled(t, anomalies, p)[assimilate.Analysis][1]
	for k, x := range got.Ensemble {
		i := k % 40
		want := analysis.Mean[i] + 0.6*(analysis.Ensemble[k]-analysis.Mean[i]) + 0.4*(prior.Ensemble[k]-prior.Mean[i])
		if math.Abs(x-want) > 1e-12 {
			t.Fatalf("RTPP: value %d is %v, want %v", k, x, want)
		}
	}
}

// batchMethods are those whose analysis must not depend on how observations are
// listed.
func batchMethods() map[string]assimilate.Sequential {
	local := kalman.NewLETKF()
	local.Batch = 2
	iterative := kalman.NewIEnKS()
	iterative.Iterations = 3
	return map[string]assimilate.Sequential{
		"etkf": filter(&kalman.ETKF{}), "denkf": filter(&kalman.DEnKF{}), "enkf-n": filter(&kalman.EnKFN{XN: 1}),
		"letkf": filter(local), "ienks": iterative, "ekf": kalman.NewEKF(),
	}
}

func TestHowObservationsAreListedDoesNotMatter(t *testing.T) {
	base := observing(t, lorenz96(t, 0.05, 1), 4, 1, 7, 1, 5, 6, 30)
	space := base.Model.Space()
	edit := func(change func(o observe.Observation) []observe.Observation) assimilate.Problem {
		p := base
		p.Observations.Observations = nil
		for _, o := range base.Observations.Observations {
			p.Observations.Observations = append(p.Observations.Observations, change(o)...)
		}
		return p
	}
	nan, twice := math.NaN(), math.Sqrt2
	pick := func(o observe.Observation, sd float64, places ...int) observe.Observation {
		list := []int{5, 6, 30}
		out := observe.Observation{Index: o.Index}
		var indices []int
		for _, k := range places {
			indices = append(indices, list[k])
			out.Values, out.Sd = append(out.Values, o.Values[k]), append(out.Sd, sd)
		}
		out.Operator = components(t, space, indices...)
		return out
	}
	only := func(o observe.Observation) []observe.Observation { return []observe.Observation{pick(o, 1, 0, 2)} }
	for _, c := range []struct {
		name      string
		got, want func(o observe.Observation) []observe.Observation
		tolerance float64
	}{
		{"another order", func(o observe.Observation) []observe.Observation {
			return []observe.Observation{pick(o, 1, 2, 0, 1)}
		}, nil, 1e-10},
		{"split over two observations", func(o observe.Observation) []observe.Observation {
			return []observe.Observation{pick(o, 1, 0), pick(o, 1, 1, 2)}
		}, nil, 1e-10},
		{"listed twice with twice the variance", func(o observe.Observation) []observe.Observation {
			return []observe.Observation{pick(o, twice, 0, 1, 2), pick(o, twice, 0, 1, 2)}
		}, nil, 1e-10},
		{"missing, or not there", func(o observe.Observation) []observe.Observation {
			o.Values = []float64{o.Values[0], nan, o.Values[2]}
			return []observe.Observation{o}
		}, only, 1e-10},
		{"nearly unknown, or not there", func(o observe.Observation) []observe.Observation {
			o.Sd = []float64{1, 1e7, 1}
			return []observe.Observation{o}
		}, only, 1e-6},
	} {
		want := base
		if c.want != nil {
			want = edit(c.want)
		}
		for name, m := range batchMethods() {
			if d, _ := apart(cycled(t, m, want), cycled(t, m, edit(c.got)), assimilate.Analysis); d > c.tolerance {
				t.Errorf("%s, %s: moments are %.1e apart", name, c.name, d)
			}
		}
	}
}

func TestStatesWithoutValuesAreNoCycles(t *testing.T) {
	base := observing(t, lorenz96(t, 0.05, 1), 9, 2, 7, 1, 5, 6, 30)
	without := base
	without.Observations.Observations = append([]observe.Observation{}, base.Observations.Observations[:2]...)
	blank := without
	for _, o := range base.Observations.Observations[2:] {
		o.Values = []float64{math.NaN(), math.NaN(), math.NaN()}
		blank.Observations.Observations = append(blank.Observations.Observations, o)
	}
	inflated := filter(&kalman.ETKF{})
	inflated.Inflation, inflated.Rotate = 1.2, true
	methods := batchMethods()
	methods["inflated"] = inflated
	methods["enks"] = &kalman.EnKS{Filter: *inflated, Lag: 1}
	for name, m := range methods {
		want, got := cycled(t, m, without), cycled(t, m, blank)
		for stage := range want {
			if d, _ := apart(want, got, assimilate.Stage(stage)); d != 0 {
				t.Errorf("%s: %s differs by %.1e", name, assimilate.Stage(stage), d)
			}
		}
	}
}

func TestRandomWalkReachesTheRiccatiFixedPoint(t *testing.T) {
	m := randomWalk(t)
	p := observing(t, m, 200, 1, 2, math.Sqrt2, 0, 1, 2, 3)
	all := cycled(t, kalman.NewKF(), p)
	last := p.Length - 1
	for i := range 4 {
		if v := all[assimilate.Forecast][last].Variance[i]; math.Abs(v-2) > 1e-12 {
			t.Errorf("forecast variance %v, want 2", v)
		}
		if v := all[assimilate.Analysis][last].Variance[i]; math.Abs(v-1) > 1e-12 {
			t.Errorf("analysis variance %v, want 1", v)
		}
		y := p.Observations.Observations[len(p.Observations.Observations)-1].Values[i]
		f, a := all[assimilate.Forecast][last].Mean[i], all[assimilate.Analysis][last].Mean[i]
		if gain := (a - f) / (y - f); math.Abs(gain-0.5) > 1e-10 {
			t.Errorf("gain %v, want 1/2", gain)
		}
	}
}
