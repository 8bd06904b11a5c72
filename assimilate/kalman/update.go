package kalman

import (
	"context"

	"retrace/dynamics"
)

// Update is the analysis step of an ensemble filter. The implementations are
// the types of this package: EnKF, ETKF, DEnKF, EnSRF, EnKFN, LETKF and EAKF.
type Update interface {
	// check reports parameters out of range, and models that the update cannot
	// work with.
	check(model dynamics.Model) error
	// begin prepares the update of the ensembles of one problem.
	begin(c *cycle) (analysis, error)
	// kind is the name of the update in configs and errors.
	kind() string
}

// analysis updates an ensemble, in place, by the innovations of its state.
type analysis interface {
	analyse(ctx context.Context, c *cycle) error
}

// weighing is an analysis without localisation: a transform that is the same
// for all components, and for the ensembles of earlier states.
type weighing interface {
	weigh(t *transform, c *cycle) error
}

// global applies a weighing.
type global struct {
	weighing
	transform *transform
}

// newGlobal makes room for weights of up to most columns.
func newGlobal(c *cycle, w weighing, most int) *global {
	return &global{w, newTransform(c.members, most, c.size)}
}

func (g *global) analyse(_ context.Context, c *cycle) error {
	if err := g.weigh(g.transform, c); err != nil {
		return err
	}
	g.transform.apply(c.ensemble, c.size)
	for _, ensemble := range c.earlier {
		g.transform.apply(ensemble, c.size)
	}
	return nil
}

// reachesBack reports whether an update can correct earlier states too.
func reachesBack(u Update) bool {
	switch u.(type) {
	case *LETKF, *EAKF:
		return false
	}
	return true
}

// adapts reports whether an update keeps adaptive inflations of its own.
func adapts(u Update) bool {
	_, ok := u.(*LETKF)
	return ok
}
