package assimilate

import (
	"math"

	"retrace/observe"
)

// operators are A' and A'^T of all observations at one trajectory, in float64 and without
// a matrix: that of tracks of stream functions, each value of which depends on every
// value of a state, would fill gigabytes. Operators give A'^T (VJP). A' comes from the
// operator if it has a method JVP(dst, x, v), dst = J(x) v; for others that are linear from
// A(v) - A(0); and else from the central difference
//
//	A' v = (A(x + h v) - A(x - h v))/2h ,
//
// whose error, of the order h^2, is far below the tolerance with which it is used.
type operators struct {
	*innovations
	offsets  [][]float64 // A(0) of linear operators, nil of others
	scales   []float64   // of the values of a state
	states   []float64   // physical, of the observations
	factors  []float64   // of the values present: the units that innovations.units gives them
	pulled   []float64
	moved    []float64
	forward  []float64
	backward []float64
}

// pusher is an operator that knows its tangent map.
type pusher interface{ JVP(dst, x, v []float64) }

// differenceStep is h times the largest value of v, in standard deviations of the states.
const differenceStep = 1e-4

func newOperators(n *innovations) *operators {
	scales := make([]float64, n.dim)
	for i := range scales {
		_, scales[i] = n.standard.At(i)
	}
	o := &operators{
		innovations: n, scales: scales, states: make([]float64, len(n.sequence.Observations)*n.dim), pulled: make([]float64, n.dim),
		factors: make([]float64, n.present()), moved: make([]float64, n.dim), forward: make([]float64, len(n.predicted)), backward: make([]float64, len(n.predicted)),
	}
	for _, seen := range n.sequence.Observations {
		o.offsets = append(o.offsets, o.offset(seen.Operator))
	}
	return o
}

// offset is A(0) if A(a + b) - A(a) - A(b) + A(0) vanishes for two states of the size of
// the prior's, and nil otherwise.
func (o *operators) offset(operator observe.Operator) []float64 {
	const rounding = 1e-11
	_, size := operator.Size()
	zero, sum, other := make([]float64, size), o.forward[:size], o.backward[:size]
	clear(o.moved)
	operator.Apply(zero, o.moved)
	at := func(a, b float64) []float64 {
		for i, scale := range o.scales {
			mean, _ := o.standard.At(i)
			o.moved[i] = a*(mean+scale*float64(1+i%7)/4) + b*(mean-scale*float64(1+i%5)/3)
		}
		operator.Apply(other, o.moved)
		return other
	}
	copy(sum, at(1, 1))
	largest := 0.0
	for i, v := range sum {
		largest = max(largest, math.Abs(v))
		sum[i] += zero[i]
	}
	for i, v := range at(1, 0) {
		largest = max(largest, math.Abs(v))
		sum[i] -= v
	}
	for i, v := range at(0, 1) {
		if !(math.Abs(sum[i]-v) <= rounding*max(largest, math.Abs(v))) {
			return nil
		}
	}
	return zero
}

// linearise sets the trajectory at which A' is taken.
func (o *operators) linearise(trajectory []float32) {
	first := 0
	for k, seen := range o.sequence.Observations {
		o.physical(trajectory, seen.Index)
		copy(o.state(k), o.innovations.state)
		first += gather(o.factors[first:], seen, o.units(seen, first, trajectory))
	}
}

func (o *operators) state(k int) []float64 { return o.states[k*o.dim:][:o.dim] }

// transpose sets dst, a trajectory, to A'^T u.
func (o *operators) transpose(dst, u []float64) {
	clear(dst)
	first := 0
	for k, seen := range o.sequence.Observations {
		weights := o.unit[:len(seen.Values)]
		count := spread(weights, seen, u[first:], o.factors[first:])
		first += count
		if count == 0 {
			continue
		}
		seen.Operator.VJP(o.pulled, o.state(k), weights)
		to := dst[seen.Index*o.dim:][:o.dim]
		for i, scale := range o.scales {
			to[i] += scale * o.pulled[i]
		}
	}
}

// push sets dst to A' x.
func (o *operators) push(dst, x []float64) {
	first := 0
	for k, seen := range o.sequence.Observations {
		v := x[seen.Index*o.dim:][:o.dim]
		result := o.forward[:len(seen.Values)]
		known, ok := seen.Operator.(pusher)
		if ok || o.offsets[k] != nil {
			for i, scale := range o.scales {
				o.moved[i] = scale * v[i]
			}
		}
		switch {
		case ok:
			known.JVP(result, o.state(k), o.moved)
		case o.offsets[k] != nil:
			seen.Operator.Apply(result, o.moved)
			for i, zero := range o.offsets[k] {
				result[i] -= zero
			}
		default:
			o.difference(result, seen.Operator, o.state(k), v)
		}
		first += gather(dst[first:], seen, result)
	}
	for i, f := range o.factors {
		dst[i] *= f
	}
}

// difference sets dst to the derivative of an operator at a state along v.
func (o *operators) difference(dst []float64, operator observe.Operator, state, v []float64) {
	largest := 0.0
	for _, x := range v {
		largest = max(largest, math.Abs(x))
	}
	if largest == 0 {
		clear(dst)
		return
	}
	h := differenceStep / largest
	backward := o.backward[:len(dst)]
	for i, scale := range o.scales {
		o.moved[i] = state[i] + h*scale*v[i]
	}
	operator.Apply(dst, o.moved)
	for i, scale := range o.scales {
		o.moved[i] = state[i] - h*scale*v[i]
	}
	operator.Apply(backward, o.moved)
	for i := range dst {
		dst[i] = (dst[i] - backward[i]) / (2 * h)
	}
}

// spread writes values, those present, times factors to the places of an observation, zero
// where one is missing, and returns their number.
func spread(weights []float64, seen observe.Observation, values, factors []float64) int {
	count := 0
	for j, y := range seen.Values {
		weights[j] = 0
		if !math.IsNaN(y) {
			weights[j] = values[count] * factors[count]
			count++
		}
	}
	return count
}

// gather writes what an observation has at the places of values present, and returns their
// number.
func gather(values []float64, seen observe.Observation, result []float64) int {
	count := 0
	for j, y := range seen.Values {
		if !math.IsNaN(y) {
			values[count] = result[j]
			count++
		}
	}
	return count
}
