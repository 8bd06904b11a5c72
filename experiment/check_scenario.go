package experiment

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"retrace/internal/strict"
)

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
	if s.Withhold == nil {
		s.Withhold = new(0.0)
	}
	if !(*s.Withhold >= 0 && *s.Withhold < 1) {
		t.Problemf("withhold", "must be a share in [0, 1)")
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
	if !t.Has("sd") && s.needsSd() {
		t.Missing("sd", "give the standard deviation of the noise, in the units of the values observed")
	}
	if c.Trajectories.Test == 0 {
		t.Failed(errors.New("there is no trajectory to observe: set trajectories.test, or give a file of observations"))
	}
	if ways > 1 || len(s.Sd) == 0 && s.needsSd() || s.Operator == nil || s.Operator.Parameters == nil || c.model == nil || c.Trajectories.Length < 1 {
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
	if *s.Length < 1 {
		if t.Has("length") {
			t.Problemf("length", "must be at least 1")
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
