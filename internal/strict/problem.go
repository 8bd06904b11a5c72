package strict

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"retrace/internal/fault"
)

// Problem is one thing wrong with a document.
type Problem struct {
	// Place is zero if Text says where.
	Place Place
	// Text names the key, what is wrong and the cure.
	Text string
}

func (p Problem) Error() string {
	if p.Place == (Place{}) {
		return p.Text
	}
	return p.Place.String() + ": " + p.Text
}

// Problems is an error listing every Problem of a document, one a line, in the
// order of the file.
type Problems []Problem

func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i, problem := range p {
		lines[i] = problem.Error()
	}
	return strings.Join(lines, "\n")
}

// Err is nil if no problem was found, and otherwise an input error holding
// Problems.
func (d *Document) Err() error {
	if len(d.problems) == 0 {
		return nil
	}
	slices.SortStableFunc(d.problems, func(a, b Problem) int {
		return cmp.Or(strings.Compare(a.Place.File, b.Place.File),
			cmp.Compare(a.Place.Line, b.Place.Line), cmp.Compare(a.Place.Column, b.Place.Column))
	})
	return fault.Input(Problems(slices.Compact(slices.Clone(d.problems))))
}

func (d *Document) problemf(path, format string, args ...any) {
	d.problems = append(d.problems, Problem{d.place(path), fmt.Sprintf(format, args...)})
}

// Nearest returns the candidate that a user most likely meant by name, or ""
// if none is near.
func Nearest(name string, candidates []string) string {
	best, bestDistance := "", max(2, len(name)/3)+1
	for _, candidate := range candidates {
		if d := distance(strings.ToLower(name), strings.ToLower(candidate)); d < bestDistance {
			best, bestDistance = candidate, d
		}
	}
	return best
}

// Suggestion is the end of an error about an unknown name: the nearest valid
// one, or all of them.
func Suggestion(name string, candidates []string) string {
	if near := Nearest(name, candidates); near != "" {
		return fmt.Sprintf("did you mean %q?", near)
	}
	if len(candidates) == 0 {
		return "there are none"
	}
	sorted := slices.Sorted(slices.Values(candidates))
	return "valid are " + strings.Join(sorted, ", ")
}

// distance is the optimal string alignment distance: the number of inserted,
// deleted, replaced or swapped neighbouring bytes between a and b.
func distance(a, b string) int {
	var before []int
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j]+cost, row[j+1]+1, next[j]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
