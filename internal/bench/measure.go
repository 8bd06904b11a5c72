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
//
// Where Whole is set a piece shares its work among the cores itself: there is
// one worker, which is timed with GOMAXPROCS=1 and then with all cores.
type Probe struct {
	Counts []Count
	Worker func() (piece func() error, err error)
	Whole  bool
	Peer   Request // for the same work; nil if none can do it
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
	// Peer is the rate of the peer on all cores, taken in turns with AllCores, and
	// Ratio that of AllCores to it; nil without a peer.
	Peer  *float64 `json:"peer_all_cores,omitempty"`
	Ratio *float64 `json:"ratio_to_peer,omitempty"`
}

// rounds is how often the probes take turns.
const rounds = 16

// Meter says how to measure.
type Meter struct {
	Seconds float64 // of each timing: of one core, of all, of the peer
	Peer    *Peer   // nil: none
	// Progress counts the timings; nil: nobody is told.
	Progress func(done, total int)
}

// Measure returns the rates of the probes in their order, and the peak's before
// them where the first group has none. Probes of a group take turns, together with
// the peak; memory of a group is given back before the next one. A timing takes
// longer than its time where pieces do. Measure stops between timings where ctx
// ends.
func (m Meter) Measure(ctx context.Context, groups ...[]Probe) ([]Rate, error) {
	done, total := 0, 0
	for _, g := range groups {
		total += rounds * len(g)
	}
	var rates []Rate
	for i, probes := range groups {
		if len(probes) == 0 {
			continue
		}
		if i > 0 {
			probes = append([]Probe{peak()}, probes...)
			total += rounds
		}
		more, err := m.group(ctx, probes, func() {
			if done++; m.Progress != nil {
				m.Progress(done, total)
			}
		})
		if err != nil {
			return nil, err
		}
		shareOfPeak(more)
		if i > 0 {
			more = more[1:]
		}
		rates = append(rates, more...)
		runtime.GC()
	}
	return rates, nil
}

// group measures probes that take turns.
func (m Meter) group(ctx context.Context, probes []Probe, progress func()) ([]Rate, error) {
	var all []*timers
	for _, p := range probes {
		t, err := m.timers(p)
		if err == nil {
			err = t.warm(ctx)
		}
		if err != nil {
			return nil, err
		}
		all = append(all, t)
	}
	for round := range rounds {
		for _, t := range all {
			if err := t.round(ctx, round); err != nil {
				return nil, err
			}
			progress()
		}
	}
	var rates []Rate
	for i, p := range probes {
		for _, c := range p.Counts {
			rates = append(rates, all[i].rate(c))
		}
	}
	return rates, nil
}

// timers time a probe on one core, on all, and a peer's.
type timers struct {
	one, all timer
	peer     *peerTimer // nil: none
}

func (m Meter) timers(p Probe) (*timers, error) {
	workers := make([]func() error, runtime.GOMAXPROCS(0))
	if p.Whole {
		workers = workers[:1]
	}
	for i := range workers {
		var err error
		if workers[i], err = p.Worker(); err != nil {
			return nil, err
		}
	}
	budget := time.Duration(m.Seconds * float64(time.Second))
	t := &timers{one: timer{workers: workers[:1], budget: budget, alone: true}, all: timer{workers: workers, budget: budget}}
	if m.Peer != nil && p.Peer != nil {
		t.peer = &peerTimer{peer: m.Peer, request: p.Peer, seconds: m.Seconds / peerRounds, best: math.Inf(1)}
	}
	return t, nil
}

// warm does one piece a worker, which touches its memory for the first time.
func (t *timers) warm(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	t.all.pieces = 1
	_, err := t.all.time(ctx)
	t.all.pieces, t.all.spent = 0, 0
	return err
}

func (t *timers) round(ctx context.Context, round int) error {
	if err := t.one.round(ctx); err != nil {
		return err
	}
	if err := t.all.round(ctx); err != nil {
		return err
	}
	if t.peer != nil && round%(rounds/peerRounds) == 0 {
		return t.peer.round(ctx)
	}
	return nil
}

func (t *timers) rate(c Count) Rate {
	r := Rate{Subject: c.Subject, Work: c.Work, Unit: c.Unit, OneCore: t.one.rate(c), AllCores: t.all.rate(c)}
	if t.peer != nil {
		r.Peer = new(c.Amount / t.peer.best)
		r.Ratio = new(r.AllCores / *r.Peer)
	}
	return r
}

// timer times a probe on a number of cores.
type timer struct {
	workers []func() error
	alone   bool          // on one core
	budget  time.Duration // for all rounds
	spent   time.Duration
	pieces  int           // of a worker in a round; 0 before the first
	best    time.Duration // of a round
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
	if t.alone {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}
	start := time.Now()
	var err error
	parallel.Hot(func() { err = t.work(ctx) })
	took := time.Since(start)
	t.spent += took
	return took, err
}

func (t *timer) work(ctx context.Context) error {
	return parallel.For(ctx, len(t.workers), func(_, worker int) error {
		for range t.pieces {
			if err := t.workers[worker](); err != nil {
				return err
			}
		}
		return nil
	})
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
