package serve

import "time"

// The states that the page knows.
const (
	running     = "running"
	done        = "done"
	failed      = "failed"
	interrupted = "interrupted"
	stopped     = "stopped" // it says that it runs, but does not
)

// Summary is one line of the list of runs.
type Summary struct {
	Path  string `json:"path"` // from the folder that is shown
	Name  string `json:"name"`
	Kind  string `json:"kind"` // experiment, twin experiment, reanalysis, calibration
	State string `json:"state"`
	// Doing says in a few words what is being done, or why it ended.
	Doing string `json:"doing,omitempty"`
	// Done of Total pieces of work are complete: units or windows. Total is 0 if
	// unknown.
	Done    int       `json:"done"`
	Total   int       `json:"total"`
	Share   float64   `json:"share"` // of the work, in [0, 1]
	Started time.Time `json:"started,omitzero"`
	Changed time.Time `json:"changed,omitzero"`
	// Left is an estimate of the seconds that the rest takes; nil if unknown.
	Left *float64 `json:"left,omitempty"`
}

// List is what the page shows first.
type List struct {
	Folder string    `json:"folder"`
	Runs   []Summary `json:"runs"`
}

// Run is all that the page shows of one run.
type Run struct {
	Summary
	Folder   string      `json:"folder"`
	Facts    [][2]string `json:"facts,omitempty"`
	Stages   []Stage     `json:"stages,omitempty"`
	Training *Training   `json:"training,omitempty"`
	Scores   *Table      `json:"scores,omitempty"`
	Figures  []Figure    `json:"figures,omitempty"`
	Files    []string    `json:"files,omitempty"` // worth a link, from the run
	Batch    *Batch      `json:"batch,omitempty"`
	Windows  *Windows    `json:"windows,omitempty"`
	Log      []Line      `json:"log,omitempty"`
}

// Stage is one kind of work of a run and its units.
type Stage struct {
	Name    string  `json:"name"`
	Units   []Unit  `json:"units"`
	Seconds float64 `json:"seconds"`
}

// Unit is a piece of work.
type Unit struct {
	Name    string  `json:"name"`
	State   string  `json:"state"` // waiting, running, done, interrupted
	Seconds float64 `json:"seconds"`
}

// Training is the curve of a prior.
type Training struct {
	Steps      int       `json:"steps"` // to make; 0 if unknown
	Step       []float64 `json:"step"`
	Loss       []float64 `json:"loss"`
	Validation []float64 `json:"validation"`
}

// Table is a header and rows of text.
type Table struct {
	Columns []string   `json:"columns"`
	Rows    [][]string `json:"rows"`
	Note    string     `json:"note,omitempty"`
}

// Figure is an image of a run.
type Figure struct {
	Path     string    `json:"path"` // from the run
	Modified time.Time `json:"modified"`
	PDF      string    `json:"pdf,omitempty"`
}

// Line is a line of the log.
type Line struct {
	Time    time.Time `json:"time"`
	Level   string    `json:"level"`
	Message string    `json:"message"`
	Detail  string    `json:"detail,omitempty"`
}

// Batch is how the windows of a reanalysis stand.
type Batch struct {
	Windows  int       `json:"windows"`
	Done     int       `json:"done"`
	Running  int       `json:"running"`
	Failed   int       `json:"failed"`
	Retrying int       `json:"retrying"`
	Blocked  int       `json:"blocked"`
	Joined   int       `json:"joined"`
	PerHour  float64   `json:"per_hour"`
	Left     *float64  `json:"left,omitempty"` // seconds
	Workers  []Worker  `json:"workers,omitempty"`
	Alarms   []string  `json:"alarms,omitempty"`
	Failures []string  `json:"failures,omitempty"`
	Changed  time.Time `json:"changed,omitzero"`
}

// Worker is a process that computes windows.
type Worker struct {
	Name   string    `json:"name"`
	Window int       `json:"window"` // in hand; -1 for none
	Since  time.Time `json:"since"`
	Seen   time.Time `json:"seen"`
	Done   int       `json:"done"`
	Failed int       `json:"failed"`
}

// Windows holds numbers measured of each window of a batch, in the order of the
// windows: a name, and one value for each window; null where there is none.
type Windows struct {
	Index  []int    `json:"index"`
	Series []Series `json:"series"`
}

// Series is a named list of numbers.
type Series struct {
	Name   string     `json:"name"`
	Values []*float64 `json:"values"`
}
