package em

import (
	"fmt"
	"math"
	"reflect"
	"slices"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/observe"
	"retrace/trajectory"
)

// Record is what was seen of one trajectory x, flat: y = A x + noise, a value a row.
// Records returns them in physical units.
type Record struct {
	size  int       // values of a trajectory
	y, sd []float64 // the values, less what the operator gives of zeros
	rows  rows
}

// rows are a sparse matrix.
type rows struct {
	start   []int // of each row in columns and factors, and the end
	columns []int
	factors []float64
}

func (m *rows) at(j int) ([]int, []float64) {
	first, last := m.start[j], m.start[j+1]
	return m.columns[first:last], m.factors[first:last]
}

// dot is the product of row j with x.
func (m *rows) dot(j int, x []float64) (sum float64) {
	columns, factors := m.at(j)
	for k, c := range columns {
		sum += factors[k] * x[c]
	}
	return sum
}

// accumulate adds factor times row j to dst.
func (m *rows) accumulate(dst []float64, j int, factor float64) {
	columns, factors := m.at(j)
	for k, c := range columns {
		dst[c] += factor * factors[k]
	}
}

// Count is the number of values.
func (r *Record) Count() int { return len(r.y) }

// Records reads sequences of trajectories of length states. Missing values are left
// out. A sequence that does not fit the space, or an operator that is not linear, is
// an input error.
func Records(sequences []observe.Sequence, length int, space dynamics.Space) ([]Record, error) {
	reader := newReader(space.Size())
	list := make([]Record, len(sequences))
	for i, s := range sequences {
		if err := s.Validate(length, space); err != nil {
			return nil, fault.Inputf("record %d: %w", i, err)
		}
		r := &list[i]
		r.size, r.rows.start = length*space.Size(), []int{0}
		for _, o := range s.Observations {
			if err := reader.read(r, o); err != nil {
				return nil, fault.Inputf("record %d, state %d: %w", i, o.Index, err)
			}
		}
	}
	return list, nil
}

// reader turns operators into rows, each operator once.
type reader struct {
	size          int
	known         map[observe.Operator]*linear
	state, pulled []float64
}

// linear is an operator A x + offset.
type linear struct {
	rows   rows
	offset []float64
}

func newReader(size int) *reader {
	return &reader{size, map[observe.Operator]*linear{}, make([]float64, size), make([]float64, size)}
}

func (r *reader) read(record *Record, o observe.Observation) error {
	operator, err := r.linear(o.Operator)
	if err != nil {
		return err
	}
	for j, y := range o.Values {
		if math.IsNaN(y) {
			continue
		}
		record.y, record.sd = append(record.y, y-operator.offset[j]), append(record.sd, o.Sd[j])
		columns, factors := operator.rows.at(j)
		for k, c := range columns {
			record.rows.columns = append(record.rows.columns, o.Index*r.size+c)
			record.rows.factors = append(record.rows.factors, factors[k])
		}
		record.rows.start = append(record.rows.start, len(record.rows.columns))
	}
	return nil
}

func (r *reader) linear(op observe.Operator) (*linear, error) {
	comparable := reflect.TypeOf(op).Comparable()
	if comparable && r.known[op] != nil {
		return r.known[op], nil
	}
	_, values := op.Size()
	l := &linear{offset: make([]float64, values)}
	clear(r.state)
	l.rows = r.jacobian(op, values)
	op.Apply(l.offset, r.state)
	for i := range r.state {
		r.state[i] = 0.7 + float64(i%7)/3
	}
	other := r.jacobian(op, values)
	if !slices.Equal(l.rows.start, other.start) || !slices.Equal(l.rows.columns, other.columns) || !slices.Equal(l.rows.factors, other.factors) {
		return nil, fmt.Errorf("its operator is not linear: learning from observations needs linear ones")
	}
	if comparable {
		r.known[op] = l
	}
	return l, nil
}

func (r *reader) jacobian(op observe.Operator, values int) rows {
	m := rows{start: []int{0}}
	unit := make([]float64, values)
	for j := range values {
		unit[j] = 1
		op.VJP(r.pulled, r.state, unit)
		unit[j] = 0
		for c, v := range r.pulled {
			if v != 0 {
				m.columns, m.factors = append(m.columns, c), append(m.factors, v)
			}
		}
		m.start = append(m.start, len(m.columns))
	}
	return m
}

// standardised is the record of the trajectory in the units of a standardiser, with
// noise that is factor times what it was.
func (r *Record) standardised(units trajectory.Standardiser, factor float64) Record {
	s := Record{size: r.size, y: slices.Clone(r.y), sd: make([]float64, len(r.sd)), rows: r.rows}
	s.rows.factors = slices.Clone(r.rows.factors)
	state := units.Size()
	for j := range s.y {
		s.sd[j] = r.sd[j] * factor
		for k := r.rows.start[j]; k < r.rows.start[j+1]; k++ {
			mean, scale := units.At(r.rows.columns[k] % state)
			s.y[j] -= r.rows.factors[k] * mean
			s.rows.factors[k] *= scale
		}
	}
	return s
}
