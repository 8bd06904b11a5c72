package experiment

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"

	"retrace/internal/fault"
)

// Score is one record of scores.json and scores.csv: what a method reached on
// one case by one metric.
type Score struct {
	Scenario string  `json:"scenario"`
	Method   string  `json:"method"`
	Case     int     `json:"case"`
	Metric   string  `json:"metric"`
	Value    float64 `json:"value"`
	Units    string  `json:"units"`
	// Channel is the field, or the part of the energy, that the score is about; empty for
	// one of the whole state.
	Channel string `json:"channel,omitempty"`
}

// ReferenceName is the method by which scores of the reference posterior
// itself go.
const ReferenceName = "reference"

// DivergedMetric is the metric, of value 1, that stands in the place of all others for a
// case on which the method diverged.
const DivergedMetric = "diverged"

// ReadScores reads the scores of a run directory. A missing file gives an
// error that is fs.ErrNotExist.
func ReadScores(dir string) ([]Score, error) { return readScores(filepath.Join(dir, "scores.json")) }

func readScores(path string) ([]Score, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var scores []Score
	if err := json.Unmarshal(text, &scores); err != nil {
		return nil, fault.Inputf("%s: %w; delete it and run again", path, err)
	}
	return scores, nil
}

// encodeScores writes a record a line.
func encodeScores(scores []Score) ([]byte, error) {
	var out bytes.Buffer
	out.WriteByte('[')
	for i, s := range scores {
		if i > 0 {
			out.WriteByte(',')
		}
		line, err := json.Marshal(s)
		if err != nil {
			return nil, fmt.Errorf("score %s of %s/%s, case %d: %w", s.Metric, s.Scenario, s.Method, s.Case, err)
		}
		out.WriteByte('\n')
		out.Write(line)
	}
	out.WriteString("\n]\n")
	return out.Bytes(), nil
}

// tabulateScores writes the records as CSV.
func tabulateScores(scores []Score) ([]byte, error) {
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	w.Write([]string{"scenario", "method", "case", "metric", "value", "units", "channel"})
	for _, s := range scores {
		w.Write([]string{s.Scenario, s.Method, strconv.Itoa(s.Case), s.Metric,
			strconv.FormatFloat(s.Value, 'g', -1, 64), s.Units, s.Channel})
	}
	w.Flush()
	return out.Bytes(), w.Error()
}
