package bench_test

import (
	"context"
	"errors"
	"math"
	"runtime"
	"sync/atomic"
	"testing"

	"retrace/internal/bench"
)

// brief is too short for any piece: each timing is one piece a worker.
var brief = bench.Meter{Seconds: 1e-9}

// counting returns a probe whose pieces call work.
func counting(unit string, amount float64, work func() error) bench.Probe {
	return bench.Probe{
		Counts: []bench.Count{{Subject: "test", Work: unit, Unit: unit, Amount: amount}},
		Worker: func() (func() error, error) { return work, nil },
	}
}

func TestEveryWorkerHasItsOwnPieces(t *testing.T) {
	var workers, pieces int64
	probe := bench.Probe{
		Counts: []bench.Count{{Unit: bench.Executions, Amount: 1}},
		Worker: func() (func() error, error) {
			workers++
			var busy atomic.Bool
			return func() error {
				if !busy.CompareAndSwap(false, true) {
					return errors.New("two pieces of a worker at once")
				}
				defer busy.Store(false)
				atomic.AddInt64(&pieces, 1)
				return nil
			}, nil
		},
	}
	if _, err := (bench.Meter{Seconds: 1e-3}).Measure(t.Context(), []bench.Probe{probe}); err != nil {
		t.Fatal(err)
	}
	if cores := int64(runtime.GOMAXPROCS(0)); workers != cores || pieces < 32*cores {
		t.Errorf("%d workers, %d pieces on %d cores", workers, pieces, cores)
	}
}

func TestRatesOfOneProbeComeFromTheSameTimings(t *testing.T) {
	probe := counting(bench.GigaBytes, 1, func() error { return nil })
	probe.Counts = append(probe.Counts, bench.Count{Unit: bench.Executions, Amount: 12})
	rates, err := bench.Meter{Seconds: 1e-4}.Measure(t.Context(), []bench.Probe{probe})
	if err != nil || len(rates) != 2 {
		t.Fatalf("%v, %v", rates, err)
	}
	a, b := rates[0], rates[1]
	if a.Unit != bench.GigaBytes || b.Unit != bench.Executions || !(a.OneCore > 0) || !(a.AllCores > 0) {
		t.Errorf("rates %+v", rates)
	}
	for _, ratio := range []float64{b.OneCore / a.OneCore, b.AllCores / a.AllCores} {
		if math.Abs(ratio-12) > 1e-9 {
			t.Errorf("ratio %g, want 12", ratio)
		}
	}
}

func TestSharesAreOfThePeakInTheSameRun(t *testing.T) {
	nothing := func() error { return nil }
	peak, bytes := counting(bench.GigaFLOPs, 4, nothing), counting(bench.GigaBytes, 1, nothing)
	product := counting(bench.GigaFLOPs, 1, nothing)
	peak.Counts[0].Work = bench.PeakWork
	rates, err := bench.Meter{Seconds: 1e-4}.Measure(t.Context(), []bench.Probe{peak, bytes, product})
	if err != nil {
		t.Fatal(err)
	}
	if rates[0].PeakOne != nil || rates[1].PeakOne != nil || rates[1].PeakAll != nil {
		t.Errorf("shares of the peak and of bytes: %+v", rates)
	}
	if r := rates[2]; *r.PeakOne != r.OneCore/rates[0].OneCore || *r.PeakAll != r.AllCores/rates[0].AllCores {
		t.Errorf("shares %g and %g of %+v", *r.PeakOne, *r.PeakAll, rates)
	}
	rates, err = bench.Meter{Seconds: 1e-4}.Measure(t.Context(), []bench.Probe{product})
	if err != nil || rates[0].PeakOne != nil {
		t.Errorf("a share of no peak: %+v, %v", rates, err)
	}
}

// Once before, to warm up, on one core and on all.
func TestSlowPiecesAreTimedOnce(t *testing.T) {
	var pieces, last, total int64
	probe := counting(bench.Executions, 1, func() error { atomic.AddInt64(&pieces, 1); return nil })
	meter := brief
	meter.Progress = func(done, of int) { last, total = int64(done), int64(of) }
	_, err := meter.Measure(t.Context(), []bench.Probe{probe})
	if want := int64(1 + 2*runtime.GOMAXPROCS(0)); err != nil || pieces != want {
		t.Errorf("%d pieces, want %d; %v", pieces, want, err)
	}
	if last != total || total == 0 {
		t.Errorf("progress ended at %d of %d", last, total)
	}
}

func TestMeasureEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var after atomic.Bool
	probes := []bench.Probe{
		counting(bench.Executions, 1, func() error { cancel(); return nil }),
		counting(bench.Executions, 1, func() error { after.Store(true); return nil }),
	}
	rates, err := brief.Measure(ctx, probes)
	if !errors.Is(err, context.Canceled) || rates != nil || after.Load() {
		t.Errorf("rates %v, error %v, went on: %v", rates, err, after.Load())
	}
}

func TestErrorsOfPiecesAndWorkersComeBack(t *testing.T) {
	fault := errors.New("no more memory")
	broken := counting(bench.Executions, 1, func() error { return fault })
	if _, err := brief.Measure(t.Context(), []bench.Probe{broken}); !errors.Is(err, fault) {
		t.Errorf("error %v of a piece", err)
	}
	broken.Worker = func() (func() error, error) { return nil, fault }
	if _, err := brief.Measure(t.Context(), []bench.Probe{broken}); !errors.Is(err, fault) {
		t.Errorf("error %v of a worker", err)
	}
}

// A probe that shares its work itself has one worker, alone on one core first.
func TestWholeProbesAreTimedOnOneCoreAndOnAll(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	workers, cores := 0, map[int]int{}
	probe := bench.Probe{
		Counts: []bench.Count{{Unit: bench.Executions, Amount: 1}}, Whole: true,
		Worker: func() (func() error, error) {
			workers++
			return func() error { cores[runtime.GOMAXPROCS(0)]++; return nil }, nil
		},
	}
	if _, err := brief.Measure(t.Context(), []bench.Probe{probe}); err != nil {
		t.Fatal(err)
	}
	if workers != 1 || len(cores) != 2 || cores[1] != 1 || cores[3] != 2 {
		t.Errorf("%d workers, pieces by cores %v", workers, cores)
	}
}

// Every group has a peak of its own to be compared with; only that of the first
// is reported.
func TestGroupsHaveAPeakEach(t *testing.T) {
	nothing := func() error { return nil }
	peak := counting(bench.GigaFLOPs, 1, nothing)
	peak.Counts[0].Work = bench.PeakWork
	product := counting(bench.GigaFLOPs, 1, nothing)
	rates, err := (bench.Meter{Seconds: 1e-4}).Measure(t.Context(), []bench.Probe{peak}, nil, []bench.Probe{product})
	if err != nil || len(rates) != 2 {
		t.Fatalf("%+v, %v", rates, err)
	}
	if rates[1].Work == bench.PeakWork || rates[1].PeakOne == nil || rates[1].PeakAll == nil {
		t.Errorf("%+v", rates[1])
	}
}
