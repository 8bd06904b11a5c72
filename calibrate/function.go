package calibrate

import (
	"fmt"

	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/observe"
)

// function is a scalar function of trajectory and observations: under the null
// the rank of the truth among members is uniform for any of them. Functions that
// ignore the observations cannot tell the posterior from the prior, hence those
// that do not.
type function struct {
	name string
	// site says that it is a value of the state, whose posterior is Gaussian if
	// that of the trajectory is.
	site bool
	// of returns the function for case i.
	of func(s *Study, i int) func(x []float32) float64
}

// chooseFunctions lists values at the start, in the middle and at the end of
// a trajectory, of two components at most, and functions of all of it.
func chooseFunctions(s *Study) []function {
	labels := observe.ComponentLabels(s.Model.Space())
	size := len(labels)
	components := []int{0}
	if size > 1 {
		components = append(components, size/2)
	}
	var list []function
	// The middle comes first: coverage and the rank histogram are of it.
	for _, state := range distinct(s.Length/2, 0, s.Length-1) {
		for _, j := range components {
			at := state*size + j
			list = append(list, function{fmt.Sprintf("%s at state %d", labels[j], state), true,
				func(*Study, int) func([]float32) float64 {
					return func(x []float32) float64 { return float64(x[at]) }
				}})
		}
	}
	list = append(list,
		function{"energy", false, energy},
		function{"roughness", false, roughness},
		function{"log p(y | x)", false, logLikelihood})
	if _, ok := s.Model.(dynamics.TransitionDensity); ok {
		list = append(list, function{"log p(x)", false, logPrior})
	}
	return append(list, function{"distance to a random point", false, nearness})
}

func distinct(values ...int) (list []int) {
	seen := map[int]bool{}
	for _, v := range values {
		if !seen[v] {
			seen[v] = true
			list = append(list, v)
		}
	}
	return list
}

// energy is the mean square of the scaled values.
func energy(s *Study, _ int) func([]float32) float64 {
	return func(x []float32) (sum float64) {
		for i, v := range x {
			u := float64(v) / s.scales[i%len(s.scales)]
			sum += u * u / float64(len(x))
		}
		return sum
	}
}

// roughness is the mean square of the scaled change from state to state.
func roughness(s *Study, _ int) func([]float32) float64 {
	size := len(s.scales)
	return func(x []float32) (sum float64) {
		for i := size; i < len(x); i++ {
			u := (float64(x[i]) - float64(x[i-size])) / s.scales[i%size]
			sum += u * u / float64(len(x)-size)
		}
		return sum
	}
}

func logLikelihood(s *Study, i int) func([]float32) float64 {
	return observe.NewLikelihood(s.Cases[i].Seen).Log
}

// logPrior is log p(x_2:L | x_1).
func logPrior(s *Study, _ int) func([]float32) float64 {
	model := s.Model.(dynamics.TransitionDensity)
	size := len(s.scales)
	x, next := make([]float64, size), make([]float64, size)
	return func(trajectory []float32) (sum float64) {
		for j, v := range trajectory[:size] {
			next[j] = float64(v)
		}
		for t := size; t < len(trajectory); t += size {
			x, next = next, x
			for j, v := range trajectory[t : t+size] {
				next[j] = float64(v)
			}
			sum += model.LogTransition(x, next)
		}
		return sum
	}
}

// nearness is TARP: the scaled distance to a reference point, which is the
// truth of another case moved towards the observations of this one, so that it
// depends on them.
func nearness(s *Study, i int) func([]float32) float64 {
	r := rng.Stream(s.Seed, "calibrate/point", uint64(i))
	other := i
	if n := len(s.Cases); n > 1 {
		other = (i + 1 + r.IntN(n-1)) % n
	}
	point := make([]float64, len(s.Cases[i].Truth))
	for k, v := range s.Cases[other].Truth {
		point[k] = float64(v)
	}
	s.pullTowards(point, s.Cases[i].Seen)
	return func(x []float32) (sum float64) {
		for k, v := range x {
			d := (float64(v) - point[k]) / s.scales[k%len(s.scales)]
			sum += d * d
		}
		return sum
	}
}

// pullTowards adds J^T (y - h) to the states observed: observed components then
// have their observed value.
func (s *Study) pullTowards(point []float64, seen observe.Sequence) {
	size := len(s.scales)
	pull := make([]float64, size)
	for _, o := range seen.Observations {
		state := point[o.Index*size : (o.Index+1)*size]
		innovation := make([]float64, len(o.Values))
		o.Operator.Apply(innovation, state)
		for j, y := range o.Values {
			innovation[j] = y - innovation[j]
			if innovation[j] != innovation[j] { // missing
				innovation[j] = 0
			}
		}
		o.Operator.VJP(pull, state, innovation)
		for j, v := range pull {
			state[j] += v
		}
	}
}
