package experiment

import (
	"path/filepath"
	"strings"

	"retrace/internal/fault"
	"retrace/internal/strict"
	"retrace/quality"
	"retrace/scoresum"
)

// Load reads and checks a config. overrides are assignments key=value that
// replace values of the file, as of the flag --set. All problems are reported,
// one a line, in one input error.
func Load(path string, overrides []string) (*Config, error) {
	document, err := strict.ReadFile(path)
	if err != nil {
		return nil, err
	}
	return load(document, path, overrides)
}

// Parse is Load for the text of a config; file is its name in errors.
func Parse(file string, text []byte, overrides []string) (*Config, error) {
	document, err := strict.Parse(file, text)
	if err != nil {
		return nil, err
	}
	return load(document, file, overrides)
}

func load(document *strict.Document, path string, overrides []string) (*Config, error) {
	for _, assignment := range overrides {
		if err := document.Override("--set", assignment); err != nil {
			return nil, err
		}
	}
	base := filepath.Base(path)
	windows := defaultReanalysis()
	prior := PriorSettings{Kind: KindNetwork, Settings: scoresum.DefaultSettings()}
	c := &Config{
		Name: strings.TrimSuffix(base, filepath.Ext(base)),
		Trajectories: Trajectories{
			SpinUp: -1, Windows: 1, Gap: 1, Train: 819, TrainLength: 1024, Validation: 102, Test: 8,
		},
		Prior:  &prior,
		Score:  Scoring{Metrics: metricNames()},
		Report: Reporting{Cases: 1},
		File:   path, Overrides: overrides,
		Reanalysis: &windows, Quality: quality.NewRules(),
	}
	root := document.Root()
	if root.Has("twin") {
		return nil, fault.Inputf("%s: is a twin experiment, for it has a table [twin]; carry it out as a whole: retrace run %s", path, path)
	}
	root.Bind(c)
	checker{c, root}.check()
	if err := document.Err(); err != nil {
		return nil, err
	}
	return c, nil
}

// Encode writes the config as TOML with every default spelled out, and with
// the documentation of each key if comments is set. Load of the text gives the
// same experiment.
func (c *Config) Encode(comments bool) []byte { return strict.Encode(c, comments) }
