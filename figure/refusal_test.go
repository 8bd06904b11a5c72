package figure_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"retrace/figure"
)

func TestWhatCannotBeDrawnIsAnError(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	ensemble := func(change func(*figure.Trajectories)) error {
		data := lorenzSample(4, "score")
		change(&data)
		_, err := figure.Ensemble(data)
		return err
	}
	training := func(steps, loss []float64) error {
		_, err := figure.Training(figure.Losses{Training: figure.Curve{Steps: []float64{1}, Loss: []float64{1}},
			Validation: figure.Curve{Steps: steps, Loss: loss}})
		return err
	}
	scores := func(value float64, metrics ...figure.Metric) error {
		_, err := figure.ScorePlot([]figure.Score{
			{Scenario: "A", Method: "score", Case: 3, Metric: "crps", Value: value},
			{Scenario: "A", Method: "score", Case: 3, Metric: "rmse", Value: nan},
		}, metrics)
		return err
	}
	_, noTraining := figure.Training(figure.Losses{})
	for name, c := range map[string]struct {
		err  error
		kind error
		says string
	}{
		"no times":      {ensemble(func(d *figure.Trajectories) { d.Times = nil }), figure.ErrEmpty, "times"},
		"no components": {ensemble(func(d *figure.Trajectories) { d.Components = nil }), figure.ErrEmpty, "components"},
		"no columns":    {ensemble(func(d *figure.Trajectories) { d.Columns = nil }), figure.ErrEmpty, "columns"},
		"no members":    {ensemble(func(d *figure.Trajectories) { d.Columns[0].Members = nil }), figure.ErrEmpty, `"score": no members`},
		"NaN time":      {ensemble(func(d *figure.Trajectories) { d.Times[2] = nan }), figure.ErrNotFinite, "time 2"},
		"NaN truth": {ensemble(func(d *figure.Trajectories) { d.Columns[0].Truth[7] = float32(nan) }),
			figure.ErrNotFinite, `"score": truth, time 2, component "y"`},
		"infinite member": {ensemble(func(d *figure.Trajectories) { d.Columns[0].Members[65*3+4] = float32(inf) }),
			figure.ErrNotFinite, `member 1, time 1, component "y"`},
		"infinite observation": {ensemble(func(d *figure.Trajectories) { d.Columns[0].Observations[1].Value = inf }),
			figure.ErrNotFinite, "observation 1"},
		"NaN sd": {ensemble(func(d *figure.Trajectories) { d.Columns[0].Observations[1].Sd = nan }),
			figure.ErrNotFinite, "observation 1"},
		"error bar beyond numbers": {ensemble(func(d *figure.Trajectories) {
			d.Columns[0].Observations[1].Value, d.Columns[0].Observations[1].Sd = math.MaxFloat64, math.MaxFloat64
		}), figure.ErrNotFinite, "observation 1"},
		"no training loss": {noTraining, figure.ErrEmpty, "training"},
		"NaN loss":         {training([]float64{5, 6}, []float64{1, nan}), figure.ErrNotFinite, "validation loss: record 1 (step 6)"},
		"infinite step":    {training([]float64{inf}, []float64{1}), figure.ErrNotFinite, "record 0"},
		"NaN score":        {scores(nan, figure.Metric{Name: "crps"}), figure.ErrNotFinite, `crps of method "score", scenario "A", case 3`},
		"NaN floor":        {scores(1, figure.Metric{Name: "crps", Floor: "rmse"}), figure.ErrNotFinite, "rmse"},
		"NaN target":       {scores(1, figure.Metric{Name: "crps", Target: &nan}), figure.ErrNotFinite, "target of crps"},
		"no scores":        {scores(1, figure.Metric{Name: "w1"}), figure.ErrEmpty, "metrics"},
		"no metrics":       {scores(1), figure.ErrEmpty, "metrics"},
	} {
		if !errors.Is(c.err, c.kind) || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s gave %v, want %v naming %q", name, c.err, c.kind, c.says)
		}
	}
	if err := scores(1, figure.Metric{Name: "crps"}); err != nil {
		t.Errorf("a NaN of a metric that is not drawn gave %v", err)
	}
}

func TestALayoutThatDoesNotFitAPageIsAnError(t *testing.T) {
	if _, err := figure.Ensemble(lorenzSample(4, "a", "b", "c", "d", "e")); err == nil || !strings.Contains(err.Error(), "at most 4") {
		t.Errorf("five columns gave %v", err)
	}
	data := wave96()
	data.Show = []int{0, 1, 2, 3, 4, 5, 6}
	if _, err := figure.Ensemble(data); err == nil || !strings.Contains(err.Error(), "at most 6") {
		t.Errorf("seven components gave %v", err)
	}
}

func TestContradictoryShapesPanic(t *testing.T) {
	for name, change := range map[string]func(*figure.Trajectories){
		"truth":       func(d *figure.Trajectories) { d.Columns[0].Truth = make([]float32, 4) },
		"members":     func(d *figure.Trajectories) { d.Columns[0].Members = make([]float32, 65*3+1) },
		"observation": func(d *figure.Trajectories) { d.Columns[0].Observations[0].Component = 3 },
		"shown":       func(d *figure.Trajectories) { d.Show = []int{3} },
	} {
		func() {
			defer func() {
				if message, _ := recover().(string); !strings.HasPrefix(message, "figure: ") {
					t.Errorf("%s: panic %q", name, message)
				}
			}()
			data := lorenzSample(2, "score")
			change(&data)
			_, err := figure.Ensemble(data)
			t.Errorf("%s: no panic, error %v", name, err)
		}()
	}
}
