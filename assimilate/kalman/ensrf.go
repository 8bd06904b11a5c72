package kalman

// One value after the other. Column y of the anomalies Y, of squared length v,
// shrinks everything along itself,
//
//	T <- (I - b y y^T) T,   Y <- (I - b y y^T) Y,   b = 1/(v + N-1 + sqrt((N-1)(v + N-1)))
//
// (Potter's square root; Whitaker & Hamill 2002, Mon. Weather Rev. 130, 1913).
// The mean is moved at the end by the gain of the analysis covariance,
//
//	w = T^T T Y_0 d/(N-1) .
//
// For linear operators mean and covariance do not depend on the order, and are
// those of every other square root; the members do depend on it.

import (
	"cmp"
	"math"
	"slices"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/internal/strict"
)

// Orders of serial updates.
const (
	// OrderGiven takes values as they are listed.
	OrderGiven = "given"
	// OrderRandom shuffles them, anew in each cycle.
	OrderRandom = "random"
	// OrderSorted takes those first whose anomalies are large beside their
	// noise.
	OrderSorted = "sorted"
)

// Orders lists the valid orders.
func Orders() []string { return []string{OrderGiven, OrderRandom, OrderSorted} }

// EnSRF is the serial ensemble square-root filter without localisation.
type EnSRF struct {
	Order string `toml:"order" doc:"in which values are assimilated: given, random or sorted (best known first)"`
}

func (*EnSRF) kind() string { return "ensrf" }

func (u *EnSRF) check(_ dynamics.Model) error { return checkOrder(u.Order) }

func checkOrder(order string) error {
	return checkName("order", order, Orders())
}

// checkName reports a name that is not valid.
func checkName(key, name string, valid []string) error {
	if slices.Contains(valid, name) {
		return nil
	}
	return fault.Inputf("%s = %q: is unknown; %s", key, name, strict.Suggestion(name, valid))
}

func (u *EnSRF) begin(c *cycle) (analysis, error) {
	return newGlobal(c, &serial{
		order: newOrdering(u.Order, c), anomalies: make([]float64, c.members*c.most),
		column: make([]float64, c.members), product: make([]float64, max(c.members, c.most)),
		root: make([]float64, c.members*c.members),
	}, c.members), nil
}

type serial struct {
	order                            *ordering
	anomalies, column, product, root []float64
}

func (s *serial) weigh(t *transform, c *cycle) error {
	n, p, one := c.members, c.seen.count, float64(c.members-1)
	y := s.anomalies[:n*p]
	copy(y, c.seen.anomalies)
	identity(s.root, n)
	for _, j := range s.order.of(c) {
		for i := range s.column {
			s.column[i] = y[i*p+j]
		}
		v := dot(s.column, s.column) + one
		b := 1 / (v + math.Sqrt(one*v))
		s.shrink(y, b, p)
		s.shrink(s.root, b, n)
	}
	left := t.weights(n, nil)
	copy(left, s.root)
	t.scale = 0
	// w, by way of Y_0 d and T Y_0 d.
	multiply(s.column, 1, c.seen.anomalies[:n*p], c.seen.residual[:p], 0, n, p, 1)
	multiply(s.product[:n], 1, s.root, s.column, 0, n, n, 1)
	transposedMultiply(s.column, 1/one, s.root, s.product[:n], 0, n, n, 1)
	addRow(left, s.column)
	return nil
}

// shrink multiplies a, of n columns, by I - b y y^T, y being the present
// column.
func (s *serial) shrink(a []float64, b float64, n int) {
	product := s.product[:n]
	clear(product)
	for i, y := range s.column {
		axpy(product, y, a[i*n:(i+1)*n])
	}
	for i, y := range s.column {
		axpy(a[i*n:(i+1)*n], -b*y, product)
	}
}

func identity(a []float64, n int) {
	clear(a)
	for i := range n {
		a[i*n+i] = 1
	}
}

// ordering lists the values of a cycle in the order of a serial update.
type ordering struct {
	kind   string
	source *rng.Source
	list   []int
	sizes  []float64
}

func newOrdering(kind string, c *cycle) *ordering {
	return &ordering{kind, rng.NewSource(c.problem.Seed, "kalman/order"), make([]int, c.most), make([]float64, c.most)}
}

func (o *ordering) of(c *cycle) []int {
	p := c.seen.count
	list := o.list[:p]
	for j := range list {
		list[j] = j
	}
	switch o.kind {
	case OrderRandom:
		r := o.source.At(uint64(c.problem.Case), uint64(c.state))
		r.Shuffle(p, func(i, j int) { list[i], list[j] = list[j], list[i] })
	case OrderSorted:
		sizes := o.sizes[:p]
		clear(sizes)
		for i, y := range c.seen.anomalies[:c.members*p] {
			sizes[i%p] += y * y
		}
		slices.SortStableFunc(list, func(a, b int) int { return cmp.Compare(sizes[b], sizes[a]) })
	}
	return list
}
