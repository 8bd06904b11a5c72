package figure_test

import (
	"fmt"
	"log"
	"os"
	"path/filepath"

	"retrace/figure"
)

// Two members of a falling temperature, drawn and put into a report.
func Example() {
	directory, err := os.MkdirTemp("", "run")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(directory)

	ensemble, err := figure.Ensemble(figure.Trajectories{
		Times:      []float64{0, 1, 2},
		TimeUnits:  "hours",
		Components: []figure.Component{{Name: "temperature", Units: "K"}},
		Columns: []figure.Column{{
			Title:        "score",
			Truth:        []float32{290, 288, 287},
			Members:      []float32{290, 288.5, 287, 289, 287.5, 286.5},
			Observations: []figure.Observation{{Time: 1, Value: 288.2, Sd: 0.5}},
		}},
	})
	if err != nil {
		log.Fatal(err)
	}
	if err := ensemble.Save(filepath.Join(directory, "figures", "temperature")); err != nil {
		log.Fatal(err)
	}
	width, _ := ensemble.Size()
	fmt.Printf("%.0f mm wide\n", width)

	report := figure.Report{
		Title:   "A cooling room",
		Scores:  []figure.Score{{Scenario: "A", Method: "score", Metric: "rmse", Value: 0.41}},
		Metrics: []figure.Metric{{Name: "rmse", Label: "RMSE", Units: "K", Better: figure.Lower}},
		Scenarios: []figure.Section{{Name: "A", Description: "One thermometer.", Figures: []figure.Illustration{
			{Path: "figures/temperature", Caption: "Ensemble and observation."},
		}}},
	}
	if err := report.Save(directory); err != nil {
		log.Fatal(err)
	}
	files, _ := filepath.Glob(filepath.Join(directory, "figures", "*"))
	for _, file := range append(files, filepath.Join(directory, figure.ReportName)) {
		fmt.Println(filepath.Base(file))
	}
	// Output:
	// 89 mm wide
	// temperature.pdf
	// temperature.png
	// report.html
}

func ExampleQuantile() {
	fmt.Println(figure.Quantile([]float64{1, 2, 3, 4}, 0.25))
	// Output: 1.75
}
