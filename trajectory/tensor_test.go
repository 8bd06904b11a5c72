package trajectory_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gorgonia.org/tensor"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/trajectory"
)

func TestTensorSharesTheData(t *testing.T) {
	s := fields()
	d := s.Tensor()
	if !d.Shape().Eq(tensor.Shape{2, 3, 4, 2, 2, 3}) || d.Dtype() != tensor.Float32 {
		t.Fatalf("shape %v of %v", d.Shape(), d.Dtype())
	}
	if v, err := d.At(1, 2, 3, 1, 0, 2); err != nil || v != s.State(5, 3)[8] {
		t.Errorf("element %v, %v; want %v", v, err, s.State(5, 3)[8])
	}
	if err := d.SetAt(float32(-7), 1, 1, 0, 0, 0, 0); err != nil || s.State(4, 0)[0] != -7 {
		t.Errorf("a write to the tensor is not seen in the set: %v", err)
	}
	back, err := trajectory.FromTensor(d, field, s.Clock, "case", "member")
	if err != nil {
		t.Fatal(err)
	}
	if &back.Data[0] != &s.Data[0] || !slices.Equal(back.Shape(), s.Shape()) || back.Lead[1].Name != "member" {
		t.Error("the set of a contiguous tensor is a copy, or of another shape")
	}
}

func TestViewsOfTensorsAreTheirElements(t *testing.T) {
	s := fields()
	view, err := s.Tensor().Slice(tensor.S(1), tensor.S(0, 2), tensor.S(1, 4))
	if err != nil {
		t.Fatal(err)
	}
	got, err := trajectory.FromTensor(view.(*tensor.Dense), field, s.Clock, "member")
	if err != nil {
		t.Fatal(err)
	}
	for member := range 2 {
		for time := range 3 {
			if !slices.Equal(got.State(member, time), s.State(3+member, 1+time)) {
				t.Errorf("member %d, time %d: %v", member, time, got.State(member, time))
			}
		}
	}
	got.Data[0] = -1
	if slices.Contains(s.Data, -1) {
		t.Error("a view was not copied")
	}
	// A slice along the last axis has strides of its own.
	narrow := field
	narrow.Axes = slices.Clone(field.Axes)
	narrow.Axes[2].Coordinates = []float64{0, 0.1}
	strided, err := s.Tensor().Slice(nil, nil, nil, nil, nil, tensor.S(1, 3))
	if err != nil {
		t.Fatal(err)
	}
	part, err := trajectory.FromTensor(strided.(*tensor.Dense), narrow, s.Clock, "case", "member")
	if err != nil || !slices.Equal(part.State(2, 1), []float32{109, 110, 112, 113, 115, 116, 118, 119}) {
		t.Errorf("strided view: %v, %v", part.State(2, 1), err)
	}
}

func TestDoublesAreRounded(t *testing.T) {
	d := tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float64{0.1, 1, 2, 3}))
	s, err := trajectory.FromTensor(d, walkSpace, dynamics.Clock{Interval: 1})
	if err != nil || s.Data[0] != float32(0.1) || s.Count() != 1 || s.Length != 2 {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestOtherTensorsAreInputErrors(t *testing.T) {
	clock := dynamics.Clock{Interval: 1}
	masked := tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float32{1, 2, 3, 4}, []bool{true, false, false, false}))
	transposed := tensor.New(tensor.AsFortran([]float32{1, 2, 3, 4}), tensor.WithShape(2, 2))
	for name, c := range map[string]struct {
		tensor *tensor.Dense
		want   string
	}{
		"rank":         {tensor.New(tensor.WithShape(4), tensor.WithBacking([]float32{1, 2, 3, 4})), "shape"},
		"axis":         {tensor.New(tensor.WithShape(2, 3), tensor.WithBacking(make([]float32, 6))), `"variable"`},
		"integers":     {tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]int{1, 2, 3, 4})), "int"},
		"column-major": {transposed, "column-major"},
		"masked":       {masked, "masked"},
		"too large":    {tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float64{1, 2, 3, 1e300})), "1e+300"},
	} {
		_, err := trajectory.FromTensor(c.tensor, walkSpace, clock)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	ok := tensor.New(tensor.WithShape(2, 2), tensor.WithBacking([]float64{math.Inf(1), 1, 2, 3}))
	if _, err := trajectory.FromTensor(ok, walkSpace, clock); err != nil {
		t.Errorf("an infinite value: %v", err)
	}
}
