package command

import (
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"retrace/experiment"
	"retrace/internal/fault"
	"retrace/internal/npy"
	"retrace/internal/safetensors"
	"retrace/internal/zarr"
)

func inspectCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "inspect PATH",
		Short: "Tell what is in a run directory, a store or a file of weights",
		Example: example("retrace inspect runs/lorenz63") + "\n" +
			example("retrace inspect runs/lorenz63/data/training.zarr") + "\n" +
			example("retrace inspect runs/lorenz63/prior/weights.safetensors"),
		Args: exactly("PATH"),
		RunE: func(cmd *cobra.Command, args []string) error {
			found, err := inspect(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return printJSON(cmd.OutOrStdout(), found)
			}
			return found.print(cmd.OutOrStdout())
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

// finding is what inspect has found.
type finding interface{ print(w io.Writer) error }

// inspect recognises what lies at path.
func inspect(path string) (finding, error) {
	if !exists(path) {
		return nil, fault.Inputf("%s: no such file or folder; check the path", path)
	}
	switch {
	case exists(filepath.Join(path, ".zmetadata")) || filepath.Ext(path) == ".zarr":
		return inspectStore(path)
	case exists(filepath.Join(path, "provenance.json")):
		return inspectRun(path)
	case exists(filepath.Join(path, "weights.safetensors")):
		return inspectWeights(filepath.Join(path, "weights.safetensors"))
	case filepath.Ext(path) == ".safetensors":
		return inspectWeights(path)
	case filepath.Ext(path) == ".npy":
		shape, _, err := npy.Read[float64](path)
		return &arrays{Path: path, Kind: "array", Arrays: []array{{Name: filepath.Base(path), Shape: shape}}}, err
	case filepath.Ext(path) == ".toml":
		return nil, fault.Inputf("%s: is a config; see it resolved by: retrace check %s", path, path)
	}
	return nil, fault.Inputf("%s: is neither a run directory, a store (.zarr), weights (.safetensors) nor an array (.npy)", path)
}

// run is what is known about a run directory.
type run struct {
	Path       string                 `json:"path"`
	Provenance *experiment.Provenance `json:"provenance"`
	Scores     []experiment.Row       `json:"scores,omitempty"`
	Twin       *experiment.TwinResult `json:"twin,omitempty"`
}

func inspectRun(path string) (finding, error) {
	provenance, err := experiment.ReadProvenance(path)
	if err != nil {
		return nil, err
	}
	r := &run{Path: path, Provenance: provenance}
	if exists(filepath.Join(path, "scores.json")) {
		r.Scores, err = experiment.Table(path)
	}
	if err == nil && exists(filepath.Join(path, "twin.json")) {
		r.Twin, err = experiment.ReadTwin(path)
	}
	return r, err
}

func (r *run) print(w io.Writer) error {
	p := r.Provenance
	fmt.Fprintf(w, "run directory %s: %s\n", r.Path, p.State)
	if p.Error != "" {
		fmt.Fprintf(w, "error     %s\n", firstLine(p.Error))
	}
	fmt.Fprintf(w, "config    %s\n", strings.Join(append([]string{p.Config.File}, p.Config.Overrides...), " --set "))
	fmt.Fprintf(w, "seed      %d\n", p.Seed)
	fmt.Fprintf(w, "retrace   %s %s, %s\n", p.Software.Version, p.Software.Revision, p.Software.Go)
	fmt.Fprintf(w, "machine   %s\n\n", p.Machine)
	t := &table{left: 2, header: []string{"unit", "state", "files", "size", "seconds"}}
	for _, name := range slices.Sorted(maps.Keys(p.Units)) {
		record := p.Units[name]
		state := "complete"
		if !record.Complete {
			state = "unfinished"
		}
		var files int
		var bytes int64
		for _, size := range record.Outputs {
			files += size.Files
			bytes += size.Bytes
		}
		t.add(name, state, fmt.Sprint(files), byteSize(bytes), fmt.Sprintf("%.1f", record.Seconds))
	}
	if err := t.print(w); err != nil {
		return err
	}
	switch {
	case r.Twin != nil:
		fmt.Fprintln(w)
		return printTwin(w, r.Twin)
	case r.Scores != nil:
		fmt.Fprintln(w)
		return printScores(w, r.Path, false)
	}
	return nil
}

// byteSize writes a number of bytes as a person would.
func byteSize(n int64) string {
	size, unit := float64(n), "B"
	for _, next := range []string{"kB", "MB", "GB", "TB"} {
		if size < 1000 {
			break
		}
		size, unit = size/1000, next
	}
	if unit == "B" {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.3g %s", size, unit)
}

// arrays is what is known about a store, weights or an array.
type arrays struct {
	Path       string         `json:"path"`
	Kind       string         `json:"kind"`
	Attributes map[string]any `json:"attributes,omitempty"`
	Arrays     []array        `json:"arrays"`
}

type array struct {
	Name       string         `json:"name"`
	Type       string         `json:"type,omitempty"`
	Dimensions []string       `json:"dimensions,omitempty"`
	Shape      []int          `json:"shape"`
	Chunks     []int          `json:"chunks,omitempty"`
	Attributes map[string]any `json:"attributes,omitempty"`
}

func inspectStore(path string) (finding, error) {
	store, err := zarr.Open(path)
	if err != nil {
		return nil, err
	}
	found := &arrays{Path: path, Kind: "store", Attributes: store.Attributes}
	for _, name := range store.Names() {
		a, err := store.Array(name)
		if err != nil {
			return nil, err
		}
		found.Arrays = append(found.Arrays, array{name, a.Type.String(), a.Dimensions, a.Shape, a.Chunks, a.Attributes})
	}
	return found, nil
}

func inspectWeights(path string) (finding, error) {
	file, err := safetensors.Read(path)
	if err != nil {
		return nil, err
	}
	found := &arrays{Path: path, Kind: "weights", Attributes: map[string]any{}}
	for key, value := range file.Metadata {
		found.Attributes[key] = value
	}
	for _, t := range file.Tensors {
		found.Arrays = append(found.Arrays, array{Name: t.Name, Type: "F32", Shape: t.Shape})
	}
	return found, nil
}

func (a *arrays) print(w io.Writer) error {
	fmt.Fprintf(w, "%s %s\n", a.Kind, a.Path)
	for _, key := range slices.Sorted(maps.Keys(a.Attributes)) {
		fmt.Fprintf(w, "  %s: %s\n", key, clipped(fmt.Sprint(a.Attributes[key])))
	}
	t := &table{left: 5, header: []string{"array", "type", "shape", "units", "meaning"}}
	for _, x := range a.Arrays {
		units, _ := x.Attributes["units"].(string)
		meaning, _ := x.Attributes["long_name"].(string)
		t.add(x.Name, x.Type, shapeText(x.Dimensions, x.Shape), units, meaning)
	}
	return t.print(w)
}

// clipped shortens a long text to one line.
func clipped(text string) string {
	const most = 200
	text = firstLine(text)
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "..."
	}
	return text
}

func shapeText(dimensions []string, shape []int) string {
	parts := make([]string, len(shape))
	for i, n := range shape {
		parts[i] = fmt.Sprint(n)
		if i < len(dimensions) {
			parts[i] = dimensions[i] + " " + parts[i]
		}
	}
	if len(parts) == 0 {
		return "scalar"
	}
	return strings.Join(parts, " x ")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}
