package serve

import (
	"encoding/json"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
)

// windowBytes bounds what is read of the diagnostics of windows: some 10,000 lines.
const windowBytes = 4 << 20

// mostPoints is the number of windows that a chart shows; of more, every n-th.
const mostPoints = 1200

// diagnosticsFiles are the names under which a batch keeps a line a window.
var diagnosticsFiles = []string{"diagnostics.jsonl", "windows.jsonl"}

// readBatch reads a reanalysis. Its windows tell how far it is, not the units before
// them.
func (s *Server) readBatch(r *Run, all bool) {
	dir := r.Path
	if s.exists(dir, batchFolder, "plan.json") {
		dir = path.Join(dir, batchFolder)
	}
	if s.batch == nil {
		r.State, r.Doing = stopped, "this program cannot read batches"
		return
	}
	b, err := s.batch(filepath.Join(s.name, filepath.FromSlash(dir)))
	if err != nil {
		r.State, r.Doing = failed, err.Error()
		return
	}
	r.Done, r.Total, r.Left, r.Share = b.Done, b.Windows, b.Left, 0
	if b.Windows > 0 {
		r.Share = float64(b.Done) / float64(b.Windows)
	}
	r.Changed = later(r.Changed, b.Changed, s.modified(path.Join(dir, "plan.json")), s.modified(path.Join(dir, "windows")))
	r.State, r.Doing = batchState(b, r.State)
	if !all {
		return
	}
	r.Batch = b
	r.Windows = s.windows(dir)
	for _, name := range linkedOfBatch {
		if dir != r.Path && s.exists(dir, name) {
			r.Files = append(r.Files, path.Join(batchFolder, name))
		}
	}
}

// linkedOfBatch are the files of a batch that are worth a link.
var linkedOfBatch = []string{"diagnostics.jsonl", "timing.jsonl", "forecasts.jsonl", "scores.json", "workers.log"}

// batchState tells the state of a batch in a few words, given what the provenance of
// its run says.
func batchState(b *Batch, run string) (state, doing string) {
	switch {
	case b.Done == b.Windows && b.Joined >= b.Windows:
		return done, ""
	case len(b.Workers) > 0:
		state, doing = running, fmt.Sprintf("%d workers, %d windows in hand", len(b.Workers), b.Running)
	case b.Failed > 0:
		state = failed
	case run == running:
		state, doing = running, fmt.Sprintf("%d of %d windows joined", b.Joined, b.Windows)
	default:
		state = stopped
	}
	if b.Failed > 0 {
		doing = strings.TrimPrefix(doing+fmt.Sprintf(", %d failed", b.Failed), ", ")
	}
	return state, doing
}

// windows reads what was measured of each window: every number of its line.
func (s *Server) windows(dir string) *Windows {
	var rows []map[string]json.RawMessage
	for _, name := range diagnosticsFiles {
		if rows = lines[map[string]json.RawMessage](s, path.Join(dir, name), windowBytes); len(rows) > 0 {
			break
		}
	}
	if len(rows) == 0 {
		return nil
	}
	timing := s.timing(dir)
	every := len(rows)/mostPoints + 1
	w := &Windows{}
	at := map[string]int{}
	for i, row := range rows {
		index, ok := number(row["window"])
		if i%every != 0 || !ok {
			continue
		}
		w.Index = append(w.Index, int(index))
		if t, timed := timing[int(index)]; timed {
			row["seconds"], row["memory"] = t.Seconds, t.Memory
		}
		for name, text := range row {
			x, ok := number(text)
			if !ok || name == "window" || name == "start" {
				continue
			}
			k, known := at[name]
			if !known {
				k = len(w.Series)
				at[name] = k
				w.Series = append(w.Series, Series{Name: name})
			}
			for len(w.Series[k].Values) < len(w.Index)-1 {
				w.Series[k].Values = append(w.Series[k].Values, nil)
			}
			w.Series[k].Values = append(w.Series[k].Values, &x)
		}
	}
	for k := range w.Series {
		for len(w.Series[k].Values) < len(w.Index) {
			w.Series[k].Values = append(w.Series[k].Values, nil)
		}
	}
	slices.SortFunc(w.Series, func(a, b Series) int { return strings.Compare(a.Name, b.Name) })
	return w
}

// timing is the wall time of a window in seconds and the memory of its worker in
// bytes.
type timing struct {
	Window  int
	Seconds json.RawMessage
	Memory  json.RawMessage
}

// timing reads what each window took.
func (s *Server) timing(dir string) map[int]timing {
	taken := map[int]timing{}
	for _, t := range lines[timing](s, path.Join(dir, "timing.jsonl"), windowBytes) {
		taken[t.Window] = t
	}
	return taken
}

// number decodes a JSON number.
func number(text json.RawMessage) (float64, bool) {
	var x *float64
	if len(text) == 0 || json.Unmarshal(text, &x) != nil || x == nil {
		return 0, false
	}
	return *x, true
}
