package sda

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"

	"retrace/diffusion"
	"retrace/internal/fault"
	"retrace/internal/safetensors"
	"retrace/scoresum"
)

// Schedule is the one that the networks were trained with; their time is its t.
var Schedule = diffusion.Cosine{Eta: 1e-3}

// ErrOtherFormat is the error of Load on weights that were not imported, such as
// those of scoresum.Prior.Save.
var ErrOtherFormat = errors.New("the weights were not written by retrace import-weights")

const (
	priorFormat  = "retrace imported prior 1"
	scheduleName = "cosine" // of diffusion.ScheduleNamed
)

// Prior is an imported network. It is immutable and safe for concurrent use.
type Prior struct {
	Architecture Architecture

	tensors []safetensors.Tensor
	network network
}

// network is one of the kinds, with its weights.
type network interface {
	// cut returns the windows that a trajectory of length states of a shape, which
	// the arguments allow, is evaluated in, and their number of states.
	cut(length int, state []int) (window int, pieces []scoresum.Piece, err error)
	// workers is the number of evaluators to share n batches among.
	workers(n int) int
	// evaluator makes one for windows of length states of the given shape. So many
	// windows will be evaluated at one time.
	evaluator(length int, state []int, windows int) (evaluator, error)
}

// evaluator evaluates batches of windows, flattened one after the other. It owns
// the activations of the last forward, at which pull works.
type evaluator interface {
	// batch is the most windows of a call.
	batch() int
	forward(out, in []float32, t float64)
	pull(dst, v []float32)
}

// New makes the network of an architecture from the tensors of a file. The error
// names the first tensor that differs, in the order of the layers.
func New(a Architecture, file *safetensors.File) (*Prior, error) {
	s := newSource(file)
	n := a.Arguments.build(s, a.Activation)
	if err := s.finish(); err != nil {
		return nil, err
	}
	return &Prior{a, file.Tensors, n}, nil
}

// Import reads an architecture file and the weights that PyTorch wrote. What is
// wrong with either is an input error.
func Import(architecture, weights string) (*Prior, error) {
	a, err := ReadArchitecture(architecture)
	if err != nil {
		return nil, err
	}
	file, err := safetensors.Read(weights)
	if err != nil {
		return nil, err
	}
	p, err := New(a, file)
	if err != nil {
		return nil, fault.Inputf("%s: %w; see the arguments of %s in %s", weights, err, a.Kind, architecture)
	}
	return p, nil
}

// Parameters is the number of values of all tensors.
func (p *Prior) Parameters() int {
	count := 0
	for _, t := range p.tensors {
		count += len(t.Data)
	}
	return count
}

// Tensors is the number of tensors.
func (p *Prior) Tensors() int { return len(p.tensors) }

// Save writes the prior to the file scoresum.WeightsName of a folder that exists:
// the tensors under their names in PyTorch and, as metadata, the architecture in
// JSON and the name of the schedule.
func (p *Prior) Save(dir string) error {
	text, err := json.Marshal(p.Architecture)
	if err != nil {
		return fmt.Errorf("sda: writing the architecture: %w", err)
	}
	return safetensors.Write(filepath.Join(dir, scoresum.WeightsName), &safetensors.File{
		Tensors:  p.tensors,
		Metadata: map[string]string{"format": priorFormat, "architecture": string(text), "schedule": scheduleName},
	})
}

// Load reads what Save wrote. What is wrong with the file is an input error;
// errors.Is finds ErrOtherFormat in it if the file is a prior of another kind.
func Load(dir string) (*Prior, error) {
	path := filepath.Join(dir, scoresum.WeightsName)
	file, err := safetensors.Read(path)
	if err != nil {
		return nil, err
	}
	p, err := open(file)
	if err != nil {
		return nil, fault.Inputf("%s: %w; import the weights again", path, err)
	}
	return p, nil
}

func open(file *safetensors.File) (*Prior, error) {
	if file.Metadata["format"] != priorFormat {
		return nil, ErrOtherFormat
	}
	var a Architecture
	if err := json.Unmarshal([]byte(file.Metadata["architecture"]), &a); err != nil {
		return nil, fmt.Errorf("metadata architecture: %w", err)
	}
	if s := file.Metadata["schedule"]; s != scheduleName {
		return nil, fmt.Errorf("metadata schedule: %q is not %q", s, scheduleName)
	}
	return New(a, file)
}
