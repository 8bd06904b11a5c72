// Package atomicfile writes files that appear whole or not at all.
package atomicfile

import (
	"errors"
	"io"
	"os"
	"path/filepath"
)

// Write replaces the file at path by data: a reader, or a run after a crash,
// meets the old content or the new one. The data goes to the hidden file
// .NAME.tmp beside it first; a leftover of that name is overwritten, so two
// processes must not write the same path at once. Errors name a file.
func Write(path string, data []byte) error {
	return WriteFunc(path, func(w io.Writer) error {
		_, err := w.Write(data)
		return err
	})
}

// WriteFunc is Write for content that is produced as it is written. If write
// fails, the old file stays and the error is returned as it is.
func WriteFunc(path string, write func(w io.Writer) error) (err error) {
	folder, name := filepath.Split(path)
	temporary := folder + "." + name + ".tmp"
	file, err := os.Create(temporary)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(temporary)
		}
	}()
	if err := errors.Join(write(file), file.Sync(), file.Close()); err != nil {
		return err
	}
	return os.Rename(temporary, path)
}
