package observe

import (
	"math"
	"slices"

	"retrace/dynamics"
	"retrace/internal/fault"
)

func init() {
	Register(Entry{"linear", "a matrix times the state", func() Builder { return &Linear{} }})
}

// Linear observes h(x) = H x for a dense matrix H.
type Linear struct {
	Matrix [][]float64 `toml:"matrix,required" doc:"rows of the matrix, one for each observed value, each with one number for each component of the state"`
	Labels []string    `toml:"labels" doc:"names of the observed values, one for each row; default value0, value1, ..."`
}

// Build returns the operator. It is an input error if the shape of the matrix
// does not fit the state, a number is not finite, or the labels do not fit.
func (l Linear) Build(space dynamics.Space) (Operator, error) {
	size := space.Size()
	if len(l.Matrix) == 0 {
		return nil, fault.Inputf("matrix: has no row: give one row of %d numbers for each observed value", size)
	}
	flat := make([]float64, 0, len(l.Matrix)*size)
	for i, row := range l.Matrix {
		if len(row) != size {
			return nil, fault.Inputf("matrix: row %d has %d numbers: give %d, one for each component of the state", i, len(row), size)
		}
		if j := slices.IndexFunc(row, notFinite); j >= 0 {
			return nil, fault.Inputf("matrix: row %d, column %d is %v: give a finite number", i, j, row[j])
		}
		flat = append(flat, row...)
	}
	if len(l.Labels) > 0 && len(l.Labels) != len(l.Matrix) {
		return nil, fault.Inputf("labels: %d labels for %d rows of the matrix: give one for each row, or none", len(l.Labels), len(l.Matrix))
	}
	if err := checkLabels("labels", l.Labels); err != nil {
		return nil, err
	}
	return &matrix{len(l.Matrix), size, flat, slices.Clone(l.Labels)}, nil
}

func notFinite(x float64) bool { return math.IsNaN(x) || math.IsInf(x, 0) }

// matrix is a dense row-major matrix.
type matrix struct {
	rows, columns int
	data          []float64
	labels        []string
}

func (m *matrix) Size() (state, values int) { return m.columns, m.rows }

func (m *matrix) Labels() []string { return m.labels }

func (m *matrix) row(j int) []float64 { return m.data[j*m.columns : (j+1)*m.columns] }

func (m *matrix) Apply(y, x []float64) {
	for j := range y {
		sum := 0.0
		for i, a := range m.row(j) {
			sum += a * x[i]
		}
		y[j] = sum
	}
}

func (m *matrix) VJP(dst, _, v []float64) {
	clear(dst)
	for j, vj := range v {
		for i, a := range m.row(j) {
			dst[i] += a * vj
		}
	}
}
