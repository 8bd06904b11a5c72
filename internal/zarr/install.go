package zarr

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
)

// A file is written under a temporary name, flushed to the disk and renamed,
// so that its name never stands for a part of it. A store is renamed likewise:
// where the system can exchange two names in one step the store at path is at
// every moment the old or the new one; elsewhere it has for an instant only
// its hidden name, previous(path), under which Open finds it.

const temporarySuffix = ".zarrtmp"

var uniqueCounter atomic.Int64

// uniqueName is a hidden name beside path that no other goroutine or process
// of this machine uses; callers create it exclusively, in case another does.
func uniqueName(path string) string {
	dir, base := filepath.Split(path)
	return fmt.Sprintf("%s.%s.%d-%d%s", dir, base, os.Getpid(), uniqueCounter.Add(1), temporarySuffix)
}

// makeUnique creates a directory beside path.
func makeUnique(path string) (string, error) {
	for {
		dir := uniqueName(filepath.Clean(path))
		if err := os.Mkdir(dir, 0o777); !errors.Is(err, fs.ErrExist) {
			return dir, err
		}
	}
}

// writeFile puts content at path by a rename, creating its directory.
func writeFile(path string, content []byte) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return fmt.Errorf("zarr: %w", err)
	}
	var file *os.File
	err := fs.ErrExist
	for errors.Is(err, fs.ErrExist) {
		file, err = os.OpenFile(uniqueName(path), os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	}
	if err != nil {
		return fmt.Errorf("zarr: %w", err)
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
		return fmt.Errorf("zarr: writing %s: %w", path, errors.Join(err, os.Remove(file.Name())))
	}
	return nil
}

// previous is the name of the old store while the new one takes its place.
func previous(path string) string {
	dir, base := filepath.Split(filepath.Clean(path))
	return dir + "." + base + ".previous" + temporarySuffix
}

// replaceable refuses to replace anything but a store or an empty directory.
func replaceable(path string) error {
	entries, err := os.ReadDir(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("zarr: %s is in the way: %w", path, err)
	}
	for _, entry := range entries {
		if entry.Name() == groupFile || entry.Name() == consolidatedFile {
			return nil
		}
	}
	if len(entries) > 0 {
		return fmt.Errorf("zarr: %s exists and is not a Zarr store: move it away", path)
	}
	return nil
}

// install moves the finished directory dir to path and deletes the store that
// was there.
func install(dir, path string) error {
	if exchange(dir, path) == nil {
		syncDirectory(path)
		return os.RemoveAll(dir) // now the old store
	}
	old := previous(path)
	if exists(path) {
		if err := errors.Join(os.RemoveAll(old), os.Rename(path, old)); err != nil {
			return err
		}
	}
	if err := os.Rename(dir, path); err != nil {
		return err
	}
	syncDirectory(path)
	return os.RemoveAll(old)
}

// syncDirectory flushes the rename of path. Some file systems cannot; the
// rename is then as lasting as they make it.
func syncDirectory(path string) {
	if dir, err := os.Open(filepath.Dir(path)); err == nil {
		dir.Sync()
		dir.Close()
	}
}

// Sweep deletes what killed writers left in the directory dir: temporary
// stores and old stores that were being deleted, but not the partial stores of
// Resume. Call it only while no store is being written in dir.
func Sweep(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return fmt.Errorf("zarr: %w", err)
	}
	for _, entry := range entries {
		name := entry.Name()
		if !strings.HasPrefix(name, ".") || !strings.HasSuffix(name, temporarySuffix) {
			continue
		}
		path := filepath.Join(dir, name)
		store, isPrevious := strings.CutSuffix(name[1:], ".previous"+temporarySuffix)
		if isPrevious && !exists(filepath.Join(dir, store)) {
			err = errors.Join(err, os.Rename(path, filepath.Join(dir, store)))
			continue
		}
		err = errors.Join(err, os.RemoveAll(path))
	}
	return err
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}
