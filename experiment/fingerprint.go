package experiment

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"retrace/internal/fault"
	"retrace/internal/strict"
)

// fingerprint identifies all that the files of a unit depend on: two units
// with the same fingerprint write the same bytes.
type fingerprint struct{ hash hash.Hash }

func newFingerprint(stage Stage, unit string) fingerprint {
	f := fingerprint{sha256.New()}
	f.add("stage", fmt.Sprintf("%s %d", stage, version[stage]))
	f.add("unit", unit)
	return f
}

// add mixes in a labelled text. Lengths are part of what is hashed, so that no
// two lists of texts look alike.
func (f fingerprint) add(label, text string) {
	fmt.Fprintf(f.hash, "%d:%s=%d:%s\n", len(label), label, len(text), text)
}

// settings mixes in the struct that target points to, defaults included.
func (f fingerprint) settings(label string, target any) {
	f.add(label, string(strict.Encode(target, false)))
}

func (f fingerprint) needs(units ...*unit) {
	for _, u := range units {
		f.add("needs "+u.name, u.fingerprint)
	}
}

func (f fingerprint) sum() string { return hex.EncodeToString(f.hash.Sum(nil)) }

// hashInput is the SHA-256 of the bytes of an input file or, for a store, of
// the names and bytes of the files in its folder.
func hashInput(path string) (string, error) {
	sum := sha256.New()
	err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		relative, err := filepath.Rel(path, name)
		if err != nil {
			return err
		}
		file, err := os.Open(name)
		if err != nil {
			return err
		}
		defer file.Close()
		fmt.Fprintf(sum, "%d:%s\n", len(relative), filepath.ToSlash(relative))
		size, err := io.Copy(sum, file)
		fmt.Fprintf(sum, "%d\n", size)
		return err
	})
	if errors.Is(err, fs.ErrNotExist) {
		return "", fault.Inputf("%s: no such file; check the path, which is taken from the current folder", path)
	}
	return hex.EncodeToString(sum.Sum(nil)), err
}
