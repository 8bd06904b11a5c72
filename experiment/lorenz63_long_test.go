package experiment_test

import (
	"flag"
	"math"
	"path/filepath"
	"slices"
	"testing"

	"gonum.org/v1/gonum/stat"

	"retrace/experiment"
)

var long = flag.Bool("long", false, "run slow statistical tests")

// The shipped experiment must beat the best local network of Rozet & Louppe
// (2023), k = 4 and C = 16: a median Wasserstein distance to the reference of
// 7.7 in A and 9.0 in B, read off their figure 2; draw trajectories as likely
// under the model as true ones, whose expected log-density is 81.7; and have a
// floor near theirs, 5.0 and 6.5 (which backward simulation and more particles
// lower in B).
func TestLorenz63BeatsTheBestLocalNetworkOfThePaper(t *testing.T) {
	if !*long {
		t.Skip("takes about six minutes; run with -long")
	}
	c, err := experiment.Load(filepath.Join("..", "configs", "lorenz63.toml"), nil)
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "r")
	if _, err := experiment.Run(t.Context(), c, experiment.Options{Dir: dir, Stages: []experiment.Stage{experiment.StageScore}}); err != nil {
		t.Fatal(err)
	}
	scores, err := experiment.ReadScores(dir)
	if err != nil {
		t.Fatal(err)
	}
	median := func(scenario, method, metric string) float64 {
		var values []float64
		for _, s := range scores {
			if s.Scenario == scenario && s.Method == method && s.Metric == metric {
				values = append(values, s.Value)
			}
		}
		slices.Sort(values)
		return stat.Quantile(0.5, stat.Empirical, values, nil)
	}
	for _, want := range []struct {
		scenario string
		distance float64
		floor    [2]float64
	}{{"A", 7.7, [2]float64{4.5, 5.6}}, {"B", 9.0, [2]float64{5.2, 6.6}}} {
		distance, floor := median(want.scenario, "score", "w1"), median(want.scenario, "reference", "w1_floor")
		density := median(want.scenario, "score", "log_prior")
		t.Logf("%s: W1 %.2f, floor %.2f, log p(x) %.1f", want.scenario, distance, floor, density)
		if !(distance < want.distance) {
			t.Errorf("%s: the median distance is %.2f, not below %.1f", want.scenario, distance, want.distance)
		}
		if !(floor > want.floor[0] && floor < want.floor[1]) {
			t.Errorf("%s: the floor is %.2f, not within %v", want.scenario, floor, want.floor)
		}
		if math.Abs(density-81.7) > 15 {
			t.Errorf("%s: log p(x) is %.1f, more than 15 nat from 81.7", want.scenario, density)
		}
	}
}
