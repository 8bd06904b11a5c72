package command_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"retrace/reanalysis"
)

var long = flag.Bool("long", false, "run slow tests")

// springs is a reanalysis of independent windows: a linear system, whose prior is exact.
const springs = `
name = "springs"
seed = 4

[model]
name = "damped-spring"

[trajectories]
length = %d
train = 0
validation = 0
test = 1
standardise = {mean = [0], scale = [1]}

[prior]
kind = "gaussian"

[[scenario]]
name = "A"
operator = {kind = "components", labels = ["position"]}
every = 2
sd = 0.2

[[method]]
name = "score"
members = 6
steps = 32
corrections = %d

[reanalysis]
join = "independent"
window = 48
overlap = 24
workers = 3

[reanalysis.queue]
lease = 1

[reanalysis.forecast]
every = 3
length = 4
`

// batchFiles reads the files of a reanalysis that must be the same for the same config.
func batchFiles(t *testing.T, dir string) map[string]string {
	t.Helper()
	files := map[string]string{}
	root := filepath.Join(dir, "reanalysis")
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		same := []string{"diagnostics.jsonl", "forecasts.jsonl", "scores.json", "plan.json"}
		if strings.Contains(filepath.ToSlash(name), ".zarr/") || strings.HasSuffix(name, ".npy") || slices.Contains(same, name) {
			content, err := os.ReadFile(path)
			files[name] = string(content)
			return err
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func compareBatches(t *testing.T, a, b string) {
	t.Helper()
	left, right := batchFiles(t, a), batchFiles(t, b)
	if len(left) < 10 || len(left) != len(right) {
		t.Errorf("%d files and %d", len(left), len(right))
	}
	for name, content := range left {
		if right[name] != content {
			t.Errorf("%s differs", name)
		}
	}
}

// startReanalysis starts a reanalysis.
func startReanalysis(t *testing.T, dir string, args ...string) (*exec.Cmd, *bytes.Buffer) {
	t.Helper()
	cmd := exec.Command("retrace", append([]string{"reanalyse"}, args...)...)
	var output bytes.Buffer
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &output, &output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return cmd, &output
}

// workersOf lists the processes of the workers that say that they compute a window.
func workersOf(dir string) []int {
	files, _ := filepath.Glob(filepath.Join(dir, "reanalysis", "workers", "*.json"))
	var list []int
	for _, f := range files {
		var beat reanalysis.Beat
		text, err := os.ReadFile(f)
		if err != nil || json.Unmarshal(text, &beat) != nil || beat.Window < 0 {
			continue
		}
		if pid, err := strconv.Atoi(beat.Worker[strings.LastIndex(beat.Worker, "-")+1:]); err == nil && syscall.Kill(pid, 0) == nil {
			list = append(list, pid)
		}
	}
	return list
}

func springsConfig(t *testing.T, dir string, length, corrections int) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, "springs.toml"), fmt.Appendf(nil, springs, length, corrections), 0o666); err != nil {
		t.Fatal(err)
	}
}

// Workers killed at random cost time, and nothing else: the product has the bytes of an
// undisturbed run of one process without a queue.
func TestKilledWorkersChangeNoByte(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	kills, length, corrections := 3, 240, 30
	if *long {
		kills, length, corrections = 20, 1200, 60
	}
	springsConfig(t, dir, length, corrections)
	retrace(t, dir, nil, "reanalyse", "springs.toml", "--out", "calm", "--workers", "0")
	cmd, output := startReanalysis(t, dir, "springs.toml", "--out", "wild")
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	random := rand.New(rand.NewPCG(1, 2))
	killed := 0
	for running := true; running; {
		select {
		case err := <-ended:
			if err != nil {
				t.Fatalf("%v\n%s", err, output)
			}
			running = false
		case <-time.After(time.Duration(50+random.IntN(300)) * time.Millisecond):
			if busy := workersOf(filepath.Join(dir, "wild")); len(busy) > 0 && killed < kills {
				if syscall.Kill(busy[random.IntN(len(busy))], syscall.SIGKILL) == nil {
					killed++
				}
			}
		}
	}
	if killed < kills {
		t.Errorf("only %d of %d workers were killed: the windows are too short", killed, kills)
	}
	compareBatches(t, filepath.Join(dir, "calm"), filepath.Join(dir, "wild"))
	status(t, dir, "wild")
}

// status checks what is said of a finished batch.
func status(t *testing.T, dir, out string) {
	t.Helper()
	s, err := reanalysis.ReadStatus(filepath.Join(dir, out, "reanalysis"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if s.Done != s.Windows || s.Joined != s.Windows || s.Failed != 0 || s.Running != 0 {
		t.Errorf("status of a finished batch: %+v", s)
	}
}

func TestKilledCoordinatorGoesOnToTheSameBytes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	springsConfig(t, dir, 240, 30)
	retrace(t, dir, nil, "reanalyse", "springs.toml", "--out", "calm", "--workers", "0")
	cmd, _ := startReanalysis(t, dir, "springs.toml", "--out", "wild", "--workers", "2")
	for {
		if done, _ := filepath.Glob(filepath.Join(dir, "wild/reanalysis/windows/*.json")); len(done) > 2 {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	orphans := workersOf(filepath.Join(dir, "wild"))
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err == nil {
		t.Fatal("the coordinator ended before it was killed")
	}
	for _, pid := range orphans {
		for i := 0; syscall.Kill(pid, 0) == nil; i++ {
			if i > 1000 {
				t.Fatalf("worker %d outlives its coordinator", pid)
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	retrace(t, dir, nil, "reanalyse", "springs.toml", "--out", "wild", "--workers", "2")
	compareBatches(t, filepath.Join(dir, "calm"), filepath.Join(dir, "wild"))
}

// Shares that run side by side, as the jobs of an array do, make the same batch.
func TestSharesMakeTheSameBatch(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	springsConfig(t, dir, 240, 0)
	retrace(t, dir, nil, "reanalyse", "springs.toml", "--out", "calm", "--workers", "0")
	retrace(t, dir, nil, "reanalyse", "springs.toml", "--out", "array", "--prepare")
	var shares []*exec.Cmd
	for i := range 3 {
		cmd, _ := startReanalysis(t, dir, "springs.toml", "--out", "array", "--shard", fmt.Sprintf("%d/3", i))
		shares = append(shares, cmd)
	}
	for i, cmd := range shares {
		if err := cmd.Wait(); err != nil {
			t.Errorf("share %d: %v\n%s", i, err, cmd.Stderr)
		}
	}
	retrace(t, dir, nil, "reanalyse", "springs.toml", "--out", "array")
	compareBatches(t, filepath.Join(dir, "calm"), filepath.Join(dir, "array"))
}
