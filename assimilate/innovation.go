package assimilate

import (
	"math"

	"retrace/observe"
	"retrace/trajectory"
)

// innovations compares observations with trajectories in standardised units:
// the values that are present, one after the other, and the gradient of each,
// which one state alone has. It owns scratch space of one worker.
type innovations struct {
	sequence observe.Sequence
	standard trajectory.Standardiser
	dim      int       // values of a state
	noise    []float64 // variance of each value present
	states   []int     // index of the state that each value is of

	state, pull, predicted, unit []float64
}

func newInnovations(sequence observe.Sequence, standard trajectory.Standardiser) *innovations {
	n := &innovations{sequence: sequence, standard: standard, dim: standard.Size()}
	most := 0
	for _, o := range sequence.Observations {
		most = max(most, len(o.Values))
		for j, y := range o.Values {
			if !math.IsNaN(y) {
				n.noise = append(n.noise, o.Sd[j]*o.Sd[j])
				n.states = append(n.states, o.Index)
			}
		}
	}
	n.state, n.pull = make([]float64, n.dim), make([]float64, n.dim)
	n.predicted, n.unit = make([]float64, most), make([]float64, most)
	return n
}

// present is the number of values that are not missing.
func (n *innovations) present() int { return len(n.noise) }

// physical sets n.state to a state of a standardised trajectory.
func (n *innovations) physical(trajectory []float32, index int) {
	for i, z := range trajectory[index*n.dim : (index+1)*n.dim] {
		mean, scale := n.standard.At(i)
		n.state[i] = mean + scale*float64(z)
	}
}

// write sets dst to y - A(trajectory), for the values present.
func (n *innovations) write(dst []float64, trajectory []float32) {
	k := 0
	for _, o := range n.sequence.Observations {
		n.physical(trajectory, o.Index)
		predicted := n.predicted[:len(o.Values)]
		o.Operator.Apply(predicted, n.state)
		for j, y := range o.Values {
			if !math.IsNaN(y) {
				dst[k] = y - predicted[j]
				k++
			}
		}
	}
}

// pullBack sets dst to A'^T u, A' being the Jacobian at the trajectory.
func (n *innovations) pullBack(dst, trajectory []float32, u []float64) {
	clear(dst)
	k := 0
	for _, o := range n.sequence.Observations {
		weights := n.unit[:len(o.Values)]
		for j, y := range o.Values {
			weights[j] = 0
			if !math.IsNaN(y) {
				weights[j] = u[k]
				k++
			}
		}
		n.physical(trajectory, o.Index)
		o.Operator.VJP(n.pull, n.state, weights)
		for i, v := range n.pull {
			_, scale := n.standard.At(i)
			dst[o.Index*n.dim+i] += float32(v * scale)
		}
	}
}

// gradients returns the rows of A' at a trajectory: for each value present, the
// derivative with respect to its own state.
func (n *innovations) gradients(trajectory []float32) [][]float64 {
	rows := make([][]float64, 0, n.present())
	for _, o := range n.sequence.Observations {
		n.physical(trajectory, o.Index)
		weights := n.unit[:len(o.Values)]
		clear(weights)
		for j, y := range o.Values {
			if math.IsNaN(y) {
				continue
			}
			weights[j] = 1
			o.Operator.VJP(n.pull, n.state, weights)
			weights[j] = 0
			row := make([]float64, n.dim)
			for i, v := range n.pull {
				_, scale := n.standard.At(i)
				row[i] = v * scale
			}
			rows = append(rows, row)
		}
	}
	return rows
}
