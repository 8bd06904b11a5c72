package experiment

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"strings"
	"time"

	"retrace/internal/atomicfile"
	"retrace/internal/fault"
	"retrace/internal/kernel"
)

// Provenance is the content of provenance.json: where the files of a run
// directory come from. It holds everything that depends on the machine and the
// clock, so that no other file has to.
type Provenance struct {
	Software Software           `json:"software"`
	Machine  Machine            `json:"machine"`
	Config   ConfigSource       `json:"config"`
	Seed     int64              `json:"seed"`
	Inputs   map[string]string  `json:"inputs,omitempty"` // path -> SHA-256
	State    State              `json:"state"`
	Error    string             `json:"error,omitempty"`
	Units    map[string]*Record `json:"units"`
}

// State is how the last command in a run directory ended.
type State string

// The states; a directory that is Running with nobody holding its lock was
// killed.
const (
	Running     State = "running"
	Done        State = "done"
	Interrupted State = "interrupted"
	Failed      State = "failed"
)

// Software is what made the files.
type Software struct {
	Version  string `json:"version"`
	Revision string `json:"revision,omitempty"`
	Go       string `json:"go"`
}

// Machine is where the files were made.
type Machine struct {
	OS        string `json:"os"`
	Arch      string `json:"arch"`
	Processor string `json:"processor,omitempty"`
	Cores     int    `json:"cores"`
	// Kernels is the instruction set of the network's kernels, which decides
	// the last bits of what the network computes.
	Kernels string `json:"kernels"`
}

// String describes the machine on one line.
func (m Machine) String() string {
	text := fmt.Sprintf("%s/%s, %d cores", m.OS, m.Arch, m.Cores)
	if m.Processor != "" {
		text += ", " + m.Processor
	}
	if m.Kernels != "" {
		text += ", " + m.Kernels + " kernels"
	}
	return text
}

// ConfigSource is where the settings came from.
type ConfigSource struct {
	File      string   `json:"file"`
	Overrides []string `json:"overrides,omitempty"`
}

// Record is what is known about one unit of work.
type Record struct {
	Fingerprint string          `json:"fingerprint"`
	Complete    bool            `json:"complete"`
	Finished    time.Time       `json:"finished,omitzero"`
	Seconds     float64         `json:"seconds"` // of all sessions
	Outputs     map[string]Size `json:"outputs,omitempty"`
	// Measured holds times and other figures of the unit that differ from run
	// to run, such as the wall time of each case.
	Measured map[string][]float64 `json:"measured,omitempty"`
}

// resumed returns the figures measured so far, as n numbers; 0 where there is
// none yet.
func (r *Record) resumed(name string, n int) []float64 {
	values := make([]float64, n)
	copy(values, r.Measured[name])
	return values
}

// Size is the number of files and bytes of an output, by which a deleted or
// truncated one is noticed.
type Size struct {
	Files int   `json:"files"`
	Bytes int64 `json:"bytes"`
}

// Version describes the running program.
func Version() Software {
	software := Software{Version: "unknown", Go: runtime.Version()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return software
	}
	software.Version = info.Main.Version
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			software.Revision = s.Value
		}
	}
	return software
}

// ThisMachine is the one that the program runs on, as it is set up.
func ThisMachine() Machine {
	return Machine{runtime.GOOS, runtime.GOARCH, processorName(), runtime.GOMAXPROCS(0), kernel.Level()}
}

// processorName is the processor's model where the system tells it in a file.
func processorName() string {
	text, _ := os.ReadFile("/proc/cpuinfo")
	for line := range strings.Lines(string(text)) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return ""
}

// ReadProvenance reads the provenance of a run directory. A missing file gives
// an error that is fs.ErrNotExist.
func ReadProvenance(dir string) (*Provenance, error) {
	path := filepath.Join(dir, "provenance.json")
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	p := &Provenance{}
	if err := json.Unmarshal(text, p); err != nil {
		return nil, fault.Inputf("%s: %w; it is written by retrace: restore it, or use --fresh to start over", path, err)
	}
	if p.Units == nil {
		p.Units = map[string]*Record{}
	}
	for name, record := range p.Units {
		if record == nil {
			delete(p.Units, name)
		}
	}
	return p, nil
}

func (p *Provenance) write(dir string) error {
	text, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		return err
	}
	return atomicfile.Write(filepath.Join(dir, "provenance.json"), append(text, '\n'))
}

// measure returns the size of the file or folder at path.
func measure(path string) (Size, error) {
	var size Size
	err := filepath.WalkDir(path, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		size.Files++
		size.Bytes += info.Size()
		return nil
	})
	return size, err
}
