package zarr

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"retrace/internal/fault"
	"retrace/internal/parallel"
)

// Store is a committed store, open for reading. Read may be called from
// several goroutines.
type Store struct {
	// Path is what Open was given, for messages.
	Path       string
	Attributes map[string]any
	// FillMissing makes a missing chunk read as the fill value of its array.
	// By default it is an error: this package never leaves a chunk out.
	FillMissing bool

	dir    string
	arrays map[string]*Array
}

// maxMetadata bounds the consolidated metadata in bytes.
const maxMetadata = 64 << 20

// Open reads the metadata of the store at path. Errors are input errors that
// name the file, but for failures of the disk.
func Open(path string) (*Store, error) {
	dir := path
	if old := previous(path); !exists(path) && exists(old) {
		dir = old // the writer was killed between two renames
	}
	file := filepath.Join(dir, consolidatedFile)
	text, err := readFile(file, maxMetadata)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, explainMissing(path)
	}
	if err != nil {
		return nil, err
	}
	s := &Store{Path: path, dir: dir}
	s.Attributes, s.arrays, err = parse(text)
	if err != nil {
		return nil, fault.Inputf("%s: %w", file, err)
	}
	return s, nil
}

// explainMissing says why there is no consolidated metadata at path.
func explainMissing(path string) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fault.Inputf("%s: there is no such store: %w", path, err)
	case !info.IsDir():
		return fault.Inputf("%s: it is a file, not a Zarr store, which is a directory", path)
	case exists(filepath.Join(path, "zarr.json")):
		return fault.Inputf("%s: it is a Zarr version 3 store: write it with zarr_format=2", path)
	case exists(filepath.Join(path, groupFile)):
		return fault.Inputf("%s: it has no %s: its writer did not finish; from Python, write it with consolidated=True",
			path, consolidatedFile)
	}
	return fault.Inputf("%s: it is not a Zarr store: it has no %s", path, consolidatedFile)
}

// readFile reads a regular file of at most limit bytes. An absent file is the
// error of the system; any other oddity is an input error.
func readFile(path string, limit int64) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, fault.Inputf("%s: it is not a regular file", path)
	}
	if info.Size() > limit {
		return nil, fault.Inputf("%s: %d bytes are more than the %d it may have", path, info.Size(), limit)
	}
	content := make([]byte, info.Size())
	if _, err := io.ReadFull(file, content); err != nil {
		return nil, fmt.Errorf("reading %s: %w", path, err)
	}
	return content, nil
}

// Names lists the arrays, sorted.
func (s *Store) Names() []string { return slices.Sorted(maps.Keys(s.arrays)) }

// Array is the description of an array; an input error if there is none. The
// caller must not change it.
func (s *Store) Array(name string) (*Array, error) {
	if a := s.arrays[name]; a != nil {
		return a, nil
	}
	return nil, fault.Inputf("%s: there is no array %q; there are: %s",
		s.Path, name, strings.Join(s.Names(), ", "))
}

// Read returns the values of a region (the zero Region for all), touching only
// the chunks it overlaps. Integers may be read as any number type and floats
// as floats, float64 being rounded to float32; a value that does not fit, text
// read as numbers and numbers read as text are input errors, like every
// missing, short or corrupt chunk. A region that leaves the array panics.
func Read[T Value](s *Store, name string, at Region) ([]T, error) {
	a, err := s.Array(name)
	if err != nil {
		return nil, err
	}
	if a.format.unsupported != "" {
		return nil, fault.Inputf("%s: array %q cannot be read: %s", s.Path, name, a.format.unsupported)
	}
	if !convertible(a.Type, typeOf[T]()) {
		return nil, fault.Inputf("%s: array %q is of type %s, where %s is needed",
			s.Path, name, a.Type, describe(typeOf[T]()))
	}
	at = at.of(a)
	chunks := at.chunks(a)
	// Metadata may claim any size: take memory only once the files are there.
	if err := s.checkPresent(a, chunks); err != nil {
		return nil, err
	}
	values := make([]T, product(at.Shape))
	err = parallel.For(context.Background(), chunks.count, func(_, i int) error {
		index := chunks.at(i)
		raw, err := s.chunk(a, index)
		if err != nil {
			return err
		}
		at.runs(a, index, func(inChunk, inRegion, n int) {
			if err == nil {
				err = decode(values[inRegion:inRegion+n], raw[inChunk*a.Type.size:], a.Type)
			}
		})
		if err != nil {
			return fault.Inputf("%s: %w", s.file(a, index), err)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return values, nil
}

func describe(t Type) string {
	switch t.kind {
	case 'U':
		return "text"
	case 'i':
		return "an integer"
	}
	return "a number"
}

func (s *Store) file(a *Array, index []int) string {
	return filepath.Join(s.dir, filepath.FromSlash(a.key(index)))
}

// maxFilled bounds the values of one Read in bytes if missing chunks count as
// filled, for then no file vouches for the size.
const maxFilled = 1 << 30

func (s *Store) checkPresent(a *Array, chunks chunkRange) error {
	if s.FillMissing {
		if chunks.count > maxFilled/a.chunkBytes() {
			return fault.Inputf("%s: array %q of shape %v is too large to fill", s.Path, a.Name, a.Shape)
		}
		return nil
	}
	for i := range chunks.count {
		file := s.file(a, chunks.at(i))
		info, err := os.Stat(file)
		if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
			return fault.Inputf("%s: the chunk is missing: the store is truncated; copy or write it again", file)
		}
		if err != nil {
			return err
		}
		if info.Size() < int64(a.leastFile()) {
			return fault.Inputf("%s: the chunk is truncated: %d bytes cannot hold the %d of a chunk; copy or write the store again",
				file, info.Size(), a.chunkBytes())
		}
	}
	return nil
}

// chunk reads the raw bytes of a chunk.
func (s *Store) chunk(a *Array, index []int) ([]byte, error) {
	path := s.file(a, index)
	// A compressor may grow what it cannot compress, by less than this.
	limit := int64(a.chunkBytes()) + int64(a.chunkBytes())/64 + 4096
	content, err := readFile(path, limit)
	if errors.Is(err, fs.ErrNotExist) && s.FillMissing {
		if a.format.fill == nil {
			return nil, fault.Inputf("%s: the chunk is missing and array %q has no fill value", path, a.Name)
		}
		return a.blank(), nil
	}
	if err != nil {
		return nil, err
	}
	raw, err := a.unpack(content)
	if err != nil {
		return nil, fault.Inputf("%s: the chunk is corrupt or truncated: %w; copy or write the store again", path, err)
	}
	return raw, nil
}
