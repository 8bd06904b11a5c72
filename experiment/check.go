package experiment

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"

	"retrace/internal/strict"
)

// checker reports what is wrong with the values of a bound config to its
// document, and completes defaults that depend on other values.
type checker struct {
	*Config
	root strict.Table
}

// mostValues bounds the values of a set of trajectories, which is held in
// memory.
const mostValues = 1 << 33

// mostMembers bounds ensembles; far above any use.
const mostMembers = 1 << 20

// fileName is a name that makes a good folder or file on any system.
var fileName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)

const fileNameCure = "use up to 64 letters, digits, '-', '_' and '.', starting with a letter or digit"

func (c checker) check() {
	if !fileName.MatchString(c.Name) {
		c.problem(c.root, "name", c.Name, fileNameCure)
	}
	c.checkModel()
	if table, ok := c.root.Table("trajectories"); ok {
		c.checkTrajectories(table)
	}
	c.checkPrior()
	c.checkScenarios()
	c.checkMethods()
	c.checkScore()
	if c.Report.Cases < 0 {
		report, _ := c.root.Table("report")
		report.Problemf("cases", "must be at least 0")
	}
}

// problem reports a value that may be a default, which is not in the document.
func (c checker) problem(t strict.Table, key, value, cure string) {
	if t.Has(key) {
		t.Problemf(key, "%s", cure)
		return
	}
	t.Failed(fmt.Errorf("%s is %q by default: %s; set %s", key, value, cure, key))
}

func (c checker) checkModel() {
	table, ok := c.root.Table("model")
	if !ok || c.Model.Parameters == nil {
		return
	}
	model, err := c.Model.Parameters.Build()
	if err != nil {
		table.Failed(err)
		return
	}
	c.model = model
	if c.Trajectories.SpinUp == -1 {
		c.Trajectories.SpinUp = model.SpinUp()
	}
}

func (c checker) checkTrajectories(t strict.Table) {
	x := &c.Trajectories
	atLeast := func(key string, value, least int) {
		if value < least {
			t.Problemf(key, "must be at least %d", least)
		}
	}
	if t.Has("length") {
		atLeast("length", x.Length, 2)
	}
	if t.Has("spin_up") {
		atLeast("spin_up", x.SpinUp, 0)
	}
	atLeast("train", x.Train, 0)
	atLeast("train_length", x.TrainLength, 1)
	atLeast("validation", x.Validation, 0)
	atLeast("test", x.Test, 0)
	if c.model == nil {
		return
	}
	size := float64(c.model.Space().Size())
	for _, set := range []struct {
		key           string
		count, length int
	}{{"train", x.Train, x.TrainLength}, {"validation", x.Validation, x.TrainLength}, {"test", x.Test, x.Length}} {
		if values := float64(set.count) * float64(set.length) * size; values > mostValues {
			t.Problemf(set.key, "makes a set of %.3g GB; the most is %.3g GB: use fewer or shorter trajectories",
				values*4e-9, mostValues*4e-9)
		}
	}
	c.checkStandardise(t)
}

func (c checker) checkStandardise(t strict.Table) {
	fixed := c.Trajectories.Standardise.Fixed
	table, ok := t.Table("standardise")
	if fixed == nil || !ok {
		return
	}
	size := c.model.Space().Size()
	for _, part := range []struct {
		key    string
		values []float64
	}{{"mean", fixed.Mean}, {"scale", fixed.Scale}} {
		if n := len(part.values); table.Has(part.key) && n != 1 && n != size {
			table.Problemf(part.key, "has %d numbers: give one, or one for each of the %d values of a state", n, size)
		}
	}
	for _, scale := range fixed.Scale {
		if !(scale > 0) {
			table.Problemf("scale", "must be greater than 0")
			break
		}
	}
}

func (c checker) checkPrior() {
	table, given := c.root.Table("prior")
	if !given && !c.needsPrior() {
		c.Prior = nil
		return
	}
	if x := c.Trajectories; x.Train == 0 || x.Validation == 0 {
		c.root.Failed(errors.New("prior: it is learnt from trajectories: set trajectories.train and trajectories.validation above 0"))
	}
	err := c.Prior.Validate()
	if window, longest := c.Prior.Window, c.Trajectories.TrainLength; window > longest {
		err = errors.Join(err, fmt.Errorf("window = %d: longer than the %d states of trajectories.train_length; shorten one or lengthen the other", window, longest))
	}
	switch {
	case err != nil && given:
		table.Failed(err)
	case err != nil:
		c.root.Failed(fmt.Errorf("prior: %w", err))
	}
}

func (c checker) checkScenarios() {
	var taken []string
	for i, t := range c.root.Tables("scenario") {
		s := &c.Scenarios[i]
		if t.Has("name") {
			c.checkName(t, s.Name, reservedScenarios, taken)
			taken = append(taken, s.Name)
		}
		c.checkScenario(t, s)
	}
}

// Names that files of a run directory and of a scenario's folder have already.
var (
	reservedScenarios = []string{"data", "prior", "figures", "lock", "run.toml", "provenance.json",
		"log.jsonl", "scores.json", "scores.csv", "report.html"}
	reservedMethods = []string{"truth", "observations", "reference", "reference-again"}
)

// checkName reports a name that makes no file name, is reserved, or is taken.
func (c checker) checkName(t strict.Table, name string, reserved, taken []string) {
	key := "name"
	if !t.Has(key) {
		key = "kind"
	}
	switch {
	case !fileName.MatchString(name):
		t.Problemf(key, "%s", fileNameCure)
	case slices.Contains(reserved, name):
		t.Problemf(key, "is the name of another file of a run directory; choose another name")
	case slices.Contains(taken, name):
		t.Problemf(key, "is the name of two; give each its own name")
	}
}

func (c checker) checkScenario(t strict.Table, s *Scenario) {
	for key, file := range map[string]bool{"length": true, "start": true, "every": false, "offset": false,
		"states": false, "times": false, "sd": false, "missing": false} {
		switch {
		case !t.Has(key) || file == (s.File != ""):
		case file:
			t.Problemf(key, "goes with file; simulated observations are of test trajectories")
		default:
			t.Problemf(key, "goes with simulated observations; a file says what was seen, when, and with which sd")
		}
	}
	operator, given := t.Table("operator")
	if given && s.Operator.Parameters != nil && c.model != nil {
		if _, err := s.Operator.Parameters.Build(c.model.Space()); err != nil {
			operator.Failed(err)
			return
		}
	}
	if s.File == "" {
		c.checkSimulated(t, s)
	} else {
		c.checkFile(t, s)
	}
}

// checkSimulated completes and checks a scenario whose observations are made
// of test trajectories.
func (c checker) checkSimulated(t strict.Table, s *Scenario) {
	ways := 0
	for _, key := range []string{"every", "states", "times"} {
		if t.Has(key) {
			ways++
		}
	}
	if ways > 1 {
		t.Failed(errors.New("every, states and times exclude each other: give one of them"))
	}
	if t.Has("offset") && (t.Has("states") || t.Has("times")) {
		t.Problemf("offset", "goes with every, not with states or times")
	}
	if ways == 0 {
		s.Every = new(1)
	}
	if s.Every != nil && s.Offset == nil {
		s.Offset = new(0)
	}
	if s.Missing == nil {
		s.Missing = new(0.0)
	}
	if !(*s.Missing >= 0 && *s.Missing < 1) {
		t.Problemf("missing", "must be a share in [0, 1)")
	}
	if !t.Has("operator") {
		t.Missing("operator", `say what is seen, such as operator = {kind = "identity"}`)
	}
	if !t.Has("sd") {
		t.Missing("sd", "give the standard deviation of the noise, in the units of the values observed")
	}
	if c.Trajectories.Test == 0 {
		t.Failed(errors.New("there is no trajectory to observe: set trajectories.test, or give a file of observations"))
	}
	if ways > 1 || len(s.Sd) == 0 || s.Operator == nil || s.Operator.Parameters == nil || c.model == nil || c.Trajectories.Length < 2 {
		return
	}
	if _, err := c.layout(s); err != nil {
		t.Failed(err)
	}
}

// checkFile completes and checks a scenario with a file of observations, and
// makes its path one that holds in the current folder.
func (c checker) checkFile(t strict.Table, s *Scenario) {
	if s.Length == nil {
		s.Length = new(c.Trajectories.Length)
	}
	if s.Start == nil {
		s.Start = new(0.0)
	}
	if *s.Length < 2 {
		if t.Has("length") {
			t.Problemf("length", "must be at least 2")
		}
		return
	}
	if !filepath.IsAbs(s.File) && !t.Value("file").Overridden() {
		s.File = filepath.Join(filepath.Dir(c.File), s.File)
	}
	if _, err := os.Stat(s.File); err != nil {
		t.Problemf("file", "cannot be read: %v", cause(err))
		return
	}
	if c.model == nil || s.Operator != nil && s.Operator.Parameters == nil {
		return
	}
	if _, err := c.readObservations(s); err != nil {
		t.Elsewhere(err)
	}
}

// cause is the system's part of an error of package os.
func cause(err error) error {
	if e, ok := errors.AsType[*fs.PathError](err); ok {
		return e.Err
	}
	return err
}

func (c checker) checkMethods() {
	var taken []string
	for i, t := range c.root.Tables("method") {
		m := &c.Methods[i]
		if m.Parameters == nil {
			continue
		}
		c.checkName(t, m.Name, reservedMethods, taken)
		taken = append(taken, m.Name)
		c.checkMethod(t, m)
	}
}

func (c checker) checkMethod(t strict.Table, m *Method) {
	if m.Members < 1 || m.Members > mostMembers {
		t.Problemf("members", "must be between 1 and %d", mostMembers)
	}
	if c.model == nil {
		return
	}
	if err := m.Parameters.Check(c.model, c.Trajectories.Length); err != nil {
		t.Failed(err)
	}
	if entry, _ := LookupMethod(m.Kind); !entry.NeedsTraining {
		return
	}
	switch x := c.Trajectories; {
	case x.Train == 0:
		t.Failed(errors.New("it looks at training trajectories: set trajectories.train above 0"))
	case x.TrainLength < c.longest():
		t.Failed(fmt.Errorf("it looks at training trajectories, of %d states, which are shorter than those to assimilate, of %d: raise trajectories.train_length",
			x.TrainLength, c.longest()))
	}
}

// longest is the number of states of the longest trajectory to assimilate.
func (c checker) longest() int {
	longest := 0
	for _, s := range c.Scenarios {
		if s.Length != nil {
			longest = max(longest, *s.Length)
		} else {
			longest = max(longest, c.Trajectories.Length)
		}
	}
	return longest
}

func (c checker) checkScore() {
	score, ok := c.root.Table("score")
	if !ok {
		return
	}
	if reference, ok := score.Table("reference"); ok && c.Score.Reference.Parameters != nil {
		c.Score.Reference.Name = ReferenceName
		c.checkMethod(reference, c.Score.Reference)
	}
	for i, metric := range c.Score.Metrics {
		if !slices.Contains(metricNames(), metric) {
			score.Value("metrics").Element(i).Problemf("is unknown; %s", strict.Suggestion(metric, metricNames()))
		}
		if slices.Index(c.Score.Metrics, metric) < i {
			score.Value("metrics").Element(i).Problemf("is listed twice")
		}
	}
}
