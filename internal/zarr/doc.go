// Package zarr writes and reads groups of arrays in the Zarr format, version
// 2, so that xarray opens them with dimension names, coordinates and units.
//
// A store is a directory. Each array in it is cut into chunks of equal shape;
// a chunk is one file, compressed by zstd after a byte shuffle. JSON documents
// describe the arrays, and one of them, .zmetadata, repeats all the others: a
// directory without it is not yet a store.
//
// # Writing
//
// A store grows in a directory beside its final place and appears there at
// Commit, in one rename that replaces an older store of the same name. A
// process killed at any moment leaves the old store or the new one, never half
// of either. There are two ways to begin:
//
//   - Create for a store written in one go. Its temporary directory is
//     private; what a killed process leaves is removed by Sweep.
//   - Resume for a store that takes long. Its final shape is given up front,
//     workers write disjoint blocks in any order and from any goroutine, and
//     a later process finds the finished chunks by Has and goes on.
//
// Write takes a Region, a box of the array that consists of whole chunks.
//
// # Reading
//
// Open reads the metadata; Read reads any Region, touching only the chunks
// that overlap it, and converts between number types where no value is lost.
//
// # Trust
//
// A store may come from anywhere. Whatever its files hold, reading ends in
// values or in an error of retrace/internal/fault that names the file; sizes
// are checked before memory is taken, and zstd's checksum finds flipped bits.
// A chunk that is missing is an error unless Store.FillMissing is set.
//
// # Limits
//
// One flat group; little-endian float32, float64, int32, int64 and
// fixed-length unicode text; C order; no compressor but zstd and no filter but
// shuffle. Arrays of another kind may be present but not read. Blosc, zarr's
// own default, is not read: the error says how to write the store without it.
package zarr
