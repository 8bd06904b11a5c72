package experiment

import (
	"retrace/assimilate"
	"retrace/dynamics"
)

func init() {
	RegisterMethod(MethodEntry{
		Name:          "climatology",
		Summary:       "windows of the training trajectories, whatever was observed: the floor that any method must beat",
		NeedsTraining: true,
		Laws:          true, // it looks at no observation
		Defaults:      func() MethodBuilder { return &climatologyMethod{} },
	})
}

// climatologyMethod ignores the observations.
type climatologyMethod struct{}

func (*climatologyMethod) Check(dynamics.Model, int) error { return nil }

func (*climatologyMethod) Build(Prior) (assimilate.Method, error) {
	return assimilate.Climatology{}, nil
}

func (*climatologyMethod) Cost(dynamics.Model, int, int) Cost { return Cost{} }
