package experiment

import (
	"slices"

	"retrace/dynamics"
	"retrace/verify"
)

// fieldView describes the states of a model that are fields, for scores and figures.
type fieldView struct {
	*verify.Physics
	units []string // of each channel
}

// described is a model that knows what its channels are.
type described interface {
	Quantity(channel int) (name, units string)
}

// viewOf is nil if the states of a model are no fields.
func viewOf(model dynamics.Model) *fieldView {
	if model == nil {
		return nil
	}
	physics, ok := verify.NewPhysics(model)
	if !ok {
		return nil
	}
	space := model.Space()
	v := &fieldView{Physics: physics}
	for c := range physics.Channels {
		units := space.Units
		if m, ok := model.(described); ok {
			_, units = m.Quantity(c)
		}
		v.units = append(v.units, units)
	}
	return v
}

// mixed reports whether channels have different units, so that sums over them mean
// nothing.
func (v *fieldView) mixed() bool {
	return v != nil && slices.ContainsFunc(v.units, func(u string) bool { return u != v.units[0] })
}

// several reports whether there are channels to tell apart.
func (v *fieldView) several() bool { return v != nil && len(v.Channels) > 1 }
