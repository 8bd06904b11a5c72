package bench

import (
	"context"
	"math"
	"runtime"
	"time"

	"retrace/internal/parallel"
)

// Units of rates.
const (
	GigaFLOPs  = "GFLOP/s" // 1e9 float32 operations a second
	GigaBytes  = "GB/s"    // 1e9 bytes a second
	Executions = "1/s"     // of what Work names
)

// Count is what one piece of a probe amounts to, in one unit.
type Count struct {
	Subject string // what is measured
	Work    string // what it does
	Unit    string
	Amount  float64 // of the unit's numerator, a piece
}

// Probe is work in equal pieces. Worker allocates the memory of one worker and
// returns what does one piece of its work; it and the pieces may fail.
type Probe struct {
	Counts []Count
	Worker func() (piece func() error, err error)
}

// Rate is what a probe reached, in one of its units.
type Rate struct {
	Subject  string  `json:"subject"`
	Work     string  `json:"work"`
	Unit     string  `json:"unit"`
	OneCore  float64 `json:"one_core"`
	AllCores float64 `json:"all_cores"`
	// PeakOne and PeakAll are the shares of the peak of the same run on as many
	// cores; nil where the unit is another or no peak was measured.
	PeakOne *float64 `json:"one_core_of_peak,omitempty"`
	PeakAll *float64 `json:"all_cores_of_peak,omitempty"`
}

// rounds is how often the probes take turns.
const rounds = 16

// Measure returns the rates of the probes in their order. seconds is how long
// each is timed on one core and again on all; it takes longer where pieces do.
// progress may be nil; it counts the timings. Measure stops between timings where
// ctx ends.
func Measure(ctx context.Context, probes []Probe, seconds float64, progress func(done, total int)) ([]Rate, error) {
	timers, err := newTimers(probes, seconds)
	if err != nil {
		return nil, err
	}
	for round := range rounds {
		for i, t := range timers {
			if err := t.round(ctx); err != nil {
				return nil, err
			}
			if progress != nil {
				progress(round*len(timers)+i+1, rounds*len(timers))
			}
		}
	}
	var rates []Rate
	for i, p := range probes {
		one, all := timers[2*i], timers[2*i+1]
		for _, c := range p.Counts {
			rates = append(rates, Rate{
				Subject: c.Subject, Work: c.Work, Unit: c.Unit,
				OneCore: one.rate(c), AllCores: all.rate(c),
			})
		}
	}
	shareOfPeak(rates)
	return rates, nil
}

// timer times a probe on a number of cores.
type timer struct {
	workers []func() error
	budget  time.Duration // for all rounds
	spent   time.Duration
	pieces  int           // of a worker in a round; 0 before the first
	best    time.Duration // of a round
}

// newTimers returns two timers a probe: on one core and on all.
func newTimers(probes []Probe, seconds float64) ([]*timer, error) {
	budget := time.Duration(seconds * float64(time.Second))
	var timers []*timer
	for _, p := range probes {
		workers := make([]func() error, runtime.GOMAXPROCS(0))
		for i := range workers {
			var err error
			if workers[i], err = p.Worker(); err != nil {
				return nil, err
			}
		}
		timers = append(timers, &timer{workers: workers[:1], budget: budget}, &timer{workers: workers, budget: budget})
	}
	return timers, nil
}

// round times one round, unless slow pieces have used the time up before. The
// first round finds out how many pieces are long enough to be timed.
func (t *timer) round(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if t.pieces == 0 {
		return t.calibrate(ctx)
	}
	if t.spent >= t.budget {
		return nil
	}
	took, err := t.time(ctx)
	t.best = min(t.best, took)
	return err
}

func (t *timer) calibrate(ctx context.Context) (err error) {
	for t.pieces = 1; ; t.pieces *= 2 {
		t.best, err = t.time(ctx)
		if err != nil || t.best >= t.budget/rounds || t.pieces > math.MaxInt32 {
			t.spent = t.best
			return err
		}
	}
}

// time lets all workers do their pieces and returns how long that took.
func (t *timer) time(ctx context.Context) (time.Duration, error) {
	start := time.Now()
	err := parallel.For(ctx, len(t.workers), func(worker, _ int) error {
		for range t.pieces {
			if err := t.workers[worker](); err != nil {
				return err
			}
		}
		return nil
	})
	took := time.Since(start)
	t.spent += took
	return took, err
}

// rate is the amount a second of all workers together.
func (t *timer) rate(c Count) float64 {
	return c.Amount * float64(t.pieces*len(t.workers)) / t.best.Seconds()
}

// shareOfPeak relates rates of operations to the peak among them, if there is
// one.
func shareOfPeak(rates []Rate) {
	for _, peak := range rates {
		if peak.Work != PeakWork {
			continue
		}
		for i := range rates {
			if r := &rates[i]; r.Unit == GigaFLOPs && r.Work != PeakWork {
				r.PeakOne, r.PeakAll = new(r.OneCore/peak.OneCore), new(r.AllCores/peak.AllCores)
			}
		}
	}
}
