package serve

import (
	"cmp"
	"fmt"
	"math"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/BurntSushi/toml"
)

// stageNames are the stages of an experiment in their order.
var stageNames = []string{"simulate", "train", "observe", "assimilate", "score", "twin", "report"}

// provenance is what the page needs of provenance.json.
type provenance struct {
	State    string `json:"state"`
	Error    string `json:"error"`
	Seed     int64  `json:"seed"`
	Software struct{ Version, Revision, Go string }
	Machine  struct {
		OS, Arch, Processor, Kernels string
		Cores                        int
	}
	Config struct{ File string }
	Units  map[string]*struct {
		Complete bool      `json:"complete"`
		Finished time.Time `json:"finished"`
		Seconds  float64   `json:"seconds"`
	} `json:"units"`
}

// settings is what the page needs of run.toml.
type settings struct {
	Model    struct{ Name string }
	Scenario []struct{ Name string }
	Method   []struct{ Name string }
	Prior    struct{ Training struct{ Steps int } }
}

// readExperiment reads an experiment or a twin experiment.
func (s *Server) readExperiment(r *Run, all bool) {
	var p provenance
	file := path.Join(r.Path, "provenance.json")
	if err := s.readJSON(file, &p); err != nil {
		r.State, r.Doing = failed, "provenance.json cannot be read: "+err.Error()
		return
	}
	var c settings
	if text, err := s.read(path.Join(r.Path, "run.toml")); err == nil {
		toml.Decode(string(text), &c) // what can be read of it is used
	}
	log := s.log(r.Path)
	r.State = p.State
	r.Changed = later(s.modified(file), s.modified(path.Join(r.Path, "log.jsonl")), s.modified(path.Join(r.Path, "prior/training.csv")))
	present := ""
	if r.State == running {
		present = log.present
		r.Started = log.began
		if !s.holderLives(r.Path) {
			r.State = stopped
		}
	}
	r.Stages = stages(p, c, present, r.State)
	s.progress(r, c, present)
	switch {
	case p.Error != "":
		r.Doing, _, _ = strings.Cut(p.Error, "\n")
	case r.State == stopped:
		r.Doing = "the process has ended; the same command goes on"
	}
	if !all {
		return
	}
	r.Training, _ = s.training(r.Path, c.Prior.Training.Steps)
	r.Scores = s.scores(r.Path)
	r.Facts = facts(p, c)
}

func later(times ...time.Time) time.Time {
	return slices.MaxFunc(times, func(a, b time.Time) int { return a.Compare(b) })
}

// stages sorts units into stages. Units that the config asks for but that have not
// begun wait.
func stages(p provenance, c settings, present, state string) []Stage {
	units := map[string]Unit{}
	if slices.Contains([]string{running, stopped, interrupted}, state) {
		for _, scenario := range c.Scenario {
			for _, method := range c.Method {
				for _, stage := range []string{"assimilate", "score"} {
					name := stage + "/" + scenario.Name + "/" + method.Name
					units[name] = Unit{Name: name, State: "waiting"}
				}
			}
		}
	}
	for name, u := range p.Units {
		if u == nil {
			continue
		}
		unit := Unit{Name: name, State: done, Seconds: u.Seconds}
		if !u.Complete {
			unit.State = interrupted
		}
		if name == present && state == running {
			unit.State = running
		}
		units[name] = unit
	}
	var list []Stage
	for _, name := range stageNames {
		stage := Stage{Name: name, Units: []Unit{}}
		for _, u := range units {
			if first, _, _ := strings.Cut(u.Name, "/"); first == name {
				stage.Units = append(stage.Units, u)
				stage.Seconds += u.Seconds
			}
		}
		slices.SortFunc(stage.Units, func(a, b Unit) int { return strings.Compare(a.Name, b.Name) })
		if len(stage.Units) > 0 {
			list = append(list, stage)
		}
	}
	return list
}

// progress counts units; training counts by its steps.
func (s *Server) progress(r *Run, c settings, present string) {
	part := 0.0
	for _, stage := range r.Stages {
		for _, u := range stage.Units {
			r.Total++
			if u.State == done {
				r.Done++
			}
		}
	}
	if r.State == running {
		r.Doing = present
	}
	if strings.HasPrefix(present, "train") && c.Prior.Training.Steps > 0 {
		if t, err := s.training(r.Path, c.Prior.Training.Steps); err == nil && len(t.Step) > 0 {
			step := t.Step[len(t.Step)-1]
			part = step / float64(c.Prior.Training.Steps)
			r.Doing = fmt.Sprintf("%s, step %.0f of %d", present, step, c.Prior.Training.Steps)
		}
	}
	if r.Total > 0 {
		r.Share = min(1, (float64(r.Done)+part)/float64(r.Total))
	}
}

// holderLives reports whether the process named in the lock of a run is there. On
// another machine that cannot be known, and is believed.
func (s *Server) holderLives(dir string) bool {
	text, err := s.read(path.Join(dir, "lock"))
	if err != nil {
		return true
	}
	var number int
	var host string
	if _, err := fmt.Sscanf(string(text), "process %d on %s", &number, &host); err != nil {
		return true
	}
	if here, err := os.Hostname(); err != nil || here != host {
		return true
	}
	if _, err := os.Stat("/proc/self"); err != nil {
		return true
	}
	_, err = os.Stat("/proc/" + strconv.Itoa(number))
	return err == nil
}

// training reads the curve of the prior.
func (s *Server) training(dir string, steps int) (*Training, error) {
	table, err := s.table(path.Join(dir, "prior/training.csv"), 100_000)
	if err != nil {
		return nil, err
	}
	t := &Training{Steps: steps, Step: []float64{}, Loss: []float64{}, Validation: []float64{}}
	every := len(table.Rows)/1000 + 1
	for i, row := range table.Rows {
		if i%every != 0 && i != len(table.Rows)-1 || len(row) < 3 {
			continue
		}
		var x [3]float64
		for k := range x {
			if x[k], err = strconv.ParseFloat(row[k], 64); err != nil || math.IsNaN(x[k]) || math.IsInf(x[k], 0) {
				return nil, fmt.Errorf("row %d of the training curve: %q", i+1, row[k])
			}
		}
		t.Step, t.Loss, t.Validation = append(t.Step, x[0]), append(t.Loss, x[1]), append(t.Validation, x[2])
	}
	return t, nil
}

// facts are lines about how a run was made.
func facts(p provenance, c settings) [][2]string {
	machine := fmt.Sprintf("%s/%s, %d cores", p.Machine.OS, p.Machine.Arch, p.Machine.Cores)
	for _, more := range []string{p.Machine.Processor, p.Machine.Kernels} {
		if more != "" {
			machine += ", " + more
		}
	}
	return [][2]string{
		{"model", cmp.Or(c.Model.Name, "unknown")},
		{"config", p.Config.File},
		{"seed", fmt.Sprint(p.Seed)},
		{"retrace", strings.TrimSpace(p.Software.Version + " " + p.Software.Revision + " " + p.Software.Go)},
		{"machine", machine},
	}
}
