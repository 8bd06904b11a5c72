package safetensors

// Tensor is a named array in row-major order.
type Tensor struct {
	Name  string
	Shape []int // empty for a scalar
	Data  []float32
}

// File is the content of a safetensors file.
type File struct {
	Tensors  []Tensor // sorted by name when read
	Metadata map[string]string
}

// Tensor returns the tensor of the given name, and whether there is one.
func (f *File) Tensor(name string) (Tensor, bool) {
	for _, t := range f.Tensors {
		if t.Name == name {
			return t, true
		}
	}
	return Tensor{}, false
}

const (
	metadataKey = "__metadata__"
	dtypeF32    = "F32"
	// lengthSize is the number of bytes of the length of the header.
	lengthSize = 8
	// headerLimit is the largest header of the reference implementation.
	headerLimit = 100_000_000
	// alignment of the data in the file; the header is padded with spaces.
	alignment = 8
)

// elements is the number of values of a shape, or false where it is negative or
// does not fit the limit.
func elements(shape []int, limit int) (int, bool) {
	n := 1
	for _, d := range shape {
		if d < 0 {
			return 0, false
		}
		if d > 0 && n > limit/d {
			return 0, false
		}
		n *= d
	}
	return n, true
}
