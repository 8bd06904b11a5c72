// Package assembly writes vector kernels for two instruction sets, AVX-512 and
// AVX2, from one description. Generators of assembly files use it; nothing that
// runs does.
//
// A kernel works on rows of eight float64 values: one AVX-512 register, or two
// AVX2 registers in turn. It is a Go function with one argument, a pointer to a
// structure of fields of eight bytes each, of the name that the description
// gives and that of the instruction set behind it. Vector registers and stack
// are handed out as the description asks for them; general registers are named
// by it.
package assembly
