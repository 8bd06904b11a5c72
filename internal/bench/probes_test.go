package bench_test

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"retrace/experiment"
	"retrace/internal/bench"
	"retrace/internal/kernel"
	_ "retrace/lorenz"
)

// Rates are positive and in one of the units, at every level.
func TestProbesRunAtEveryLevel(t *testing.T) {
	before := kernel.Level()
	defer kernel.Use(before)
	for _, level := range []string{kernel.Generic, kernel.AVX2, kernel.AVX512} {
		if kernel.Use(level) != nil {
			continue
		}
		probes := bench.Machine()
		if level != kernel.Generic { // which would take seconds
			probes = append(probes, light(append(bench.Products(), append(bench.Networks(), bench.Residuals()...)...))...)
			for _, group := range bench.Convolutions() {
				probes = append(probes, light(group)...)
			}
			probes = append(probes, bench.Models()[0])
		}
		rates, err := brief.Measure(t.Context(), probes)
		if err != nil {
			t.Fatal(err)
		}
		units := []string{bench.GigaFLOPs, bench.GigaBytes, bench.Executions}
		for _, r := range rates {
			if r.Subject == "" || r.Work == "" || !slices.Contains(units, r.Unit) || !(r.OneCore > 0) || !(r.AllCores > 0) || math.IsInf(r.OneCore, 0) {
				t.Errorf("%s: %+v", level, r)
			}
		}
		if len(rates) != len(probes) || rates[0].Work != bench.PeakWork {
			t.Errorf("%s: %d rates of %d probes, the first %+v", level, len(rates), len(probes), rates[0])
		}
	}
}

// light leaves out what takes long.
func light(probes []bench.Probe) (kept []bench.Probe) {
	for _, p := range probes {
		if p.Counts[0].Amount < 1.5 {
			kept = append(kept, p)
		}
	}
	return kept
}

// The operations of the perceptron of the paper, layer by layer.
func TestOperationsOfANetwork(t *testing.T) {
	const rows, width = 128, 256
	input, condition, first := 90*width, 32*256+256*64+5*64*width, 32*256
	layers := input + 10*width*width + width*27
	want := map[string]int{
		"forward":               rows*layers + condition,
		"forward and input VJP": 2*rows*layers + condition,
		"forward and backward":  3*rows*(layers+condition) - rows*(input+first),
	}
	found := 0
	for _, p := range bench.Networks() {
		c := p.Counts[0]
		if c.Subject != "mlp, 256 wide, 5 blocks" {
			continue
		}
		found++
		if got := c.Amount * 1e9; math.Abs(got-2*float64(want[c.Work])) > 1 {
			t.Errorf("%s: %.0f operations, want %d", c.Work, got, 2*want[c.Work])
		}
	}
	if found != len(want) {
		t.Errorf("%d probes", found)
	}
}

// The tiny config covers 17 states with three windows of 9, less two overlaps.
func TestPriorCountsTrajectoriesAndWindows(t *testing.T) {
	path := filepath.Join("..", "..", "configs", "tiny.toml")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	config, err := experiment.Parse(path, text, nil)
	if err != nil {
		t.Fatal(err)
	}
	units, prior, err := config.Gauge(t.Context())
	if err != nil || prior == nil || *experiment.Total(units).Seconds <= 0 {
		t.Fatalf("prior %v, units %v, error %v", prior, units, err)
	}
	probes, err := bench.Prior("tiny", prior, config.Trajectories.Length)
	if err != nil {
		t.Fatal(err)
	}
	rates, err := brief.Measure(t.Context(), probes)
	if err != nil || len(rates) != 4 {
		t.Fatalf("%+v, %v", rates, err)
	}
	for _, pair := range [][]bench.Rate{rates[:2], rates[2:]} {
		if ratio := pair[1].OneCore / pair[0].OneCore; math.Abs(ratio-5) > 1e-9 || pair[0].Unit != bench.Executions {
			t.Errorf("%g windows a trajectory: %+v", ratio, pair)
		}
	}
	none, err := bench.Prior("tiny", prior, 0)
	if err == nil {
		_, err = brief.Measure(t.Context(), none)
	}
	if err == nil {
		t.Error("no error for trajectories without states")
	}
}

// Measure how much of the peak the matrix products reach.
func Example() {
	meter := bench.Meter{Seconds: 1e-3}
	rates, err := meter.Measure(context.Background(), append(bench.Machine(), bench.Products()[:2]...))
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range rates {
		if r.PeakOne != nil {
			fmt.Println(r.Work, *r.PeakOne > 0)
		}
	}
	// Output:
	// inner kernel, 64 x 128 by 128 x 32 true
	// layer, 256 x 256 by 256 x 256 true
}
