package reanalysis

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"retrace/internal/fault"
)

// Status is how a batch stands. It is read from the files of the batch, from any
// machine, without a word to the queue.
type Status struct {
	Run     string `json:"run"`
	Windows int    `json:"windows"`
	Done    int    `json:"done"`
	Running int    `json:"running"`
	Failed  int    `json:"failed"`
	// Retrying counts windows with a failed attempt that may still succeed, and
	// Blocked those that need one that has failed.
	Retrying int `json:"retrying"`
	Blocked  int `json:"blocked"`
	Joined   int `json:"joined"`
	States   int `json:"states"` // of the record
	// PerHour is the pace of the windows finished lately; 0 if unknown. Left is the
	// time, in seconds, that the others take at that pace; nil if unknown.
	PerHour float64   `json:"windows_per_hour"`
	Left    *float64  `json:"seconds_left,omitempty"`
	Workers []Beat    `json:"workers"`
	Alarms  []Alarm   `json:"alarms,omitempty"`
	Failure []Failure `json:"failures,omitempty"`
}

// Alarm is what was noticed of a window.
type Alarm struct {
	Window int    `json:"window"`
	Alarm  string `json:"alarm"`
}

// recent is the number of finished windows by which the pace is measured.
const recent = 32

// ReadStatus reads how the batch in a folder stands at a time. No batch there is an
// input error.
func ReadStatus(dir string, now time.Time) (*Status, error) {
	plan, err := ReadPlan(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Inputf("%s: holds no reanalysis: there is no %s; start it with: retrace reanalyse CONFIG", dir, planFile)
	}
	if err != nil {
		return nil, err
	}
	s := &Status{Run: plan.Run, Windows: len(plan.Jobs), States: plan.Length, Workers: []Beat{}}
	if err := s.readWorkers(dir, now); err != nil {
		return nil, err
	}
	if err := s.readWindows(dir, plan); err != nil {
		return nil, err
	}
	lines, err := readLines[journalLine](filepath.Join(dir, diagnosticsFile))
	if err != nil {
		return nil, err
	}
	s.Joined = len(lines)
	for _, line := range lines {
		for _, a := range line.Alarms {
			s.Alarms = append(s.Alarms, Alarm{line.Window, a})
		}
	}
	return s, nil
}

func (s *Status) readWorkers(dir string, now time.Time) error {
	files, err := filepath.Glob(filepath.Join(dir, workerFolder, "*.json"))
	if err != nil {
		return err
	}
	for _, f := range files {
		var beat Beat
		if readJSON(f, &beat) == nil && beat.alive(now) {
			s.Workers = append(s.Workers, beat)
		}
	}
	return nil
}

// readWindows counts the windows by what their files say. It lists the folders once,
// and opens only what failed and the newest results.
func (s *Status) readWindows(dir string, plan *Plan) error {
	results, err := names(filepath.Join(dir, windowFolder))
	if err != nil {
		return err
	}
	failures, err := names(filepath.Join(dir, failureFolder))
	if err != nil {
		return err
	}
	running := map[int]bool{}
	for _, b := range s.Workers {
		if b.Window >= 0 {
			running[b.Window] = true
		}
	}
	blocked := make([]bool, len(plan.Jobs))
	var finished []time.Time
	for _, j := range plan.ordered() {
		result, done := results[j.name()+".json"]
		_, dead := failures[j.name()+".json"]
		_, tried := failures[j.name()+".log"]
		switch {
		case done:
			s.Done++
			finished = append(finished, result)
		case dead:
			s.Failed++
			blocked[j.Index] = true
			f := Failure{Window: j.Index}
			if readJSON(filepath.Join(dir, failureFolder, j.name()+".json"), &f) == nil {
				s.Failure = append(s.Failure, f)
			}
		case slices.ContainsFunc(j.Needs, func(n int) bool { return blocked[n] }):
			blocked[j.Index] = true
			s.Blocked++
		case running[j.Index]:
			s.Running++
		case tried:
			s.Retrying++
		}
	}
	s.pace(finished)
	return nil
}

// pace estimates how fast windows are finished.
func (s *Status) pace(finished []time.Time) {
	slices.SortFunc(finished, func(a, b time.Time) int { return a.Compare(b) })
	if len(finished) > recent {
		finished = finished[len(finished)-recent:]
	}
	if len(finished) < 2 {
		return
	}
	span := finished[len(finished)-1].Sub(finished[0]).Seconds()
	if span <= 0 {
		return
	}
	s.PerHour = 3600 * float64(len(finished)-1) / span
	s.Left = new(float64(s.Windows-s.Done-s.Failed-s.Blocked) * 3600 / s.PerHour)
}

// names lists the files of a folder that are not hidden, with the times at which they
// were written.
func names(dir string) (map[string]time.Time, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	list := map[string]time.Time{}
	for _, e := range entries {
		if strings.HasPrefix(e.Name(), ".") {
			continue
		}
		if info, err := e.Info(); err == nil {
			list[e.Name()] = info.ModTime()
		}
	}
	return list, nil
}
