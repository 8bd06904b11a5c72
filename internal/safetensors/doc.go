// Package safetensors reads and writes the safetensors format of weights: named
// float32 tensors with string metadata, in one file.
//
// A file is the length of a header (8 bytes, little endian), the header (a JSON
// object) and the data. The header maps every tensor name to its dtype, shape
// and range of bytes in the data; "__metadata__" maps strings to strings.
// https://github.com/huggingface/safetensors#format
//
// The reader is strict, because a weights file is input that people pass
// around: the ranges must tile the data without gaps or overlaps, nothing may
// be missing, unknown or given twice, and every fault is an input error (see
// package fault) that names the file and the tensor. Only dtype F32 is read. It
// does not look at the values: a caller for whom NaN is a fault must check.
//
// The writer sorts tensors by name and pads the header, so that equal contents
// are equal bytes and the data is aligned; a file appears whole or not at all.
package safetensors
