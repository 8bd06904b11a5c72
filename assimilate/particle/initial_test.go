package particle_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"retrace/assimilate"
	"retrace/assimilate/particle"
	"retrace/internal/fault"
)

var errEnough = errors.New("enough")

// A given ensemble is dealt out to the particles in turn.
func TestParticlesStartAtTheGivenMembers(t *testing.T) {
	p := chaotic(t, 4)
	p.Observations.Observations = nil
	size := p.Model.Space().Size()
	p.InitialEnsemble = make([]float64, 4*size)
	for i := range p.InitialEnsemble {
		p.InitialEnsemble[i] = float64(i)
	}
	m := particle.NewBootstrap()
	m.Particles = 8
	var first []float64
	err := m.Cycle(context.Background(), p, func(e assimilate.Estimate) error {
		first = slices.Clone(e.Ensemble)
		return errEnough
	})
	if !errors.Is(err, errEnough) || !slices.Equal(first, slices.Concat(p.InitialEnsemble, p.InitialEnsemble)) {
		t.Errorf("particles start at %v, error %v", first, err)
	}
	p.InitialEnsemble = p.InitialEnsemble[1:]
	if err := m.Cycle(context.Background(), p, nil); !fault.IsInput(err) {
		t.Errorf("an ensemble of the wrong size: %v", err)
	}
}
