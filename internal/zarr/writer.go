package zarr

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"retrace/internal/parallel"
)

// Group describes a store: its attributes (values that JSON can hold) and its
// arrays.
type Group struct {
	Attributes map[string]any
	Arrays     []Array
}

// Writer fills a store that is not yet in its place. Its methods and Write may
// be called from several goroutines, but for Commit and Discard.
type Writer struct {
	path   string // where the store appears
	dir    string // where it grows; empty once committed or discarded
	arrays map[string]*Array
	// texts are the metadata documents by file name.
	texts map[string][]byte
}

// partialSuffix ends the name of the directory in which a resumable store grows.
const partialSuffix = ".partial"

// Create begins a store at path, to be written in one go. Nothing is seen at
// path before Commit. The parent directory must exist. Call Discard when done,
// whether or not Commit succeeded.
func Create(path string, g Group) (*Writer, error) {
	w, err := newWriter(path, g)
	if err != nil {
		return nil, err
	}
	if err := replaceable(path); err != nil {
		return nil, err
	}
	w.dir, err = makeUnique(path)
	if err != nil {
		return nil, fmt.Errorf("zarr: creating %s: %w", path, err)
	}
	if err := w.writeDocuments(); err != nil {
		w.Discard()
		return nil, err
	}
	return w, nil
}

// Resume begins a store at path or goes on with one that an earlier process
// began with an equal description: its chunks then count as written. What was
// begun with another description is deleted. The store grows in the directory
// path + ".partial", which stays until Commit or Discard; the parent directory
// must exist. Once the first Resume has returned, other processes may join by
// a Resume with an equal description; one of them commits when all have
// finished.
func Resume(path string, g Group) (*Writer, error) {
	w, err := newWriter(path, g)
	if err != nil {
		return nil, err
	}
	if err := replaceable(path); err != nil {
		return nil, err
	}
	w.dir = filepath.Clean(path) + partialSuffix
	if w.begun() {
		return w, nil
	}
	if err := os.RemoveAll(w.dir); err != nil {
		return nil, fmt.Errorf("zarr: %w", err)
	}
	if err := os.Mkdir(w.dir, 0o777); err != nil && !errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("zarr: %w", err)
	}
	return w, w.writeDocuments()
}

func newWriter(path string, g Group) (*Writer, error) {
	w := &Writer{path: filepath.Clean(path), arrays: map[string]*Array{}}
	for _, array := range g.Arrays {
		a, err := array.prepare()
		if err == nil && w.arrays[a.Name] != nil {
			err = errors.New("the name is used twice")
		}
		if err != nil {
			return nil, fmt.Errorf("zarr: array %q of %s: %w", array.Name, path, err)
		}
		w.arrays[a.Name] = a
	}
	var err error
	w.texts, err = documents(g.Attributes, w.arrays)
	return w, err
}

// begun reports whether the directory was begun with the same description.
func (w *Writer) begun() bool {
	for key, text := range w.texts {
		found, err := os.ReadFile(filepath.Join(w.dir, filepath.FromSlash(key)))
		if err != nil || !bytes.Equal(found, text) {
			return false
		}
	}
	return true
}

func (w *Writer) writeDocuments() error {
	for key, text := range w.texts {
		if err := writeFile(filepath.Join(w.dir, filepath.FromSlash(key)), text); err != nil {
			return err
		}
	}
	return nil
}

// Write stores the values of a region, which must consist of whole chunks, and
// may be called from several goroutines for disjoint regions. T must be the Go
// type of the array. The error is of the disk, or of text that does not fit.
func Write[T Value](w *Writer, name string, at Region, values []T) error {
	a := w.array(name)
	at = at.of(a)
	switch {
	case typeOf[T]() != a.Type && a.Type.kind != 'U' || !convertible(a.Type, typeOf[T]()):
		panic("zarr: Write of " + typeOf[T]().String() + " to an array of " + a.Type.String())
	case !at.wholeChunks(a):
		panic(fmt.Sprintf("zarr: region %v + %v does not consist of whole chunks of %v", at.Start, at.Shape, a.Chunks))
	case len(values) != product(at.Shape):
		panic(fmt.Sprintf("zarr: %d values for a region of shape %v", len(values), at.Shape))
	}
	chunks := at.chunks(a)
	return parallel.For(context.Background(), chunks.count, func(_, i int) error {
		index := chunks.at(i)
		raw := a.blank()
		var failure error
		at.runs(a, index, func(inChunk, inRegion, n int) {
			if failure == nil {
				failure = encode(raw[inChunk*a.Type.size:], a.Type, values[inRegion:inRegion+n])
			}
		})
		if failure != nil {
			return fmt.Errorf("zarr: array %q of %s: %w", name, w.path, failure)
		}
		return writeFile(w.file(a, index), a.pack(raw))
	})
}

// Has reports whether every chunk of the region has been written.
func (w *Writer) Has(name string, at Region) bool {
	a := w.array(name)
	return w.missing(a, at.of(a)) == ""
}

// missing is the key of the first chunk of the region that is not there.
func (w *Writer) missing(a *Array, at Region) string {
	chunks := at.chunks(a)
	for i := range chunks.count {
		if info, err := os.Stat(w.file(a, chunks.at(i))); err != nil || !info.Mode().IsRegular() {
			return a.key(chunks.at(i))
		}
	}
	return ""
}

// Array is the description of an array, completed by the shape of its chunks.
// It panics if the group has no such array. The caller must not change it.
func (w *Writer) Array(name string) *Array { return w.array(name) }

func (w *Writer) array(name string) *Array {
	a := w.arrays[name]
	if a == nil {
		panic("zarr: the group has no array " + name)
	}
	return a
}

func (w *Writer) file(a *Array, index []int) string {
	return filepath.Join(w.dir, filepath.FromSlash(a.key(index)))
}

// Commit makes the store appear at its path, replacing an older one. It is an
// error if a chunk was never written.
func (w *Writer) Commit() error {
	for _, a := range w.arrays {
		if key := w.missing(a, Region{}.of(a)); key != "" {
			return fmt.Errorf("zarr: %s is not complete: chunk %s was not written", w.path, key)
		}
	}
	if err := removeTemporaries(w.dir); err != nil {
		return err
	}
	text, err := consolidate(w.texts)
	if err != nil {
		return fmt.Errorf("zarr: %s: %w", w.path, err)
	}
	if err := writeFile(filepath.Join(w.dir, consolidatedFile), text); err != nil {
		return err
	}
	if err := install(w.dir, w.path); err != nil {
		return fmt.Errorf("zarr: putting %s in its place: %w", w.path, err)
	}
	w.dir = ""
	return nil
}

// Discard deletes what was written, unless it has been committed.
func (w *Writer) Discard() error {
	if w.dir == "" {
		return nil
	}
	dir := w.dir
	w.dir = ""
	return os.RemoveAll(dir)
}

// removeTemporaries deletes the files that killed writers of a resumable store
// left half-written.
func removeTemporaries(dir string) error {
	return filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return fmt.Errorf("zarr: %w", err)
		}
		if !entry.IsDir() && strings.HasSuffix(entry.Name(), temporarySuffix) {
			return os.Remove(path)
		}
		return nil
	})
}
