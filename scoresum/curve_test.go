package scoresum

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"retrace/internal/fault"
)

func TestCurveIsReadAsWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), CurveName)
	want := []Point{{100, 1.25, 0.5, 1e-3}, {200, 1e-9, 3, 0}}
	if err := writeCurve(path, want); err != nil {
		t.Fatal(err)
	}
	if got, err := ReadCurve(path); !slices.Equal(got, want) || err != nil {
		t.Errorf("%v, error %v", got, err)
	}
}

func TestFaultsOfCurvesNameTheirLine(t *testing.T) {
	const header = "step,loss,validation_loss,learning_rate\n"
	for _, c := range []struct{ content, names string }{
		{"", ":1:"},
		{"step,loss\n", ":1:"},
		{"step loss validation_loss learning_rate\n1\n", ":1:"},
		{header + "1,2,3,4\n2,high,3,4\n", ":3: loss"},
		{header + "1,2,3,4x\n", ":2: learning_rate"},
		{header + "one,2,3,4\n", ":2: step"},
		{header + "1.5,2,3,4\n", ":2: step"},
		{header + "1e300,2,3,4\n", ":2: step"},
		{header + "1,2,3\n", "line 2"},
		{header + "1,2,\"3,4\n", "line 2"},
	} {
		path := filepath.Join(t.TempDir(), CurveName)
		if err := os.WriteFile(path, []byte(c.content), 0o666); err != nil {
			t.Fatal(err)
		}
		if _, err := ReadCurve(path); !fault.IsInput(err) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), c.names) {
			t.Errorf("%q: error %v", c.content, err)
		}
	}
	if _, err := ReadCurve(filepath.Join(t.TempDir(), CurveName)); !fault.IsInput(err) || !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no file: error %v", err)
	}
	if _, err := ReadCurve(t.TempDir()); err == nil || fault.IsInput(err) {
		t.Errorf("a folder: error %v", err)
	}
}

// Whatever a curve holds, reading it does not panic, and what was read can be
// written and read again.
func FuzzReadCurve(f *testing.F) {
	f.Add("step,loss,validation_loss,learning_rate\n100,1.25,0.5,1e-3\n200,1,2,0\n")
	f.Add("step,loss,validation_loss,learning_rate\n1e300,NaN,-inf,0x1p-2\n")
	f.Add("step loss validation_loss learning_rate\n1\n")
	f.Add("\"")
	f.Fuzz(func(t *testing.T, content string) {
		path := filepath.Join(t.TempDir(), CurveName)
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		curve, err := ReadCurve(path)
		if err != nil {
			return
		}
		if err := writeCurve(path, curve); err != nil {
			t.Fatal(err)
		}
		if again, err := ReadCurve(path); err != nil || len(again) != len(curve) {
			t.Errorf("%d points read back as %d: %v", len(curve), len(again), err)
		}
	})
}
