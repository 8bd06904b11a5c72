package sda

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"retrace/internal/nn"
	"retrace/internal/safetensors"
)

// source hands out the tensors of a file by name, in the order of the layers, and
// keeps the first fault. Builders go on after it without data and without taking
// memory.
type source struct {
	file   *safetensors.File // nil: only list what is taken
	names  map[string]string // in the file, where they are others than those asked for
	used   map[string]bool
	listed []Expected
	fault  error
}

// Expected is a tensor that an architecture has.
type Expected struct {
	Name  string
	Shape []int // -1 stands for any size
}

// Tensors lists the tensors of an architecture, in the order of its layers, under
// their names in PyTorch.
func (a Architecture) Tensors() []Expected {
	s := newSource(nil)
	a.Arguments.build(s, a.Activation)
	return s.listed
}

func newSource(file *safetensors.File) *source {
	return &source{file: file, used: map[string]bool{}}
}

// anySize in a shape stands for every size of at least one.
const anySize = -1

// take returns the tensor of a name and shape. It is nil after the first fault,
// and where tensors are only listed.
func (s *source) take(name string, shape ...int) []float32 {
	if s.fault != nil {
		return nil
	}
	name = s.inFile(name)
	if s.file == nil {
		s.listed = append(s.listed, Expected{name, shape})
		return nil
	}
	t, ok := s.file.Tensor(name)
	if !ok {
		s.fault = fmt.Errorf("there is no tensor %s %s, which the architecture has", name, shapeText(shape))
		return nil
	}
	if !fits(t.Shape, shape) {
		s.fault = fmt.Errorf("tensor %s has the shape %s, but the architecture expects %s", name, shapeText(t.Shape), shapeText(shape))
		return nil
	}
	for i, v := range t.Data {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			s.fault = fmt.Errorf("tensor %s is not finite at element %d", name, i)
			return nil
		}
	}
	s.used[name] = true
	return t.Data
}

// inFile is the name that the file has for one that is asked for.
func (s *source) inFile(name string) string { return cmp.Or(s.names[name], name) }

// fixed is the name of a tensor that has not been taken and is one of so many
// planes, or "".
func (s *source) fixed(planes int) string {
	if s.file == nil {
		return ""
	}
	for _, t := range s.file.Tensors {
		if !s.used[t.Name] && len(t.Shape) == 3 && t.Shape[0] == planes {
			return t.Name
		}
	}
	return ""
}

// shape returns the shape that a tensor has in the file, or nil.
func (s *source) shape(name string) []int {
	if s.file == nil {
		return nil
	}
	t, _ := s.file.Tensor(s.inFile(name))
	return t.Shape
}

// has reports whether the file has a tensor that need not be there.
func (s *source) has(name string) bool {
	if s.file == nil {
		return true
	}
	_, ok := s.file.Tensor(s.inFile(name))
	return ok
}

// failed reports whether there was a fault.
func (s *source) failed() bool { return s.fault != nil }

// finish returns the first fault; a tensor that was not taken is one, too.
func (s *source) finish() error {
	if s.fault != nil {
		return s.fault
	}
	for _, t := range s.file.Tensors {
		if !s.used[t.Name] {
			return fmt.Errorf("tensor %s %s is unexpected: the architecture has none of this name", t.Name, shapeText(t.Shape))
		}
	}
	return nil
}

func fits(shape, want []int) bool {
	return slices.EqualFunc(shape, want, func(have, want int) bool { return have == want || want == anySize && have > 0 })
}

// shapeText writes a shape as PyTorch does.
func shapeText(shape []int) string {
	text := "("
	for i, n := range shape {
		if i > 0 {
			text += ", "
		}
		if n == anySize {
			text += "any"
		} else {
			text += fmt.Sprint(n)
		}
	}
	return text + ")"
}

// frequencies takes the buffer of frequencies, which a file may lack, and compares
// it with what the embedding uses.
func (s *source) frequencies(name string) {
	if !s.has(name) {
		return
	}
	for k, f := range s.take(name, nn.Frequencies) {
		if math.Abs(float64(f/frequency(k)-1)) > 1e-5 {
			s.fault = fmt.Errorf("tensor %s is %v at element %d, not %v: other frequencies than pi, 2 pi, ... are not supported", s.inFile(name), f, k, frequency(k))
			return
		}
	}
}
