package figure_test

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"retrace/figure"
)

// lorenz63 integrates the Lorenz 63 equations by small Euler steps.
func lorenz63(states int) [][3]float64 {
	x := [3]float64{1.5, -1.5, 25}
	var path [][3]float64
	for i := 0; len(path) < states; i++ {
		if i >= 4000 && i%25 == 0 {
			path = append(path, x)
		}
		const dt = 0.001
		x = [3]float64{
			x[0] + dt*10*(x[1]-x[0]),
			x[1] + dt*(x[0]*(28-x[2])-x[1]),
			x[2] + dt*(x[0]*x[1]-8.0/3*x[2]),
		}
	}
	return path
}

// lorenzSample is like scenario A of the SDA paper: 65 states, the first
// component seen every eighth of them, one column a method.
func lorenzSample(members int, methods ...string) figure.Trajectories {
	truth := lorenz63(65)
	t := figure.Trajectories{
		TimeUnits:  "1",
		Components: []figure.Component{{Name: "x", Units: "1"}, {Name: "y", Units: "1"}, {Name: "z", Units: "1"}},
	}
	var flat []float32
	var seen []figure.Observation
	r := rand.New(rand.NewPCG(1, 2))
	for i, state := range truth {
		t.Times = append(t.Times, float64(i)*0.025)
		for _, v := range state {
			flat = append(flat, float32(v))
		}
		if i%8 == 0 {
			seen = append(seen, figure.Observation{
				Time: t.Times[i], Value: state[0] + 0.4*r.NormFloat64(), Sd: 0.4,
			})
		}
	}
	for k, method := range methods {
		width := 1.5 + 2*float64(k)
		t.Columns = append(t.Columns, figure.Column{
			Title: method, Truth: flat, Observations: seen, Members: ensembleAround(flat, members, width),
		})
	}
	return t
}

// ensembleAround perturbs a truth of three components smoothly in time, less at
// every eighth state.
func ensembleAround(truth []float32, members int, width float64) []float32 {
	r := rand.New(rand.NewPCG(3, 4))
	out := make([]float32, 0, members*len(truth))
	for range members {
		var a [3][2]float64
		for c := range a {
			a[c] = [2]float64{r.NormFloat64(), r.NormFloat64()}
		}
		for i, v := range truth {
			time, c := float64(i/3), i%3
			s := math.Sin(time*math.Pi/8) * width
			wave := a[c][0]*math.Sin(time/7) + a[c][1]*math.Cos(time/7)
			out = append(out, v+float32(s*wave+0.25*r.NormFloat64()))
		}
	}
	return out
}

// wave96 is a travelling wave on 40 components.
func wave96() figure.Trajectories {
	t := figure.Trajectories{TimeUnits: "days", Letters: true, MemberLines: 3}
	var truth []float32
	for i := range 101 {
		t.Times = append(t.Times, float64(i)*0.25)
		for c := range 40 {
			truth = append(truth, float32(8*math.Sin(0.8*float64(c)-0.3*float64(i))+2))
		}
	}
	column := figure.Column{Title: "letkf", Truth: truth}
	r := rand.New(rand.NewPCG(5, 6))
	for range 40 {
		shift := 0.5 * r.NormFloat64()
		for _, v := range truth {
			column.Members = append(column.Members, v+float32(shift+0.5*r.NormFloat64()))
		}
	}
	for c := range 40 {
		t.Components = append(t.Components, figure.Component{Name: "X" + subscript(c), Units: "m s-1"})
		for i := 0; i < 101; i += 10 {
			column.Observations = append(column.Observations, figure.Observation{
				Component: c, Time: t.Times[i], Value: float64(truth[i*40+c]) + r.NormFloat64(), Sd: 1,
			})
		}
	}
	t.Columns = []figure.Column{column}
	return t
}

func subscript(n int) string {
	if n >= 10 {
		return subscript(n/10) + subscript(n%10)
	}
	return string(rune('₀' + n))
}

// lossSample decays over 4096 steps with noise; validation every 128.
func lossSample() figure.Losses {
	var l figure.Losses
	r := rand.New(rand.NewPCG(7, 8))
	for step := 1; step <= 4096; step++ {
		mean := 0.08 + 0.9*math.Exp(-float64(step)/300) + 0.2*math.Exp(-float64(step)/2000)
		l.Training.Steps = append(l.Training.Steps, float64(step))
		l.Training.Loss = append(l.Training.Loss, mean*math.Exp(0.25*r.NormFloat64()))
		if step%128 == 0 {
			l.Validation.Steps = append(l.Validation.Steps, float64(step))
			l.Validation.Loss = append(l.Validation.Loss, mean*1.02*math.Exp(0.02*r.NormFloat64()))
		}
	}
	return l
}

// scoreSample has two scenarios, three methods, eight cases.
func scoreSample() ([]figure.Score, []figure.Metric) {
	metrics := []figure.Metric{
		{Name: "w1", Label: "Wasserstein-1 distance", Units: "1", Better: figure.Lower, Floor: "w1_floor"},
		{Name: "crps", Label: "CRPS", Units: "1", Better: figure.Lower},
		{Name: "spread_skill", Label: "spread-skill ratio", Target: new(1.0)},
		{Name: "log_prior", Label: "mean log p(x₂:L | x₁)", Units: "nat", Better: figure.Higher, Target: new(81.7)},
		{Name: "wall_s", Label: "wall time", Units: "s", Better: figure.Lower},
	}
	level := map[string][]float64{ // per method: score, particle, climatology
		"w1": {6.2, 5.1, 120}, "crps": {0.31, 0.29, 3.9}, "spread_skill": {0.96, 1.01, 1.04},
		"log_prior": {74, 81.5, 79}, "wall_s": {12.5, 3.1, 0.02},
	}
	r := rand.New(rand.NewPCG(9, 10))
	var scores []figure.Score
	for s, scenario := range []string{"A: x every 8th state", "B: every state"} {
		for c := range 8 {
			for k, method := range []string{"score k=4", "particle", "climatology"} {
				for _, m := range metrics {
					v := level[m.Name][k] * (1 + 0.2*float64(s)) * math.Exp(0.12*r.NormFloat64())
					if m.Target != nil {
						v = level[m.Name][k] * (1 + 0.02*r.NormFloat64())
					}
					scores = append(scores, figure.Score{Scenario: scenario, Method: method, Case: c, Metric: m.Name, Value: v})
				}
			}
			scores = append(scores, figure.Score{
				Scenario: scenario, Method: "particle", Case: c, Metric: "w1_floor",
				Value: (5 + 1.5*float64(s)) * math.Exp(0.05*r.NormFloat64()),
			})
		}
	}
	return scores, metrics
}

// stressedEnsembles are ensembles that a careless layout spoils.
func stressedEnsembles() map[string]figure.Trajectories {
	long := lorenzSample(32, "local ensemble transform Kalman filter, N = 40, inflation 1.02", "score k = 4, predictor–corrector", "c", "d")
	long.TimeUnits = "hours since 2000-01-01 00:00:00"
	long.Components[0] = figure.Component{Name: "potential vorticity anomaly of the upper layer at the first of the moorings", Units: "kg m-2 s-1"}
	for k := range long.Columns[1].Members {
		if k%7 == 0 {
			long.Columns[1].Members[k] *= 1e6
		}
	}
	tiny := lorenzSample(32, "tiny")
	for _, column := range tiny.Columns {
		for k := range column.Truth {
			column.Truth[k] *= 1e-7
		}
		for k := range column.Members {
			column.Members[k] *= 1e-7
		}
	}
	tiny.Columns[0].Observations = nil
	tiny.Components[0].Units = "s-1"
	single := figure.Trajectories{
		Times: []float64{1e6}, TimeUnits: "s", Components: []figure.Component{{Name: "x"}, {Name: "y", Units: "K"}},
		Columns: []figure.Column{{Title: "one state", Members: []float32{270, 3, 272, 3, 280, 3}}},
	}
	late := lorenzSample(8, "a", "b", "c", "d")
	for i := range late.Times {
		late.Times[i] = 1e6 + 1e-3*float64(i)
	}
	for _, column := range late.Columns {
		for i := range column.Observations {
			column.Observations[i].Time = late.Times[8*i]
		}
	}
	huge := figure.Trajectories{
		Times: []float64{0, 1}, Components: []figure.Component{{Name: "x"}},
		Columns: []figure.Column{{Truth: []float32{math.MaxFloat32, -math.MaxFloat32}, Members: []float32{0, 0}}},
	}
	return map[string]figure.Trajectories{
		"stress_long": long, "stress_tiny": tiny, "stress_single": single, "stress_late": late, "stress_huge": huge,
	}
}

func stressedLosses() map[string]figure.Losses {
	long := figure.Losses{Label: "validation-weighted denoising loss per component (standardised)"}
	for i := range 300000 {
		long.Training.Steps = append(long.Training.Steps, float64(100*i))
		long.Training.Loss = append(long.Training.Loss, -5+math.Sin(float64(i*i))+10*math.Exp(-float64(i)/3e4))
	}
	short := figure.Losses{
		Training:   figure.Curve{Steps: []float64{100, 200, 300}, Loss: []float64{0.0300, 0.0299, 0.0298}},
		Validation: figure.Curve{Steps: []float64{300}, Loss: []float64{0.0298}},
	}
	one := figure.Losses{Training: figure.Curve{Steps: []float64{1}, Loss: []float64{0}}}
	return map[string]figure.Losses{"stress_loss_long": long, "stress_loss_short": short, "stress_loss_one": one}
}

// stressedScores has long names, a missing cell, a single case, zeros and
// values of many magnitudes.
func stressedScores() ([]figure.Score, []figure.Metric) {
	metrics := []figure.Metric{
		{Name: "energy", Label: "relative error of the total kinetic energy of the upper layer", Units: "kg m2 s-2", Better: figure.Lower},
		{Name: "zero", Better: figure.Lower},
		{Name: "tiny", Units: "s-1", Better: figure.Lower, Floor: "tiny_floor"},
		{Name: "absent"},
	}
	var scores []figure.Score
	for s, scenario := range []string{"everything", "a scenario whose description goes on and on and on", "c"} {
		for k, method := range []string{"a", "a method with a very long name, tuned, N = 4096", "c", "d", "e", "f", "g", "h"} {
			if s == 1 && k == 2 {
				continue
			}
			scores = append(scores,
				figure.Score{Scenario: scenario, Method: method, Metric: "energy", Value: math.Pow(10, float64(k)*2-6)},
				figure.Score{Scenario: scenario, Method: method, Metric: "zero"},
				figure.Score{Scenario: scenario, Method: method, Metric: "tiny", Value: 1e-9 * float64(k+1)},
				figure.Score{Scenario: scenario, Method: method, Metric: "tiny_floor", Value: 0.5e-9},
			)
		}
	}
	return scores, metrics
}

// reportSample draws its figures into a directory and describes them.
func reportSample(t *testing.T, directory string) figure.Report {
	t.Helper()
	save := func(name string) func(*figure.Figure, error) figure.Illustration {
		return func(f *figure.Figure, err error) figure.Illustration {
			t.Helper()
			if err == nil {
				err = f.Save(filepath.Join(directory, name))
			}
			if err != nil {
				t.Fatal(err)
			}
			return figure.Illustration{Path: name, Caption: "Figure " + name + "."}
		}
	}
	scores, metrics := scoreSample()
	scores = append(scores, figure.Score{Scenario: "B: every state", Method: "climatology", Case: 8, Metric: "crps", Value: math.NaN()})
	metrics = append(metrics, figure.Metric{Name: "wall_s", Label: "evaluations"})
	ensemble := save("figures/a case 1")(figure.Ensemble(lorenzSample(64, "score", "particle", "climatology")))
	ensemble.Caption = "Case 1. Posterior trajectories of each method: median, central 50 and 90 % of the members, truth, and the observations with their standard deviation."
	return figure.Report{
		Title:    "Noisy Lorenz 63: two observation processes",
		Summary:  []string{"64 test trajectories of 65 states; 1024 members a method; the reference is a particle filter with 65 536 particles."},
		Scores:   scores,
		Metrics:  metrics,
		Overview: []figure.Illustration{save("figures/scores")(figure.ScorePlot(scoreSample()))},
		Scenarios: []figure.Section{
			{Name: "A: x every 8th state", Description: "The first component is seen at every 8th state, with sd 0.05 in standardised units.",
				Figures: []figure.Illustration{ensemble}},
			{Name: "B: every state", Description: "The first component is seen at every state, with sd 0.25.",
				Figures: []figure.Illustration{
					save("figures/b1")(figure.Ensemble(lorenzSample(64, "score"))),
					save("figures/b2")(figure.Ensemble(lorenzSample(64, "particle"))),
				}},
		},
		Training:   []figure.Illustration{save("figures/training")(figure.Training(lossSample()))},
		Config:     "[model]\nname = \"lorenz63\"\n\n[[scenario]]\nname = \"A\"\nsd = 0.05 # of <standardised> units & \"so on\"\n",
		Timings:    []figure.Timing{{Stage: "simulate", Seconds: 0.034}, {Stage: "train", Seconds: 312.2}, {Stage: "assimilate", Seconds: 91}, {Stage: "score", Seconds: 4.2, Note: "unchanged, from an earlier run"}},
		Provenance: []figure.Fact{{Name: "retrace", Value: "v0.1.0"}, {Name: "seed", Value: "0"}, {Name: "machine", Value: "2 cores, amd64"}},
	}
}
