// Package fft transforms two-dimensional periodic fields, in double precision,
// for pseudo-spectral models.
//
// # Transforms
//
// A field has ny rows of nx values, f[y*nx+x]. Its transform, without a factor,
// is
//
//	F(kx, ky) = sum over x, y of f(x, y) exp(-2 pi i (kx x/nx + ky y/ny))
//
// and Inverse, which divides by nx*ny, takes it back.
//
// # Layout
//
// Fields and spectra are complex and kept as Planes: the real parts in one
// slice, the imaginary parts in another. A spectrum is stored transposed, which
// saves a transposition each way: F(kx, ky) is element kx*ny+ky, kx = 0..nx-1
// and ky = 0..ny-1. Indices above n/2 stand for negative wavenumbers, index-n:
// Wavenumber converts.
//
// # Real fields
//
// Two real fields travel as one complex field: the plane Re holds the first, a,
// and Im the second, b. No copying is needed for that. With the partner of a
// wavenumber, (-kx, -ky), written with a star and conj the complex conjugate,
//
//	A = (F + conj F*)/2,  B = (F - conj F*)/(2i),  F = A + iB,  F* = conj A + i conj B.
//
// The half of A or B with kx = 0..nx/2 determines the rest: Split and Merge
// convert between the spectrum of a pair and two such halves, of (nx/2+1)*ny
// elements in the same order. Linear operators that treat both fields alike,
// such as derivatives, may be applied to F directly.
//
// # Products
//
// The nonlinear terms of a pseudo-spectral model are spectra of products, at
// points of the grid, of fields that are known by their spectra. Plan.Products
// computes them without storing any field: it visits eight columns of the grid
// at a time, which stay in the cache. A Loop goes further and keeps a model that
// steps in time from storing its spectra, too.
//
// # Method
//
// A transform goes along the columns of a matrix, eight at a time, in stages of
// radix 8, 4, 2, 3, 5 or any prime (axis.go). Between its two passes a matrix is
// kept in strips of eight columns, each of which is contiguous and fits the
// first-level cache: rows of planes whose length is a power of two would compete
// for the same places there.
//
// # Concurrency
//
// A Plan owns scratch memory, so one goroutine at a time may use it; transforms
// do not allocate and start no goroutines. Use one plan per trajectory.
//
// # Speed
//
// Every size works. Sizes that are multiples of eight, 16 or more, without prime
// factors above five run in assembly where the processor allows; the instruction
// set is that of package kernel when the plan is made, and two levels agree to
// rounding. The assembly is emitted by the program in gen. Best times of a
// transform of one real field of n x n points, half of a pair, on one core of an
// Intel Emerald Rapids, in microseconds:
//
//	n                            64     128     256
//	AVX-512                     3.7    16.7      93
//	AVX2                        5.0      24     146
//	portable                     43     220    1280
//	FFTW 3.3.10, real data      5.9      23     140
//	gonum 0.17, complex data     80     390    1700
package fft

//go:generate go run ./gen
