package kernel

import "unsafe"

// Units of padding.
const (
	ColumnUnit = 32 // columns of a right side and of a product
	RowUnit    = 8  // rows of a tile
)

// RoundUp returns the smallest multiple of unit that is not below n.
func RoundUp(n, unit int) int { return (n + unit - 1) / unit * unit }

// cacheLine is the size of a cache line in bytes.
const cacheLine = 64

// Slab allocates n zeroed float32 values that start on a cache line. Large ones
// lie in huge pages where the system has them.
func Slab(n int) []float32 {
	raw := make([]float32, n+cacheLine/4)
	useHugePages(raw)
	skip := 0
	if over := uintptr(pointer(raw)) % cacheLine; over != 0 {
		skip = int(cacheLine-over) / 4
	}
	return raw[skip : skip+n : skip+n]
}

// pointer returns the address of the first value of s.
func pointer(s []float32) unsafe.Pointer { return unsafe.Pointer(unsafe.SliceData(s)) }
