package experiment

import (
	"retrace/dynamics"
	"retrace/internal/strict"
	"retrace/observe"
	"retrace/quality"
)

// Config is an experiment: a system, a prior learnt from its trajectories,
// what is observed (scenarios) and how it is assimilated (methods). Each pair
// of scenario and method is a row of the result table. Get one from Load.
type Config struct {
	Name         string         `toml:"name" doc:"name of the experiment (default: of the file)"`
	Seed         int64          `toml:"seed" doc:"names all random draws; any whole number"`
	Model        Model          `toml:"model,required" doc:"the dynamical system"`
	Trajectories Trajectories   `toml:"trajectories,required" doc:"what is simulated"`
	Prior        *PriorSettings `toml:"prior" doc:"what is learnt, and how; nil if nothing is"`
	Learning     *Learning      `toml:"em" doc:"learn the prior from observations alone; nil: from the training trajectories"`
	Scenarios    []Scenario     `toml:"scenario" doc:"what is observed"`
	Methods      []Method       `toml:"method" doc:"how it is assimilated"`
	Score        Scoring        `toml:"score" doc:"what is measured"`
	Report       Reporting      `toml:"report" doc:"what is drawn"`
	Quality      *quality.Rules `toml:"quality" doc:"which observations a reanalysis refuses; nil: none"`
	Reanalysis   *Reanalysis    `toml:"reanalysis" doc:"how a long record is assimilated window by window; nil if it is not"`

	// File and Overrides say where the settings came from.
	File      string   `toml:"-"`
	Overrides []string `toml:"-"`

	model dynamics.Model
}

// System returns the model that the config describes.
func (c *Config) System() dynamics.Model { return c.model }

// Model names a registered dynamical system and its parameters.
type Model struct {
	Name       string           `toml:"name,required" doc:"a registered system; see: retrace models"`
	Parameters dynamics.Builder `toml:",inline"`
}

// Choose fills in the parameters of the model named.
func (m *Model) Choose(t strict.Table) bool {
	name, ok := t.Text("name")
	if !ok {
		return false
	}
	entry, ok := dynamics.Lookup(name)
	if !ok {
		t.Unknown("name", names(dynamics.Entries(), func(e dynamics.Entry) string { return e.Name }))
		return false
	}
	m.Parameters = entry.Defaults()
	// Parameters may depend on one of them, such as the name of a preset.
	if chooser, ok := m.Parameters.(strict.Chooser); ok && !chooser.Choose(t) {
		m.Parameters = nil
		return false
	}
	return true
}

func names[E any](entries []E, name func(E) string) []string {
	list := make([]string, len(entries))
	for i, e := range entries {
		list[i] = name(e)
	}
	return list
}

// Trajectories says how many trajectories are simulated, and how long they are
// in states.
type Trajectories struct {
	Length      int         `toml:"length,required" doc:"states of a trajectory to assimilate; 1 for problems without time"`
	SpinUp      int         `toml:"spin_up" doc:"transitions discarded before the first state (default: the model's)"`
	Windows     int         `toml:"windows" doc:"trajectories cut from each run of the model, which pays its spin_up once; 1: each is a run of its own"`
	Gap         int         `toml:"gap" doc:"transitions from the last state of a window to the first of the next, with windows above 1"`
	Train       int         `toml:"train" doc:"trajectories to learn from"`
	TrainLength int         `toml:"train_length" doc:"states of each of them"`
	Validation  int         `toml:"validation" doc:"trajectories, train_length long, for the validation loss"`
	Test        int         `toml:"test" doc:"trajectories to observe: the cases of each scenario"`
	Standardise Standardise `toml:"standardise" doc:"\"fit\" to the training data, or {mean = [...], scale = [...]}"`
}

// Standardise is the affine map to the units in which the prior is learnt:
// fitted to the training trajectories if Fixed is nil.
type Standardise struct{ Fixed *Affine }

// Affine maps x to (x - Mean)/Scale.
type Affine struct {
	Mean  strict.Numbers `toml:"mean,required" doc:"one for all values of a state, or one for each"`
	Scale strict.Numbers `toml:"scale,required" doc:"likewise; greater than 0"`
}

// DecodeTOML reads "fit" or a table.
func (s *Standardise) DecodeTOML(v strict.Value) {
	if table, ok := v.Table(); ok {
		s.Fixed = &Affine{}
		table.Bind(s.Fixed)
	} else if v.Any != "fit" {
		v.Problemf(`must be "fit" or {mean = [...], scale = [...]}`)
	}
}

// EncodeTOML writes what DecodeTOML reads.
func (s Standardise) EncodeTOML() any {
	if s.Fixed == nil {
		return "fit"
	}
	return s.Fixed
}

// Scenario is one observation process: which states of each test trajectory
// are seen, how, and with which noise; or a file of the user's observations.
// Keys that do not apply are nil.
type Scenario struct {
	Name     string         `toml:"name,required" doc:"name of its folder and of its rows in tables"`
	Every    *int           `toml:"every" doc:"observe every n-th state"`
	Offset   *int           `toml:"offset" doc:"first state observed, from 0, with every"`
	States   []int          `toml:"states" doc:"the states observed, from 0; in place of every"`
	Times    []float64      `toml:"times" doc:"the times observed, in units of the model's clock; in place of every"`
	Sd       strict.Numbers `toml:"sd" doc:"standard deviation of the noise: one, or one for each value observed, in their units"`
	Missing  *float64       `toml:"missing" doc:"share in [0, 1) of the values that are missing, at random"`
	Withhold *float64       `toml:"withhold" doc:"share in [0, 1) of the values that no method is given, drawn at random: ensembles are scored by them without a truth"`
	File     string         `toml:"file" doc:"observations of your own, CSV or store, in place of simulated ones"`
	Length   *int           `toml:"length" doc:"states of the trajectory to recover, with file"`
	Start    *float64       `toml:"start" doc:"time of its first state, with file"`
	Operator *Operator      `toml:"operator" doc:"what is seen of a state"`
	Noise    *Noise         `toml:"noise" doc:"law of the noise; none: Gaussian and independent"`
}

// Noise names a registered law of the noise of observations and its parameters.
type Noise struct {
	Kind       string             `toml:"kind,required" doc:"a registered law: gaussian, student-t, laplace, poisson, censored or correlated"`
	Parameters observe.LawBuilder `toml:",inline"`
}

// Choose fills in the parameters of the law named.
func (n *Noise) Choose(t strict.Table) bool {
	kind, ok := t.Text("kind")
	if !ok {
		return false
	}
	entry, ok := observe.LookupLaw(kind)
	if !ok {
		t.Unknown("kind", names(observe.Laws(), func(e observe.LawEntry) string { return e.Name }))
		return false
	}
	n.Parameters = entry.Defaults()
	return true
}

// Operator names a registered observation operator and its parameters.
type Operator struct {
	Kind       string          `toml:"kind,required" doc:"a registered operator; see: retrace operators"`
	Parameters observe.Builder `toml:",inline"`
}

// Choose fills in the parameters of the operator named.
func (o *Operator) Choose(t strict.Table) bool {
	kind, ok := t.Text("kind")
	if !ok {
		return false
	}
	entry, ok := observe.Lookup(kind)
	if !ok {
		t.Unknown("kind", names(observe.Entries(), func(e observe.Entry) string { return e.Name }))
		return false
	}
	o.Parameters = entry.Defaults()
	return true
}

// Method is one way to assimilate: a registered kind with its parameters.
type Method struct {
	Name       string        `toml:"name" doc:"name of its store and of its rows in tables (default: the kind)"`
	Kind       string        `toml:"kind" doc:"a registered method; see: retrace methods (default: the name)"`
	Members    int           `toml:"members" doc:"trajectories to draw for each case"`
	Parameters MethodBuilder `toml:",inline"`
}

// Choose fills in the parameters of the kind of method named.
func (m *Method) Choose(t strict.Table) bool {
	m.Members = 256
	key := "kind"
	kind, ok := t.Text(key)
	if !ok {
		key = "name"
		if kind, ok = t.Text(key); !ok {
			t.Missing("kind", "name a method; see: retrace methods")
			return false
		}
	}
	entry, ok := LookupMethod(kind)
	if !ok {
		t.Unknown(key, names(Methods(), func(e MethodEntry) string { return e.Name }))
		return false
	}
	m.Name, m.Kind, m.Parameters = kind, kind, entry.Defaults()
	return true
}

// Scoring says what ensembles are compared with and by which figures.
type Scoring struct {
	Reference *Method  `toml:"reference" doc:"method that draws the reference posterior (kind, members, ...); none: no w1"`
	Metrics   []string `toml:"metrics" doc:"figures to compute; those that a scenario cannot have are left out"`
}

// Reporting says what is drawn.
type Reporting struct {
	Cases int `toml:"cases" doc:"cases of each scenario to draw, from the first"`
}
