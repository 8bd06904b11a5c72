package calibrate_test

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"retrace/assimilate"
	"retrace/calibrate"
)

// counted counts the cases of the exact posterior, and stops after some.
type counted struct {
	calibrate.Exact
	calls, stop int
	cancel      func()
}

func (c *counted) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	if c.calls++; c.calls == c.stop {
		c.cancel()
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	return c.Exact.Assimilate(ctx, p, progress)
}

// kept is a small study that keeps its cases in a folder.
func kept(t *testing.T, folder, key string) *calibrate.Study {
	t.Helper()
	study, err := calibrate.Oracle(t.Context(), 12, 8, 0.01, 1)
	if err != nil {
		t.Fatal(err)
	}
	study.Folder, study.Key = folder, key
	return study
}

// facts is an assessment without times.
func facts(t *testing.T, a *calibrate.Assessment) string {
	t.Helper()
	timeless := *a
	timeless.Seconds = 0
	text, err := json.Marshal(timeless)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestInterruptedStudyGoesOnWithTheNextCase(t *testing.T) {
	folder := t.TempDir()
	ctx, cancel := context.WithCancel(t.Context())
	first := &counted{stop: 6, cancel: cancel}
	if _, err := kept(t, folder, "k").Assess(ctx, "m", first, nil); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	// The line of a case that was being written when the process was killed.
	path := filepath.Join(folder, "m.cases.jsonl")
	file, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := file.WriteString(`{"case":5,"ranks":[0.1,`); err != nil {
		t.Fatal(err)
	}
	file.Close()

	second := &counted{}
	resumed, err := kept(t, folder, "k").Assess(t.Context(), "m", second, nil)
	if err != nil || second.calls != 12-5 {
		t.Fatalf("%d cases were done again or for the first time, want 7; error %v", second.calls, err)
	}
	whole, err := kept(t, "", "").Assess(t.Context(), "m", &counted{}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if a, b := facts(t, resumed), facts(t, whole); a != b {
		t.Errorf("with an interruption %s\nwithout %s", a, b)
	}
	third := &counted{}
	study := kept(t, folder, "k")
	seconds, err := study.Remaining(t.Context(), "m", third)
	if err != nil || seconds != 0 {
		t.Errorf("%v s remain, error %v", seconds, err)
	}
	if _, err := study.Assess(t.Context(), "m", third, nil); err != nil || third.calls != 0 {
		t.Errorf("a complete study did %d cases, error %v", third.calls, err)
	}
}

func TestAnotherStudyBeginsAnew(t *testing.T) {
	folder := t.TempDir()
	if _, err := kept(t, folder, "k").Assess(t.Context(), "m", &counted{}, nil); err != nil {
		t.Fatal(err)
	}
	for name, study := range map[string]*calibrate.Study{"settings": kept(t, folder, "other")} {
		again := &counted{}
		if _, err := study.Assess(t.Context(), "m", again, nil); err != nil || again.calls != 12 {
			t.Errorf("other %s: %d cases, want all 12; error %v", name, again.calls, err)
		}
	}
	if err := os.WriteFile(filepath.Join(folder, "m.cases.jsonl"), []byte("not JSON\n{}\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	again := &counted{}
	if _, err := kept(t, folder, "other").Assess(t.Context(), "m", again, nil); err != nil || again.calls != 12 {
		t.Errorf("a broken file: %d cases, error %v", again.calls, err)
	}
}
