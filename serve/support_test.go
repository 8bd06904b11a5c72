package serve_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"retrace/serve"
)

// put writes a file below dir.
func put(t testing.TB, dir, name, text string) {
	t.Helper()
	path := filepath.Join(dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		t.Fatal(err)
	}
	// Written beside its place and renamed, as runs do.
	if err := os.WriteFile(path+".tmp", []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".tmp", path); err != nil {
		t.Fatal(err)
	}
}

// runs is a folder with an experiment that trains, one that is done, a twin
// experiment, a batch and a calibration.
func runs(t testing.TB) string {
	t.Helper()
	dir := t.TempDir()
	host, err := os.Hostname()
	if err != nil {
		t.Skip("this machine has no name")
	}
	put(t, dir, "training/lock", fmt.Sprintf("process %d on %s\n", os.Getpid(), host))
	put(t, dir, "training/provenance.json", `{"state": "running", "seed": 3, "config": {"file": "a.toml"}, "units": {
		"simulate/training": {"complete": true, "seconds": 2}, "train": {"complete": false, "seconds": 0}}}`)
	put(t, dir, "training/run.toml", "[model]\nname = \"lorenz63\"\n[prior.training]\nsteps = 200\n[[scenario]]\nname = \"A\"\n[[method]]\nname = \"score\"\n")
	put(t, dir, "training/prior/training.csv", "step,loss,validation_loss,learning_rate\n10,1.5,1.6,0.001\n20,1.25,1.5,0.001\n")
	put(t, dir, "training/log.jsonl", `{"time":"2026-01-02T03:04:05Z","level":"INFO","msg":"begin","config":"a.toml"}
{"time":"2026-01-02T03:04:06Z","level":"INFO","msg":"unit ends","unit":"simulate/training","seconds":2,"complete":true}
{"time":"2026-01-02T03:04:06Z","level":"INFO","msg":"unit begins","unit":"train"}
{"time":"2026-01-02T03:04:07Z","level":"INFO","msg":"unfini`)
	put(t, dir, "paper/done/provenance.json", `{"state": "done", "units": {"report": {"complete": true, "seconds": 61}}}`)
	put(t, dir, "paper/done/scores.json", `[{"scenario":"A","method":"score","case":0,"metric":"rmse","value":0.5,"units":"m"},
		{"scenario":"A","method":"score","case":1,"metric":"rmse","value":0.75,"units":"m"},
		{"scenario":"A","method":"<b>bold</b>","case":0,"metric":"rmse","value":null,"units":"m"}]`)
	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 30, 20))); err != nil {
		t.Fatal(err)
	}
	put(t, dir, "paper/done/figures/a figure #1.png", picture.String())
	put(t, dir, "paper/done/figures/a figure #1.pdf", "%PDF")
	put(t, dir, "paper/done/report.html", "<!DOCTYPE html><title>report</title><script>alert(1)</script>")
	put(t, dir, "twin/provenance.json", `{"state": "failed", "error": "disk full\nmore"}`)
	put(t, dir, "twin/twin.json", `{}`)
	put(t, dir, "twin/twin.csv", "scenario,method,group,rmse\nall,etkf,,0.123456\n")
	put(t, dir, "batch/provenance.json", `{"state": "running"}`)
	put(t, dir, "batch/reanalysis/plan.json", `{}`)
	put(t, dir, "batch/reanalysis/diagnostics.jsonl", "{\"window\":0,\"rmse\":0.5,\"spread\":0.4}\n{\"window\":1,\"rmse\":null,\"spread\":0.25}\n{\"window\":2,\"rmse\":0.75}\n")
	put(t, dir, "batch/reanalysis/timing.jsonl", "{\"window\":1,\"seconds\":2.5,\"memory\":1000000}\n")
	put(t, dir, "judged/verdict.json", `{"title": "oracles", "pass": false, "methods": [{}, {}]}`)
	put(t, dir, "empty/.zmetadata", "{}")
	return dir
}

// batch is what a reader of batches says.
func batch(string) (*serve.Batch, error) {
	left := 30.0
	return &serve.Batch{
		Windows: 10, Done: 3, Running: 1, Failed: 1, Joined: 2, PerHour: 120, Left: &left,
		Workers: []serve.Worker{{Name: "host-17", Window: 4, Done: 3}}, Failures: []string{"window 5 failed: NaN"},
	}, nil
}

func newServer(t testing.TB, dir string) *serve.Server {
	t.Helper()
	s, err := serve.New(dir, batch)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func decode[T any](t testing.TB, text []byte) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(text, &v); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return v
}
