package serve

import (
	"encoding/json"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"
	"time"
)

// Bounds of what the page of a run lists.
const (
	mostFigures = 60
	mostLines   = 40
)

// linked are the files of a run that are worth a link.
var linked = []string{"report.html", "run.toml", "scores.csv", "scores.json", "twin.csv", "twin.tex", "verdict.json", "provenance.json", "log.jsonl", "diagnostics.jsonl"}

// readCommon reads what runs of every kind may have: figures, files, a log.
func (s *Server) readCommon(r *Run) {
	r.Figures = s.figures(r.Path)
	for _, name := range linked {
		if s.exists(r.Path, name) {
			r.Files = append(r.Files, name)
		}
	}
	r.Log = s.log(r.Path).lines
}

// figures lists the images of a run, the newest first.
func (s *Server) figures(dir string) []Figure {
	var list []Figure
	for _, folder := range []string{"figures", batchFolder + "/figures", "."} {
		for _, e := range s.entries(path.Join(dir, folder)) {
			if hidden(e.Name()) || path.Ext(e.Name()) != ".png" && path.Ext(e.Name()) != ".svg" {
				continue
			}
			f := Figure{Path: path.Join(folder, e.Name())}
			if info, err := e.Info(); err == nil {
				f.Modified = info.ModTime()
			}
			if pdf := strings.TrimSuffix(f.Path, path.Ext(f.Path)) + ".pdf"; s.exists(dir, pdf) {
				f.PDF = pdf
			}
			list = append(list, f)
		}
	}
	slices.SortStableFunc(list, func(a, b Figure) int { return b.Modified.Compare(a.Modified) })
	return list[:min(len(list), mostFigures)]
}

// logbook is what the log of a run tells.
type logbook struct {
	lines   []Line    // the last ones, the newest first
	began   time.Time // the last command
	present string    // unit that has begun but not ended
}

// log reads the end of a log.
func (s *Server) log(dir string) logbook {
	var b logbook
	for _, row := range lines[map[string]json.RawMessage](s, path.Join(dir, "log.jsonl"), tailSize) {
		var line Line
		json.Unmarshal(row["time"], &line.Time)
		json.Unmarshal(row["level"], &line.Level)
		json.Unmarshal(row["msg"], &line.Message)
		var unit string
		json.Unmarshal(row["unit"], &unit)
		switch line.Message {
		case "begin":
			b.began, b.present = line.Time, ""
		case "unit begins":
			b.present = unit
		case "unit ends":
			b.present = ""
		}
		line.Detail = details(row)
		b.lines = append(b.lines, line)
	}
	slices.Reverse(b.lines)
	b.lines = b.lines[:min(len(b.lines), mostLines)]
	return b
}

// details writes what else a line of a log holds.
func details(row map[string]json.RawMessage) string {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(row)) {
		if key == "time" || key == "level" || key == "msg" {
			continue
		}
		var value any
		if json.Unmarshal(row[key], &value) != nil || value == nil {
			continue
		}
		switch v := value.(type) {
		case map[string]any, []any:
			continue
		case float64:
			parts = append(parts, fmt.Sprintf("%s %.4g", key, v))
		case string:
			if key == "unit" {
				parts = append([]string{v}, parts...)
				continue
			}
			parts = append(parts, fmt.Sprintf("%s %s", key, v))
		default:
			if v == false {
				parts = append(parts, "not "+key)
			}
		}
	}
	return strings.Join(parts, ", ")
}
