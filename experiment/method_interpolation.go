package experiment

import (
	"retrace/assimilate"
	"retrace/dynamics"
)

func init() {
	RegisterMethod(MethodEntry{
		Name:          "interpolation",
		Summary:       "the observations interpolated in space and time, without a model: the baseline that assimilation must beat",
		NeedsTraining: true,
		Defaults:      func() MethodBuilder { return &interpolationMethod{} },
	})
}

// interpolationMethod has no parameters.
type interpolationMethod struct{}

// Check accepts any model.
func (*interpolationMethod) Check(dynamics.Model, int) error { return nil }

// Build returns the method.
func (*interpolationMethod) Build(Prior) (assimilate.Method, error) {
	return assimilate.Interpolation{}, nil
}

// Cost is nothing that is counted.
func (*interpolationMethod) Cost(dynamics.Model, int, int) Cost { return Cost{} }
