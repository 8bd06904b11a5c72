// Package npy reads and writes arrays of floating-point numbers in NumPy's
// .npy format, versions 1.0 and 2.0.
//
// A file is a magic string, a version, the length of a header, the header (a
// Python dictionary literal padded to a multiple of 64 bytes) and the values.
// Only little-endian float32 and float64 in C order are accepted; any other
// file is refused with the cure, never read as something else. The length of
// the file must be what its header says.
//
// Errors about the content are input errors of retrace/internal/fault that
// name the file.
package npy
