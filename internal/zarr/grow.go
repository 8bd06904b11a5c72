package zarr

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

// Growing is a store that stands at its place from the start and is extended along
// one dimension. Readers see what was published, whole, at every moment: chunks come
// first, then the documents of the arrays, and .zmetadata last, whose rename is the
// commit. A process that is killed leaves what was published last.
type Growing struct {
	writer     *Writer
	attributes map[string]any
	dimension  string
	length     int // published
	written    map[string][]byte
}

// Grow begins a store at path, or goes on with the one that an earlier Grow with the
// same description published there; a store of another description is deleted. The
// shapes in g have any length along dimension, and the arrays that have it must say
// how they are cut into chunks along it. One process at a time may grow a store.
func Grow(path string, g Group, dimension string) (*Growing, error) {
	for _, a := range g.Arrays {
		if a.Chunks == nil && slices.Contains(a.Dimensions, dimension) {
			panic("zarr: array " + a.Name + " grows and needs a shape of its chunks")
		}
	}
	w, err := newWriter(path, g)
	if err != nil {
		return nil, err
	}
	w.dir = w.path
	grown := &Growing{writer: w, attributes: g.Attributes, dimension: dimension, written: map[string][]byte{}}
	if grown.resume() {
		return grown, removeTemporaries(w.dir)
	}
	if err := replaceable(path); err != nil {
		return nil, err
	}
	grown.Extend(0)
	return grown, w.claim()
}

// claim puts a directory in the place of the store that says whose it is: without any
// array a reader does not take it for a store, and a later writer does.
func (w *Writer) claim() error {
	dir, err := makeUnique(w.path)
	if err != nil {
		return fmt.Errorf("zarr: %w", err)
	}
	if err := writeFile(filepath.Join(dir, groupFile), w.texts[groupFile]); err != nil {
		return errors.Join(err, os.RemoveAll(dir))
	}
	if err := errors.Join(os.RemoveAll(w.path), os.Rename(dir, w.path)); err != nil {
		return fmt.Errorf("zarr: %w", err)
	}
	return nil
}

// resume takes over the store at the place, if its description is the same but for
// the length.
func (g *Growing) resume() bool {
	found, err := readFile(filepath.Join(g.writer.dir, consolidatedFile), maxMetadata)
	if err != nil {
		return false
	}
	_, arrays, err := parse(found)
	if err != nil {
		return false
	}
	for name, a := range arrays {
		if at := slices.Index(a.Dimensions, g.dimension); at >= 0 && g.writer.arrays[name] != nil {
			g.length = a.Shape[at]
		}
	}
	g.Extend(g.length)
	texts, err := documents(g.attributes, g.writer.arrays)
	if err != nil {
		return false
	}
	text, err := consolidate(texts)
	if err != nil || !bytes.Equal(text, found) {
		g.length = 0
		return false
	}
	g.written = texts
	return true
}

// Length is the length that readers see.
func (g *Growing) Length() int { return g.length }

// Writer is what the chunks are written with, by Write. Its Commit and Discard are
// not for growing stores.
func (g *Growing) Writer() *Writer { return g.writer }

// Extend sets the length that Write may fill and that Publish shows. Nothing is seen
// of it before.
func (g *Growing) Extend(length int) {
	for _, a := range g.writer.arrays {
		if at := slices.Index(a.Dimensions, g.dimension); at >= 0 {
			a.Shape = slices.Clone(a.Shape)
			a.Shape[at] = length
		}
	}
}

// Publish makes the store readable as it is, with the length of the last Extend.
func (g *Growing) Publish() error {
	texts, err := documents(g.attributes, g.writer.arrays)
	if err != nil {
		return err
	}
	text, err := consolidate(texts)
	if err != nil {
		return fmt.Errorf("zarr: %s: %w", g.writer.path, err)
	}
	for key, document := range texts {
		if bytes.Equal(document, g.written[key]) {
			continue
		}
		if err := writeFile(filepath.Join(g.writer.dir, filepath.FromSlash(key)), document); err != nil {
			return err
		}
	}
	if err := writeFile(filepath.Join(g.writer.dir, consolidatedFile), text); err != nil {
		return err
	}
	g.written = maps.Clone(texts)
	for _, a := range g.writer.arrays {
		if at := slices.Index(a.Dimensions, g.dimension); at >= 0 {
			g.length = a.Shape[at]
		}
	}
	return nil
}

// Truncate shortens the store to a length that readers see at once, and deletes the
// chunks that lie wholly beyond it.
func (g *Growing) Truncate(length int) error {
	before := g.length
	if length >= before {
		return nil
	}
	g.Extend(length)
	if err := g.Publish(); err != nil {
		return err
	}
	for _, a := range g.writer.arrays {
		at := slices.Index(a.Dimensions, g.dimension)
		if at < 0 {
			continue
		}
		first := (length + a.Chunks[at] - 1) / a.Chunks[at] * a.Chunks[at]
		if first >= before {
			continue
		}
		beyond := Region{Start: make([]int, len(a.Shape)), Shape: slices.Clone(a.Shape)}
		beyond.Start[at], beyond.Shape[at] = first, before-first
		chunks := beyond.chunks(a)
		for i := range chunks.count {
			err := os.Remove(g.writer.file(a, chunks.at(i)))
			if err != nil && !errors.Is(err, fs.ErrNotExist) {
				return fmt.Errorf("zarr: %w", err)
			}
		}
	}
	return nil
}
