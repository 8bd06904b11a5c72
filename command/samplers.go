package command

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"retrace/diffusion"
	"retrace/experiment"
)

// samplersCommand lists the diffusion samplers, or checks them against a
// closed form.
func samplersCommand() *cobra.Command {
	cmd := listCommand("samplers", "List the diffusion samplers, whose parameters a score [[method]] takes", samplerChoices)
	cmd.Long = cmd.Short + `.

With --gate, work out what every sampler makes of the smallest problem of data
assimilation, x ~ N(0, 1) observed once with an error of 0.05, 0.25 or 1, under
every rule of guidance. Entries are the standard deviation of the samples (sd) and
the weight of the observation in their mean (gain), over the exact ones: 1 is
perfect. No network is involved, and no chance.`
	cmd.Example += "\n" + example("retrace samplers --gate")
	list := cmd.RunE
	var gate bool
	cmd.Flags().BoolVar(&gate, "gate", false, "print what the samplers do to a Gaussian posterior that is known")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		if !gate {
			return list(cmd, args)
		}
		rows, err := experiment.SamplerGate()
		if err != nil {
			return err
		}
		if asJSON, err := cmd.Flags().GetBool("json"); err != nil || asJSON {
			return printJSON(cmd.OutOrStdout(), rows)
		}
		return printGate(cmd.OutOrStdout(), rows)
	}
	return cmd
}

// samplerChoices lists the sampler with its parameters, then what can be named
// as its parts.
func samplerChoices() []choice {
	defaults := experiment.DefaultSampler()
	list := []choice{newChoice("predictor-corrector",
		"steps of a solver from noise to data, each followed by corrections (Song et al. 2021; Rozet & Louppe 2023, algorithm 4)", &defaults)}
	for _, name := range diffusion.Solvers() {
		list = append(list, choice{Name: "solver " + name, Summary: diffusion.SolverSummary(name), Parameters: []parameter{}})
	}
	for _, name := range diffusion.Correctors() {
		list = append(list, choice{Name: "corrector " + name, Summary: diffusion.CorrectorSummary(name), Parameters: []parameter{}})
	}
	return list
}

func printGate(w io.Writer, rows []experiment.GateRow) error {
	t := &table{left: 2, header: []string{"sampler", "guidance", "evaluations"}}
	for _, what := range []string{"sd", "gain"} {
		for _, noise := range experiment.GateNoises() {
			t.header = append(t.header, fmt.Sprintf("%s %v", what, noise))
		}
	}
	for _, row := range rows {
		cells := []string{row.Sampler, row.Guidance, fmt.Sprint(row.Evaluations)}
		for _, e := range row.Entries {
			cells = append(cells, gateRatio(e.SdRatio))
		}
		for _, e := range row.Entries {
			cells = append(cells, gateRatio(e.GainRatio))
		}
		t.add(cells...)
	}
	return t.print(w)
}

func gateRatio(r *float64) string {
	if r == nil {
		return "diverges"
	}
	return fmt.Sprintf("%.3f", *r)
}
