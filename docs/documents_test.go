// Package docs holds the documents; its test compares them with the code.
package docs_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// output runs the go tool in the module's root.
func output(t *testing.T, args ...string) string {
	t.Helper()
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("there is no go tool")
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = ".."
	text, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go %s: %v\n%s", strings.Join(args, " "), err, text)
	}
	return string(text)
}

// imports maps each package of the module to those it imports, without tests.
func imports(t *testing.T) map[string][]string {
	graph := map[string][]string{}
	for line := range strings.Lines(output(t, "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")) {
		for i, path := range strings.Fields(line) {
			name, ours := strings.CutPrefix(path, "retrace/")
			from, _ := strings.CutPrefix(strings.Fields(line)[0], "retrace/")
			switch {
			case i == 0:
				graph[from] = nil
			case ours:
				graph[from] = append(graph[from], name)
			}
		}
	}
	return graph
}

// reaches reports whether a imports b, directly or not.
func reaches(graph map[string][]string, a, b string) bool {
	return slices.ContainsFunc(graph[a], func(next string) bool { return next == b || reaches(graph, next, b) })
}

func TestDiagramShowsTheImports(t *testing.T) {
	text := read(t, "architecture.md")
	var drawn []string
	rooms := map[string]bool{}
	for _, m := range regexp.MustCompile(`(?m)^    (\S+) --> (\S+)$`).FindAllStringSubmatch(text, -1) {
		drawn = append(drawn, m[1]+" --> "+m[2])
		rooms[m[1]], rooms[m[2]] = true, true
	}
	graph := imports(t)
	var real []string
	for from, list := range graph {
		if !rooms[from] {
			if !strings.HasPrefix(from, "internal/") && from != "docs" {
				t.Errorf("package %s is not in the diagram", from)
			}
			continue
		}
		for _, to := range list {
			follows := slices.ContainsFunc(list, func(other string) bool { return reaches(graph, other, to) })
			if rooms[to] && !follows {
				real = append(real, from+" --> "+to)
			}
		}
	}
	slices.Sort(drawn)
	slices.Sort(real)
	if !slices.Equal(drawn, real) {
		t.Errorf("the diagram has\n%s\nthe code\n%s", strings.Join(drawn, "\n"), strings.Join(real, "\n"))
	}
}

func TestHelpersImportOnlyHelpers(t *testing.T) {
	helpers := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(internal/[a-z]+)` \\| [^|]*\\|$").FindAllStringSubmatch(read(t, "architecture.md"), -1) {
		helpers[m[1]] = true
	}
	if len(helpers) < 5 {
		t.Fatalf("found only the helpers %v", helpers)
	}
	for from, list := range imports(t) {
		for _, to := range list {
			if helpers[from] && !helpers[to] {
				t.Errorf("%s imports %s", from, to)
			}
		}
	}
}

// blocks are the fenced parts of README.md in a language.
func blocks(t *testing.T, language string) []string {
	var list []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(read(t, "../README.md"), -1) {
		list = append(list, m[1])
	}
	return list
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestReadmeWorks builds the program with a model of its own, which has every
// verb and system of retrace, and runs the configs that the README shows.
func TestReadmeWorks(t *testing.T) {
	dir := t.TempDir()
	source, configs := blocks(t, "go")[0], blocks(t, "toml")
	if lines := strings.Count(source, "\n"); lines >= 40 {
		t.Errorf("the program has %d lines", lines)
	}
	program := filepath.Join(dir, "mine.exe")
	output(t, "build", "-o", program, write(t, dir, "main.go", source))
	write(t, dir, "readings.csv", blocks(t, "csv")[0])
	for row, config := range map[string]string{
		"probe     particle": write(t, dir, "probe.toml", configs[0]),
		"sparse    score":    write(t, dir, "double-well.toml", configs[1]),
	} {
		cmd := exec.Command(program, "run", config)
		cmd.Dir = dir
		if text, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(text), row) {
			t.Errorf("%s: %v, no row %q in\n%s", config, err, row, text)
		}
	}
}
