package experiment

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"retrace/internal/fault"
)

// ErrBusy says that another process works in the run directory.
var ErrBusy = errors.New("another retrace is at work in this run directory")

// directory is a run directory that this process has locked.
type directory struct {
	path       string
	lock       *os.File
	provenance *Provenance
	log        *slog.Logger
}

// openDirectory makes or opens a run directory and locks it. fresh deletes
// what earlier runs left in it.
func openDirectory(path string, fresh bool) (*directory, error) {
	if err := checkDirectory(path); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(path, 0o777); err != nil {
		return nil, fmt.Errorf("making the run directory: %w", err)
	}
	lock, err := acquire(filepath.Join(path, "lock"))
	if err != nil {
		return nil, err
	}
	d := &directory{path: path, lock: lock}
	d.provenance, err = ReadProvenance(path)
	switch {
	case fresh:
		err = d.clear()
		d.provenance = &Provenance{Units: map[string]*Record{}}
	case errors.Is(err, fs.ErrNotExist):
		d.provenance, err = &Provenance{Units: map[string]*Record{}}, nil
	}
	if err != nil {
		lock.Close()
		return nil, err
	}
	return d, nil
}

// checkDirectory refuses to fill a folder that holds something else.
func checkDirectory(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		if info, statErr := os.Stat(path); statErr == nil && !info.IsDir() {
			return fault.Inputf("%s: is a file, not a run directory; choose another --out", path)
		}
		return err
	}
	if len(entries) == 0 {
		return nil
	}
	for _, e := range entries {
		if e.Name() == "provenance.json" || e.Name() == "lock" {
			return nil
		}
	}
	return fault.Inputf("%s: is not empty and not a run directory (it has no provenance.json); choose another --out", path)
}

// acquire opens and locks the lock file, and writes the process into it.
func acquire(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666)
	if err != nil {
		return nil, err
	}
	if err := lockFile(file); err != nil {
		holder, _ := os.ReadFile(path)
		file.Close()
		return nil, fmt.Errorf("%s: %w (%s); wait for it or choose another --out",
			filepath.Dir(path), ErrBusy, bytes.TrimSpace(holder))
	}
	host, _ := os.Hostname()
	holder := fmt.Sprintf("process %d on %s\n", os.Getpid(), host)
	if err := errors.Join(file.Truncate(0), writeAt(file, holder)); err != nil {
		file.Close()
		return nil, err
	}
	return file, nil
}

func writeAt(file *os.File, text string) error {
	_, err := file.WriteAt([]byte(text), 0)
	return err
}

// close gives the directory up.
func (d *directory) close() error { return d.lock.Close() }

// file is the path of a file of the run directory.
func (d *directory) file(parts ...string) string {
	return filepath.Join(append([]string{d.path}, parts...)...)
}

// clear deletes all that runs have written, and nothing else: the lock is
// held, so the folder itself stays.
func (d *directory) clear() error {
	names := map[string]bool{"reanalysis": true, "data": true, "prior": true, pairFolder: true, "figures": true, "run.toml": true,
		"provenance.json": true, "log.jsonl": true, "scores.json": true, "scores.csv": true, "report.html": true}
	if d.provenance != nil {
		for _, record := range d.provenance.Units {
			for output := range record.Outputs {
				if filepath.IsLocal(output) {
					top, _, _ := strings.Cut(filepath.ToSlash(output), "/")
					names[top] = true
				}
			}
		}
	}
	for name := range names {
		if err := os.RemoveAll(d.file(name)); err != nil {
			return err
		}
	}
	return nil
}
