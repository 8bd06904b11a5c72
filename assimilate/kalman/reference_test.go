package kalman_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"retrace/assimilate"
	"retrace/assimilate/kalman"
	"retrace/dynamics"
)

// row is a reference case: what an experiment file of DAPPER expects of a tuned
// method. The tolerance is about three standard errors of the mean over five
// runs of the file's length.
type row struct {
	name      string
	twin      func(t testing.TB, cycles int) twin
	cycles    int // of the file
	members   int
	method    assimilate.Sequential
	stage     assimilate.Stage
	expected  float64 // root mean square error, averaged over analyses
	tolerance float64
	quick     bool // checked in short runs too, with 2.5 times the tolerance
}

// tuned is a filter with inflation and rotation.
func tuned(u kalman.Update, inflation float64, rotate bool) *kalman.Filter {
	f := kalman.NewFilter(u)
	f.Inflation, f.Rotate = inflation, rotate
	return f
}

func iterative(change func(m *kalman.IEnKS)) *kalman.IEnKS {
	m := kalman.NewIEnKS()
	change(m)
	return m
}

func localised(radius float64) *kalman.LETKF {
	u := kalman.NewLETKF()
	u.Radius, u.Batch = radius, 2
	return u
}

func caseF(steps int) func(t testing.TB, cycles int) twin {
	return func(t testing.TB, cycles int) twin { return sakov08(t, cycles, steps) }
}

// caseA is A with another noise and interval.
func caseA(variance, interval float64) func(t testing.TB, cycles int) twin {
	return func(t testing.TB, cycles int) twin {
		w := sakov12(t, cycles)
		w.model, w.sd = lorenz63(t, interval), math.Sqrt(variance)
		return w
	}
}

// fineA is A with a state every 0.01, which the backward smoother passes one by
// one.
func fineA(t testing.TB, cycles int) twin {
	w := sakov12(t, cycles)
	w.model, w.every = lorenz63(t, 0.01), 25
	return w
}

// halfF is F seen at every second site, or at the first half of them.
func halfF(interval float64, steps int, variance, initial float64, sites func(i int) bool) func(t testing.TB, cycles int) twin {
	return func(t testing.TB, cycles int) twin {
		w := sakov08(t, cycles, 1)
		w.model, w.sd = lorenz96(t, interval, steps), math.Sqrt(variance)
		for i := range w.initial.Sd {
			w.initial.Sd[i] = math.Sqrt(initial)
			if sites(i) {
				w.indices = append(w.indices, i)
			}
		}
		return w
	}
}

func even(i int) bool { return i%2 == 0 }

// waves is the damped shift of a ring of 1000 sites, driven by noise of 25 waves.
type waves struct{ ring }

func (m waves) Initial(x []float64, r *rand.Rand) {
	clear(x)
	m.add(x, math.Sqrt(5)/10, r)
}

// add adds waves of so large a standard deviation.
func (m waves) add(x []float64, sd float64, r *rand.Rand) {
	for k := range 25 {
		a, b := r.NormFloat64(), r.NormFloat64()
		s, c := math.Sincos(2 * math.Pi * float64(k+1) / float64(m.n))
		sine, cosine := 0., 1.
		for i := range x {
			x[i] += sd / 5 * (a*sine + b*cosine)
			sine, cosine = sine*c+cosine*s, cosine*c-sine*s
		}
	}
}

func (m waves) Flow(x []float64) {
	m.ring.Flow(x)
	for i := range x {
		x[i] *= 0.98
	}
}

func (m waves) Step(x []float64, r *rand.Rand) {
	m.Flow(x)
	m.add(x, 0.1, r)
}

// advection hides that the noise of waves is not independent.
type advection struct{ dynamics.Model }

func caseP(t testing.TB, cycles int) twin {
	w := twin{model: advection{waves{newRing(1000, 0)}}, cycles: cycles, every: 5, burnIn: 60, sd: 0.1, natural: true}
	for j := range 40 {
		w.indices = append(w.indices, 25*j)
	}
	return w
}

func caseS(t testing.TB, cycles int) twin {
	return twin{
		model: randomWalk(t), cycles: cycles, every: 1, sd: math.Sqrt2,
		initial: assimilate.Normal{Mean: make([]float64, 4), Sd: []float64{1, 1, 1, 1}},
	}
}

func rows() []row {
	a, f := caseA(2, 0.25), caseF(1)
	exact := kalman.NewKF()
	exact.Smoother = false
	extended := func(inflation float64) *kalman.EKF { return &kalman.EKF{Inflation: inflation} }
	caseK := halfF(0.4, 20, 0.5, 0.1, even)
	return []row{
		{"RC-04 A  EKF 180 a time", a, 1001, 1, extended(180), 1, 0.92, 0.10, true},
		{"RC-05 A  ETKF N=3", a, 1001, 3, tuned(&kalman.ETKF{}, 1.30, false), 1, 0.80, 0.10, false},
		{"RC-06 A  ETKF N=10", a, 1001, 10, tuned(&kalman.ETKF{}, 1.02, true), 1, 0.60, 0.06, true},
		{"RC-06 A  ETKF N=10, 10^4", a, 10001, 10, tuned(&kalman.ETKF{}, 1.02, true), 1, 0.588, 0.05, false},
		{"RC-07 A  EnKF N=10", a, 1001, 10, tuned(&kalman.EnKF{}, 1.04, false), 1, 0.65, 0.10, false},
		{"RC-08 A  EnKF N=100", a, 1001, 100, tuned(&kalman.EnKF{}, 1.01, false), 1, 0.56, 0.05, true},
		{"RC-09 A  EnKF-N N=3", a, 1001, 3, tuned(&kalman.EnKFN{XN: 1}, 1, false), 1, 0.60, 0.06, true},
		{"RC-10 A  EnKF-N N=10", a, 1001, 10, tuned(&kalman.EnKFN{XN: 1}, 1, true), 1, 0.54, 0.05, true},
		{"RC-10 A  EnKF-N N=10, 10^4", a, 10001, 10, tuned(&kalman.EnKFN{XN: 1}, 1, true), 1, 0.553, 0.02, false},
		{"RC-11 A  iEnKS N=10", a, 1001, 10, iterative(func(m *kalman.IEnKS) { m.Inflation, m.Rotate = 1.02, true }), 1, 0.31, 0.04, true},
		{"RC-15 A  EnRTS N=10, smoothed", fineA, 1001, 10, &kalman.EnRTS{Filter: *tuned(&kalman.ETKF{}, 1.02, true), Decay: 0.99}, 2, 0.38, 0.05, false},
		{"RC-21 F  EKF 10 a time", f, 1001, 1, extended(10), 1, 0.24, 0.03, false},
		{"RC-22 F  EnKF N=40", f, 1001, 40, tuned(&kalman.EnKF{}, 1.06, false), 1, 0.22, 0.02, false},
		{"RC-22 F  EnKF N=40, 10^4", f, 10001, 40, tuned(&kalman.EnKF{}, 1.06, false), 1, 0.218, 0.006, false},
		{"RC-22 F  EnKF N=28", f, 1001, 28, tuned(&kalman.EnKF{}, 1.08, false), 1, 0.24, 0.02, false},
		{"RC-23 F  DEnKF N=40", f, 1001, 40, tuned(&kalman.DEnKF{}, 1.01, false), 1, 0.18, 0.02, false},
		{"RC-24 F  ETKF N=24", f, 1001, 24, tuned(&kalman.ETKF{}, 1.013, true), 1, 0.18, 0.02, false},
		{"RC-25 F  ETKF N=28", f, 1001, 28, tuned(&kalman.ETKF{}, 1.02, true), 1, 0.18, 0.02, true},
		{"RC-25 F  ETKF N=28, 10^4", f, 10001, 28, tuned(&kalman.ETKF{}, 1.02, true), 1, 0.177, 0.003, false},
		{"RC-25 F  EnSRF N=28", f, 1001, 28, tuned(&kalman.EnSRF{Order: kalman.OrderGiven}, 1.02, true), 1, 0.18, 0.02, false},
		{"RC-26 F  EnKF-N N=24", f, 1001, 24, tuned(&kalman.EnKFN{XN: 1}, 1, true), 1, 0.21, 0.02, false},
		{"RC-26 F  EnKF-N N=24 xN=2", f, 1001, 24, tuned(&kalman.EnKFN{XN: 2}, 1, true), 1, 0.18, 0.02, false},
		{"RC-26 F  EnKF-N N=20", f, 1001, 20, tuned(&kalman.EnKFN{XN: 1}, 1, false), 1, 0.24, 0.02, false},
		{"RC-26 F  EnKF-N N=20 xN=2", f, 1001, 20, tuned(&kalman.EnKFN{XN: 2}, 1, false), 1, 0.19, 0.02, false},
		{"RC-26 F  ETKF N=20", f, 1001, 20, tuned(&kalman.ETKF{}, 1.04, true), 1, 0.20, 0.02, false},
		{"RC-29 F4 iEnKS N=20 lag 4 xN=2", caseF(4), 1001, 20, iterative(func(m *kalman.IEnKS) { m.Lag, m.XN = 4, 2 }), 1, 0.31, 0.03, false},
		{"RC-31 F12 iEnKS N=25", caseF(12), 1001, 25, iterative(func(m *kalman.IEnKS) { m.Inflation, m.Rotate = 1.2, true }), 1, 0.46, 0.04, false},
		{"RC-42 S  KF", caseS, 2001, 1, exact, 1, 0.940, 0.02, true},
		{"RC-42 S  KF, forecast", caseS, 2001, 1, exact, 0, 1.329, 0.02, false},
		{"RC-42 S  ETKF N=100", caseS, 2001, 100, tuned(&kalman.ETKF{}, 1, false), 1, 0.940, 0.02, false},

		{"2.4 A' R=1 iEnKS N=10", caseA(1, 0.25), 1001, 10, iterative(func(m *kalman.IEnKS) { m.Inflation, m.Rotate = 1.02, true }), 1, 0.22, 0.03, false},
		{"2.4 A' R=1 iEnKS N=3", caseA(1, 0.25), 1001, 3, iterative(func(m *kalman.IEnKS) { m.Inflation = 1.04 }), 1, 0.23, 0.03, false},
		{"2.4 A' R=1 iEnKS N=3 xN=1", caseA(1, 0.25), 1001, 3, iterative(func(m *kalman.IEnKS) { m.XN = 1 }), 1, 0.22, 0.03, false},
		{"2.4 A' R=1 dto .05 iEnKS N=10", caseA(1, 0.05), 1001, 10, iterative(func(m *kalman.IEnKS) { m.Inflation, m.Rotate = 1.02, true }), 1, 0.13, 0.02, false},
		{"2.4 A' R=8 iEnKS N=3 xN=1", caseA(8, 0.25), 1001, 3, iterative(func(m *kalman.IEnKS) { m.XN = 1 }), 1, 0.78, 0.10, false}, // its file says 0.70, four runs of it give 0.67 to 0.84
		{"2.4 F  LETKF N=7 R=4", f, 1001, 7, tuned(localised(4), 1.04, true), 1, 0.22, 0.02, true},
		{"2.4 F  EAKF N=7 R=6", f, 1001, 7, tuned(&kalman.EAKF{Localisation: kalman.Localisation{Taper: "gaspari-cohn", Radius: 6}, Order: "random"}, 1.07, true), 1, 0.23, 0.02, false},
		{"2.4 F  LETKF N=10 R=4", f, 1001, 10, tuned(localised(4), 1.02, true), 1, 0.21, 0.02, false},
		{"2.4 F  LETKF N=10 R=6", f, 1001, 10, tuned(localised(6), 1.04, true), 1, 0.20, 0.02, false},
		{"2.4 F  LETKF N=10 R=10", f, 1001, 10, tuned(localised(10), 1.10, true), 1, 0.22, 0.02, false},
		{"2.4 F  LETKF N=10 R=15", f, 1001, 10, tuned(localised(15), 1.20, false), 1, 0.29, 0.04, false},
		{"2.4 F  ETKF N=17", f, 1001, 17, tuned(&kalman.ETKF{}, 1.03, false), 1, 0.217, 0.03, false},
		{"2.4 F  EnSRF N=17", f, 1001, 17, tuned(&kalman.EnSRF{Order: kalman.OrderGiven}, 1.06, false), 1, 0.225, 0.03, false},
		{"H EnKF-N N=24", halfF(0.05, 1, 1.5, 0.001, even), 1280, 24, tuned(&kalman.EnKFN{XN: 1}, 1.01, true), 1, 0.45, 0.05, false}, // its file says 0.38, a run of it gives 0.447
		{"H iEnKS N=19 lag 2", halfF(0.05, 1, 1.5, 0.001, even), 1280, 19, iterative(func(m *kalman.IEnKS) { m.Lag, m.Inflation = 2, 1.04 }), 1, 0.39, 0.05, false},
		{"K ETKF N=60", caseK, 2001, 60, tuned(&kalman.ETKF{}, 1.10, false), 1, 1.3, 0.15, false},
		{"K ETKF N=100", caseK, 2001, 100, tuned(&kalman.ETKF{}, 1.10, false), 1, 0.97, 0.08, false},
		{"K LETKF N=40 R=4", caseK, 2001, 40, tuned(localised(4), 1.10, false), 1, 1.0, 0.08, false},
		{"K LETKF N=100 R=4", caseK, 2001, 100, tuned(localised(4), 1.02, false), 1, 1.03, 0.08, false},                                 // its file says 0.84, a run of it gives 1.026
		{"K iEnKS N=40 lag 2", caseK, 301, 40, iterative(func(m *kalman.IEnKS) { m.Lag, m.Inflation = 2, 1.10 }), 1, 0.44, 0.04, false}, // 2000 cycles of its file give 0.52, runs of 300 0.45 and 0.43
		{"P EnKF N=30", caseP, 100, 30, tuned(&kalman.EnKF{}, 1, false), 1, 0.3, 0.05, false},
		{"P EnKF N=30, inflated", caseP, 100, 30, tuned(&kalman.EnKF{}, 3.2, false), 1, 0.3, 0.05, false},
		{"M LETKF N=10 R=3", halfF(0.05, 10, 1, 0.001, func(i int) bool { return i < 20 }), 10001, 10, tuned(&kalman.LETKF{Localisation: kalman.Localisation{Taper: "gaspari-cohn", Radius: 3}, Batch: 1}, math.Sqrt(1.015), false), 1, 2.1, 0.15, false},
	}
}

// TestReferenceSkill runs short versions, which catch gross errors only.
func TestReferenceSkill(t *testing.T) {
	for _, r := range rows() {
		if !r.quick {
			continue
		}
		t.Run(strings.ReplaceAll(r.name, " ", "_"), func(t *testing.T) {
			s, err := r.twin(t, 400).run(t, r.method, 3, r.members)
			if got := s.rmse[r.stage]; err != nil || !(math.Abs(got-r.expected) < 2.5*r.tolerance) {
				t.Errorf("error %.3f (%v), want %.2f", got, err, r.expected)
			}
		})
	}
}

// TestReferenceCases measures every row over five seeds at the length of its
// file (one seed, for those of 10^4 cycles), and prints the table.
func TestReferenceCases(t *testing.T) {
	if !*long {
		t.Skip("minutes: run with -long")
	}
	for _, r := range rows() {
		t.Run(strings.ReplaceAll(r.name, " ", "_"), r.measure)
	}
}

// measure runs a row and prints a line of the table. Small ensembles lose the
// truth for a while now and then, here as in DAPPER: such runs are counted and
// left out of the mean.
func (r row) measure(t *testing.T) {
	seeds := 5
	if r.cycles > 5000 {
		seeds = 1
	}
	var list []float64
	var spread float64
	lost := 0
	for seed := range seeds {
		s, err := r.twin(t, r.cycles).run(t, r.method, int64(3000+seed), r.members)
		if got := s.rmse[r.stage]; err != nil || got > 1.4*r.expected {
			lost++
		} else {
			list = append(list, got)
			spread += s.spread[r.stage]
		}
	}
	mean, sd := meanSd(list)
	verdict := "PASS"
	if !(math.Abs(mean-r.expected) <= r.tolerance+1e-9) {
		verdict = "FAIL"
		t.Errorf("%.3f, expected %.3f within %.3f", mean, r.expected, r.tolerance)
	}
	fmt.Printf("%-32s expected %.3f  measured %.3f (sd %.3f, spread %.3f)  tolerance %.3f  lost %d of %d  %s\n",
		r.name, r.expected, mean, sd, spread/float64(len(list)), r.tolerance, lost, seeds, verdict)
}

func meanSd(list []float64) (mean, sd float64) {
	for _, x := range list {
		mean += x / float64(len(list))
	}
	for _, x := range list {
		sd += (x - mean) * (x - mean) / float64(max(1, len(list)-1))
	}
	return mean, math.Sqrt(sd)
}
