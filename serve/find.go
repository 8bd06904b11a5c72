package serve

import (
	"cmp"
	"io/fs"
	"path"
	"slices"
	"strings"
)

// Bounds of the search for runs, which keep it short in a folder that is not meant
// for it.
const (
	deepest  = 6
	mostRuns = 500
	mostDirs = 5000
)

// marks are the files that make a folder a run, and of which kind.
var marks = []struct{ file, kind string }{
	{batchFolder + "/plan.json", "reanalysis"},
	{"plan.json", "reanalysis"},
	{"twin.json", "twin experiment"},
	{"provenance.json", "experiment"},
	{"verdict.json", "calibration"},
}

// batchFolder is where the run directory of a reanalysis keeps its batch.
const batchFolder = "reanalysis"

// kind is that of a run, or "" if the folder is none.
func (s *Server) kind(dir string) string {
	for _, m := range marks {
		if s.exists(dir, m.file) {
			return m.kind
		}
	}
	return ""
}

// isRun reports whether a path from the folder, as a browser gives it, is a run.
func (s *Server) isRun(dir string) bool {
	return (dir == "." || fs.ValidPath(dir) && !hidden(dir)) && s.kind(dir) != ""
}

// list finds the runs below the folder: those that changed last come first.
func (s *Server) list() List {
	l := List{Folder: s.name, Runs: []Summary{}}
	visited := 0
	var visit func(dir string, depth int)
	visit = func(dir string, depth int) {
		if visited++; visited > mostDirs || len(l.Runs) >= mostRuns {
			return
		}
		if kind := s.kind(dir); kind != "" {
			l.Runs = append(l.Runs, s.summary(dir, kind))
			return
		}
		if depth == deepest {
			return
		}
		for _, e := range s.entries(dir) {
			if e.IsDir() && !hidden(e.Name()) && !strings.HasSuffix(e.Name(), ".zarr") {
				visit(path.Join(dir, e.Name()), depth+1)
			}
		}
	}
	visit(".", 0)
	slices.SortStableFunc(l.Runs, func(a, b Summary) int {
		return cmp.Or(b.Changed.Compare(a.Changed), strings.Compare(a.Path, b.Path))
	})
	return l
}

// summary reads one line of the list.
func (s *Server) summary(dir, kind string) Summary {
	return s.reading(dir, kind, false).Summary
}

// run reads all of one run.
func (s *Server) run(dir string) *Run {
	return s.reading(dir, s.kind(dir), true)
}

// reading reads a run; the list needs less than the page of a run.
func (s *Server) reading(dir, kind string, all bool) *Run {
	name := path.Base(dir)
	if dir == "." {
		name = path.Base(strings.ReplaceAll(s.name, "\\", "/"))
	}
	r := &Run{Summary: Summary{Path: dir, Name: name, Kind: kind}, Folder: s.name}
	switch kind {
	case "reanalysis":
		if s.exists(dir, "provenance.json") {
			s.readExperiment(r, all)
		}
		s.readBatch(r, all)
	case "calibration":
		s.readVerdict(r)
	default:
		s.readExperiment(r, all)
	}
	if all {
		s.readCommon(r)
	}
	return r
}
