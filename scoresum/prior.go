package scoresum

import (
	"fmt"
	"sync"

	"retrace/dynamics"
	"retrace/internal/kernel"
	"retrace/trajectory"
)

// Prior is a learnt prior over trajectories of one system, of any length. It
// is immutable and safe for concurrent use.
type Prior struct {
	Settings Settings
	Space    dynamics.Space
	Clock    dynamics.Clock
	Standard trajectory.Standardiser

	covariance law
	fractions  Fractions
	network    network

	mutex sync.Mutex
	bases map[int]*basis // by window length, made when first needed
	modes *fieldModes    // of fields, likewise
}

// Dim is the number of values of a state.
func (p *Prior) Dim() int { return p.Space.Size() }

// Parameters is the number of parameters of the network, with what pads them.
func (p *Prior) Parameters() int { return len(p.network.weights()) }

// basis returns the Gaussian prior of windows of length states.
func (p *Prior) basis(length int) (*basis, error) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	if b := p.bases[length]; b != nil {
		return b, nil
	}
	b, err := p.covariance.basis(length)
	if err != nil {
		return nil, err
	}
	p.bases[length] = b
	return b, nil
}

// Compose cuts a trajectory of length states into pieces by the prior's rule.
func (p *Prior) Compose(length int) ([]Piece, error) {
	return Compose(p.Settings.Composition, length, p.Settings.Window, p.Settings.stride())
}

// Denoiser returns the denoiser of trajectories of length states, for at most
// rows trajectories at once, with at most chunk windows of one length going
// through the network together; of fields fewer, as memory asks.
func (p *Prior) Denoiser(length, rows, chunk int) (*Denoiser, error) {
	if length < 1 || rows < 1 || chunk < 1 {
		return nil, fmt.Errorf("scoresum: a denoiser of %d states, %d rows and chunks of %d windows", length, rows, chunk)
	}
	pieces, err := p.Compose(length)
	if err != nil {
		return nil, err
	}
	if n, ok := p.network.(*fieldNetwork); ok {
		largest, err := n.largestChunk()
		if err != nil {
			return nil, err
		}
		chunk = min(chunk, largest)
	}
	d := &Denoiser{length: length, dim: p.Dim(), groups: newGroups(pieces)}
	for _, g := range d.groups {
		g.chunk = min(chunk, rows*len(g.pieces))
		states := len(g.pieces[0].Weights)
		b, err := p.basis(states)
		if err != nil {
			return nil, err
		}
		g.windows = newWindows(p.Settings.layout(p.Space), states, g.chunk, p.network)
		g.windows.use(states, b)
		g.y, g.mean = kernel.Slab(g.chunk*b.padded), kernel.Slab(g.chunk*b.padded)
	}
	return d, nil
}

// Rows is the number of windows that one evaluation of a trajectory of length
// states sends through the network.
func (p *Prior) Rows(length int) (int, error) {
	pieces, err := p.Compose(length)
	return len(pieces), err
}
