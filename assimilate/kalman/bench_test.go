package kalman_test

import (
	"context"
	"testing"

	"retrace/assimilate"
	"retrace/assimilate/kalman"
)

func ignore(assimilate.Estimate) error { return nil }

func TestCyclesDoNotAllocate(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates")
	}
	w63, w96 := sakov12(t, 60), sakov08(t, 60, 1)
	exact := &kalman.EKF{Inflation: 1.1}
	for name, c := range map[string]struct {
		twin   twin
		method assimilate.Sequential
	}{
		"etkf":   {w63, tuned(&kalman.ETKF{}, 1.02, true)},
		"enkf":   {w63, tuned(&kalman.EnKF{}, 1.04, false)},
		"denkf":  {w96, tuned(&kalman.DEnKF{}, 1.02, false)},
		"ensrf":  {w96, tuned(&kalman.EnSRF{Order: kalman.OrderRandom}, 1.02, true)},
		"sorted": {w96, tuned(&kalman.EnSRF{Order: kalman.OrderSorted}, 1.02, true)},
		"enkf-n": {w63, tuned(&kalman.EnKFN{XN: 1}, 1, true)},
		"letkf":  {w96, tuned(localised(4), 1.04, true)},
		"eakf":   {w96, tuned(kalman.NewEAKF(), 1.04, true)},
		"ekf":    {w63, exact},
		"relaxed": {w96, &kalman.Filter{Update: localised(4),
			Spread: kalman.Spread{Inflation: 1, Timing: "after", RTPS: 0.3, RTPP: 0.1, Adaptive: 0.04}}},
		"enks":  {w63, &kalman.EnKS{Filter: *tuned(&kalman.ETKF{}, 1.02, true), Lag: 4}},
		"ienks": {w63, iterative(func(m *kalman.IEnKS) { m.Inflation, m.Rotate = 1.02, true })},
	} {
		allocations := func(states int) float64 {
			p, _ := c.twin.problem(t, 1, 10)
			p.Length = states
			p.Observations.Observations = p.Observations.Observations[:states-1]
			return testing.AllocsPerRun(3, func() {
				if err := c.method.Cycle(context.Background(), p, ignore); err != nil {
					t.Fatal(err)
				}
			})
		}
		// A spare buffer of the runtime now and then is none of ours.
		if short, whole := allocations(20), allocations(60); whole > short+2 {
			t.Errorf("%s: %v allocations in 20 cycles, %v in 60", name, short, whole)
		}
	}
}

// BenchmarkCycles reports the cycles per second of the methods that are to be
// compared with DAPPER's (2.8 to 3.1 s for 1000 cycles of the first, 6.2 to 9.3 s
// of the second; see docs).
func BenchmarkCycles(b *testing.B) {
	for _, c := range []struct {
		name    string
		twin    twin
		members int
		method  assimilate.Sequential
	}{
		{"lorenz63/etkf/N=10", sakov12(b, 2000), 10, tuned(&kalman.ETKF{}, 1.02, true)},
		{"lorenz63/enkf-n/N=10", sakov12(b, 2000), 10, tuned(&kalman.EnKFN{XN: 1}, 1, true)},
		{"lorenz63/enkf/N=100", sakov12(b, 500), 100, tuned(&kalman.EnKF{}, 1.01, false)},
		{"lorenz63/ekf", sakov12(b, 2000), 1, &kalman.EKF{Inflation: 180}},
		{"lorenz63/enks/lag=6", sakov12(b, 2000), 10, &kalman.EnKS{Filter: *tuned(&kalman.ETKF{}, 1.02, true), Lag: 6}},
		{"lorenz63/ienks", sakov12(b, 500), 10, iterative(func(m *kalman.IEnKS) { m.Inflation, m.Rotate = 1.02, true })},
		{"lorenz96/letkf/N=7", sakov08(b, 1000, 1), 7, tuned(localised(4), 1.04, true)},
		{"lorenz96/eakf/N=7", sakov08(b, 1000, 1), 7, tuned(kalman.NewEAKF(), 1.07, true)},
		{"lorenz96/etkf/N=24", sakov08(b, 500, 1), 24, tuned(&kalman.ETKF{}, 1.013, true)},
		{"lorenz96/ensrf/N=28", sakov08(b, 500, 1), 28, tuned(&kalman.EnSRF{Order: kalman.OrderGiven}, 1.02, true)},
		{"lorenz96/enkf/N=40", sakov08(b, 500, 1), 40, tuned(&kalman.EnKF{}, 1.06, false)},
		{"lorenz96/ekf", sakov08(b, 500, 1), 1, &kalman.EKF{Inflation: 10}},
		{"lorenz96/ienks/lag=4", sakov08(b, 100, 4), 20, iterative(func(m *kalman.IEnKS) { m.Lag, m.XN = 4, 2 })},
	} {
		b.Run(c.name, func(b *testing.B) {
			p, _ := c.twin.problem(b, 3, c.members)
			b.ReportAllocs()
			for b.Loop() {
				if err := c.method.Cycle(context.Background(), p, ignore); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(c.twin.cycles*b.N)/b.Elapsed().Seconds(), "cycles/s")
		})
	}
}
