package command

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"retrace/experiment"
	"retrace/internal/bench"
)

func TestBenchKnowsTheShippedConfigs(t *testing.T) {
	list, err := benchConfigs(nil)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, config := range list {
		found = append(found, config.Name)
	}
	for _, name := range []string{"lorenz63", "lorenz63-paper", "tiny"} {
		if !slices.Contains(found, name) {
			t.Errorf("no config %s among %q", name, found)
		}
	}
}

func TestFiguresOfRates(t *testing.T) {
	for rate, want := range map[float64]string{
		0.012345: "0.0123", 1.5: "1.5", 176.4: "176", 999.4: "999", 1234: "1230", 123456: "123000",
	} {
		if got := figures(rate); got != want {
			t.Errorf("%g is written %s, want %s", rate, got, want)
		}
	}
}

func report() *benchReport {
	total := experiment.Estimate{Unit: "total", Seconds: new(90.0), Memory: 1e6, Disk: 2e6}
	return &benchReport{
		Machine: experiment.Machine{OS: "linux", Arch: "amd64", Cores: 2, Kernels: "avx2"},
		Seconds: 0.5,
		Rates: []bench.Rate{
			{Subject: "machine", Work: bench.PeakWork, Unit: bench.GigaFLOPs, OneCore: 100, AllCores: 200},
			{Subject: "machine", Work: "reading", Unit: bench.GigaBytes, OneCore: 30, AllCores: 60},
			{Subject: "product", Work: "256", Unit: bench.GigaFLOPs, OneCore: 90, AllCores: 170, PeakOne: new(0.9), PeakAll: new(0.85)},
		},
		Runs: []runEstimate{{"tiny", total, []experiment.Estimate{total}}},
	}
}

func TestBenchPrintsATableOfRatesAndOneOfRuns(t *testing.T) {
	var out bytes.Buffer
	if err := report().print(&out); err != nil {
		t.Fatal(err)
	}
	want := []string{
		"linux/amd64, 2 cores, avx2 kernels", "",
		"subject  work                              unit     1 core  of peak  all (2)  of peak",
		"machine  multiply-adds of registers (peak)  GFLOP/s     100              200",
		"         reading                           GB/s         30               60",
		"product  256                               GFLOP/s      90     90 %      170     85 %",
		"", "config  whole run, estimated  memory     disk",
	}
	squeeze := func(line string) string { return strings.Join(strings.Fields(line), " ") }
	lines := strings.Split(out.String(), "\n")
	for i, line := range want {
		if squeeze(lines[i]) != squeeze(line) {
			t.Errorf("line %d: %q, want %q", i, lines[i], line)
		}
	}
	if last := lines[len(want)]; !strings.HasPrefix(last, "tiny") || !strings.Contains(last, "90 s") {
		t.Errorf("run: %q", last)
	}
}

func TestBenchPrintsThePeerBeside(t *testing.T) {
	r := report()
	r.Peer = "another engine"
	r.Rates[2].Peer, r.Rates[2].Ratio = new(68.0), new(2.5)
	var out bytes.Buffer
	if err := r.print(&out); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(out.String(), "\n")
	if lines[1] != "peer: another engine, all cores" || !strings.HasSuffix(lines[3], "peer  ratio") {
		t.Errorf("head %q", lines[:4])
	}
	if !strings.HasSuffix(lines[6], "68   2.50") || strings.Contains(lines[5], "2.50") {
		t.Errorf("rates %q", lines[4:7])
	}
}

func TestBenchAsJSON(t *testing.T) {
	var out bytes.Buffer
	if err := printJSON(&out, report()); err != nil {
		t.Fatal(err)
	}
	var read struct {
		Machine struct {
			Kernels string
			Cores   int
		}
		Seconds float64 `json:"seconds_per_measurement"`
		Rates   []struct {
			Subject, Work, Unit string
			One                 float64  `json:"one_core"`
			All                 float64  `json:"all_cores"`
			PeakOne             *float64 `json:"one_core_of_peak"`
			PeakAll             *float64 `json:"all_cores_of_peak"`
		}
		Runs []struct {
			Config   string
			Estimate struct{ Seconds float64 }
			Units    []struct{ Unit string }
		}
	}
	decoder := json.NewDecoder(&out)
	if err := decoder.Decode(&read); err != nil {
		t.Fatal(err)
	}
	product := read.Rates[2]
	if read.Machine.Kernels != "avx2" || read.Machine.Cores != 2 || read.Seconds != 0.5 || len(read.Rates) != 3 ||
		product.One != 90 || product.All != 170 || *product.PeakOne != 0.9 || *product.PeakAll != 0.85 ||
		read.Rates[1].PeakOne != nil || read.Rates[1].Unit != "GB/s" {
		t.Errorf("read %+v", read)
	}
	if run := read.Runs[0]; run.Config != "tiny" || run.Estimate.Seconds != 90 || run.Units[0].Unit != "total" {
		t.Errorf("run %+v", run)
	}
}
