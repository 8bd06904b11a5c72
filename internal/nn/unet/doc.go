// Package unet holds U-Nets on fields, on sequences and on trajectories of fields,
// all in float32: the score networks of Rozet & Louppe, Score-based Data
// Assimilation (NeurIPS 2023), and of its successor for a two-layer
// quasi-geostrophic model (2023).
//
// # The network
//
// A U-Net looks at a field on several grids, its levels. On the way down every
// level halves the grid, on the way up every level doubles it again and adds what
// the way down had seen there:
//
//	h_0 = head_0(input),  h_i = mix(head_i(h_(i-1)))       heads of step 2
//	u_last = h_last,      u_(i-1) = h_(i-1) + tail_i(up(LN(mix(u_i))))
//	output = tail_0(u_0)
//
// After each of these lines come the blocks of the level, which see the noise time
// t through a shift of the channels that is the same for all pixels:
//
//	x + second(f(first(LN(x + P e(t)))))
//	e(t) = W_2 SiLU(W_0 [cos(pi k t), sin(pi k t)] + b_0) + b_2,  k = 1 ... 16
//
// LN normalises the channels of a pixel by their mean and unbiased variance,
// without learnable parameters; up repeats every pixel; head, tail, first and
// second are convolutions.
//
// A trajectory of fields can meet the network in two ways, both told by Shape:
//
//   - The states of a short window are channels, one after the other. This is the
//     network of the first paper, whose window scores are then composed.
//   - All frames share a network in space, and blocks between the levels, mix(x) =
//     x + second(f(first(x))), join the frames of a pixel in time. This is the
//     network of the second paper (Time and Expansion): it takes trajectories of
//     any length.
//
// Sequences, whose pixels are times, are fields of one row (Spatial 1).
//
// # Who owns what
//
// Network holds the parameters in one slab, in the order of the kernels, and the
// filters that Refresh makes from them. A Workspace holds the activations of one
// size of batch: Forward fills them; PullInput and PullAll pull cotangents back at
// the point of the last Forward, Push carries a tangent along. A training step is
//
//	w.Forward(out, in, times)
//	clear(grad)
//	w.PullAll(nil, gout, grad)        // gout is the gradient of the loss
//	optimiser.Step(grad, rate)        // nn.NewAdamW(n.Slab())
//	n.Refresh()
//
// There is no tape: every layer's pullback is written by hand, next to its forward
// pass. The layers and their order are written once, for any engine, the set of
// their arithmetic: kernels is the one in float32, and the tests have one of plain
// loops in float64, in which pullbacks agree with finite differences to 1e-6 and
// the tangent map with the pullback to 1e-12.
//
// A workspace uses all cores itself. Work is cut into pieces by its shape alone,
// and sums over pieces are taken in their order: results are the same bytes for
// any number of cores, and those of a trajectory the same in every batch.
//
// # Memory
//
// Activations are channels last, padded to 16 channels. What pullbacks need is
// kept: two tensors a block, or, where these would pass a gigabyte, its argument
// alone, from which the rest is computed again, at the cost of half a forward
// pass. Images go through a block in chunks, so that what is between its kernels
// does not grow with the batch. Memory tells the bytes of a workspace beforehand:
// 32 frames of 256 x 256 pixels through the network of the second paper take 3.7 GB,
// a window of five such frames of six channels through that of the first 1.0 GB.
package unet
