package experiment_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"retrace/experiment"
)

// smallFlow is a whole experiment with assimilated fields in a few seconds: far too small
// to be accurate.
const smallFlow = `seed = 2
[model]
name = "qg"
nx = 16
ny = 16
deformation_radius = 60e3
velocity_upper = 0.05
dt = 14400
spin_up = 60
channels = ["q1", "u1", "q2"]
[trajectories]
length = 4
windows = 6
gap = 10
train = 12
train_length = 4
validation = 2
test = 1
[prior]
network = "unet"
window = 3
widths = [4, 8]
blocks = 1
[prior.training]
steps = 4
batch = 4
[[scenario]]
name = "coarse"
operator = {kind = "blocks", channels = ["q1", "q2"], factor = 4}
sd = [1e-6, 1e-7]
[[scenario]]
name = "tracks"
operator = {kind = "tracks", channels = ["psi1"], count = 2}
every = 2
sd = 100
[[method]]
name = "score"
members = 3
steps = 4
corrections = 0
[[method]]
name = "interpolation"
members = 2
[[method]]
name = "climatology"
members = 3
`

func TestAssimilatedFieldsAreScoredAndDrawn(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	if _, err := experiment.Run(t.Context(), parse(t, smallFlow), experiment.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"coarse-case0-q1", "coarse-case0-u1", "coarse-case0-means", "coarse-case0-spectra", "tracks-case0-q2"} {
		for _, ending := range []string{".pdf", ".png"} {
			if info, err := os.Stat(filepath.Join(dir, "figures", name+ending)); err != nil || info.Size() < 5000 {
				t.Errorf("figure %s%s: %v", name, ending, err)
			}
		}
	}
	film, err := os.ReadFile(filepath.Join(dir, "figures", "coarse-case0-film.gif"))
	if err != nil || !bytes.HasPrefix(film, []byte("GIF89a")) {
		t.Errorf("animation: %v", err)
	}
	page, err := os.ReadFile(filepath.Join(dir, "report.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"data:image/gif;base64", "Field by field", "Physics of the members", "inversion residual, u1", "more figures", "Correlation of the ensemble mean"} {
		if !bytes.Contains(page, []byte(want)) {
			t.Errorf("the report does not hold %q", want)
		}
	}
	checkFieldScores(t, dir)
}

// checkFieldScores checks that every score is there and finite.
func checkFieldScores(t *testing.T, dir string) {
	t.Helper()
	scores, err := experiment.ReadScores(dir)
	if err != nil {
		t.Fatal(err)
	}
	have := map[string]bool{}
	for _, s := range scores {
		if math.IsNaN(s.Value) || math.IsInf(s.Value, 0) || s.Units == "" {
			t.Errorf("odd record %+v", s)
		}
		have[strings.Join([]string{s.Method, s.Metric, s.Channel}, " ")] = true
		if s.Metric == "rmse" && s.Channel == "u1" && s.Units != "m s-1" || s.Metric == "energy" && s.Units != "m2 s-2" {
			t.Errorf("wrong units in %+v", s)
		}
	}
	for _, want := range []string{
		"score correlation ", "score nrmse ", "score ncrps ", "score spread_skill ", "score anomaly_correlation ",
		"score rmse q1", "interpolation nrmse u1", "score crps q2", "score spread_skill q1", "climatology correlation u1",
		"truth energy kinetic, layer 1", "score energy available potential", "truth inversion_residual u1", "score inversion_residual u1",
		"truth model_residual q1", "score model_residual q1", "score spectrum_low q1", "score spectrum_high u1", "score spectrum_error q2",
	} {
		if !have[want] {
			t.Errorf("there is no %q", want)
		}
	}
	// Sums over fields of different units mean nothing.
	if have["score rmse "] || have["score crps "] {
		t.Error("errors of different units were added")
	}
	rows, err := experiment.ChannelTable(dir)
	if err != nil || len(rows) != 2*3*3 || rows[0].Units["rmse"] != "s-1" {
		t.Errorf("table of %d channels, error %v", len(rows), err)
	}
	physics, err := experiment.Physics(dir)
	if err != nil || len(physics) == 0 {
		t.Fatalf("no physics, error %v", err)
	}
	at := slices.IndexFunc(physics, func(r experiment.PhysicsRow) bool { return r.Quantity == "inversion residual, u1" })
	if at < 0 || physics[at].Mean["truth"] > 1e-5 || physics[at].Mean["score"] <= 0 {
		t.Errorf("inversion residual of u1: %+v", physics[max(at, 0)])
	}
	table, err := os.ReadFile(filepath.Join(dir, "scores.csv"))
	if err != nil || !bytes.HasPrefix(table, []byte("scenario,method,case,metric,value,units,channel\n")) {
		t.Errorf("scores.csv: %v", err)
	}
}

func TestFieldsOfOneAxisAreDrawnAgainstTime(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "r")
	config := parse(t, `[model]
name = "lorenz96"
n = 12
[trajectories]
length = 9
train = 8
train_length = 9
test = 1
[[scenario]]
name = "every second"
operator = {kind = "pixels", every = 2}
sd = 1.0
[[method]]
name = "interpolation"
members = 2
[[method]]
name = "climatology"
members = 4
`, `scenario.0.name="half"`)
	if _, err := experiment.Run(t.Context(), config, experiment.Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	drawn, err := filepath.Glob(filepath.Join(dir, "figures", "half-case0-*.pdf"))
	if err != nil || len(drawn) != 3 { // the field, the means, the spectra
		t.Errorf("drawn: %q, error %v", drawn, err)
	}
	rows, err := experiment.Table(dir)
	if err != nil || len(rows) != 2 {
		t.Fatal(err)
	}
	if interpolation, climate := rows[0].Median, rows[1].Median; !(interpolation["correlation"] > 0.4) ||
		interpolation["rmse"] >= climate["rmse"] || interpolation["nrmse"] >= 1 {
		t.Errorf("interpolation %v, climatology %v", interpolation, climate)
	}
	if channels, err := experiment.ChannelTable(dir); err != nil || len(channels) != 0 {
		t.Errorf("a single field has %d rows of channels, error %v", len(channels), err)
	}
}
