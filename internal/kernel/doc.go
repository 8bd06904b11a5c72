// Package kernel holds the inner loops of the score networks: float32 matrix
// products, activations, layer normalisation and the optimiser step. They are
// written in assembly for AVX-512 and for AVX2 with FMA, and in portable Go.
//
// # Levels
//
// The best level that the processor supports is chosen at start-up; the
// environment variable RETRACE_CPU (generic, avx2 or avx512) overrides it, and
// Check returns the error of a value that cannot be used. Two levels agree to
// rounding only: they sum in different orders. Within a level a result is the
// same to the last bit on every processor, and
//
//   - a row of a result depends on its own row of the argument alone, not on
//     its place or on the number of rows, so that a member of an ensemble is
//     the same in every batch;
//   - sums over rows (MultiplyTransposed, AddColumnSums) are taken in the order
//     of the rows.
//
// # Threads
//
// Functions run on the calling goroutine and share nothing: to use more threads
// call them from more goroutines, on parts whose bounds depend on the problem
// only. The methods of plans (Product, Convolver, Filter) work on all cores by
// themselves. One assembly call takes well under a millisecond, since calls into
// assembly cannot be preempted.
//
// # Layout
//
// A Matrix is rows of channels, a stride apart. Kernels need padding where
// vectors would otherwise overrun: the columns of a right side (Panels) and of
// its product are a multiple of ColumnUnit. Rows may be any number, but a
// multiple of RowUnit is fastest. Slab allocates memory that starts on a cache
// line.
//
// The products work on tiles of 8 x 32 (AVX-512) or 6 x 16 values (AVX2) of C
// that stay in registers while k runs. The right side is packed in panels of 32
// columns, at most 256 rows of which, 32 KB, are in use at a time and stay in
// the first-level cache; all panels of 256 rows lie together. A tile of C is asked
// for before it is needed, or waiting for it would cost up to a fifth of the time
// of large products.
//
// # Convolutions
//
// An Image is a batch of images with channels last, so that its pixels are the
// rows of a Matrix. A Convolution is a shape; its weights are packed in a Filter,
// for either direction; a Convolver applies it to images of one size and pulls
// cotangents back to the source and to the weights:
//
//	v := kernel.NewConvolver(c, batch, height, width)
//	v.Bind(kernel.Slab(v.WorkspaceSize(workers)), workers)
//	f := kernel.NewFilter(c)
//	f.Pack(weights)
//	v.Forward(dst, src, f, kernel.Extra{Bias: bias})
//
// Size 3 with step 1, most of a U-Net, goes by Winograd's algorithm with a quarter
// of the products; the rest by the definition. Neither copies or pads images:
// tables say which pixels a tile of the result meets. Convolver and Filter work on
// all cores by themselves, see Convolver.
//
// # Assembly
//
// The .s files are emitted by the program in gen, from one description for both
// instruction sets; do not edit them. Every kernel has a portable twin of the
// same arguments in generic.go, convolution_generic.go and winograd_generic.go,
// the probes of the machine in probe.go.
package kernel

//go:generate go run ./gen
