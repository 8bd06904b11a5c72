package kalman

import (
	"retrace/dynamics"
	"retrace/internal/fault"
)

// linearGaussian is a model that knows the matrices of its law, such as
// dynamics.Linear.
type linearGaussian interface {
	dynamics.Model
	Law() dynamics.LinearLaw
	Flow(x []float64)
}

// transition is the step of a Gaussian from one state to the next.
type transition interface {
	// advance moves the mean, and writes the Jacobian of the step at the old
	// mean to jacobian, row-major.
	advance(mean, jacobian []float64)
	// noise is the covariance of what the step adds, row-major.
	noise() []float64
}

// newTransition returns the step of a model: exact for a linear one, tangent
// to the flow for others. The error names the cure if the model has neither.
func newTransition(model dynamics.Model) (transition, error) {
	if linear, ok := model.(linearGaussian); ok {
		return newLinearStep(linear), nil
	}
	tangent, ok := model.(tangentLinear)
	if !ok {
		return nil, fault.Inputf("kind: the extended Kalman filter needs a model with additive noise, or none, and a tangent-linear map: %T lacks them: choose an ensemble filter", model)
	}
	n := len(tangent.NoiseSd())
	s := &tangentStep{model: tangent, column: make([]float64, n), q: make([]float64, n*n)}
	for i, sd := range tangent.NoiseSd() {
		s.q[i*n+i] = sd * sd
	}
	return s, nil
}

// linearStep is exact.
type linearStep struct {
	model linearGaussian
	f, q  []float64
}

func newLinearStep(m linearGaussian) *linearStep {
	law := m.Law()
	n := len(law.Mean)
	s := &linearStep{model: m, q: make([]float64, n*n), f: make([]float64, n*n)}
	for i := range n {
		for j := range n {
			s.f[i*n+j] = law.Transition.At(i, j)
			s.q[i*n+j] = law.Noise.At(i, j)
		}
	}
	return s
}

func (s *linearStep) advance(mean, jacobian []float64) {
	s.model.Flow(mean)
	copy(jacobian, s.f)
}

func (s *linearStep) noise() []float64 { return s.q }

// tangentLinear is a model that can be linearised around a trajectory.
type tangentLinear interface {
	dynamics.AdditiveNoise
	dynamics.Linearisable
}

// tangentStep is tangent to the flow at the mean.
type tangentStep struct {
	model     tangentLinear
	column, q []float64
}

func (s *tangentStep) advance(mean, jacobian []float64) {
	n := len(mean)
	for j := range n {
		clear(s.column)
		s.column[j] = 1
		s.model.TangentLinear(mean, s.column)
		for i, v := range s.column {
			jacobian[i*n+j] = v
		}
	}
	s.model.Flow(mean)
}

func (s *tangentStep) noise() []float64 { return s.q }
