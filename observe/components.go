package observe

import (
	"fmt"
	"slices"

	"retrace/dynamics"
	"retrace/internal/fault"
)

func init() {
	Register(Entry{"components", "some components of the state, by label or index", func() Builder { return &Components{} }})
	Register(Entry{"identity", "the whole state", func() Builder { return &Identity{} }})
}

// Components observes some components of the state, in the order listed:
// h(x)_j = x_(i_j).
type Components struct {
	Labels  []string `toml:"labels" doc:"names of the components, such as [\"x\", \"z\"]; give either labels or indices"`
	Indices []int    `toml:"indices" doc:"positions of the components in the flat state, from 0; give either labels or indices"`
}

// Build returns the operator. It is an input error if no component, or an
// unknown or repeated one, is listed.
func (c Components) Build(space dynamics.Space) (Operator, error) {
	if len(c.Labels) == 0 && len(c.Indices) == 0 {
		return nil, fault.Inputf("labels: no component is listed: name some, or give their indices: %s",
			valid(ComponentLabels(space)))
	}
	indices, err := pick(space, c.Labels, c.Indices)
	if err != nil {
		return nil, err
	}
	return newSelection(ComponentLabels(space), indices), nil
}

// Identity observes the whole state: h(x) = x.
type Identity struct{}

// Build returns the operator; it does not fail.
func (Identity) Build(space dynamics.Space) (Operator, error) {
	return newSelection(ComponentLabels(space), count(space.Size())), nil
}

// selection observes the components at indices.
type selection struct {
	size    int
	indices []int
	labels  []string
}

func newSelection(components []string, indices []int) *selection {
	labels := make([]string, len(indices))
	for j, i := range indices {
		labels[j] = components[i]
	}
	return &selection{len(components), indices, labels}
}

func (s *selection) Size() (state, values int) { return s.size, len(s.indices) }

func (s *selection) Labels() []string { return s.labels }

func (s *selection) keepsUnits() {}

func (s *selection) Apply(y, x []float64) {
	for j, i := range s.indices {
		y[j] = x[i]
	}
}

func (s *selection) VJP(dst, _, v []float64) {
	clear(dst)
	for j, i := range s.indices {
		dst[i] = v[j]
	}
}

// pick resolves components listed by label or by index into distinct indices.
// Without a list it returns none.
func pick(space dynamics.Space, labels []string, indices []int) ([]int, error) {
	switch {
	case len(labels) > 0 && len(indices) > 0:
		return nil, fault.Inputf("labels: components are listed by labels and by indices: give one of the two")
	case len(labels) > 0:
		return pickLabels(ComponentLabels(space), labels)
	}
	listed := make([]bool, space.Size())
	for _, i := range indices {
		if i < 0 || i >= len(listed) {
			return nil, fault.Inputf("indices: %d is outside the state: components are 0 to %d", i, len(listed)-1)
		}
		if listed[i] {
			return nil, fault.Inputf("indices: %d is listed twice: list each component once", i)
		}
		listed[i] = true
	}
	return slices.Clone(indices), nil
}

func pickLabels(components, labels []string) ([]int, error) {
	if err := checkLabels("labels", labels); err != nil {
		return nil, err
	}
	position := positions(components)
	indices := make([]int, len(labels))
	for j, label := range labels {
		i, known := position[label]
		if !known {
			return nil, unknown("labels", label, components)
		}
		indices[j] = i
	}
	return indices, nil
}

// positions inverts a list of distinct labels.
func positions(labels []string) map[string]int {
	position := make(map[string]int, len(labels))
	for i, label := range labels {
		if _, taken := position[label]; taken {
			panic(fmt.Sprintf("observe: two values have the label %q", label))
		}
		position[label] = i
	}
	return position
}

// count lists 0, 1, ..., n-1.
func count(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
