package exact

import (
	"errors"
	"fmt"
	"sync"

	"gonum.org/v1/gonum/mat"

	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/scoresum"
	"retrace/trajectory"
)

// Prior is an exact Gaussian prior over trajectories of any length, whole or
// composed of its own windows; it serves wherever a trained prior does. It is safe
// for concurrent use.
type Prior struct {
	space    dynamics.Space
	clock    dynamics.Clock
	standard trajectory.Standardiser
	chain    chain
	// rule composes windows of window states every stride; "" is the whole.
	rule           string
	window, stride int

	mutex sync.Mutex
	laws  map[int]func() law // by length
	whole map[int]Covariance
}

// Linear returns the exact prior of a linear-Gaussian model, one with a method
// Law() dynamics.LinearLaw, in the units of the standardisation. Another model is an
// input error.
func Linear(model dynamics.Model, standard trajectory.Standardiser) (*Prior, error) {
	m, ok := model.(lawful)
	if !ok {
		return nil, fault.Inputf("exact: the model is not linear and Gaussian: fit a Gaussian to its trajectories")
	}
	return newPrior(model.Space(), model.Clock(), standard, newLinearChain(m.Law(), standard)), nil
}

// IsLinear reports whether Linear takes the model.
func IsLinear(model dynamics.Model) bool {
	_, ok := model.(lawful)
	return ok
}

// Fit returns the prior of the Gaussian chain with the window covariance of training
// trajectories, in physical units. The window must not be longer than they are.
func Fit(training *trajectory.Set, standard trajectory.Standardiser, window int) (*Prior, error) {
	if window < 2 || window > training.Length {
		return nil, fault.Inputf("exact: windows of %d states for training trajectories of %d: use 2 at least and no more than they have", window, training.Length)
	}
	data := make([]float32, len(training.Data))
	standard.Forward(data, training.Data)
	c, err := scoresum.EstimateCovariance(data, training.Length, training.Space.Size(), window)
	if err != nil {
		return nil, fault.Input(err)
	}
	return newPrior(training.Space, training.Clock, standard, newFittedChain(c)), nil
}

func newPrior(space dynamics.Space, clock dynamics.Clock, standard trajectory.Standardiser, c chain) *Prior {
	return &Prior{space: space, clock: clock, standard: standard, chain: c, laws: map[int]func() law{}, whole: map[int]Covariance{}}
}

// Windowed returns the prior composed of its exact windows by a rule of
// scoresum.Compose.
func (p *Prior) Windowed(rule string, window, stride int) (*Prior, error) {
	if _, err := scoresum.Compose(rule, window+1, window, stride); err != nil {
		return nil, fault.Input(err)
	}
	composed := newPrior(p.space, p.clock, p.standard, p.chain)
	composed.rule, composed.window, composed.stride = rule, window, stride
	return composed, nil
}

// Describe returns what the states are and the units of the prior.
func (p *Prior) Describe() (dynamics.Space, dynamics.Clock, trajectory.Standardiser) {
	return p.space, p.clock, p.standard
}

// Differentiable returns the denoiser of trajectories of length states. It takes any
// number of rows.
func (p *Prior) Differentiable(length, _, _ int) (diffusion.Differentiable, error) {
	if length < 1 {
		return nil, fmt.Errorf("exact: trajectories of %d states", length)
	}
	newLaw, err := p.law(length)
	if err != nil {
		return nil, err
	}
	return newDenoiser(newLaw), nil
}

// law returns the maker of the law of a length.
func (p *Prior) law(length int) (func() law, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if known := p.laws[length]; known != nil {
		return known, nil
	}
	made, err := p.newLaw(length)
	if err != nil {
		return nil, err
	}
	p.laws[length] = made
	return made, nil
}

func (p *Prior) newLaw(length int) (func() law, error) {
	if p.rule != "" {
		return p.composed(length)
	}
	covariance, err := p.covariance(length)
	if err != nil {
		return nil, err
	}
	mean := p.chain.means(length)
	return func() law { return newGaussian(mean, covariance) }, nil
}

// covariance is that of whole trajectories: a chain if it has a banded inverse.
func (p *Prior) covariance(length int) (Covariance, error) {
	if known := p.whole[length]; known != nil {
		return known, nil
	}
	made, err := p.newCovariance(length)
	if err == nil {
		p.whole[length] = made
	}
	return made, err
}

func (p *Prior) newCovariance(length int) (Covariance, error) {
	precision, err := p.chain.precision(length)
	if errors.Is(err, errors.ErrUnsupported) {
		dense, _ := p.chain.window(0, length)
		return NewFull(dense)
	}
	if err != nil {
		return nil, err
	}
	return NewMarkov(precision)
}

// Uncertainty returns Cov[x | x + s n] of whole trajectories of length states.
func (p *Prior) Uncertainty(length int, s float64) (*mat.SymDense, error) {
	p.mutex.Lock()
	c, err := p.covariance(length)
	p.mutex.Unlock()
	if err != nil {
		return nil, err
	}
	n := c.Dim()
	v := mat.NewDense(n, n, nil)
	unit := make([]float64, n)
	for i := range n {
		clear(unit)
		unit[i] = s * s
		if err := c.Smooth(v.RawRowView(i), unit, s*s); err != nil {
			return nil, err
		}
	}
	result := mat.NewSymDense(n, nil)
	for i := range n {
		for j := range i + 1 {
			result.SetSym(i, j, (v.At(i, j)+v.At(j, i))/2)
		}
	}
	return result, nil
}

// Precision returns the inverse covariance P of trajectories, the same at every
// noise ratio: Uncertainty is (P + s^-2)^-1. The error is errors.ErrUnsupported if
// there is none.
func (p *Prior) Precision(length int, _ float64) (*mat.SymBandDense, error) {
	return p.chain.precision(length)
}
