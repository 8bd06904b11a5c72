package assimilate

import (
	"math"
	"slices"

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
	// components are the positions of the values present in their observations.
	components []int
	// matching is what laws of noise that are not Gaussian need, with the noise ratio;
	// nil if there are none.
	matching *matching
	ratio    float64
	// held are the units of the values present, by the trajectory that they are of, as
	// write found them; forget drops them.
	held map[*float32][]float64

	state, pull, predicted, unit, factors, ones []float64
}

func newInnovations(sequence observe.Sequence, standard trajectory.Standardiser) *innovations {
	n := &innovations{sequence: sequence, standard: standard, dim: standard.Size(), ratio: 1, held: map[*float32][]float64{}}
	most := 0
	for _, o := range sequence.Observations {
		most = max(most, len(o.Values))
		for j, y := range o.Values {
			if !math.IsNaN(y) {
				n.noise = append(n.noise, o.Sd[j]*o.Sd[j])
				n.states = append(n.states, o.Index)
				n.components = append(n.components, j)
			}
		}
	}
	n.state, n.pull = make([]float64, n.dim), make([]float64, n.dim)
	n.predicted, n.unit, n.factors = make([]float64, most), make([]float64, most), make([]float64, most)
	n.ones = slices.Repeat([]float64{1}, most)
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
	var units []float64
	if n.matching != nil {
		units = make([]float64, n.present())
		n.held[&trajectory[0]] = units
	}
	for _, o := range n.sequence.Observations {
		n.physical(trajectory, o.Index)
		predicted := n.predicted[:len(o.Values)]
		o.Operator.Apply(predicted, n.state)
		for j, y := range o.Values {
			switch {
			case math.IsNaN(y):
				continue
			case n.matching != nil:
				dst[k], units[k] = n.reading(o, k, j, predicted[j])
			default:
				dst[k] = y - predicted[j]
			}
			k++
		}
	}
}

// pullBack sets dst to A'^T u, A' being the Jacobian at the trajectory.
func (n *innovations) pullBack(dst, trajectory []float32, u []float64) {
	clear(dst)
	k := 0
	for _, o := range n.sequence.Observations {
		weights := n.unit[:len(o.Values)]
		n.physical(trajectory, o.Index)
		units := n.units(o, k, trajectory)
		for j, y := range o.Values {
			weights[j] = 0
			if !math.IsNaN(y) {
				weights[j] = u[k] * units[j]
				k++
			}
		}
		o.Operator.VJP(n.pull, n.state, weights)
		for i, v := range n.pull {
			_, scale := n.standard.At(i)
			dst[o.Index*n.dim+i] += float32(v * scale)
		}
	}
}

// tangent returns A' at a trajectory.
func (n *innovations) tangent(trajectory []float32) *tangent {
	t := &tangent{start: make([]int, 1, n.present()+1)}
	for _, o := range n.sequence.Observations {
		n.physical(trajectory, o.Index)
		units := n.units(o, t.rows(), trajectory)
		weights := n.unit[:len(o.Values)]
		clear(weights)
		for j, y := range o.Values {
			if math.IsNaN(y) {
				continue
			}
			weights[j] = units[j]
			o.Operator.VJP(n.pull, n.state, weights)
			weights[j] = 0
			for i, v := range n.pull {
				if v != 0 {
					_, scale := n.standard.At(i)
					t.columns, t.factors = append(t.columns, o.Index*n.dim+i), append(t.factors, v*scale)
				}
			}
			t.start = append(t.start, len(t.columns))
		}
	}
	return t
}

// forget drops what is known of trajectories, before they change, at a new noise ratio.
func (n *innovations) forget(ratio float64) {
	n.ratio = ratio
	clear(n.held)
}

// units are the factors of the values of an observation of n.state, which is of a
// trajectory; first values present come before.
func (n *innovations) units(o observe.Observation, first int, trajectory []float32) []float64 {
	if n.matching == nil || o.Law == nil {
		return n.ones[:len(o.Values)]
	}
	units, predicted := n.factors[:len(o.Values)], n.predicted[:len(o.Values)]
	known := n.held[&trajectory[0]]
	if known == nil {
		o.Operator.Apply(predicted, n.state)
	}
	for j, y := range o.Values {
		switch {
		case math.IsNaN(y):
			units[j] = 0
			continue
		case known != nil:
			units[j] = known[first]
		default:
			_, units[j] = n.reading(o, first, j, predicted[j])
		}
		first++
	}
	return units
}

// linear returns A' of linear operators, nil if it differs between trajectories.
func (n *innovations) linear(length int) *tangent {
	if n.matching != nil {
		return nil
	}
	trajectory := make([]float32, length*n.dim)
	at := n.tangent(trajectory)
	for _, probe := range []float32{0.7, -1.9} {
		for i := range trajectory {
			trajectory[i] = probe * float32(1+i%7) / 4
		}
		other := n.tangent(trajectory)
		if !slices.Equal(other.start, at.start) || !slices.Equal(other.columns, at.columns) || !slices.Equal(other.factors, at.factors) {
			return nil
		}
	}
	return at
}
