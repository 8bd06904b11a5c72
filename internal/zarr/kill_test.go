package zarr_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"retrace/internal/rng"
	"retrace/internal/zarr"
)

// writerPath, set in the environment, turns the test binary into a process
// that replaces one store over and over until it is killed.
const writerPath = "RETRACE_TEST_ZARR_WRITER"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerPath); path != "" {
		for version := 1; ; version++ {
			if err := replace(path, float32(version)); err != nil {
				panic(err)
			}
			os.Stdout.WriteString("x\n")
		}
	}
	os.Exit(m.Run())
}

// replace writes a store of several chunks that all hold one number.
func replace(path string, v float32) error {
	values := make([]float32, 6*1000)
	for i := range values {
		values[i] = v
	}
	w, err := zarr.Create(path, zarr.Group{
		Attributes: map[string]any{"version": v},
		Arrays: []zarr.Array{{Name: "x", Dimensions: []string{"i", "j"}, Shape: []int{6, 1000},
			Chunks: []int{1, 1000}, Type: zarr.Float32}},
	})
	if err != nil {
		return err
	}
	defer w.Discard()
	if err := zarr.Write(w, "x", zarr.Region{}, values); err != nil {
		return err
	}
	return w.Commit()
}

func TestKilledWriterLeavesTheOldStoreOrTheNew(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x.zarr")
	moments := rng.Stream(1, "kill")
	for range 12 {
		killWriter(t, path, time.Duration(moments.Float64()*float64(25*time.Millisecond)))
		s := open(t, path)
		values, err := zarr.Read[float32](s, "x", zarr.Region{})
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range values {
			if float64(v) != s.Attributes["version"] {
				t.Fatalf("a value of version %v in a store of version %v", v, s.Attributes["version"])
			}
		}
	}
	if err := zarr.Sweep(dir); err != nil {
		t.Fatal(err)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left: %v", entries)
	}
}

// killWriter starts a writer and kills it some time after its first store.
func killWriter(t *testing.T, path string, after time.Duration) {
	t.Helper()
	writer := exec.Command(os.Args[0])
	writer.Env = append(os.Environ(), writerPath+"="+path)
	writer.Stderr = os.Stderr
	output, err := writer.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := bufio.NewReader(output).ReadString('\n'); err != nil {
		t.Fatal(err)
	}
	time.Sleep(after)
	writer.Process.Kill()
	writer.Wait()
}
