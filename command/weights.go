package command

import (
	"errors"
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"retrace/internal/fault"
	"retrace/sda"
)

func importWeightsCommand() *cobra.Command {
	var architecture, weights, out string
	cmd := &cobra.Command{
		Use:   "import-weights",
		Short: "Make a prior of weights that PyTorch wrote",
		Long: `Make a prior of a safetensors file with PyTorch's state_dict of a network of the
SDA code (github.com/francois-rozet/sda, branches master and qg), in float32. In
Python:

  safetensors.torch.save_file(score.state_dict(), "W.safetensors")

The architecture file names the network and the arguments of its constructor:

  kind = "mcscore-mlp"          # MCScoreNet with a ScoreNet
  activation = "SiLU"           # or ReLU, ELU, GELU, SELU, Tanh
  [args]
  features = 3                  # values of a state
  order = 2                     # windows of 2 order + 1 states
  embedding = 32
  hidden_features = [128, 128, 128, 128, 128]

  kind = "mcscore-unet"         # MCScoreNet with a ScoreUNet
  [args]
  features = 2                  # channels of a state
  order = 2
  embedding = 64
  spatial = 2                   # dimensions of the field, 1 or 2 (default 2)
  hidden_channels = [96, 192, 384]
  hidden_blocks = [3, 3, 3]
  kernel_size = 3               # odd (default 3); a list gives one a dimension
  stride = 2                    # (default 2); a list gives one a dimension
  padding_mode = "circular"     # or "zeros" (default "circular")
  context = 0                   # channels of the tensor kernel.forcing (default 0)

  kind = "global-unet-1d"       # MCScoreWrapper with a ScoreUNet along time
  [args]
  channels = 3                  # values of a state
  embedding = 32
  hidden_channels = [64]
  hidden_blocks = [3]
  kernel_size = 3               # (default 3)
  stride = 2                    # (default 2)
  padding_mode = "zeros"        # or "circular" (default "zeros")

  kind = "qg-unet"              # ScoreUNet of branch qg, on all states at once
  branch = "qg"
  [args]
  channels = 6                  # of a state
  embedding = 64
  hidden_channels = [16, 32, 64]
  hidden_blocks = [3, 3, 3]
  kernel_size = 5               # (default 5)
  stride = 2                    # (default 2)
  padding_mode = "circular"     # or "zeros" (default "circular")
  temporal_kernel_size = 3      # states that the blocks in time mix (default 3)
  expansion = 4                 # of the channels within a block (default 4)
  context = 4                   # fixed channels (default: what the weights have)

Every tensor is compared with the architecture. The first that is missing or has
another shape is refused, and so is a tensor that the architecture does not have;
then nothing is written.`,
		Example: example("retrace import-weights --architecture net.toml --weights state.safetensors --out priors/net"),
		Args:    exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "architecture", "weights", "out"); err != nil {
				return err
			}
			prior, err := sda.Import(architecture, weights)
			if err != nil {
				return err
			}
			if err := savePrior(prior, out); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %s of %d tensors, %d parameters\n",
				out, prior.Architecture.Kind, prior.Tensors(), prior.Parameters())
			return nil
		},
	}
	cmd.Flags().StringVar(&architecture, "architecture", "", "TOML file that names the network")
	cmd.Flags().StringVar(&weights, "weights", "", "safetensors file with the state_dict")
	cmd.Flags().StringVar(&out, "out", "", "folder of the prior to write")
	return cmd
}

// required demands flags that are not empty.
func required(cmd *cobra.Command, names ...string) error {
	for _, name := range names {
		if cmd.Flags().Lookup(name).Value.String() == "" || !cmd.Flags().Changed(name) {
			return fault.Inputf("--%s is missing; see: %s --help", name, cmd.CommandPath())
		}
	}
	return nil
}

// savePrior writes a prior to a folder, which is made; a folder with a prior that
// retrace has trained is not touched.
func savePrior(prior *sda.Prior, dir string) error {
	if info, err := os.Stat(dir); err == nil && !info.IsDir() {
		return fault.Inputf("--out %s: is a file; name a folder", dir)
	}
	if _, err := sda.Load(dir); errors.Is(err, sda.ErrOtherFormat) {
		return fault.Inputf("--out %s: holds a prior that was not imported; name another folder", dir)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	return prior.Save(dir)
}
