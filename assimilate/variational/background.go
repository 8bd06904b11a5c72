package variational

import (
	"math"

	"retrace/assimilate"
	"retrace/internal/fault"
	"retrace/internal/strict"
	"retrace/internal/triangular"
	"retrace/trajectory"
)

// Background says what a method takes for the covariance of its background.
type Background struct {
	Covariance string  `toml:"background" doc:"covariance of the background: climatology, that of the training states, or identity"`
	Scale      float64 `toml:"background_scale" doc:"factor on that covariance (xB in DAPPER); 1e-9 to 1e9"`
}

// Backgrounds lists the names of the covariances.
func Backgrounds() []string { return []string{"climatology", "identity"} }

// check reports a parameter out of range by its key.
func (b *Background) check() error {
	if b.Covariance != "climatology" && b.Covariance != "identity" {
		return fault.Inputf("background = %q: is unknown; %s", b.Covariance, strict.Suggestion(b.Covariance, Backgrounds()))
	}
	if !(b.Scale >= 1e-9 && b.Scale <= 1e9) {
		return fault.Inputf("background_scale = %v: must be between 1e-9 and 1e9", b.Scale)
	}
	return nil
}

// law is a Gaussian law of states, N(mean, S S^T).
type law struct {
	mean []float64
	root root
}

// climate is the law of a state about which nothing is known.
type climate struct {
	mean []float64
	root *dense
}

func (c climate) law() law { return law{c.mean, c.root} }

// scaled is a root of the covariance times a factor.
func (c climate) scaled(factor float64) root {
	scaled := &dense{c.root.columns, make([]float64, len(c.root.data))}
	addScaled(scaled.data, math.Sqrt(factor), c.root.data)
	return scaled
}

// laws gives the law of state 0 and, if it is wanted, the root of the covariance of
// later backgrounds.
func (b *Background) laws(p *assimilate.Problem, wanted bool) (first law, later root, err error) {
	size := p.Model.Space().Size()
	if p.Initial != nil {
		first = law{p.Initial.Mean, &diagonal{p.Initial.Sd}}
	}
	if b.Covariance == "identity" {
		later = even(size, math.Sqrt(b.Scale))
	}
	if p.Initial != nil && (later != nil || !wanted) {
		return first, later, nil
	}
	climate, err := climatology(p.Training, size)
	if err != nil {
		return law{}, nil, err
	}
	if p.Initial == nil {
		first = climate.law()
	}
	if later == nil && wanted {
		later = climate.scaled(b.Scale)
	}
	return first, later, nil
}

// climatologyRank bounds the columns of the root of a climatology. Larger states
// get a sample covariance of so many training states.
const climatologyRank = 512

// climatology is the mean and the covariance of all training states.
func climatology(training *trajectory.Set, size int) (climate, error) {
	switch {
	case training == nil || len(training.Data) == 0:
		return climate{}, fault.Inputf("a climatology is taken from training trajectories: there are none; set trajectories.train above 0, or choose background = \"identity\"")
	case training.Space.Size() != size:
		return climate{}, fault.Inputf("training states have %d values, those of the model %d", training.Space.Size(), size)
	case len(training.Data) < 2*size:
		return climate{}, fault.Inputf("a climatology needs two training states at least")
	}
	count := len(training.Data) / size
	c := climate{mean: make([]float64, size)}
	for i, v := range training.Data {
		c.mean[i%size] += float64(v) / float64(count)
	}
	if size <= climatologyRank && count > size {
		c.root = covarianceRoot(training.Data, c.mean)
		return c, nil
	}
	c.root = sampleRoot(training.Data, c.mean, min(count, climatologyRank))
	return c, nil
}

// covarianceRoot is the Cholesky factor of the sample covariance of states.
func covarianceRoot(states []float32, mean []float64) *dense {
	size := len(mean)
	count := len(states) / size
	d := &dense{size, make([]float64, size*size)}
	deviation := make([]float64, size)
	for t := range count {
		for i, v := range states[t*size : (t+1)*size] {
			deviation[i] = float64(v) - mean[i]
		}
		for i, v := range deviation {
			addScaled(d.row(i)[:i+1], v/float64(count-1), deviation)
		}
	}
	triangular.Factorise(d.data, size)
	for i := range size { // above the factor stands what was never written: zero
		clear(d.row(i)[i+1:])
	}
	return d
}

// sampleRoot has the deviations of so many states, evenly chosen, as columns.
func sampleRoot(states []float32, mean []float64, columns int) *dense {
	size := len(mean)
	count := len(states) / size
	d := &dense{columns, make([]float64, size*columns)}
	scale := 1 / math.Sqrt(float64(columns-1))
	for k := range columns {
		t := k * count / columns
		for i, v := range states[t*size : (t+1)*size] {
			d.data[i*columns+k] = scale * (float64(v) - mean[i])
		}
	}
	return d
}
