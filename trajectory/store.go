package trajectory

import (
	"fmt"

	"retrace/internal/fault"
	"retrace/internal/zarr"
)

// Save writes the set to a Zarr store at path, which xarray opens. attributes
// may be nil; its entries become attributes of the store, "title" in place of
// the title given otherwise. The store appears whole or not at all and
// replaces an older one; equal sets and attributes make equal bytes.
func Save(path string, s *Set, attributes map[string]string) error {
	group, err := s.group(attributes, nil)
	if err != nil {
		return fmt.Errorf("trajectory: %s cannot be written: %w", path, err)
	}
	w, err := zarr.Create(path, group)
	if err != nil {
		return err
	}
	defer w.Discard()
	if err := s.writeCoordinates(w); err != nil {
		return err
	}
	if err := zarr.Write(w, s.Space.Variable, zarr.Region{}, s.Data); err != nil {
		return err
	}
	return w.Commit()
}

// Load reads the set in the store at path. Whatever is wrong with the store is
// an input error that names it, a value that is not finite among them; for a
// set with gaps use Open.
func Load(path string) (*Set, error) {
	store, err := Open(path)
	if err != nil {
		return nil, err
	}
	return store.Read(0, store.Parts())
}

// Store is a trajectory store, open for reading.
type Store struct {
	// Gaps lets NaN values through, which mark what is missing. By default
	// they are an error; infinite values always are.
	Gaps bool

	store      *zarr.Store
	set        *Set // without data
	attributes map[string]string
}

// Open reads the description of the store at path, leaving the data where they
// are. Stores written by other programs are read too if they have one array
// with a dimension "time" and regular times.
func Open(path string) (*Store, error) {
	z, err := zarr.Open(path)
	if err != nil {
		return nil, err
	}
	s := &Store{store: z}
	s.set, s.attributes, err = describe(z)
	return s, err
}

// Describe is the set without its data (Data is nil).
func (s *Store) Describe() Set { return *s.set }

// Attributes are the text attributes of the store. The caller must not change
// them.
func (s *Store) Attributes() map[string]string { return s.attributes }

// Parts is the length of the outermost leading dimension, 1 if there is none.
func (s *Store) Parts() int {
	if len(s.set.Lead) == 0 {
		return 1
	}
	return s.set.Lead[0].Len
}

// Read reads elements first to last-1 of the outermost leading dimension, and
// no chunk without a part in them. It panics if there are no such elements.
func (s *Store) Read(first, last int) (*Set, error) {
	if first < 0 || last > s.Parts() || first >= last {
		panic(fmt.Sprintf("trajectory: no part %d:%d of %d", first, last, s.Parts()))
	}
	part := s.Describe()
	shape := part.Shape()
	at := zarr.Region{Start: make([]int, len(shape)), Shape: shape}
	if len(part.Lead) > 0 {
		part.Lead = append([]Dimension{{part.Lead[0].Name, last - first}}, part.Lead[1:]...)
		at.Start[0], at.Shape[0] = first, last-first
	}
	var err error
	part.Data, err = zarr.Read[float32](s.store, part.Space.Variable, at)
	if err != nil {
		return nil, err
	}
	err = part.checkValues(func(v float32) bool { return v-v == 0 || s.Gaps && isNaN(v) })
	if err != nil {
		return nil, fault.Inputf("%s: %w", s.store.Path, err)
	}
	return &part, nil
}
