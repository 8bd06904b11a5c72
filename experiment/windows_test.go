package experiment_test

import (
	"strings"
	"testing"

	"retrace/experiment"
	"retrace/internal/fault"
	_ "retrace/lorenz"
	_ "retrace/qg"
)

const fewRuns = `
[model]
name = "lorenz63"
[trajectories]
length = 4
train_length = 5
train = 7
validation = 0
test = 0
spin_up = 100
windows = 3
gap = 10
`

// TestWindowsPayTheSpinUpOnce: two runs of three windows and one of one.
func TestWindowsPayTheSpinUpOnce(t *testing.T) {
	c, err := experiment.Parse("few.toml", []byte(fewRuns), nil)
	if err != nil {
		t.Fatal(err)
	}
	list, err := c.Estimate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if want := float64(2*(100+3*4+2*10) + 100 + 4); len(list) == 0 || list[0].Unit != "simulate/training" || list[0].Count != want {
		t.Errorf("%+v, want %v transitions", list, want)
	}
	for _, key := range []string{"windows", "gap"} {
		_, err := experiment.Parse("few.toml", []byte(fewRuns), []string{"trajectories." + key + "=0"})
		if !fault.IsInput(err) || !strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "at least 1") {
			t.Errorf("%v", err)
		}
	}
}

func TestPresetsOfAModelAreDefaultsOfItsOtherKeys(t *testing.T) {
	text := strings.Replace(fewRuns, `name = "lorenz63"`, "name = \"qg\"\npreset = \"jet\"\nnx = 32", 1)
	c, err := experiment.Parse("jet.toml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	resolved := string(c.Encode(false))
	for _, want := range []string{`preset = "jet"`, "beta = 1e-11", "nx = 32", "ny = 64"} {
		if !strings.Contains(resolved, want) {
			t.Errorf("the resolved config lacks %q:\n%s", want, resolved)
		}
	}
	if _, err := experiment.Parse("jet.toml", []byte(text), []string{"model.preset=jets"}); !fault.IsInput(err) || !strings.Contains(err.Error(), `did you mean "jet"?`) || strings.Contains(err.Error(), "\n") {
		t.Errorf("%v", err)
	}
}
