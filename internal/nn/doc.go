// Package nn holds the score network, its pullbacks and its optimiser, all in
// float32 and without allocation after construction.
//
// # The network
//
// A row is a sequence of times with a vector of channels each, and has a noise
// time in [0, 1]. With e the embedding of the noise time,
//
//	h = input(x)
//	h = h + second_b(SiLU(first_b(LN(h + shift_b(e)))))    b = 0, 1, ..., Blocks-1
//	y = output(h)
//	e = W_1 SiLU(W_0 [cos(pi k t), sin(pi k t)] + b_0) + b_1,  k = 1 ... 16
//
// input, first, second and output are convolutions over time with Kernel taps
// and zeros outside the sequence, shift is linear, and LN normalises the
// channels of a time by their mean and unbiased variance without learnable
// parameters. Kernel 1 with one time a row is the residual perceptron on
// flattened windows, Kernel 3 the temporal convolution network, both after
// Rozet & Louppe, Score-based Data Assimilation (NeurIPS 2023).
//
// # Who owns what
//
// Network holds the parameters in one slab, in PyTorch's layout. Pack copies
// them to the layout of the kernels: Packed is read-only and shared. Every
// worker has a Workspace, which owns its activations: Forward fills them, and
// PullInput and PullAll pull cotangents back at the point of the last Forward.
// There is no tape; every layer's pullback is written by hand.
//
// Training cuts the batch into chunks of a fixed number of rows, each with a
// workspace. Forward and PullAll work on one core; PullAll leaves the cotangent of
// every layer, of which a Gradient makes the gradient of the parameters, all cores
// sharing the weights instead of the rows. AdamW.Step and Packed.Refresh use all
// cores too. No result depends on their number. Chunks of at least 32 rows share
// the reading of the weights; so many that their activations, 4 (5 Blocks + 4)
// Width bytes a row, stay in the second-level cache are best.
//
// # Memory
//
// A buffer holds all sequences of a workspace one below the other, a row of
// channels a time, padded to a multiple of 32. (Kernel-1)/2 rows of zeros
// separate sequences, so that the taps around a time are contiguous memory and
// a convolution is one matrix product with overlapping rows; the rows between
// sequences are cleared again after every layer.
package nn
