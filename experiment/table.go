package experiment

import (
	"cmp"
	"maps"
	"math"
	"slices"

	"retrace/figure"
)

// Row is one row of the result table: the median of every metric over the cases on which
// the method did not diverge.
type Row struct {
	Scenario string             `json:"scenario"`
	Method   string             `json:"method"`
	Channel  string             `json:"channel,omitempty"` // empty for the whole state
	Cases    int                `json:"cases"`
	Diverged int                `json:"diverged"`
	Median   map[string]float64 `json:"median"`
	Units    map[string]string  `json:"units"`
	// Seconds is the mean wall time of a case; 0 if it is not known.
	Seconds float64 `json:"wall_s"`
}

// Table reads the result table of a run directory, in the order of the scores.
// A run that has not been scored gives an error that is fs.ErrNotExist.
func Table(dir string) ([]Row, error) {
	return tableOf(dir, func(s Score) bool { return s.Channel == "" })
}

// ChannelTable is the table of single fields: a row a scenario, method and channel. It is
// empty for runs whose states are not several fields.
func ChannelTable(dir string) ([]Row, error) {
	return tableOf(dir, func(s Score) bool { return s.Channel != "" && !slices.Contains(physicsNames, s.Metric) })
}

// tableOf makes the table of the scores to keep.
func tableOf(dir string, keep func(s Score) bool) ([]Row, error) {
	scores, err := ReadScores(dir)
	if err != nil {
		return nil, err
	}
	scores = slices.DeleteFunc(scores, func(s Score) bool { return !keep(s) })
	provenance, err := ReadProvenance(dir)
	if err != nil {
		return nil, err
	}
	type key struct{ scenario, method, channel string }
	var order []key
	values := map[key]map[string][]float64{}
	units := map[string]map[string]string{} // by channel and metric
	for _, s := range scores {
		k := key{s.Scenario, s.Method, s.Channel}
		if values[k] == nil {
			values[k] = map[string][]float64{}
			order = append(order, k)
		}
		values[k][s.Metric] = append(values[k][s.Metric], s.Value)
		if units[s.Channel] == nil {
			units[s.Channel] = map[string]string{}
		}
		units[s.Channel][s.Metric] = s.Units
	}
	var rows []Row
	for _, k := range order {
		row := Row{Scenario: k.scenario, Method: k.method, Channel: k.channel, Median: map[string]float64{}, Units: units[k.channel]}
		for metric, list := range values[k] {
			if metric == DivergedMetric {
				row.Diverged = len(list)
				continue
			}
			slices.Sort(list)
			row.Median[metric] = figure.Quantile(list, 0.5)
			row.Cases = max(row.Cases, len(list))
		}
		row.Cases += row.Diverged
		row.Seconds = provenance.caseSeconds(k.scenario, k.method)
		rows = append(rows, row)
	}
	return rows, nil
}

// caseSeconds is the mean wall time of the cases of a method.
func (p *Provenance) caseSeconds(scenario, method string) float64 {
	record := cmp.Or(p.Units["assimilate/"+scenario+"/"+method], p.Units["score/"+scenario+"/"+method])
	if record == nil {
		return 0
	}
	seconds := record.Measured["case_seconds"]
	var sum float64
	for _, s := range seconds {
		sum += s
	}
	return sum / math.Max(1, float64(len(seconds)))
}

// Columns lists the metrics that any row has, in the order of Metrics and then
// by name.
func Columns(rows []Row) []string {
	have := map[string]bool{}
	for _, row := range rows {
		for metric := range row.Median {
			have[metric] = true
		}
	}
	var list []string
	for _, name := range metricNames() {
		if have[name] {
			list = append(list, name)
			delete(have, name)
		}
	}
	return append(list, slices.Sorted(maps.Keys(have))...)
}
