package observe

import (
	"math"

	"retrace/dynamics"
	"retrace/internal/fault"
)

func init() {
	Register(Entry{"saturate", "components seen through a bounded response, s atan(x/s)", func() Builder { return &Saturate{Scale: 1} }})
}

// Saturate observes components through a response that follows small values
// and levels off at +-Scale*pi/2:
//
//	h(x)_j = s atan(x_(i_j)/s),   dh_j/dx_(i_j) = 1/(1 + (x_(i_j)/s)^2).
type Saturate struct {
	Labels  []string `toml:"labels" doc:"names of the components; give labels, indices, or nothing for the whole state"`
	Indices []int    `toml:"indices" doc:"positions of the components in the flat state, from 0"`
	Scale   float64  `toml:"scale" doc:"value, in units of the state, from which on the response bends; greater than 0"`
}

// Build returns the operator. It is an input error if a component does not
// exist or the scale is not greater than 0.
func (s Saturate) Build(space dynamics.Space) (Operator, error) {
	if !(s.Scale > 0) || math.IsInf(s.Scale, 0) {
		return nil, fault.Inputf("scale: %v is not greater than 0: give the value from which on the response bends", s.Scale)
	}
	indices, err := pick(space, s.Labels, s.Indices)
	if err != nil {
		return nil, err
	}
	if len(indices) == 0 {
		indices = count(space.Size())
	}
	return &saturation{newSelection(ComponentLabels(space), indices), s.Scale}, nil
}

type saturation struct {
	*selection
	scale float64
}

func (s *saturation) Apply(y, x []float64) {
	for j, i := range s.indices {
		y[j] = s.scale * math.Atan(x[i]/s.scale)
	}
}

func (s *saturation) VJP(dst, x, v []float64) {
	clear(dst)
	for j, i := range s.indices {
		u := x[i] / s.scale
		dst[i] = v[j] / (1 + u*u)
	}
}
