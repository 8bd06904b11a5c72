package experiment

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gonum.org/v1/gonum/mat"

	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/exact"
	"retrace/internal/atomicfile"
	"retrace/internal/fault"
	"retrace/scoresum"
	"retrace/sda"
	"retrace/trajectory"
)

// PriorSettings is the [prior] table of a config: what kind of prior, and how it is
// made. Keys that a kind does not use have no effect on it.
type PriorSettings struct {
	Kind              string `toml:"kind" doc:"network: learnt; gaussian: the exact law of a linear model, of others the Gaussian fitted to windows of the training trajectories; windowed-gaussian: that composed of its windows, as a network is; imported: weights of SDA's code"`
	Path              string `toml:"path" doc:"of kind imported: the folder that import-weights wrote"`
	scoresum.Settings `toml:",inline"`
}

// The kinds of priors.
const (
	KindNetwork  = "network"
	KindGaussian = "gaussian"
	KindWindowed = "windowed-gaussian"
	KindImported = "imported"
)

var priorKinds = []string{KindNetwork, KindGaussian, KindWindowed, KindImported}

// check reports settings that do not fit the config.
func (p *PriorSettings) check(c *Config) error {
	x := c.Trajectories
	err := errors.Join(named("kind", p.Kind, priorKinds), p.Validate())
	fitted := (p.Kind == KindGaussian || p.Kind == KindWindowed) && c.model != nil && !exact.IsLinear(c.model)
	switch {
	case p.Kind == KindNetwork && (x.Train == 0 || x.Validation == 0):
		err = errors.Join(err, errors.New("it is learnt from trajectories: set trajectories.train and trajectories.validation above 0"))
	case x.Train == 0 && (fitted || x.Standardise.Fixed == nil):
		err = errors.Join(err, errors.New("it is fitted to trajectories: set trajectories.train above 0"))
	}
	if p.Window > x.TrainLength && (p.Kind == KindNetwork || fitted) {
		err = errors.Join(err, fmt.Errorf("window = %d: longer than the %d states of trajectories.train_length; shorten one or lengthen the other", p.Window, x.TrainLength))
	}
	if (p.Path == "") == (p.Kind == KindImported) {
		err = errors.Join(err, fmt.Errorf("path = %q: names the folder of kind imported, and of no other", p.Path))
	}
	return err
}

// fingerprint mixes in what the kind depends on.
func (p *PriorSettings) fingerprint(f fingerprint) error {
	if p.Kind == KindNetwork {
		f.settings("prior", &p.Settings)
		return nil
	}
	f.settings("prior", p)
	if p.Kind != KindImported {
		return nil
	}
	sum, err := hashInput(p.Path)
	f.add("input "+p.Path, sum)
	return err
}

// makePrior makes the prior of the config in the folder prior.
func (t *task) makePrior(ctx context.Context, c *Config, data priorData) error {
	if c.Prior.Kind == KindNetwork {
		return t.trainPrior(ctx, c, data)
	}
	prior, err := c.Prior.build(c, data)
	if err != nil {
		return err
	}
	dir := t.file("prior")
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return prior.Save(dir)
}

// savedPrior is a Prior that is made at once.
type savedPrior interface {
	Prior
	Save(dir string) error
}

// build makes a prior that needs no training.
func (p *PriorSettings) build(c *Config, data priorData) (savedPrior, error) {
	if p.Kind == KindImported {
		network, err := sda.Load(p.Path)
		if err != nil {
			return nil, err
		}
		return newImported(network, c, data.standard)
	}
	var whole *exact.Prior
	var err error
	if exact.IsLinear(c.model) {
		whole, err = exact.Linear(c.model, data.standard)
	} else {
		whole, err = exact.Fit(data.training, data.standard, p.Window)
	}
	if err != nil || p.Kind == KindGaussian {
		return whole, err
	}
	stride := p.Stride
	if stride == 0 {
		stride = max(1, p.Window/2)
	}
	return whole.Windowed(p.Composition, p.Window, stride)
}

// loadPrior reads the prior that a run made.
func (d *directory) loadPrior(c *Config) (Prior, error) {
	dir := d.file("prior")
	switch c.Prior.Kind {
	case KindGaussian, KindWindowed:
		return exact.Load(dir, c.model)
	case KindImported:
		return loadImported(dir, c)
	}
	return scoresum.Load(dir)
}

// imported is a network of SDA's code as a prior. Its uncertainty was never measured, so
// that guidance has no covariance of it.
type imported struct {
	network  *sda.Prior
	space    dynamics.Space
	clock    dynamics.Clock
	standard trajectory.Standardiser
}

func newImported(network *sda.Prior, c *Config, standard trajectory.Standardiser) (*imported, error) {
	p := &imported{network, c.model.Space(), c.model.Clock(), standard}
	if _, err := p.denoiser(c.Trajectories.Length); err != nil {
		return nil, fault.Inputf("%s: the network does not fit the model: %w", c.Prior.Path, err)
	}
	return p, nil
}

// denoiser takes states of one axis for features, and those of several for fields, the
// outermost axis being the features.
func (p *imported) denoiser(length int) (*sda.Denoiser, error) {
	var shape []int
	for _, axis := range p.space.Axes {
		shape = append(shape, axis.Len())
	}
	return p.network.Denoiser(length, shape)
}

// Describe implements assimilate.Prior.
func (p *imported) Describe() (dynamics.Space, dynamics.Clock, trajectory.Standardiser) {
	return p.space, p.clock, p.standard
}

// Differentiable implements assimilate.Prior.
func (p *imported) Differentiable(length, _, _ int) (diffusion.Differentiable, error) {
	return p.denoiser(length)
}

// Uncertainty implements assimilate.Prior.
func (*imported) Uncertainty(int, float64) (*mat.SymDense, error) {
	return nil, fmt.Errorf("the error of an imported network was never measured: %w", errors.ErrUnsupported)
}

// standardName holds the units of an imported network in a prior's folder.
const standardName = "standard.json"

// Save writes the network and its units.
func (p *imported) Save(dir string) error {
	text, err := json.MarshalIndent(p.standard, "", " ")
	if err != nil {
		return err
	}
	return errors.Join(p.network.Save(dir), atomicfile.Write(filepath.Join(dir, standardName), append(text, '\n')))
}

func loadImported(dir string, c *Config) (Prior, error) {
	network, err := sda.Load(dir)
	if err != nil {
		return nil, err
	}
	path := filepath.Join(dir, standardName)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var standard trajectory.Standardiser
	if err := json.Unmarshal(text, &standard); err != nil {
		return nil, fault.Inputf("%s: %w; delete the folder and run again", path, err)
	}
	if err := standard.Validate(c.model.Space().Size()); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return newImported(network, c, standard)
}
