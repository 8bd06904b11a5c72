package command_test

import (
	"crypto/sha256"
	"io/fs"
	"os"
	"path/filepath"
)

// changing names the files of a run directory that tell of the machine and the
// clock; all others must be the same bytes for the same config.
var changing = map[string]bool{"provenance.json": true, "log.jsonl": true, "lock": true, "report.html": true}

// readTree hashes every file below dir that must not change.
func readTree(dir string) (map[string][32]byte, error) {
	tree := map[string][32]byte{}
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || changing[entry.Name()] {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		relative, err := filepath.Rel(dir, path)
		tree[relative] = sha256.Sum256(content)
		return err
	})
	return tree, err
}

// treeDifference names a file that differs between two run directories, or
// that only one of them has.
func treeDifference(a, b string) (string, error) {
	left, err := readTree(a)
	if err != nil {
		return "", err
	}
	right, err := readTree(b)
	if err != nil {
		return "", err
	}
	for path, sum := range left {
		if right[path] != sum {
			return path, nil
		}
	}
	for path := range right {
		if _, ok := left[path]; !ok {
			return path, nil
		}
	}
	return "", nil
}
