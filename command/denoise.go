package command

import (
	"context"
	"fmt"
	"math"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"retrace/internal/fault"
	"retrace/internal/npy"
	"retrace/sda"
)

// denoising is one application of a prior, as the flags ask for it.
type denoising struct {
	prior, input, output string
	cotangent, vjp       string
	quantity             string
	t                    float64
}

func denoiseCommand() *cobra.Command {
	d := denoising{}
	cmd := &cobra.Command{
		Use:   "denoise",
		Short: "Apply a prior to noisy trajectories at one noise level",
		Long: `Apply a prior to noisy trajectories at one noise level, so that implementations
can be compared number by number.

--input holds trajectories x_t = mu x + sigma z with the dimensions (batch, time,
state...), in the units that the network sees: of a prior that retrace has trained,
standardised units, (physical - mean)/scale with the mean and scale in its weights
(retrace inspect DIR); of an imported one, the units that it was trained in. The
noise level is that of the cosine schedule at --t:

  mu = cos(w t)^2, w = arccos(sqrt(0.001)), sigma^2 = 1 - mu^2 + 0.001^2

The result has the dimensions of the input, in float32: the predicted noise eps, or
the mean of x given x_t; one follows from the other by mean = (x_t - sigma eps)/mu.
With --cotangent V and --vjp, V times the Jacobian of the quantity with respect to
x_t is written, too. Either both files are written or none.`,
		Example: example("retrace denoise --prior runs/lorenz63/prior --input x.npy --t 0.3 --output eps.npy") + "\n" +
			example("retrace denoise --prior priors/net --input x.npy --t 0.3 --quantity mean --output mean.npy --cotangent v.npy --vjp g.npy"),
		Args: exactly(),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := required(cmd, "prior", "input", "t", "output"); err != nil {
				return err
			}
			if err := d.check(cmd); err != nil {
				return err
			}
			return d.run(cmd.Context())
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&d.prior, "prior", "", "folder of the prior")
	flags.StringVar(&d.input, "input", "", "noisy trajectories, as .npy")
	flags.Float64Var(&d.t, "t", 0, "diffusion time, from 0 (clean) to 1 (noise)")
	flags.StringVar(&d.quantity, "quantity", "eps", "what to write: eps, the noise, or mean, of x given x_t")
	flags.StringVar(&d.output, "output", "", "where to write the quantity, as .npy")
	flags.StringVar(&d.cotangent, "cotangent", "", "cotangent of the quantity, as .npy of the input's shape")
	flags.StringVar(&d.vjp, "vjp", "", "where to write the vector-Jacobian product, as .npy")
	return cmd
}

func (d *denoising) check(cmd *cobra.Command) error {
	switch {
	case !(d.t >= 0 && d.t <= 1):
		return fault.Inputf("--t %v: must be between 0 and 1", d.t)
	case d.quantity != "eps" && d.quantity != "mean":
		return fault.Inputf("--quantity %q: must be eps or mean", d.quantity)
	case (d.cotangent == "") != (d.vjp == ""):
		return fault.Inputf("--cotangent and --vjp go together; see: %s --help", cmd.CommandPath())
	case d.vjp != "" && filepath.Clean(d.vjp) == filepath.Clean(d.output):
		return fault.Inputf("--vjp %s: is the same file as --output", d.vjp)
	}
	return nil
}

func (d *denoising) run(ctx context.Context) error {
	shape, x, err := readFinite(d.input)
	if err != nil {
		return err
	}
	if len(shape) < 3 || len(x) == 0 {
		return fault.Inputf("%s: has the shape %v, but it must have the dimensions (batch, time, state...), none of them empty", d.input, shape)
	}
	var v []float32
	if d.cotangent != "" {
		var other []int
		if other, v, err = readFinite(d.cotangent); err != nil {
			return err
		}
		if fmt.Sprint(other) != fmt.Sprint(shape) {
			return fault.Inputf("%s: has the shape %v, but %s has %v: a cotangent must have the shape of the input", d.cotangent, other, d.input, shape)
		}
	}
	noise, err := loadNoise(d.prior, shape)
	if err != nil {
		return err
	}
	return d.apply(ctx, noise, shape, x, v)
}

// apply evaluates the prior and writes the results.
func (d *denoising) apply(ctx context.Context, noise noise, shape []int, x, v []float32) error {
	y := make([]float32, len(x))
	if err := noise.Noise(ctx, y, x, d.t); err != nil {
		return fmt.Errorf("%s: %w", d.input, err)
	}
	files := []output{{d.output, y}}
	if v != nil {
		g := make([]float32, len(x))
		if err := noise.PullNoise(ctx, g, v); err != nil {
			return fmt.Errorf("%s: %w", d.cotangent, err)
		}
		files = append(files, output{d.vjp, g})
	}
	if d.quantity == "mean" {
		level := sda.Schedule.At(d.t)
		toMean(y, x, level.Mu, level.Sigma)
		if v != nil {
			toMean(files[1].values, v, level.Mu, level.Sigma)
		}
	}
	for _, f := range files {
		if i := notFinite(f.values); i >= 0 {
			return fmt.Errorf("%s: the result is not finite at value %d: the input is too large", d.input, i)
		}
	}
	return writeTogether(files, shape)
}

// toMean replaces eps by (x - sigma eps)/mu. The same map takes the product of a
// cotangent x with the Jacobian of eps to that with the Jacobian of the mean.
func toMean(eps, x []float32, mu, sigma float64) {
	for i, e := range eps {
		eps[i] = float32((float64(x[i]) - sigma*float64(e)) / mu)
	}
}

// readFinite reads an array and refuses NaN and infinities.
func readFinite(path string) ([]int, []float32, error) {
	shape, values, err := npy.Read[float32](path)
	if err != nil {
		return nil, nil, err
	}
	if i := notFinite(values); i >= 0 {
		return nil, nil, fault.Inputf("%s: is %v at value %d of the flattened array: all must be finite", path, values[i], i)
	}
	return shape, values, nil
}

// notFinite is the first place of a NaN or an infinity, or -1.
func notFinite(values []float32) int {
	for i, v := range values {
		if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
			return i
		}
	}
	return -1
}

type output struct {
	path   string
	values []float32
}

// writeTogether writes arrays of one shape, all or none: they are complete under
// hidden names before the first appears.
func writeTogether(files []output, shape []int) (err error) {
	var made []string
	defer func() {
		if err != nil {
			for _, path := range made {
				os.Remove(path)
			}
		}
	}()
	hidden := func(path string) string {
		return filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".new")
	}
	for _, f := range files {
		if info, err := os.Stat(f.path); err == nil && info.IsDir() {
			return fault.Inputf("%s: is a folder; name a file", f.path)
		}
		if err := npy.Write(hidden(f.path), shape, f.values); err != nil {
			return err
		}
		made = append(made, hidden(f.path))
	}
	for _, f := range files {
		if err := os.Rename(hidden(f.path), f.path); err != nil {
			return err
		}
		made = append(made, f.path)
	}
	return nil
}
