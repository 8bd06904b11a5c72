package experiment

import (
	"path/filepath"
	"strings"

	"retrace/dynamics"
	"retrace/internal/strict"
	"retrace/twin"
)

// TwinConfig is a twin experiment (see package twin): a system, long runs of it
// that are observed in the ways of the scenarios, and methods whose errors are
// averaged. Get one from LoadTwin.
//
// In a scenario and in a method, a list where one value is expected is a sweep: it
// stands for one scenario or method for each value, and several lists for every
// combination. They are named after their settings and form a group.
type TwinConfig struct {
	Name      string       `toml:"name" doc:"name of the experiment (default: of the file)"`
	Seed      int64        `toml:"seed" doc:"seed of the first run, and of the free run that methods learn a climatology from"`
	Model     Model        `toml:"model,required" doc:"the dynamical system"`
	Twin      Twin         `toml:"twin,required" doc:"how long the runs are, and what of them counts"`
	Scenarios []Scenario   `toml:"scenario" doc:"what is observed"`
	Methods   []TwinMethod `toml:"method" doc:"how it is assimilated"`

	// File and Overrides say where the settings came from.
	File      string   `toml:"-"`
	Overrides []string `toml:"-"`

	model dynamics.Model
}

// Twin says how the runs are made.
type Twin struct {
	Cycles       int      `toml:"cycles,required" doc:"observed states of a run: assimilation cycles"`
	BurnIn       float64  `toml:"burn_in" doc:"time, in units of the model's clock, up to which estimates do not count; half of the run if that leaves none"`
	Seeds        Seeds    `toml:"seeds" doc:"number of runs, with seeds from seed on, or the list of their seeds"`
	Initial      *Initial `toml:"initial" doc:"law of the first state, of truth and ensembles; left out: that of the model after its spin-up"`
	Training     int      `toml:"training" doc:"states of the free run that methods with a climatology learn from (default: twice those of the longest run, at least 2000)"`
	CRPS         bool     `toml:"crps" doc:"compute the fair continuous ranked probability score, which costs time"`
	Export       []string `toml:"export" doc:"write truth and observations of every run as well: zarr, npy, csv"`
	Truth        string   `toml:"truth" doc:"truth from elsewhere in place of simulated ones: .npy of shape (states, components), with observations"`
	Observations string   `toml:"observations" doc:"its observed values: .npy of shape (cycles, values), NaN missing; the scenario says what and when"`
}

// Initial is a Gaussian law with independent components.
type Initial struct {
	Mean strict.Numbers `toml:"mean" doc:"one for all components or one for each; left out: a state of the spun-up model, drawn for each seed"`
	Sd   strict.Numbers `toml:"sd,required" doc:"standard deviation, likewise; at least 0"`
}

// Seeds are the seeds of the runs: Count of them on from the seed of the
// experiment or, if not nil, those of List.
type Seeds struct {
	Count int
	List  []int64
}

// DecodeTOML reads a number or a list.
func (s *Seeds) DecodeTOML(v strict.Value) {
	*s = Seeds{}
	if _, isList := v.Any.([]any); isList {
		v.Bind(&s.List)
	} else {
		v.Bind(&s.Count)
	}
}

// EncodeTOML writes what DecodeTOML reads.
func (s Seeds) EncodeTOML() any {
	if s.List != nil {
		return s.List
	}
	return s.Count
}

// TwinMethod is one method of a twin experiment.
type TwinMethod struct {
	Method `toml:",inline"`
	Group  string       `toml:"group" doc:"name of the variants of one method, as a sweep sets it; figures join them by a line"`
	Expect *Expectation `toml:"expect" doc:"what it should reach: {rmse_a = 0.6, tolerance = 0.06}; run ends with a verdict"`
}

// Expectation is what a method is known to reach.
type Expectation struct {
	Forecast  *float64 `toml:"rmse_f" doc:"rmse of the forecast, mean over runs"`
	Analysis  *float64 `toml:"rmse_a" doc:"rmse of the analysis"`
	Smoothed  *float64 `toml:"rmse_s" doc:"rmse of the smoothed estimate"`
	Tolerance float64  `toml:"tolerance,required" doc:"largest difference that passes; greater than 0"`
	Source    string   `toml:"source" doc:"where the numbers come from"`
}

// IsTwin reports whether a config is that of a twin experiment: whether it has a
// table [twin]. A file that cannot be read as TOML is an input error.
func IsTwin(path string) (bool, error) {
	document, err := strict.ReadFile(path)
	if err != nil {
		return false, err
	}
	return document.Root().Has("twin"), nil
}

// LoadTwin reads and checks the config of a twin experiment as Load does that of
// any other.
func LoadTwin(path string, overrides []string) (*TwinConfig, error) {
	document, err := strict.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return loadTwin(document, path, overrides)
}

// ParseTwin is LoadTwin for the text of a config; file is its name in errors.
func ParseTwin(file string, text []byte, overrides []string) (*TwinConfig, error) {
	document, err := strict.Parse(file, text)
	if err != nil {
		return nil, err
	}
	return loadTwin(document, file, overrides)
}

func loadTwin(document *strict.Document, path string, overrides []string) (*TwinConfig, error) {
	for _, assignment := range overrides {
		if err := document.Override("--set", assignment); err != nil {
			return nil, err
		}
	}
	sweepTwin(document)
	base := filepath.Base(path)
	c := &TwinConfig{
		Name: strings.TrimSuffix(base, filepath.Ext(base)),
		Twin: Twin{Seeds: Seeds{Count: 1}, Training: -1},
		File: path, Overrides: overrides,
	}
	root := document.Root()
	root.Bind(c)
	twinChecker{c, root}.check()
	if err := document.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// System returns the model that the config describes.
func (c *TwinConfig) System() dynamics.Model { return c.model }

// Encode writes the config as TOML with every default spelled out and sweeps
// carried out, and with the documentation of each key if comments is set.
func (c *TwinConfig) Encode(comments bool) []byte { return strict.Encode(c, comments) }

// SeedList lists the seeds of the runs.
func (c *TwinConfig) SeedList() []int64 {
	if c.Twin.Seeds.List != nil {
		return c.Twin.Seeds.List
	}
	list := make([]int64, c.Twin.Seeds.Count)
	for i := range list {
		list[i] = c.Seed + int64(i)
	}
	return list
}

// length is the number of states of a run.
func (c *TwinConfig) length(s *Scenario) int { return *s.Offset + (c.Twin.Cycles-1)**s.Every + 1 }

// single is the experiment that one run of a scenario would be.
func (c *TwinConfig) single(s *Scenario) *Config {
	return &Config{
		Name: c.Name, Seed: c.Seed, Model: c.Model, Scenarios: []Scenario{*s},
		Trajectories: Trajectories{Length: c.length(s), Test: 1}, model: c.model,
	}
}

// experiment is the twin experiment of a scenario, without training set.
func (c *TwinConfig) experiment(s *Scenario) (*twin.Experiment, error) {
	layout, err := c.single(s).layout(s)
	if err != nil {
		return nil, err
	}
	e := &twin.Experiment{
		Model: c.model, Scenario: s.Name, Layout: layout, Length: c.length(s),
		Missing: *s.Missing, BurnIn: c.Twin.BurnIn, CRPS: c.Twin.CRPS,
	}
	if law := c.Twin.Initial; law != nil {
		size := c.model.Space().Size()
		e.Initial = &twin.Law{Sd: each(law.Sd, size)}
		if law.Mean != nil {
			e.Initial.Mean = each(law.Mean, size)
		}
	}
	return e, nil
}

// each spreads one number over all components.
func each(numbers strict.Numbers, size int) []float64 {
	list := make([]float64, size)
	for i := range list {
		list[i] = numbers[i%len(numbers)]
	}
	return list
}
