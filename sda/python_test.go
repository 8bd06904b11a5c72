package sda_test

import (
	"cmp"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"retrace/internal/npy"
	"retrace/internal/safetensors"
)

// TestNetworksAgreeWithTheirDefinition compares random networks of many sizes
// with testdata/reference.py, which writes the networks down in numpy.
func TestNetworksAgreeWithTheirDefinition(t *testing.T) {
	python := cmp.Or(os.Getenv("PYTHON"), "python3")
	if err := exec.Command(python, "-c", "import numpy, tomllib").Run(); err != nil {
		t.Skip("there is no Python 3.11 with numpy")
	}
	const time = 0.37
	dir, results := t.TempDir(), map[string][]float32{}
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, s := range samples {
		a := architecture(t, s.text)
		base := filepath.Join(dir, strings.ReplaceAll(name, " ", "-"))
		d := newDenoiser(t, s.prior(t), s.length, s.state...)
		x, y := normals(2*d.Dim(), 12), make([]float32, 2*d.Dim())
		check(d.Noise(context.Background(), y, x, time))
		check(os.WriteFile(base+".toml", []byte(s.text), 0o666))
		check(safetensors.Write(base+".safetensors", randomWeights(a, s.forcing...)))
		check(npy.Write(base+".x.npy", append([]int{2, s.length}, s.state...), x))
		results[base] = y
	}
	if out, err := exec.Command(python, "testdata/reference.py", dir, "0.37").CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for base, y := range results {
		_, want, err := npy.Read[float32](base + ".r.npy")
		check(err)
		closeTo(t, filepath.Base(base), y, want, 1e-5)
	}
}
