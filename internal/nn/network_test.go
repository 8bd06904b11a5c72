package nn_test

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"retrace/internal/fault"
	"retrace/internal/nn"
)

var small = nn.Shape{In: 3, Out: 2, Width: 8, Blocks: 2, Kernel: 3, Embedding: 4}

func TestParametersTileTheSlab(t *testing.T) {
	n, err := nn.New(small)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	at := 0
	for _, p := range n.Parameters() {
		size := 1
		for _, d := range p.Shape {
			size *= d
		}
		if len(p.Data) != size || cap(p.Data) != size {
			t.Errorf("%s: %d values for shape %v", p.Name, len(p.Data), p.Shape)
		}
		if &p.Data[0] != &n.Slab()[at] {
			t.Errorf("%s does not start at %d of the slab", p.Name, at)
		}
		at += size
		names = append(names, p.Name)
	}
	if at != len(n.Slab()) {
		t.Errorf("parameters cover %d of %d values", at, len(n.Slab()))
	}
	for _, name := range []string{
		"embedding.0.weight", "embedding.1.bias", "input.weight", "blocks.0.shift.weight",
		"blocks.1.first.bias", "blocks.1.second.weight", "output.bias",
	} {
		if !slices.Contains(names, name) {
			t.Errorf("no parameter %s in %v", name, names)
		}
	}
}

func TestInitDrawsWithinTheFanInAndZeroesTheOutput(t *testing.T) {
	n, err := nn.New(small)
	if err != nil {
		t.Fatal(err)
	}
	n.Init(rand.New(rand.NewPCG(1, 2)))
	bound := 0.0
	for _, p := range n.Parameters() {
		if len(p.Shape) > 1 { // a bias shares the bound of the weight before it
			bound = 1 / math.Sqrt(float64(len(p.Data)/p.Shape[0]))
		}
		largest := 0.0
		for _, x := range p.Data {
			largest = max(largest, math.Abs(float64(x)))
		}
		switch {
		case strings.HasPrefix(p.Name, "output."):
			if largest != 0 {
				t.Errorf("%s is not zero", p.Name)
			}
		case largest > bound || largest < bound/8:
			t.Errorf("%s: largest value %g, bound %g", p.Name, largest, bound)
		}
	}
}

func TestBadShapesAreInputErrors(t *testing.T) {
	for want, change := range map[string]func(*nn.Shape){
		"input channels":  func(s *nn.Shape) { s.In = 0 },
		"output channels": func(s *nn.Shape) { s.Out = -1 },
		"width":           func(s *nn.Shape) { s.Width = 1 },
		"blocks":          func(s *nn.Shape) { s.Blocks = 0 },
		"kernel is 0":     func(s *nn.Shape) { s.Kernel = 0 },
		"kernel is 4":     func(s *nn.Shape) { s.Kernel = 4 },
		"embedding":       func(s *nn.Shape) { s.Embedding = 1 << 20 },
	} {
		s := small
		change(&s)
		if _, err := nn.New(s); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: error %v does not name %q", s, err, want)
		}
	}
}

func TestMisusePanics(t *testing.T) {
	p := newProblem(t, small, 2, 5, 1)
	other := newProblem(t, nn.Shape{In: 3, Out: 2, Width: 8, Blocks: 1, Kernel: 3, Embedding: 4}, 2, 5, 1)
	p.forward()
	for name, call := range map[string]func(){
		"other weights":       func() { p.workspace.Forward(other.packed, p.out, p.in, p.times, 2, 5) },
		"too many rows":       func() { p.workspace.Forward(p.packed, p.out, p.in, p.times, 3, 5) },
		"too long":            func() { p.workspace.Forward(p.packed, p.out, p.in, p.times, 2, 6) },
		"length of input":     func() { p.workspace.Forward(p.packed, p.out, p.in[1:], p.times, 2, 5) },
		"number of times":     func() { p.workspace.Forward(p.packed, p.out, p.in, make([]float32, 3), 2, 5) },
		"length of gradient":  func() { p.workspace.PullInput(p.packed, p.gin[1:], p.gout) },
		"before forward":      func() { nn.NewWorkspace(small, 2, 5).PullInput(p.packed, p.gin, p.gout) },
		"before pulling back": func() { p.gradient.Add([]*nn.Workspace{p.workspace}) },
		"refresh":             func() { p.packed.Refresh(other.network) },
		"workspace":           func() { nn.NewWorkspace(small, 0, 5) },
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if reason, ok := recover().(string); !ok || !strings.HasPrefix(reason, "nn: ") {
					t.Errorf("recovered %v", reason)
				}
			}()
			call()
		})
	}
}
