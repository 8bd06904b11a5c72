// Package sda holds the score networks of the code of Rozet & Louppe,
// Score-based Data Assimilation (NeurIPS 2023) and Score-based Data Assimilation
// for a Two-Layer Quasi-Geostrophic Model (2023; github.com/francois-rozet/sda,
// branches master and qg), with weights that PyTorch wrote: so that priors trained
// there serve here, and both implementations can be compared number by number.
//
// # The networks
//
// All predict the noise eps in x_t = mu x + sigma eps of a trajectory x of the
// states of a system, in the units that they were trained in, at a diffusion
// time t in [0, 1] of diffusion.Cosine{Eta: 1e-3}:
//
//   - "mcscore-mlp" (MCScoreNet of a ScoreNet): a residual perceptron on windows
//     of 2 order + 1 states, composed over the trajectory;
//   - "mcscore-unet" (MCScoreNet of a ScoreUNet): the same with a U-Net on
//     fields of one or two dimensions, the states of a window being channels;
//   - "global-unet-1d" (MCScoreWrapper of a ScoreUNet): a U-Net along time, on the
//     whole trajectory;
//   - "qg-unet" (ScoreUNet of branch qg): a U-Net on fields that all states share,
//     with blocks between its levels that mix states, on the whole trajectory.
//
// Windows of the first two are composed by the rule "centre" of scoresum.Compose:
// each gives the state in its middle, and the first and last also those at the
// ends. A long trajectory of a "qg-unet" is cut, too, to bound the memory: as a
// state depends on a few states before and after it alone, windows that overlap
// by these give what the whole trajectory would.
//
// # Architecture files
//
// Weights do not tell all of their network, so an architecture file does. It has
// the names of the constructors in PyTorch:
//
//	kind = "mcscore-unet"
//	activation = "SiLU"
//
//	[args]
//	features = 2              # channels of a state
//	order = 1                 # windows of 3 states
//	embedding = 16            # features of the time embedding
//	spatial = 2               # dimensions of a field
//	hidden_channels = [16, 32]
//	hidden_blocks = [2, 2]
//	kernel_size = 3
//	padding_mode = "circular"
//
// The arguments may as well stand beside kind, without the table. What each
// means and its default is in Perceptron, FieldUNet, SequenceUNet and FrameUNet.
//
// # Import
//
// Import takes every tensor of the architecture by its name in PyTorch's
// state_dict; the first that is absent or has another shape is the error, and so
// is a tensor that the architecture does not have. Of a "qg-unet", whose modules
// may be wrapped in others, tensors are told by the list of modules that they are
// in and by their number of dimensions. Prior.Save writes a folder
// that Load reads; there is nothing else in it than the file scoresum also uses,
// marked by another format.
//
// # Arithmetic
//
// Everything is float32, channels last, on the products of internal/kernel: the
// U-Nets are those of internal/nn/unet, where a batch of windows uses all cores;
// of perceptrons, batches are shared among them. A result depends neither on their
// number nor on the batch. If the windows do not fit one batch, a pullback runs
// the network forward again, so that memory is bounded by the windows in work and
// not by the length of the trajectory.
package sda
