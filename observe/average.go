package observe

// Coarse-graining and means are one idea: every component of the state belongs
// to at most one block, and the value of a block is the mean of its members,
//
//	h(x)_j = 1/n_j * sum of x_i over i in block j,   (J^T v)_i = v_j/n_j.

import (
	"slices"

	"retrace/dynamics"
	"retrace/internal/fault"
)

func init() {
	Register(Entry{"coarsen", "block means over named axes (coarse-graining)", func() Builder { return &Coarsen{} }})
	Register(Entry{"mean", "mean over whole axes, over listed components, or over the state", func() Builder { return &Mean{} }})
}

// Coarsen observes block means: along each named axis, every Factor successive
// points become one. The other axes stay as they are. A coarse point is
// labelled by the mean coordinate of its block, or by its first and last label.
type Coarsen struct {
	Axes   []string `toml:"axes,required" doc:"names of the axes to coarsen, such as [\"y\", \"x\"]"`
	Factor int      `toml:"factor,required" doc:"points in a block along each of these axes, at least 1; it must divide their lengths"`
}

// Build returns the operator. It is an input error if an axis does not exist
// or the factor does not divide its length.
func (c Coarsen) Build(space dynamics.Space) (Operator, error) {
	if len(c.Axes) == 0 {
		return nil, fault.Inputf("axes: no axis is named: %s", valid(axisNames(space)))
	}
	at, err := pickAxes(space, c.Axes)
	if err != nil {
		return nil, err
	}
	factors := ones(len(space.Axes))
	for _, a := range at {
		axis := space.Axes[a]
		if c.Factor < 1 || axis.Len()%c.Factor != 0 {
			return nil, fault.Inputf("factor: blocks of %d do not tile axis %q of %d points: give a divisor of its length",
				c.Factor, axis.Name, axis.Len())
		}
		factors[a] = c.Factor
	}
	return newAverage(blockMembers(space, factors), blockLabels(space, factors)), nil
}

// Mean observes means: over the named axes (one value for each point of the
// other axes), or one mean over listed components, or, with nothing listed, the
// mean of the state. A mean that no axis is left to label is called "mean".
type Mean struct {
	Axes    []string `toml:"axes" doc:"names of the axes to average over; give axes, labels, indices, or nothing for the mean of the state"`
	Labels  []string `toml:"labels" doc:"names of the components to average"`
	Indices []int    `toml:"indices" doc:"positions of the components to average in the flat state, from 0"`
}

// Build returns the operator. It is an input error if an axis or a component
// does not exist, or if axes and components are both listed.
func (m Mean) Build(space dynamics.Space) (Operator, error) {
	if len(m.Axes) > 0 {
		if len(m.Labels) > 0 || len(m.Indices) > 0 {
			return nil, fault.Inputf("axes: axes and components are both listed: give one of the two")
		}
		return meanOverAxes(space, m.Axes)
	}
	members, err := pick(space, m.Labels, m.Indices)
	if err != nil {
		return nil, err
	}
	block := make([]int, space.Size())
	if len(members) > 0 {
		for i := range block {
			block[i] = -1
		}
		for _, i := range members {
			block[i] = 0
		}
	}
	return newAverage(block, []string{"mean"}), nil
}

func meanOverAxes(space dynamics.Space, names []string) (Operator, error) {
	at, err := pickAxes(space, names)
	if err != nil {
		return nil, err
	}
	factors := ones(len(space.Axes))
	var rest dynamics.Space
	for a, axis := range space.Axes {
		if slices.Contains(at, a) {
			factors[a] = axis.Len()
		} else {
			rest.Axes = append(rest.Axes, axis)
		}
	}
	labels := []string{"mean"}
	if len(rest.Axes) > 0 {
		labels = ComponentLabels(rest)
	}
	return newAverage(blockMembers(space, factors), labels), nil
}

// average observes the mean of each block.
type average struct {
	block   []int     // of each component; -1 for none
	inverse []float64 // of the number of members of each block
	labels  []string
}

func newAverage(block []int, labels []string) *average {
	inverse := make([]float64, len(labels))
	for _, j := range block {
		if j >= 0 {
			inverse[j]++
		}
	}
	for j, members := range inverse {
		inverse[j] = 1 / members
	}
	return &average{block, inverse, labels}
}

func (a *average) Size() (state, values int) { return len(a.block), len(a.inverse) }

func (a *average) Labels() []string { return a.labels }

func (a *average) keepsUnits() {}

func (a *average) Apply(y, x []float64) {
	clear(y)
	for i, j := range a.block {
		if j >= 0 {
			y[j] += x[i]
		}
	}
	for j, inverse := range a.inverse {
		y[j] *= inverse
	}
}

func (a *average) VJP(dst, _, v []float64) {
	for i, j := range a.block {
		dst[i] = 0
		if j >= 0 {
			dst[i] = v[j] * a.inverse[j]
		}
	}
}
