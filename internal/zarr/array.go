package zarr

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Type is the type of an array's values, stored little-endian.
type Type struct {
	kind byte // 'f', 'i' or 'U', as in numpy
	size int  // bytes
}

// The number types.
var (
	Float32 = Type{'f', 4}
	Float64 = Type{'f', 8}
	Int32   = Type{'i', 4}
	Int64   = Type{'i', 8}
)

// Text is the type of strings of at most the given number of code points (at
// least 1), numpy's "<U". A string cannot end in a NUL.
func Text(length int) Type { return Type{'U', 4 * max(length, 1)} }

// TextFor is the shortest Text that holds all the values.
func TextFor(values []string) Type {
	longest := 0
	for _, v := range values {
		longest = max(longest, len([]rune(v)))
	}
	return Text(longest)
}

// String is the numpy name of the type, such as "<f4".
func (t Type) String() string {
	if t.kind == 'U' {
		return "<U" + strconv.Itoa(t.size/4)
	}
	return "<" + string(t.kind) + strconv.Itoa(t.size)
}

// Size is the number of bytes of one value.
func (t Type) Size() int { return t.size }

// IsText reports whether the values are strings.
func (t Type) IsText() bool { return t.kind == 'U' }

// maxChunk is the largest chunk in bytes; the reference compressor's limit.
const maxChunk = math.MaxInt32

// maxArray bounds the bytes of an array, far from overflow.
const maxArray = 1 << 56

func parseType(name string) (Type, bool) {
	for _, t := range []Type{Float32, Float64, Int32, Int64} {
		if name == t.String() {
			return t, true
		}
	}
	if length, isText := strings.CutPrefix(name, "<U"); isText {
		n, err := strconv.Atoi(length)
		return Type{'U', 4 * n}, err == nil && n > 0 && n < 1<<20
	}
	return Type{}, false
}

// Array describes one array of a group.
type Array struct {
	// Name is a letter or underscore followed by letters, digits, '_', '-' and
	// '.': it is a file name and, in xarray, a variable name.
	Name string
	// Dimensions names the axes, outermost first. Empty in a store that
	// xarray did not write.
	Dimensions []string
	Shape      []int
	// Chunks is the shape of a chunk; nil lets ChunkShape choose.
	Chunks     []int
	Type       Type
	Attributes map[string]any

	format format
}

// format is how chunks are stored. The zero value is not valid.
type format struct {
	separator  string
	compressed bool
	shuffles   []int  // element sizes of the shuffle filters, in order of encoding
	fill       []byte // one value; nil if undefined
	// unsupported says why the values cannot be read; empty if they can.
	unsupported string
}

// chunkBytes is the size of a decoded chunk.
func (a *Array) chunkBytes() int { return product(a.Chunks) * a.Type.size }

// key is the path of a chunk below the store, with slashes.
func (a *Array) key(index []int) string {
	if len(index) == 0 {
		return a.Name + "/0"
	}
	parts := make([]string, len(index))
	for d, i := range index {
		parts[d] = strconv.Itoa(i)
	}
	return a.Name + "/" + strings.Join(parts, a.format.separator)
}

// check reports what makes the description invalid, whoever wrote it.
func (a *Array) check() error {
	if !validName(a.Name) {
		return fmt.Errorf("%q is not an array name", a.Name)
	}
	if len(a.Shape) > 32 || len(a.Chunks) != len(a.Shape) {
		return fmt.Errorf("shape %v and chunks %v do not agree", a.Shape, a.Chunks)
	}
	if len(a.Dimensions) > 0 && len(a.Dimensions) != len(a.Shape) {
		return fmt.Errorf("%d dimension names for shape %v", len(a.Dimensions), a.Shape)
	}
	for d := range a.Shape {
		if a.Shape[d] < 0 {
			return fmt.Errorf("shape[%d] = %d: must not be negative", d, a.Shape[d])
		}
		if a.Chunks[d] < 1 {
			return fmt.Errorf("chunks[%d] = %d: must be positive", d, a.Chunks[d])
		}
	}
	// A chunk may be larger than the array, and an axis may be empty.
	if !fits(a.Chunks, a.Type.size, maxChunk) {
		return fmt.Errorf("chunks %v of %s are larger than 2 GiB", a.Chunks, a.Type)
	}
	if !fits(a.Shape, a.Type.size, maxArray) {
		return fmt.Errorf("shape %v of %s is too large", a.Shape, a.Type)
	}
	return nil
}

// fits reports whether the box takes at most limit bytes. An empty axis counts
// as one, so that the product of the others is bounded too.
func fits(shape []int, size, limit int) bool {
	for _, n := range shape {
		n = max(n, 1)
		if size > limit/n {
			return false
		}
		size *= n
	}
	return true
}

func validName(name string) bool {
	for i, r := range name {
		letter := r == '_' || 'a' <= r && r <= 'z' || 'A' <= r && r <= 'Z'
		other := '0' <= r && r <= '9' || r == '-' || r == '.'
		if !letter && (i == 0 || !other) {
			return false
		}
	}
	return name != "" && len(name) < 200
}

func product(shape []int) int {
	p := 1
	for _, n := range shape {
		p *= n
	}
	return p
}

// targetChunk is the aim for the bytes of a chunk: large enough that a store
// is a few files, small enough to read a part without the rest.
const targetChunk = 4 << 20

// ChunkShape chooses the shape of the chunks of an array: whole inner axes as
// long as a chunk stays below about 4 MB, then a part of one axis, then one
// element of the outer ones. Parts are of nearly equal length.
func ChunkShape(shape []int, t Type) []int {
	chunks := make([]int, len(shape))
	budget := max(1, targetChunk/t.size)
	for d := len(shape) - 1; d >= 0; d-- {
		n := max(1, shape[d])
		parts := (n + budget - 1) / budget
		chunks[d] = (n + parts - 1) / parts
		if parts > 1 {
			budget = 1
		} else {
			budget /= n
		}
	}
	return chunks
}

// prepare completes and checks an array that is to be written.
func (a Array) prepare() (*Array, error) {
	if a.Type.size == 0 {
		return nil, errors.New("the type is not set")
	}
	if a.Chunks == nil {
		a.Chunks = ChunkShape(a.Shape, a.Type)
	}
	if len(a.Dimensions) != len(a.Shape) {
		return nil, fmt.Errorf("%d dimension names for shape %v", len(a.Dimensions), a.Shape)
	}
	shuffle := a.Type.size
	if a.Type.kind == 'U' {
		shuffle = 4
	}
	a.format = format{separator: "/", compressed: true, shuffles: []int{shuffle}}
	if a.Type.kind == 'f' {
		a.format.fill = notANumber(a.Type)
	}
	return &a, a.check()
}
