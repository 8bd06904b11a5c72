package experiment

import (
	"fmt"
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
const mostValues = 1 << 34

// mostMembers bounds ensembles; far above any use.
const mostMembers = 1 << 20

// Names that make good folders and files on any system. An experiment may have
// points in its name, as the file that it is named after; scenarios and methods
// may not, because their files have endings.
var (
	experimentName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$`)
	fileName       = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)
)

const (
	experimentNameCure = "use up to 64 letters, digits, '-', '_' and '.', starting with a letter or digit"
	fileNameCure       = "use up to 64 letters, digits, '-' and '_', starting with a letter or digit"
)

func (c checker) check() {
	if !experimentName.MatchString(c.Name) {
		c.problem(c.root, "name", c.Name, experimentNameCure)
	}
	c.checkModel()
	if table, ok := c.root.Table("trajectories"); ok {
		c.checkTrajectories(table)
	}
	c.checkPrior()
	c.checkLearning()
	c.checkScenarios()
	c.checkMethods()
	c.checkScore()
	c.checkReanalysis()
	c.checkQuality()
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
		atLeast("length", x.Length, 1)
	}
	if t.Has("spin_up") {
		atLeast("spin_up", x.SpinUp, 0)
	}
	atLeast("windows", x.Windows, 1)
	atLeast("gap", x.Gap, 1)
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
	most := standardEntries(c.model.Space())
	for _, part := range []struct {
		key    string
		values []float64
	}{{"mean", fixed.Mean}, {"scale", fixed.Scale}} {
		if n := len(part.values); table.Has(part.key) && n != 1 && n != most {
			what := "values of a state"
			if most < c.model.Space().Size() {
				what = "fields of a state"
			}
			table.Problemf(part.key, "has %d numbers: give one, or one for each of the %d %s", n, most, what)
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
	if !given && !c.needsPrior() && c.Learning == nil {
		c.Prior = nil
		return
	}
	err := c.Prior.check(c.Config)
	switch {
	case err != nil && given:
		table.Failed(err)
	case err != nil:
		c.root.Failed(fmt.Errorf("prior: %w", err))
	}
}

// Names that files of a run directory and of a scenario's folder have already.
var (
	reservedScenarios = []string{"data", "prior", LearningFolder, "figures", "lock", "reanalysis"}
	reservedMethods   = []string{TruthName, "observations", "reference", "reference-again"}
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
