package trajectory

import (
	"fmt"
	"math"

	"gorgonia.org/tensor"

	"retrace/dynamics"
	"retrace/internal/fault"
)

// Gorgonia's Dense is the exchange type for sets because Go programs that
// learn from arrays know it. Its traps are met here, so that nothing else in
// the project need know of them: the Data of a view is not its elements but
// the span from the first to the last, views and column-major tensors are
// copied by Materialize, and slicing S(0, 1) drops the dimension.

// Tensor is a view of the set as a dense tensor of float32 whose dimensions
// are those of Dimensions. It shares the data: writes are seen both ways.
func (s *Set) Tensor() *tensor.Dense {
	return tensor.New(tensor.WithShape(s.Shape()...), tensor.WithBacking(s.Data))
}

// FromTensor makes a set of a tensor of float32 or float64 whose dimensions
// are the leading ones named by lead, time, and the axes of the space. The set
// starts at time 0. A contiguous float32 tensor shares its data with the set;
// views and float64 tensors are copied. Another type, layout or shape, or a
// value too large for float32, is an input error.
func FromTensor(t *tensor.Dense, space dynamics.Space, clock dynamics.Clock, lead ...string) (*Set, error) {
	shape := t.Shape()
	if len(shape) != len(lead)+1+len(space.Axes) {
		return nil, fault.Inputf("trajectory: a tensor of shape %v where dimensions %q, time and %d axes are expected",
			shape, lead, len(space.Axes))
	}
	for d, axis := range space.Axes {
		if n := shape[len(lead)+1+d]; n != axis.Len() {
			return nil, fault.Inputf("trajectory: a tensor of shape %v has %d values along axis %q of length %d",
				shape, n, axis.Name, axis.Len())
		}
	}
	if t.IsMasked() {
		return nil, fault.Inputf("trajectory: a masked tensor: write NaN for missing values")
	}
	s := &Set{Space: space, Clock: clock, Length: shape[len(lead)]}
	for d, name := range lead {
		s.Lead = append(s.Lead, Dimension{name, shape[d]})
	}
	if err := s.checkDescription(); err != nil {
		return nil, fault.Inputf("trajectory: %w", err)
	}
	var err error
	s.Data, err = elements(t)
	return s, err
}

// elements are the values of a tensor in row-major order.
func elements(t *tensor.Dense) ([]float32, error) {
	if t.DataOrder().IsColMajor() {
		return nil, fault.Inputf("trajectory: a column-major tensor: make it row-major")
	}
	if t.RequiresIterator() || t.IsView() {
		t = t.Materialize().(*tensor.Dense)
	}
	switch values := t.Data().(type) {
	case []float32:
		return values, nil
	case []float64:
		single := make([]float32, len(values))
		for i, v := range values {
			single[i] = float32(v)
			if math.IsInf(float64(single[i]), 0) && !math.IsInf(v, 0) {
				return nil, fault.Inputf("trajectory: value %d of a tensor is %g, too large for a 32-bit number", i, v)
			}
		}
		return single, nil
	}
	return nil, fault.Input(fmt.Errorf("trajectory: a tensor of %v where float32 or float64 is expected", t.Dtype()))
}
