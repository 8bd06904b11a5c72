package twin_test

import (
	"context"
	"fmt"

	"retrace/assimilate/kalman"
	"retrace/lorenz"
	"retrace/observe"
	"retrace/twin"
)

// The ensemble transform Kalman filter on Lorenz 96, all 40 sites being seen every
// 0.05 time units with unit noise. Three truths of 400 cycles each.
func Example() {
	model, err := lorenz.NewLorenz96().Build()
	if err != nil {
		fmt.Println(err)
		return
	}
	operator, err := observe.Identity{}.Build(model.Space())
	if err != nil {
		fmt.Println(err)
		return
	}
	indices := make([]int, 400)
	for k := range indices {
		indices[k] = k + 1
	}
	layout, err := observe.Layout(operator, indices, 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	// Truth and members start near each other, about a state of the attractor.
	near := &twin.Law{Sd: make([]float64, 40)}
	for i := range near.Sd {
		near.Sd[i] = 0.03
	}
	experiment := &twin.Experiment{Model: model, Initial: near, Scenario: "all", Layout: layout, Length: 401, BurnIn: 5}

	filter := kalman.NewFilter(&kalman.ETKF{})
	filter.Spread.Inflation, filter.Spread.Rotate = 1.02, true
	var records []*twin.Record
	for seed := range int64(3) {
		realisation, err := experiment.Draw(context.Background(), seed)
		if err != nil {
			fmt.Println(err)
			return
		}
		record, err := experiment.Run(context.Background(), realisation, twin.Contender{Method: filter, Members: 28}, nil)
		if err != nil {
			fmt.Println(err)
			return
		}
		records = append(records, record)
	}
	s := twin.Summarise(records)
	fmt.Printf("%d runs, %d diverged, rmse %.1f\n", s.Seeds, s.Diverged, s.Analysis.RMSE.Value)
	// Output: 3 runs, 0 diverged, rmse 0.2
}
