// Physics of trajectories of fields, judged without comparing them with a truth value by
// value. With x_t the states of a trajectory, all means being over its states and the
// cells of a channel:
//
//	energy              mean of each part that the model knows
//	inversion residual  rms(x - I(x)) / rms(x), I(x) being what follows from the channels
//	                    that determine the others
//	model residual      rms(x_(t+1) - M(x_t)) / sd(x), M being one step of the model
//
// The numbers of a truth are what can be reached: means over blocks of cells, single
// precision and random forcing keep them above 0.

package verify

import (
	"math"
	"math/rand/v2"
	"slices"

	"retrace/dynamics"
)

// Quantity is a number of a trajectory about a part of the state: a channel, or a part
// of the energy.
type Quantity struct {
	Part  string
	Value float64
}

// Physics computes what the states of a model's trajectories should obey. It is safe for
// concurrent use.
type Physics struct {
	Fields
	model dynamics.Model
}

// NewPhysics is for models whose states are fields; ok is false for others.
func NewPhysics(model dynamics.Model) (p *Physics, ok bool) {
	f, ok := FieldsOf(model.Space())
	return &Physics{f, model}, ok
}

// redundant is a model some of whose channels follow from others.
type redundant interface {
	Source() []string
	Consistent(dst, x []float64)
}

// energetic is a model that knows the energy of a state, in parts.
type energetic interface {
	EnergyParts() (names []string, units string)
	Energies(dst, x []float64)
}

// EnergyUnits are those of Energy; "" if the model does not know energies.
func (p *Physics) EnergyUnits() string {
	if m, ok := p.model.(energetic); ok {
		_, units := m.EnergyParts()
		return units
	}
	return ""
}

// Energy is the mean of each part of the energy over the states of a trajectory, in
// EnergyUnits; none if the model does not know energies.
func (p *Physics) Energy(trajectory []float32) []Quantity {
	m, ok := p.model.(energetic)
	if !ok {
		return nil
	}
	names, _ := m.EnergyParts()
	sums, now := make([]float64, len(names)), make([]float64, len(names))
	states := p.each(trajectory, func(x, _ []float64) {
		m.Energies(now, x)
		for i, v := range now {
			sums[i] += v
		}
	})
	list := make([]Quantity, len(names))
	for i, name := range names {
		list[i] = Quantity{name, sums[i] / float64(states)}
	}
	return list
}

// InversionResidual is that of each channel which follows from others; none if the model
// has no such channel. 0 is right.
func (p *Physics) InversionResidual(trajectory []float32) []Quantity {
	m, ok := p.model.(redundant)
	if !ok {
		return nil
	}
	implied := make([]float64, p.model.Space().Size())
	errors, squares := make([]float64, len(p.Channels)), make([]float64, len(p.Channels))
	n := p.Cells()
	p.each(trajectory, func(x, _ []float64) {
		m.Consistent(implied, x)
		for i, v := range x {
			d := v - implied[i]
			errors[i/n] += d * d
			squares[i/n] += v * v
		}
	})
	var list []Quantity
	for c, name := range p.Channels {
		if !slices.Contains(m.Source(), name) {
			list = append(list, Quantity{name, math.Sqrt(errors[c] / squares[c])})
		}
	}
	return list
}

// ModelResidual is that of each channel; none for trajectories of a single state. r
// drives the noise of models that have no flow without it, whose residual is then that
// noise and more.
func (p *Physics) ModelResidual(trajectory []float32, r *rand.Rand) []Quantity {
	n := p.Cells()
	errors := make([]float64, len(p.Channels))
	pairs := 0
	p.each(trajectory, func(x, next []float64) {
		if next == nil {
			return
		}
		if m, ok := p.model.(dynamics.AdditiveNoise); ok {
			m.Flow(x)
		} else {
			p.model.Step(x, r)
		}
		pairs++
		for i, v := range next {
			d := v - x[i]
			errors[i/n] += d * d
		}
	})
	if pairs == 0 {
		return nil
	}
	var list []Quantity
	for c, name := range p.Channels {
		rms := math.Sqrt(errors[c] / float64(pairs*n))
		list = append(list, Quantity{name, rms / p.deviation(trajectory, c)})
	}
	return list
}

// deviation is the standard deviation of a channel over a trajectory.
func (p *Physics) deviation(trajectory []float32, channel int) float64 {
	n := p.Cells()
	one := &Sample{Members: 1, Length: len(trajectory) / (n * len(p.Channels)), Size: n * len(p.Channels), data: trajectory}
	return Deviation(p.Channel(one, channel))
}

// each visits the states of a trajectory, with the state after each, nil for the last;
// visit may overwrite x. It returns their number.
func (p *Physics) each(trajectory []float32, visit func(x, next []float64)) int {
	size := p.model.Space().Size()
	states := len(trajectory) / size
	x, next := make([]float64, size), make([]float64, size)
	for t := range states {
		for i, v := range trajectory[t*size : (t+1)*size] {
			x[i] = float64(v)
		}
		if t == states-1 {
			visit(x, nil)
			break
		}
		for i, v := range trajectory[(t+1)*size : (t+2)*size] {
			next[i] = float64(v)
		}
		visit(x, next)
	}
	return states
}

// Spectra is the mean spectrum of each channel over the states of a trajectory.
func (p *Physics) Spectra(trajectory []float32) [][]float64 {
	n := p.Cells()
	size := n * len(p.Channels)
	s := NewSpectrometer(p.Axes)
	spectra := make([][]float64, len(p.Channels))
	states := len(trajectory) / size
	for t := range states {
		for c := range p.Channels {
			field := trajectory[t*size+c*n : t*size+(c+1)*n]
			spectra[c] = s.Power(spectra[c], field, 1/float64(states))
		}
	}
	return spectra
}

// Sum is the power of a spectrum in a band.
func (b Band) Sum(power []float64) float64 {
	var sum float64
	for k := b.First; k <= b.Last; k++ {
		sum += power[k]
	}
	return sum
}

// Unlike is the largest deviation of a spectrum from another in any octave of a band, as
// a share: 0.1 if the variances differ by 10 % where they differ most.
func (b Band) Unlike(power, truth []float64) float64 {
	var most float64
	for _, octave := range Octaves(b.Last) {
		if ratio := octave.Sum(power) / octave.Sum(truth); !(math.Abs(ratio-1) <= most) {
			most = math.Abs(ratio - 1)
		}
	}
	return most
}
