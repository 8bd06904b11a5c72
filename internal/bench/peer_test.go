package bench_test

import (
	"os/exec"
	"strings"
	"testing"

	"retrace/internal/bench"
	"retrace/internal/fault"
)

// peer starts a peer written for the shell.
func peer(t *testing.T, script string) *bench.Peer {
	t.Helper()
	if _, err := exec.LookPath("sh"); err != nil {
		t.Skip("no shell")
	}
	p, err := bench.StartPeer(t.Context(), script)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func asked(t *testing.T, p *bench.Peer) ([]bench.Rate, error) {
	probe := counting(bench.GigaFLOPs, 12, func() error { return nil })
	probe.Peer = bench.Request{"kind": "product", "size": 7}
	meter := brief
	meter.Peer = p
	return meter.Measure(t.Context(), []bench.Probe{probe, counting(bench.GigaBytes, 1, func() error { return nil })})
}

// The peer is asked for what the probe does, and its best time counts.
func TestPeerTakesTurns(t *testing.T) {
	p := peer(t, `echo '{"name": "a peer"}'
		while read line; do
			case "$line" in *'"kind":"product"'*'"size":7'*'"threads":'*) ;; *) echo '{"error": "what?"}'; continue; esac
			n=$((n + 1))
			echo "{\"seconds\": $((5 - n))}"
		done`)
	if p.Name != "a peer" {
		t.Errorf("name %q", p.Name)
	}
	rates, err := asked(t, p)
	if err != nil {
		t.Fatal(err)
	}
	r := rates[0]
	if r.Peer == nil || *r.Peer != 12 || *r.Ratio != r.AllCores/12 { // 4, 3, 2 and 1 seconds
		t.Errorf("%+v", r)
	}
	if rates[1].Peer != nil {
		t.Errorf("a peer's rate of what it was not asked for: %+v", rates[1])
	}
}

func TestBrokenPeersAreInputErrors(t *testing.T) {
	for script, want := range map[string]string{
		`echo '{"name": "p"}'; read line; echo '{"error": "no such kind"}'; read line`: "no such kind",
		`echo '{"name": "p"}'; read line; echo nonsense; read line`:                    "nonsense",
		`echo '{"name": "p"}'; echo went wrong >&2; exit 3`:                            "went wrong",
		`echo '{"name": "p"}'; read line; echo '{}'; read line`:                        "no time",
	} {
		if _, err := asked(t, peer(t, script)); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v", script, err)
		}
	}
	if _, err := bench.StartPeer(t.Context(), "echo no such module >&2; exit 1"); !fault.IsInput(err) || !strings.Contains(err.Error(), "no such module") {
		t.Errorf("error %v", err)
	}
}
