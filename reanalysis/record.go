package reanalysis

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"retrace/internal/fault"
	"retrace/internal/npy"
)

// Record is what is written about a window when its files are in their place.
type Record struct {
	Window      int             `json:"window"`
	Fingerprint string          `json:"fingerprint"`
	Files       map[string]File `json:"files"` // by what they hold
	Diagnostics Diagnostics     `json:"diagnostics"`
	// Done tells who made the result and how; nothing else depends on it.
	Done Done `json:"done"`
}

// File is a file of a result.
type File struct {
	Bytes  int64  `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Done is how a window was computed.
type Done struct {
	Worker   string    `json:"worker"`
	Attempt  int       `json:"attempt"` // from 1
	Seconds  float64   `json:"seconds"`
	Memory   int64     `json:"memory"` // resident bytes of the worker afterwards
	Finished time.Time `json:"finished"`
}

// What the files of a window hold: arrays with the axes of a state last.
const (
	statesPart    = "states"    // (member, state kept)
	handOverPart  = "handover"  // (member), of the last state kept
	incrementPart = "increment" // (state kept)
	forecastPart  = "forecast"  // (member, state), from the last state of the span
	feedbackPart  = "feedback"  // a table of observations, Parquet
)

func partFile(name, part string) string {
	if part == feedbackPart {
		return name + "." + part + ".parquet"
	}
	return name + "." + part + ".npy"
}

// record reads what was written about a job; nil if it is not done.
func (b *Batch) record(j Job) (*Record, error) { return readRecord(b.Dir, j) }

func readRecord(dir string, j Job) (*Record, error) {
	path := filepath.Join(dir, windowFolder, j.name()+".json")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	r := &Record{}
	if json.Unmarshal(text, r) != nil || r.Fingerprint != j.Fingerprint {
		return nil, nil // of another program: it is made again
	}
	return r, nil
}

// Finished reports whether the result of a job is there and none of its files was
// deleted or cut off.
func (b *Batch) Finished(j Job) (bool, error) {
	r, err := b.record(j)
	if err != nil || r == nil {
		return false, err
	}
	for part, f := range r.Files {
		info, err := os.Stat(b.file(windowFolder, partFile(j.name(), part)))
		if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() != f.Bytes {
			return false, nil
		}
		if err != nil {
			return false, err
		}
	}
	return true, nil
}

// part reads an array of a result and checks its number of values.
func part[T npy.Float](b *Batch, j Job, name string, values int) ([]T, error) {
	path := b.file(windowFolder, partFile(j.name(), name))
	_, data, err := npy.Read[T](path)
	if err != nil {
		return nil, err
	}
	if len(data) != values {
		return nil, fault.Inputf("%s: has %d values where %d are needed; delete it to have it made again", path, len(data), values)
	}
	return data, nil
}

func sha(content []byte) string {
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// temporaries numbers the temporary files of this process.
var temporaries atomic.Int64

// install puts content at path by a rename. Several processes, of several machines,
// may do so at once: the temporary names are their own.
func install(path string, content []byte) error {
	folder, name := filepath.Split(path)
	var file *os.File
	err := fs.ErrExist
	for errors.Is(err, fs.ErrExist) {
		temporary := fmt.Sprintf("%s.%s.%d-%d.tmp", folder, name, os.Getpid(), temporaries.Add(1))
		file, err = os.OpenFile(temporary, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	}
	if err != nil {
		return err
	}
	_, err = file.Write(content)
	if err == nil {
		err = file.Sync()
	}
	err = errors.Join(err, file.Close())
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// installJSON is install for a value in JSON.
func installJSON(path string, value any) error {
	text, err := json.MarshalIndent(value, "", " ")
	if err != nil {
		return err
	}
	return install(path, append(text, '\n'))
}
