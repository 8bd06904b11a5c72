package obsseq_test

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"retrace/internal/fault"
	"retrace/internal/obsseq"
)

func read(t testing.TB, name string) *obsseq.File {
	t.Helper()
	text, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	f, err := obsseq.Read(strings.NewReader(string(text)), name)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestLorenz96IsRead(t *testing.T) {
	f := read(t, "lorenz96.final")
	if len(f.Observations) != 5 || f.Unlinked != 1 || !slices.Equal(f.Controls, []string{"Quality Control", "DART quality control"}) {
		t.Fatalf("%d observations, %d unlinked, controls %q", len(f.Observations), f.Unlinked, f.Controls)
	}
	if f.Copies[1] != "truth" || f.Types[1] != "RAW_STATE_VARIABLE" {
		t.Errorf("copies %q, types %v", f.Copies, f.Types)
	}
	// The second in time stands last in the file.
	first, second, identity := f.Observations[0], f.Observations[1], f.Observations[2]
	if first.Copies[0] != -3.25 || first.Place.Coordinates[0] != 0.025 || first.Variance != 4 || first.Seconds != 3600 || first.Line != 14 {
		t.Errorf("the first: %+v", first)
	}
	if second.Copies[0] != 12.5 || second.Place.Coordinates[0] != 0.5 || second.Controls[1] != 7 {
		t.Errorf("the second: %+v", second)
	}
	if identity.State != 3 || identity.Type != "" || !math.IsNaN(identity.Copies[2]) || identity.Days != 1 {
		t.Errorf("the third: %+v", identity)
	}
}

func TestPlacesOnTheSphereAndExtraLinesAreRead(t *testing.T) {
	f := read(t, "sphere.out")
	o := f.Observations[0]
	if o.Type != "GPSRO_REFRACTIVITY" || o.Place.Kind != "loc3d" || o.Place.Vertical != 3 || len(o.Place.Coordinates) != 3 || o.Place.Coordinates[2] != 5000 {
		t.Errorf("%+v", o)
	}
	if !slices.Equal(o.Extra, []string{"gpsroref", "1", "0.0   0.0  0.0"}) || o.Days != 148000 || o.Variance != 0.1 {
		t.Errorf("%+v", o)
	}
	if o := f.Observations[1]; o.Place.Kind != "loc2s" || len(o.Place.Coordinates) != 2 {
		t.Errorf("%+v", o)
	}
}

// Each change makes one mistake; the error names its line.
func TestMistakesAreNamedWithTheirLine(t *testing.T) {
	text, err := os.ReadFile("testdata/lorenz96.final")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{"obs_sequence", "obs_seq", `:1: "obs_seq" stands where "obs_sequence"`},
		{"obs_kind_definitions", "kinds", `:2: "kinds"`},
		{"RAW_STATE_VARIABLE", "", `:4: "1" is not a number and a name`},
		{"num_copies:", "copies:", ":5:"},
		{"num_obs:            6  max_num_obs:            6", "num_obs: 7 max_num_obs: 7", "after 6 observations of 7"},
		{"num_obs:            6", "num_obs:            5", "behind the last of 5"},
		{"num_obs:            6", "num_obs:            9", ":6: num_obs is 9"},
		{"  -3.25", "  -3.2.5", `:15: "-3.2.5" is not a finite number`},
		{"  -3.25", "  Infinity", ":15:"},
		{"loc1d", "loc4d", ":22:"},
		{"   0.0250000000000000", "   0.025 0.1", ":23:"},
		{"kind\n           1\n", "kind\n           9\n", ":25: there is no type 9"},
		{"   3600     0", "  86400     0", ":26: 86400 seconds"},
		{"   3600     0", "  36", ":26:"},
		{"   4.0", "  -4.0", ":27: the variance of the noise is -4"},
		{" OBS            2", " OBS            1", ":28: observation 1 is there already, on line 14"},
		{"last:            5", "last:            4", "the header says 4"},
		{"          -1           6          -1", "          -1           8          -1", "observation 8, which is next to 1, is not there"},
	} {
		changed := strings.Replace(string(text), c.old, c.new, 1)
		if changed == string(text) {
			t.Fatalf("%q is not in the file", c.old)
		}
		_, err := obsseq.Read(strings.NewReader(changed), "f.final")
		if !fault.IsInput(err) || !strings.Contains(err.Error(), "f.final:") || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q for %q: %v", c.new, c.old, err)
		}
	}
}

// A file that is cut off anywhere is refused, for ever so few bytes.
func TestHalfAFileIsRefused(t *testing.T) {
	text, err := os.ReadFile("testdata/lorenz96.final")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(strings.TrimRight(string(text), "\n"), "\n")
	for n := range lines {
		if _, err := obsseq.Read(strings.NewReader(strings.Join(lines[:n], "")), "f"); !fault.IsInput(err) {
			t.Errorf("%d of %d lines: %v", n, len(lines), err)
		}
	}
}

func TestErrorsOfTheReaderAreNotTheUsers(t *testing.T) {
	cause := errors.New("the disk is gone")
	_, err := obsseq.Read(io.MultiReader(strings.NewReader("obs_sequence\n"), iotest.ErrReader(cause)), "f")
	if !errors.Is(err, cause) || fault.IsInput(err) {
		t.Errorf("error %v", err)
	}
}

func TestWhatIsNoTextIsRefused(t *testing.T) {
	for _, text := range []string{"", "\x0c\x00\x00\x00", strings.Repeat("\x00", 1<<17)} {
		if _, err := obsseq.Read(strings.NewReader(text), "f"); !fault.IsInput(err) {
			t.Errorf("%d bytes: %v", len(text), err)
		}
	}
}

// FuzzRead: whatever the bytes, an input error that names the file, or observations
// in the order of time with as many values as there are copies.
func FuzzRead(f *testing.F) {
	for _, name := range []string{"lorenz96.final", "sphere.out"} {
		text, err := os.ReadFile("testdata/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(string(text))
	}
	f.Add("obs_sequence\nobs_type_definitions\n0\nnum_copies: 9999 num_qc: 9999\nnum_obs: 2000000000 max_num_obs: 2000000000\n")
	f.Fuzz(func(t *testing.T, text string) {
		file, err := obsseq.Read(strings.NewReader(text), "fuzz")
		if err != nil {
			if !fault.IsInput(err) || !strings.HasPrefix(err.Error(), "fuzz:") {
				t.Errorf("error %v", err)
			}
			return
		}
		before := -1
		for _, o := range file.Observations {
			now := 86400*o.Days + o.Seconds
			if len(o.Copies) != len(file.Copies) || len(o.Controls) != len(file.Controls) || now < before || !(o.Variance >= 0) {
				t.Errorf("%+v", o)
			}
			before = now
		}
		convert(file)
	})
}

func ExampleRead() {
	file, err := os.Open("testdata/lorenz96.final")
	if err != nil {
		panic(err)
	}
	defer file.Close()
	f, err := obsseq.Read(file, "lorenz96.final")
	if err != nil {
		panic(err)
	}
	for _, o := range f.Observations[:2] {
		fmt.Println(o.Days, o.Seconds, o.Type, o.Place.Coordinates, o.Copies[0], o.Variance)
	}
	// Output:
	// 0 3600 RAW_STATE_VARIABLE [0.025] -3.25 4
	// 0 3600 RAW_STATE_VARIABLE [0.5] 12.5 4
}
