package reanalysis

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// Failure is what is known of a window that was given up: the dead letter.
type Failure struct {
	Window   int       `json:"window"`
	Attempts int       `json:"attempts"`
	Error    string    `json:"error"`
	Worker   string    `json:"worker,omitempty"`
	Time     time.Time `json:"time"`
}

func (b *Batch) failureFile(j Job, suffix string) string {
	return b.file(failureFolder, j.name()+suffix)
}

// logAttempt adds a failed attempt to the log of a window.
func (b *Batch) logAttempt(j Job, done Done, cause error) error {
	text := fmt.Sprintf("%s attempt %d on %s: %v\n", time.Now().UTC().Format(time.RFC3339), done.Attempt, done.Worker, cause)
	return appendFile(b.failureFile(j, ".log"), []byte(text))
}

// giveUp makes a window a dead letter.
func (b *Batch) giveUp(j Job, attempts int, worker, cause string) error {
	return installJSON(b.failureFile(j, ".json"), Failure{j.Index, attempts, cause, worker, time.Now().UTC().Truncate(time.Second)})
}

// dead reports whether a window was given up.
func (b *Batch) dead(j Job) bool {
	_, err := os.Stat(b.failureFile(j, ".json"))
	return err == nil
}

// Revive forgets which windows were given up, so that they are tried again. It returns
// their number. Their logs stay.
func (b *Batch) Revive() (int, error) {
	files, err := filepath.Glob(b.file(failureFolder, "*.json"))
	if err != nil {
		return 0, err
	}
	for _, f := range files {
		if err := os.Rename(f, strings.TrimSuffix(f, ".json")+".retried"); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return 0, err
		}
	}
	return len(files), nil
}

// retries is the number of times that a window was revived, at least.
func (b *Batch) retried(j Job) bool {
	_, err := os.Stat(b.failureFile(j, ".retried"))
	return err == nil
}
