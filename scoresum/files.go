package scoresum

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"path/filepath"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/safetensors"
)

// WeightsName is the file of a prior's folder that holds all of it: the tensors
// of the network under their own names, the Cholesky factor of the window
// covariance as covariance.factor, the measured uncertainty of the denoiser as
// uncertainty.fractions, and as metadata, in JSON, the settings, the
// standardisation and the space and clock of the states.
const WeightsName = "weights.safetensors"

const (
	priorFormat = "retrace prior 1"
	factorName  = "covariance.factor"
	// spectrumName takes its place for fields: SpectralCovariance.Factor.
	spectrumName = "covariance.spectrum"
	// fractionsName holds Fractions, (level, coordinate).
	fractionsName = "uncertainty.fractions"
)

// Save writes the prior to its folder.
func (p *Prior) Save(dir string) error {
	file, err := p.encode()
	if err != nil {
		return err
	}
	return safetensors.Write(filepath.Join(dir, WeightsName), file)
}

func (p *Prior) encode() (*safetensors.File, error) {
	file := &safetensors.File{Metadata: map[string]string{"format": priorFormat}}
	space := p.Space
	space.Derived = nil // maps, which the model has
	for key, value := range map[string]any{
		"settings": p.Settings, "standard": p.Standard, "space": space, "clock": p.Clock,
	} {
		text, err := json.Marshal(value)
		if err != nil {
			return nil, fmt.Errorf("scoresum: writing %s of a prior: %w", key, err)
		}
		file.Metadata[key] = string(text)
	}
	levels := p.fractions.Levels
	file.Tensors = append(p.network.tensors(), p.covariance.tensor(),
		safetensors.Tensor{Name: fractionsName, Shape: []int{levels, len(p.fractions.Values) / levels}, Data: p.fractions.Values})
	return file, nil
}

// Load reads a prior from its folder. What is wrong with the file is an input
// error.
func Load(dir string) (*Prior, error) {
	path := filepath.Join(dir, WeightsName)
	file, err := safetensors.Read(path)
	if err != nil {
		return nil, err
	}
	p, err := decode(file)
	if err != nil {
		return nil, fault.Inputf("%s: %w; train the prior again", path, err)
	}
	return p, nil
}

func decode(file *safetensors.File) (*Prior, error) {
	// Settings that are younger than the file had the values of the defaults.
	p := &Prior{Settings: DefaultSettings(), bases: map[int]*basis{}}
	if format := file.Metadata["format"]; format != priorFormat {
		return nil, fmt.Errorf("the format is %q, not %q", format, priorFormat)
	}
	for _, part := range []struct {
		key   string
		value any
	}{{"settings", &p.Settings}, {"standard", &p.Standard}, {"space", &p.Space}, {"clock", &p.Clock}} {
		if err := json.Unmarshal([]byte(file.Metadata[part.key]), part.value); err != nil {
			return nil, fmt.Errorf("metadata %s: %w", part.key, err)
		}
	}
	if err := errors.Join(p.Settings.Validate(), checkSize(p)); err != nil {
		return nil, err
	}
	if err := p.Settings.checkRoom(file, p.Space); err != nil {
		return nil, err
	}
	var err error
	if p.network, err = p.Settings.newNetwork(p.Space); err != nil {
		return nil, err
	}
	if err := p.network.fill(taker(file)); err != nil {
		return nil, err
	}
	if p.covariance, err = p.Settings.readLaw(file, p.Space); err != nil {
		return nil, err
	}
	b, err := p.basis(p.Settings.Window)
	if err != nil {
		return nil, err
	}
	levels := p.Settings.budget().levels
	fractions, err := tensor(file, fractionsName, []int{levels, b.classCount})
	if err != nil {
		return nil, err
	}
	for i, f := range fractions {
		if !(f > 0 && f <= 1) {
			return nil, fmt.Errorf("tensor %s is %v at element %d, not in (0, 1]", fractionsName, f, i)
		}
	}
	p.fractions = Fractions{levels, fractions}
	return p, nil
}

func checkSize(p *Prior) error {
	size := p.Space.Size()
	if size < 1 || size > 1<<24 {
		return fmt.Errorf("metadata space: states of %d values", size)
	}
	return p.Standard.Validate(size)
}

// checkRoom refuses settings of a network far larger than the file before memory
// is taken for it.
func (s Settings) checkRoom(file *safetensors.File, space dynamics.Space) error {
	held := 0
	for _, t := range file.Tensors {
		held += len(t.Data)
	}
	var least float64 // without embedding, shifts and biases
	if s.fields() {
		for _, w := range s.Widths {
			least += 4 * float64(s.Blocks) * float64(s.Kernel*s.Kernel) * float64(w) * float64(w)
		}
	} else {
		shape := s.shape(space)
		least = float64(shape.Width) * float64(shape.Kernel) * float64(2*shape.Blocks*shape.Width+shape.In+shape.Out)
	}
	if least > float64(held) {
		return fmt.Errorf("metadata settings: the network has at least %.0f parameters, but the file only %d values", least, held)
	}
	return nil
}

// taker returns tensors of a file; one that is absent, of another shape or not finite
// is an error.
func taker(file *safetensors.File) func(name string, shape []int) ([]float32, error) {
	return func(name string, shape []int) ([]float32, error) { return tensor(file, name, shape) }
}

// readLaw reads the Gaussian prior of windows.
func (s Settings) readLaw(file *safetensors.File, space dynamics.Space) (law, error) {
	if !s.fields() {
		side := s.Window * space.Size()
		factor, err := tensor(file, factorName, []int{side, side})
		return Covariance{s.Window, space.Size(), factor}, err
	}
	g, err := newGrid(space)
	if err != nil {
		return nil, err
	}
	n := s.Window * g.fields
	factor, err := tensor(file, spectrumName, []int{len(wavenumbers(g.rows, g.columns)), n, n, 2})
	return &SpectralCovariance{s.Window, g.fields, g.rows, g.columns, factor}, err
}

func tensor(file *safetensors.File, name string, shape []int) ([]float32, error) {
	t, ok := file.Tensor(name)
	if !ok {
		return nil, fmt.Errorf("there is no tensor %s %v", name, shape)
	}
	if fmt.Sprint(t.Shape) != fmt.Sprint(shape) {
		return nil, fmt.Errorf("tensor %s has the shape %v, not %v", name, t.Shape, shape)
	}
	for i, v := range t.Data {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return nil, fmt.Errorf("tensor %s is not finite at element %d", name, i)
		}
	}
	return t.Data, nil
}
