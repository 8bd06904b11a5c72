package zarr

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// saveNumber commits a store that holds one number.
func saveNumber(t *testing.T, path string, v float64) {
	t.Helper()
	w, err := Create(path, Group{Arrays: []Array{{Name: "x", Type: Float64}}})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	if err := errors.Join(Write(w, "x", Region{}, []float64{v}), w.Commit()); err != nil {
		t.Fatal(err)
	}
}

func readNumber(t *testing.T, path string) float64 {
	t.Helper()
	s, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	v, err := Read[float64](s, "x", Region{})
	if err != nil {
		t.Fatal(err)
	}
	return v[0]
}

func TestReplacingWithoutExchange(t *testing.T) {
	real := exchange
	defer func() { exchange = real }()
	exchange = func(a, b string) error { return errors.ErrUnsupported }

	dir := t.TempDir()
	path := filepath.Join(dir, "a.zarr")
	for _, v := range []float64{1, 2, 3} {
		saveNumber(t, path, v)
		if got := readNumber(t, path); got != v {
			t.Errorf("read %v after writing %v", got, v)
		}
	}
	// A writer killed between its two renames leaves the old store hidden.
	if err := os.Rename(path, previous(path)); err != nil {
		t.Fatal(err)
	}
	if got := readNumber(t, path); got != 3 {
		t.Errorf("read %v after a kill between the renames", got)
	}
	saveNumber(t, path, 4)
	// One killed while it deleted the old store leaves both.
	if err := os.Mkdir(previous(path), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(previous(path), "rest"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	saveNumber(t, path, 5)
	if got := readNumber(t, path); got != 5 {
		t.Errorf("read %v after two kills", got)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left: %v", entries)
	}
}

func TestShuffleIsUndone(t *testing.T) {
	for n := range 40 {
		for _, size := range []int{1, 2, 4, 8, 50} {
			plain, shuffled, back := make([]byte, n), make([]byte, n), make([]byte, n)
			for i := range plain {
				plain[i] = byte(i)
			}
			shuffle(shuffled, plain, size)
			unshuffle(back, shuffled, size)
			if string(back) != string(plain) {
				t.Fatalf("%d bytes in values of %d: %v", n, size, back)
			}
		}
	}
	shuffled := make([]byte, 9)
	shuffle(shuffled, []byte("abcdefghi"), 4)
	if string(shuffled) != "aebfcgdhi" {
		t.Errorf("shuffled to %s, where numcodecs has aebfcgdhi", shuffled)
	}
}

// megabytes returns an array of one chunk, values for it, and room for its
// bytes.
func megabytes(b *testing.B) (a *Array, values []float32, raw []byte) {
	a, err := Array{Name: "x", Dimensions: []string{"i"}, Shape: []int{1 << 20}, Type: Float32}.prepare()
	if err != nil {
		b.Fatal(err)
	}
	values = make([]float32, 1<<20)
	for i := range values {
		values[i] = float32(i%977) * 0.37
	}
	return a, values, a.blank()
}

func BenchmarkPack(b *testing.B) {
	a, values, raw := megabytes(b)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if err := encode(raw, a.Type, values); err != nil {
			b.Fatal(err)
		}
		if file := a.pack(raw); len(file) == 0 {
			b.Fatal("empty")
		}
	}
}

func BenchmarkUnpack(b *testing.B) {
	a, values, raw := megabytes(b)
	if err := encode(raw, a.Type, values); err != nil {
		b.Fatal(err)
	}
	file := a.pack(raw)
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		raw, err := a.unpack(file)
		if err == nil {
			err = decode(values, raw, a.Type)
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
