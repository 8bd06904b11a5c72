package observe

import (
	"fmt"
	"math"
	"slices"
	"sync"

	"gonum.org/v1/gonum/mat"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
)

func init() {
	RegisterLaw(LawEntry{"correlated", "Gaussian noise with correlations between the values of a state: in blocks, falling with distance, or given", true,
		func() LawBuilder { return &Correlation{} }})
}

// Correlation describes Gaussian noise that is correlated between the values of one
// state, R = diag(sd) C diag(sd), in one of three ways:
//
//   - Matrix is C itself;
//   - values in runs of Block have the correlation Share with each other;
//   - with Length, C_ij = exp(-d_ij/Length), d_ij being the distance of the places where
//     i and j were seen, which needs a Located operator; values of different labels (other
//     fields) are independent.
type Correlation struct {
	Matrix [][]float64 `toml:"matrix" doc:"correlations of the values with each other: symmetric, positive, ones on the diagonal"`
	Block  int         `toml:"block" doc:"values in a row that share an error; at least 2"`
	Share  float64     `toml:"share" doc:"with block: correlation of the values of a block, in (0, 1)"`
	Length float64     `toml:"length" doc:"distance at which correlations have fallen to 1/e, in the units of the axes; above 0"`
}

// Build returns the law, a *Correlated.
func (c *Correlation) Build(op Operator, space dynamics.Space) (Law, error) {
	ways := 0
	for _, given := range []bool{len(c.Matrix) > 0, c.Block != 0, c.Length != 0} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return nil, fault.Inputf("matrix, block, length: give one of them")
	}
	_, moves := op.(Moving)
	if moves && c.Length == 0 {
		return nil, fault.Inputf("the values seen differ from state to state: give length, not matrix or block")
	}
	_, n := op.Size()
	correlations := mat.NewSymDense(n, nil)
	entry, err := c.entries(op, space, n)
	if err != nil {
		return nil, err
	}
	for i := range n {
		for j := range i + 1 {
			correlations.SetSym(i, j, entry(i, j))
		}
	}
	law := newCorrelated(correlations)
	if moves {
		return law, nil // restricted before use
	}
	if law.factor(count(n)) == nil {
		return nil, fault.Inputf("the correlations are not those of any noise: their matrix is not positive definite")
	}
	return law, nil
}

// entries returns the correlation of values i and j of n.
func (c *Correlation) entries(op Operator, space dynamics.Space, n int) (func(i, j int) float64, error) {
	switch {
	case len(c.Matrix) > 0:
		return c.given(n)
	case c.Block != 0:
		if c.Block < 2 || !(c.Share > 0 && c.Share < 1) {
			return nil, fault.Inputf("block = %d, share = %v: a block has 2 values or more, and share lies in (0, 1)", c.Block, c.Share)
		}
		return func(i, j int) float64 {
			switch {
			case i == j:
				return 1
			case i/c.Block == j/c.Block:
				return c.Share
			}
			return 0
		}, nil
	}
	if !(c.Length > 0) || math.IsInf(c.Length, 0) {
		return nil, fault.Inputf("length = %v: must be above 0", c.Length)
	}
	located, ok := op.(Located)
	if !ok {
		return nil, fault.Inputf("length: the operator does not know where its values were seen: give matrix or block")
	}
	places := located.Locations(space)
	return func(i, j int) float64 { return math.Exp(-apart(space, places[i], places[j]) / c.Length) }, nil
}

func (c *Correlation) given(n int) (func(i, j int) float64, error) {
	if len(c.Matrix) != n {
		return nil, fault.Inputf("matrix: has %d rows for %d observed values", len(c.Matrix), n)
	}
	for i, row := range c.Matrix {
		if len(row) != n {
			return nil, fault.Inputf("matrix: row %d has %d numbers, not %d", i, len(row), n)
		}
		for j, r := range row[:i+1] {
			if i == j && r != 1 || c.Matrix[j][i] != r || !(math.Abs(r) <= 1) {
				return nil, fault.Inputf("matrix: row %d, column %d is %v: correlations are symmetric, in [-1, 1] and 1 on the diagonal", i, j, r)
			}
		}
	}
	return func(i, j int) float64 { return c.Matrix[i][j] }, nil
}

// apart is the distance of two places: infinite between labels.
func apart(space dynamics.Space, a, b []float64) float64 {
	var square float64
	for axis := range space.Axes {
		d := Distance(space.Axes[axis], a[axis], b[axis])
		switch {
		case math.IsNaN(d): // no place on this axis
		case len(space.Axes[axis].Labels) > 0:
			if d != 0 {
				return math.Inf(1)
			}
		default:
			square += d * d
		}
	}
	return math.Sqrt(square)
}

// Correlated is Gaussian noise of covariance diag(sd) C diag(sd).
type Correlated struct {
	correlations *mat.SymDense
	factors      *sync.Map // *mat.TriDense by which values are present
}

func newCorrelated(c *mat.SymDense) *Correlated { return &Correlated{c, &sync.Map{}} }

// Name implements Law.
func (*Correlated) Name() string { return "correlated" }

// restrict is the law of some of the values.
func (c *Correlated) restrict(values []int) *Correlated {
	part := mat.NewSymDense(max(1, len(values)), nil)
	for i, a := range values {
		for j, b := range values[:i+1] {
			part.SetSym(i, j, c.correlations.At(a, b))
		}
	}
	return newCorrelated(part)
}

// present lists the values that are not missing.
func present(y []float64) []int {
	var list []int
	for j, v := range y {
		if !math.IsNaN(v) {
			list = append(list, j)
		}
	}
	return list
}

// factor is the lower Cholesky factor L of the correlations of some values; nil if they
// are not positive.
func (c *Correlated) factor(values []int) *mat.TriDense {
	key := fmt.Sprint(values)
	if known, ok := c.factors.Load(key); ok {
		return known.(*mat.TriDense)
	}
	var cholesky mat.Cholesky
	if len(values) == 0 || !cholesky.Factorize(c.restrict(values).correlations) {
		return nil
	}
	l := mat.NewTriDense(len(values), mat.Lower, nil)
	cholesky.LTo(l)
	c.factors.Store(key, l)
	return l
}

// whiten replaces e, for some values, by L^-1 e.
func whiten(l *mat.TriDense, e []float64) {
	for i := range e {
		for j := range i {
			e[i] -= l.At(i, j) * e[j]
		}
		e[i] /= l.At(i, i)
	}
}

// whitenTransposed replaces e by L^-T e.
func whitenTransposed(l *mat.TriDense, e []float64) {
	for i := len(e) - 1; i >= 0; i-- {
		for j := i + 1; j < len(e); j++ {
			e[i] -= l.At(j, i) * e[j]
		}
		e[i] /= l.At(i, i)
	}
}

// LogDensity implements Law.
func (c *Correlated) LogDensity(y, h, sd []float64) float64 {
	values := present(y)
	if len(values) == 0 {
		return 0
	}
	l := c.factor(values)
	e := make([]float64, len(values))
	for k, j := range values {
		e[k] = (y[j] - h[j]) / sd[j]
	}
	whiten(l, e)
	var sum float64
	for k, j := range values {
		sum -= e[k]*e[k]/2 + math.Log(sd[j]*l.At(k, k)) + halfLogTwoPi
	}
	return sum
}

// Score implements Law.
func (c *Correlated) Score(dst, y, h, sd []float64) {
	values := present(y)
	e := make([]float64, len(values))
	for k, j := range values {
		e[k] = (y[j] - h[j]) / sd[j]
	}
	if len(values) > 0 {
		l := c.factor(values)
		whiten(l, e)
		whitenTransposed(l, e)
	}
	clear(dst[:len(y)])
	for k, j := range values {
		dst[j] = e[k] / sd[j]
	}
}

// Draw implements Law. All values are drawn, so that those that are missing later change
// nothing.
func (c *Correlated) Draw(y, sd []float64, at func(j int) *rng.Source) {
	z := make([]float64, len(y))
	for j := range z {
		z[j] = at(j).NormFloat64()
	}
	l := c.factor(count(len(y)))
	for i := range y {
		var e float64
		for j := range i + 1 {
			e += l.At(i, j) * z[j]
		}
		y[i] += sd[i] * e
	}
}

// Whitened returns the sequence that says of a trajectory what s does with independent
// noise alone: an observation with correlated noise becomes, with the values y that are
// present and R = diag(sd) L L^T diag(sd),
//
//	y' = (diag(sd) L)^-1 y = (diag(sd) L)^-1 h(x) + N(0, I) .
//
// Its values have lost their names and places: methods that localise cannot take it.
// Other observations are those of s.
func (s Sequence) Whitened() Sequence {
	out := Sequence{slices.Clone(s.Observations)}
	for k, o := range out.Observations {
		if c, ok := o.Law.(*Correlated); ok {
			out.Observations[k] = c.whitened(o)
		}
	}
	return out
}

func (c *Correlated) whitened(o Observation) Observation {
	values := present(o.Values)
	w := &whitened{base: o.Operator, values: values, sd: o.Sd}
	if len(values) > 0 {
		w.factor = c.factor(values)
	}
	white := Observation{Index: o.Index, Operator: w}
	for _, j := range values {
		white.Values, white.Sd = append(white.Values, o.Values[j]/o.Sd[j]), append(white.Sd, 1)
	}
	if len(values) > 0 {
		whiten(w.factor, white.Values)
	}
	return white
}

// whitened is (diag(sd) L)^-1 h(x) for the values present.
type whitened struct {
	base   Operator
	values []int
	sd     []float64
	factor *mat.TriDense
}

func (w *whitened) Size() (state, values int) {
	state, _ = w.base.Size()
	return state, len(w.values)
}

func (w *whitened) Apply(y, x []float64) {
	all := make([]float64, len(w.sd))
	w.base.Apply(all, x)
	for k, j := range w.values {
		y[k] = all[j] / w.sd[j]
	}
	whiten(w.factor, y)
}

func (w *whitened) VJP(dst, x, v []float64) {
	e := slices.Clone(v)
	whitenTransposed(w.factor, e)
	all := make([]float64, len(w.sd))
	for k, j := range w.values {
		all[j] = e[k] / w.sd[j]
	}
	w.base.VJP(dst, x, all)
}
