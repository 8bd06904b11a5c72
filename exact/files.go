package exact

import (
	"encoding/json"
	"fmt"
	"path/filepath"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/safetensors"
	"retrace/scoresum"
	"retrace/trajectory"
)

const (
	priorFormat = "retrace gaussian prior 1"
	factorName  = "covariance.factor"
)

// stored is the metadata of a file, in JSON.
type stored struct {
	Standard    trajectory.Standardiser `json:"standard"`
	Fitted      int                     `json:"fitted,omitempty"` // states of the windows fitted; 0: the law of the model
	Composition string                  `json:"composition,omitempty"`
	Window      int                     `json:"window,omitempty"`
	Stride      int                     `json:"stride,omitempty"`
}

// Save writes the prior to the file scoresum.WeightsName of a folder that exists: what
// was fitted, the standardisation and the composition. The law of a linear model is
// not written; Load takes it from the model.
func (p *Prior) Save(dir string) error {
	s := stored{p.standard, 0, p.rule, p.window, p.stride}
	file := &safetensors.File{}
	if f, ok := p.chain.(*fittedChain); ok {
		s.Fitted = f.states
		side := f.states * f.dim
		file.Tensors = []safetensors.Tensor{{Name: factorName, Shape: []int{side, side}, Data: f.factor}}
	}
	text, err := json.Marshal(s)
	if err != nil {
		return fmt.Errorf("exact: writing a prior: %w", err)
	}
	file.Metadata = map[string]string{"format": priorFormat, "prior": string(text)}
	return safetensors.Write(filepath.Join(dir, scoresum.WeightsName), file)
}

// Load reads what Save wrote, for the same model. What is wrong with the file is an
// input error.
func Load(dir string, model dynamics.Model) (*Prior, error) {
	path := filepath.Join(dir, scoresum.WeightsName)
	file, err := safetensors.Read(path)
	if err != nil {
		return nil, err
	}
	p, err := decode(file, model)
	if err != nil {
		return nil, fault.Inputf("%s: %w; make the prior again", path, err)
	}
	return p, nil
}

func decode(file *safetensors.File, model dynamics.Model) (*Prior, error) {
	if format := file.Metadata["format"]; format != priorFormat {
		return nil, fmt.Errorf("the format is %q, not %q", format, priorFormat)
	}
	var s stored
	if err := json.Unmarshal([]byte(file.Metadata["prior"]), &s); err != nil {
		return nil, fmt.Errorf("metadata prior: %w", err)
	}
	if err := s.Standard.Validate(model.Space().Size()); err != nil {
		return nil, err
	}
	p, err := s.prior(file, model)
	if err != nil || s.Composition == "" {
		return p, err
	}
	return p.Windowed(s.Composition, s.Window, s.Stride)
}

// prior is the whole prior.
func (s stored) prior(file *safetensors.File, model dynamics.Model) (*Prior, error) {
	if s.Fitted == 0 {
		return Linear(model, s.Standard)
	}
	dim := model.Space().Size()
	t, ok := file.Tensor(factorName)
	if !ok || s.Fitted < 1 || len(t.Data) != s.Fitted*dim*s.Fitted*dim {
		return nil, fmt.Errorf("there is no tensor %s for windows of %d states of %d values", factorName, s.Fitted, dim)
	}
	for i, v := range t.Data {
		if v-v != 0 {
			return nil, fmt.Errorf("tensor %s is not finite at element %d", factorName, i)
		}
	}
	chain := newFittedChain(scoresum.Covariance{Window: s.Fitted, Dim: dim, Factor: t.Data})
	if _, err := chain.precision(s.Fitted); err != nil {
		return nil, err
	}
	return newPrior(model.Space(), model.Clock(), s.Standard, chain), nil
}
