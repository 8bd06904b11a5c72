package observe

// A grid of blocks tiles a state: along axis a, every factor[a] successive
// points fall into one block. Blocks are numbered like states, the last axis
// varying fastest.

import (
	"slices"

	"retrace/dynamics"
)

// blockMembers returns the block of each component.
func blockMembers(space dynamics.Space, factors []int) []int {
	block := make([]int, space.Size())
	stride, blocks := 1, 1
	for a := len(space.Axes) - 1; a >= 0; a-- {
		length := space.Axes[a].Len()
		for i := range block {
			block[i] += i / stride % length / factors[a] * blocks
		}
		stride *= length
		blocks *= length / factors[a]
	}
	return block
}

// blockLabels names the blocks, axis labels joined by "/".
func blockLabels(space dynamics.Space, factors []int) []string {
	if len(space.Axes) == 0 {
		return []string{space.Variable}
	}
	labels := []string{""}
	for a, axis := range space.Axes {
		blocks := axis.Len() / factors[a]
		next := make([]string, 0, len(labels)*blocks)
		for _, label := range labels {
			if a > 0 {
				label += "/"
			}
			for b := range blocks {
				next = append(next, label+blockLabel(axis, b*factors[a], factors[a]))
			}
		}
		labels = next
	}
	return labels
}

// blockLabel names n points of an axis from the first one on.
func blockLabel(axis dynamics.Axis, first, n int) string {
	if n == 1 {
		return pointLabel(axis, first)
	}
	if len(axis.Labels) > 0 {
		return axis.Labels[first] + ".." + axis.Labels[first+n-1]
	}
	sum := 0.0
	for _, c := range axis.Coordinates[first : first+n] {
		sum += c
	}
	return formatPosition(sum / float64(n))
}

// pickAxes resolves names of axes into distinct positions.
func pickAxes(space dynamics.Space, names []string) ([]int, error) {
	if err := checkLabels("axes", names); err != nil {
		return nil, err
	}
	all := axisNames(space)
	at := make([]int, len(names))
	for i, name := range names {
		if at[i] = slices.Index(all, name); at[i] < 0 {
			return nil, unknown("axes", name, all)
		}
	}
	return at, nil
}

func axisNames(space dynamics.Space) []string {
	names := make([]string, len(space.Axes))
	for a, axis := range space.Axes {
		names[a] = axis.Name
	}
	return names
}

func ones(n int) []int { return slices.Repeat([]int{1}, n) }
