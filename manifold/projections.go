package manifold

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/observe"
)

// A projection is the product of a state with a unit vector of random direction. The
// operator is all of a pool, and moves (observe.Moving): of a state it shows Rows of
// them, drawn by the address of the case. So a file of observations can name every
// value by its direction.

// Pool holds the parameters of random projections: which unit vectors there are. A
// state shows its products with a few of them, others in every state and case.
type Pool struct {
	Rows  int `toml:"rows" doc:"projections that a state shows; 1 to the size of the pool"`
	Pool  int `toml:"pool" doc:"random directions they are taken from; up to 65536"`
	Shape int `toml:"shape" doc:"which random pool; any whole number"`
}

// NewPool returns pairs of 256 directions.
func NewPool() *Pool { return &Pool{Rows: 2, Pool: 256, Shape: 1} }

func (p *Pool) check() error {
	return cmp.Or(
		dynamics.CheckBetween("pool", p.Pool, 1, 1<<16),
		dynamics.CheckBetween("rows", p.Rows, 1, max(1, p.Pool)),
	)
}

// Build checks the parameters and returns the operator for states of a space.
func (p *Pool) Build(space dynamics.Space) (observe.Operator, error) {
	if err := p.check(); err != nil {
		return nil, err
	}
	o := &projections{rows: p.Rows, size: space.Size()}
	r := rng.Stream(int64(p.Shape), "manifold/projections")
	for i := range p.Pool {
		row := make([]float64, o.size)
		var square float64
		for j := range row {
			row[j] = r.NormFloat64()
			square += row[j] * row[j]
		}
		for j := range row {
			row[j] /= math.Sqrt(square)
		}
		o.directions = append(o.directions, row)
		o.labels = append(o.labels, fmt.Sprintf("p%d", i))
	}
	return o, nil
}

type projections struct {
	rows, size int
	directions [][]float64
	labels     []string
}

// Size implements observe.Operator: of the whole pool.
func (o *projections) Size() (state, values int) { return o.size, len(o.directions) }

// Labels implements observe.Named.
func (o *projections) Labels() []string { return o.labels }

// Sees implements observe.Moving.
func (o *projections) Sees(a observe.Address, index int) []int {
	r := rng.Stream(a.Seed, "manifold/sees/"+a.Scenario, uint64(a.Case), uint64(index))
	seen := r.Perm(len(o.directions))[:o.rows]
	slices.Sort(seen)
	return seen
}

// Apply implements observe.Operator.
func (o *projections) Apply(y, x []float64) {
	for j, d := range o.directions {
		y[j] = dot(d, x)
	}
}

// VJP implements observe.Operator.
func (o *projections) VJP(dst, _, v []float64) {
	clear(dst)
	for j, d := range o.directions {
		if v[j] != 0 {
			accumulate(dst, v[j], d)
		}
	}
}

func dot(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

func accumulate(dst []float64, factor float64, x []float64) {
	for i, v := range x {
		dst[i] += factor * v
	}
}

func init() {
	observe.Register(observe.Entry{
		Name:     "projections",
		Summary:  "products with a few unit vectors, others in every state and case, of a pool of random ones",
		Defaults: func() observe.Builder { return NewPool() },
	})
}
