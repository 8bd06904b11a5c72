package experiment

import (
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"retrace/internal/strict"
)

// twinChecker is checker for twin experiments.
type twinChecker struct {
	*TwinConfig
	root strict.Table
}

const (
	mostCycles     = 10_000_000
	mostSeeds      = 100_000
	mostTwinValues = 1 << 28 // of a truth, which is held in memory
)

// variantName admits the names that sweeps make.
var variantName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9 ._=+,-]{0,199}$`)

const variantNameCure = "use up to 200 letters, digits, spaces and any of . _ = + , - starting with a letter or digit"

// exports are the formats that truth and observations can be written in.
var exports = []string{"zarr", "npy", "csv"}

func (c twinChecker) check() {
	if !experimentName.MatchString(c.Name) {
		c.ordinary(&Config{}).problem(c.root, "name", c.Name, experimentNameCure)
	}
	shadow := &Config{Model: c.Model}
	c.ordinary(shadow).checkModel()
	c.model = shadow.model
	if t, ok := c.root.Table("twin"); ok {
		c.checkTwin(t)
		c.checkInitial(t)
		c.checkGiven(t)
	}
	c.checkScenarios()
	if c.Twin.Training < 0 {
		c.Twin.Training = 2000
		for i := range c.Scenarios {
			if s := &c.Scenarios[i]; s.Every != nil && s.Offset != nil {
				c.Twin.Training = max(c.Twin.Training, 2*c.length(s))
			}
		}
	}
	c.checkMethods()
}

// ordinary is the checker of an experiment that is not a twin, for what both have.
func (c twinChecker) ordinary(config *Config) checker { return checker{config, c.root} }

func (c twinChecker) checkTwin(t strict.Table) {
	x := &c.Twin
	if t.Has("cycles") && (x.Cycles < 1 || x.Cycles > mostCycles) {
		t.Problemf("cycles", "must be between 1 and %d", mostCycles)
	}
	if x.BurnIn < 0 {
		t.Problemf("burn_in", "must be at least 0")
	}
	if t.Has("training") && x.Training < 2 {
		t.Problemf("training", "must be at least 2")
	}
	if c.model != nil && float64(x.Training)*float64(c.model.Space().Size()) > mostValues {
		t.Problemf("training", "makes a set of more than %.3g GB: use fewer states", mostValues*4e-9)
	}
	n := c.Twin.Seeds.Count
	if c.Twin.Seeds.List != nil {
		n = len(c.Twin.Seeds.List)
	}
	switch {
	case n < 1 || n > mostSeeds:
		t.Problemf("seeds", "must be between 1 and %d, or a list of that many", mostSeeds)
	case c.Twin.Seeds.List != nil:
		seeds := slices.Sorted(slices.Values(c.Twin.Seeds.List))
		if len(slices.Compact(seeds)) < n {
			t.Problemf("seeds", "has a seed twice; list each once")
		}
	}
	for i, format := range x.Export {
		if !slices.Contains(exports, format) {
			t.Value("export").Element(i).Problemf("is unknown; %s", strict.Suggestion(format, exports))
		}
	}
}

func (c twinChecker) checkInitial(t strict.Table) {
	law := c.Twin.Initial
	initial, ok := t.Table("initial")
	if law == nil || !ok || c.model == nil {
		return
	}
	size := c.model.Space().Size()
	for key, numbers := range map[string]strict.Numbers{"mean": law.Mean, "sd": law.Sd} {
		if n := len(numbers); initial.Has(key) && n != 1 && n != size {
			initial.Problemf(key, "has %d numbers: give one, or one for each of the %d components", n, size)
		}
	}
	for _, sd := range law.Sd {
		if !(sd >= 0) {
			initial.Problemf("sd", "must be at least 0")
			break
		}
	}
}

// checkGiven makes the paths of a truth and its observations hold in the current
// folder.
func (c twinChecker) checkGiven(t strict.Table) {
	if (c.Twin.Truth == "") != (c.Twin.Observations == "") {
		t.Failed(errors.New("truth and observations go together: give both files, or none to have them simulated"))
	}
	for key, path := range map[string]*string{"truth": &c.Twin.Truth, "observations": &c.Twin.Observations} {
		if *path == "" {
			continue
		}
		if !filepath.IsAbs(*path) && !t.Value(key).Overridden() {
			*path = filepath.Join(filepath.Dir(c.File), *path)
		}
		if _, err := os.Stat(*path); err != nil {
			t.Problemf(key, "cannot be read: %v", cause(err))
		}
	}
	if c.Twin.Truth != "" && len(c.Scenarios) > 1 {
		t.Problemf("truth", "goes with a single scenario, that of its observations")
	}
}

func (c twinChecker) checkScenarios() {
	var taken []string
	for i, t := range c.root.Tables("scenario") {
		s := &c.Scenarios[i]
		if t.Has("name") {
			checkVariantName(t, s.Name, taken)
			taken = append(taken, s.Name)
			if slices.Contains(twinReserved, s.Name) {
				t.Problemf("name", "is the name of another file of a run directory; choose another name")
			}
		}
		for _, key := range []string{"states", "times", "file", "length", "start"} {
			if t.Has(key) {
				t.Problemf(key, "does not go with a twin experiment: every and offset say which states are observed")
			}
		}
		c.checkScenario(t, s)
	}
}

// twinReserved are names that files of a run directory have already.
var twinReserved = []string{"figures", "lock", "pairs", "twin", "run", "report"}

// checkScenario completes and checks what is observed of a run. Nothing is seen
// at time 0 unless offset says so.
func (c twinChecker) checkScenario(t strict.Table, s *Scenario) {
	if s.Every == nil {
		s.Every = new(1)
	}
	if s.Offset == nil {
		s.Offset = new(*s.Every)
	}
	if c.model == nil || c.Twin.Cycles < 1 || c.Twin.Cycles > mostCycles {
		return
	}
	switch {
	case *s.Every < 1 || *s.Every > mostCycles:
		t.Problemf("every", "must be between 1 and %d", mostCycles)
		return
	case *s.Offset < 0 || *s.Offset > mostCycles:
		t.Problemf("offset", "must be between 0 and %d", mostCycles)
		return
	}
	if values := float64(c.length(s)) * float64(c.model.Space().Size()); values > mostTwinValues {
		t.Failed(fmt.Errorf("a run has %.3g values, of which %.3g GB are to be held; the most is %.3g GB: lower twin.cycles, or lengthen the model's sampling interval to every states",
			values, values*8e-9, mostTwinValues*8e-9))
		return
	}
	if c.length(s) < 2 {
		t.Failed(errors.New("a run has only one state: raise twin.cycles"))
		return
	}
	// Two observations show all that can be wrong with the layout of many.
	shadow := c.single(s)
	shadow.Trajectories.Length = max(2, *s.Offset+*s.Every+1)
	c.ordinary(shadow).checkScenario(t, s)
	if s.withheld() != 0 {
		t.Problemf("withhold", "does not go with twin experiments, which know the truth of every state: remove it")
	}
}

func checkVariantName(t strict.Table, name string, taken []string) {
	key := "name"
	if !t.Has(key) {
		key = "kind"
	}
	switch {
	case !variantName.MatchString(name):
		t.Problemf(key, "%s", variantNameCure)
	case slices.Contains(taken, name):
		t.Problemf(key, "is the name of two; give each its own name")
	}
}

func (c twinChecker) checkMethods() {
	var taken []string
	for i, t := range c.root.Tables("method") {
		m := &c.Methods[i]
		if m.Parameters == nil {
			continue
		}
		checkVariantName(t, m.Name, taken)
		taken = append(taken, m.Name)
		if m.Group != "" && !variantName.MatchString(m.Group) {
			t.Problemf("group", "%s", variantNameCure)
		}
		c.checkMethod(t, m)
		c.checkExpectation(t, m.Expect)
	}
}

func (c twinChecker) checkMethod(t strict.Table, m *TwinMethod) {
	if m.Members < 1 || m.Members > mostMembers {
		t.Problemf("members", "must be between 1 and %d", mostMembers)
	}
	if entry, _ := LookupMethod(m.Kind); entry.NeedsPrior {
		t.Failed(errors.New("it samples a learnt prior, which a twin experiment does not have: use an experiment with [trajectories] and [prior]"))
	}
	if c.model == nil {
		return
	}
	longest := 2
	for i := range c.Scenarios {
		if s := &c.Scenarios[i]; s.Every != nil && s.Offset != nil {
			longest = max(longest, c.length(s))
		}
	}
	if err := m.Parameters.Check(c.model, longest); err != nil {
		t.Failed(err)
	}
}

func (c twinChecker) checkExpectation(t strict.Table, e *Expectation) {
	expect, ok := t.Table("expect")
	if e == nil || !ok {
		return
	}
	if expect.Has("tolerance") && !(e.Tolerance > 0) {
		expect.Problemf("tolerance", "must be greater than 0")
	}
	if e.Forecast == nil && e.Analysis == nil && e.Smoothed == nil {
		expect.Missing("rmse_a", "say what is expected: rmse_f, rmse_a or rmse_s")
	}
	for key, value := range map[string]*float64{"rmse_f": e.Forecast, "rmse_a": e.Analysis, "rmse_s": e.Smoothed} {
		if value != nil && !(*value >= 0 && !math.IsInf(*value, 0)) {
			expect.Problemf(key, "must be at least 0")
		}
	}
}
