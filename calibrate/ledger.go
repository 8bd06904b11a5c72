package calibrate

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// A ledger is a file in which a study writes down every case that a method has done, a
// line of JSON each, behind a line that says which study it is of. A study that is started
// again reads it and goes on; one that differs in anything that matters begins anew. A
// line cut off by a kill is dropped.

// ledger is open for appending.
type ledger struct {
	file *os.File
	done map[int]*outcome
}

// ledgerHead is the first line.
type ledgerHead struct {
	Study string `json:"study"`
}

// ledgerVersion changes when outcomes do.
const ledgerVersion = 1

// ledger opens the ledger of a method; nil if the study keeps none.
func (s *Study) ledger(method string) (*ledger, error) {
	if s.Folder == "" {
		return nil, nil
	}
	if err := os.MkdirAll(s.Folder, 0o777); err != nil {
		return nil, err
	}
	path := filepath.Join(s.Folder, method+".cases.jsonl")
	head := ledgerHead{s.fingerprint(method)}
	l := &ledger{done: map[int]*outcome{}}
	whole, err := l.read(path, head)
	if err != nil {
		return nil, err
	}
	if l.file, err = os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o666); err != nil {
		return nil, err
	}
	if err := errors.Join(l.file.Truncate(whole), seekEnd(l.file)); err != nil {
		return nil, errors.Join(err, l.file.Close())
	}
	if whole == 0 {
		if err := l.line(head); err != nil {
			return nil, errors.Join(err, l.file.Close())
		}
	}
	return l, nil
}

func seekEnd(file *os.File) error {
	_, err := file.Seek(0, 2)
	return err
}

// fingerprint names the study, as far as a method's outcomes depend on it.
func (s *Study) fingerprint(method string) string {
	h := sha256.New()
	var functions []string
	for _, f := range s.functions {
		functions = append(functions, f.name)
	}
	for _, f := range s.realisms {
		functions = append(functions, f.name+" of "+f.subject)
	}
	fmt.Fprintf(h, "%d\n%s\n%s\n%d %d %d %d\n%q", ledgerVersion, s.Key, method, len(s.Cases), s.Length, s.Members, s.Seed, functions)
	for _, c := range s.Cases {
		fmt.Fprintln(h, c.Truth[0], c.Truth[len(c.Truth)-1], c.Seen.Count(), c.Withheld.Count())
	}
	return hex.EncodeToString(h.Sum(nil))
}

// read takes in the cases of a file of the same study, and returns the length of what is
// whole; 0 if there is nothing to go on with.
func (l *ledger) read(path string, head ledgerHead) (whole int64, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	defer file.Close()
	r := bufio.NewReader(file)
	for first := true; ; first = false {
		line, err := r.ReadBytes('\n')
		if err != nil { // the end, or a line without one
			return whole, nil
		}
		if first {
			var found ledgerHead
			if json.Unmarshal(line, &found) != nil || found != head {
				return 0, nil
			}
		} else {
			var o outcome
			if json.Unmarshal(line, &o) != nil {
				return whole, nil
			}
			l.done[o.Case] = &o
		}
		whole += int64(len(line))
	}
}

// keep writes a case down. A nil ledger keeps nothing.
func (l *ledger) keep(o *outcome) error {
	if l == nil {
		return nil
	}
	return l.line(o)
}

func (l *ledger) line(value any) error {
	text, err := json.Marshal(value)
	if err != nil {
		return fmt.Errorf("calibrate: %w", err)
	}
	_, err = l.file.Write(append(text, '\n'))
	return err
}

// known is the outcome of a case done before; nil if there is none.
func (l *ledger) known(i int) *outcome {
	if l == nil {
		return nil
	}
	return l.done[i]
}

// close closes the file.
func (l *ledger) close() error {
	if l == nil {
		return nil
	}
	return l.file.Close()
}
