package command

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"retrace/configs"
	"retrace/experiment"
	"retrace/internal/fault"
	"retrace/internal/strict"
)

// referenceCase is a config that says what its methods are known to reach.
type referenceCase struct {
	Name   string `json:"name"`
	Title  string `json:"title"`
	source []byte
}

// referenceReport is what one case came to.
type referenceReport struct {
	Name string               `json:"name"`
	Dir  string               `json:"dir"`
	Rows []experiment.TwinRow `json:"rows"`
}

func referenceCommand() *cobra.Command {
	var f runFlags
	var list bool
	cmd := &cobra.Command{
		Use:   "reference [NAME...]",
		Short: "Repeat published twin experiments and compare the errors",
		Long: `Repeat twin experiments of the literature whose errors are known, all of them or
those named (the beginning of a name will do), and print what was expected and what
was measured. The exit code is 3 if one is out of its tolerance. Each case is a
config that comes with the program; its run directory holds it as run.toml.`,
		Example: example("retrace reference rc06 rc2") + "\n" + example("retrace reference --list"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cases, err := referenceCases(args)
			if err != nil {
				return err
			}
			if list {
				return printCases(cmd, cases, f.json)
			}
			return f.runCases(cmd, cases)
		},
		ValidArgsFunction: func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
			return referenceNames(), cobra.ShellCompDirectiveNoFileComp
		},
	}
	cmd.Flags().BoolVar(&list, "list", false, "list the cases and do nothing")
	cmd.Flags().StringVar(&f.out, "out", filepath.Join("runs", "reference"), "folder of the run directories")
	cmd.Flags().BoolVar(&f.fresh, "fresh", false, "delete the results of earlier runs first")
	settingsFlag(cmd, &f.overrides)
	jsonFlag(cmd, &f.json)
	return cmd
}

// referenceNames lists the cases that come with the program.
func referenceNames() []string {
	files, err := fs.Glob(configs.Files, "reference/*.toml")
	if err != nil {
		panic(fmt.Sprintf("command: %v", err)) // a broken pattern
	}
	for i, file := range files {
		files[i] = strings.TrimSuffix(strings.TrimPrefix(file, "reference/"), ".toml")
	}
	return files
}

// referenceCases reads the cases whose names begin with any of those wanted; all
// without any.
func referenceCases(wanted []string) ([]referenceCase, error) {
	names := referenceNames()
	for _, w := range wanted {
		if !containsPrefix(names, w) {
			return nil, fault.Inputf("there is no reference case %q; %s", w, strict.Suggestion(w, names))
		}
	}
	var cases []referenceCase
	for _, name := range names {
		if len(wanted) > 0 && !beginsWithAny(name, wanted) {
			continue
		}
		source, err := configs.Files.ReadFile("reference/" + name + ".toml")
		if err != nil {
			return nil, err
		}
		title, _, _ := strings.Cut(string(source), "\n")
		cases = append(cases, referenceCase{name, strings.TrimLeft(title, "# "), source})
	}
	return cases, nil
}

func containsPrefix(names []string, prefix string) bool {
	for _, name := range names {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func beginsWithAny(name string, prefixes []string) bool {
	for _, prefix := range prefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

func printCases(cmd *cobra.Command, cases []referenceCase, asJSON bool) error {
	if asJSON {
		return printJSON(cmd.OutOrStdout(), cases)
	}
	t := &table{left: 2, header: []string{"case", "what it is"}}
	for _, c := range cases {
		t.add(c.Name, c.Title)
	}
	return t.print(cmd.OutOrStdout())
}

// runCases runs cases one after the other and prints the verdicts.
func (f *runFlags) runCases(cmd *cobra.Command, cases []referenceCase) error {
	folder := f.out
	var reports []referenceReport
	verdicts := newVerdictTable()
	for _, c := range cases {
		config, err := experiment.ParseTwin(c.Name+".toml", c.source, f.overrides)
		if err != nil {
			return err
		}
		f.out = filepath.Join(folder, c.Name)
		outcome, err := f.carryOut(cmd, func(o experiment.Options) (experiment.Outcome, error) {
			return experiment.RunTwin(cmd.Context(), config, o)
		})
		if err != nil {
			return err
		}
		result, err := experiment.ReadTwin(outcome.Dir)
		if err != nil {
			return err
		}
		reports = append(reports, referenceReport{c.Name, outcome.Dir, result.Rows})
		for _, row := range result.Rows {
			verdicts.addRow(c.Name, row)
		}
	}
	if err := f.printReports(cmd, reports, verdicts); err != nil {
		return err
	}
	if verdicts.failed > 0 {
		return fmt.Errorf("%w: %d of %d figures are out of their tolerance", errVerdict, verdicts.failed, len(verdicts.rows))
	}
	return nil
}

func (f *runFlags) printReports(cmd *cobra.Command, reports []referenceReport, verdicts *verdictTable) error {
	if f.json {
		return printJSON(cmd.OutOrStdout(), reports)
	}
	return verdicts.print(cmd.OutOrStdout())
}
