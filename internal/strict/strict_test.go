package strict_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"retrace/internal/fault"
	"retrace/internal/strict"
)

type garden struct {
	Name  string         `toml:"name,required" doc:"a name"`
	Area  float64        `toml:"area" doc:"square metres"`
	Rows  int            `toml:"rows" doc:"how many"`
	Open  bool           `toml:"open" doc:"whether visitors are let in"`
	Tags  []string       `toml:"tags" doc:"words"`
	Grid  [][]float64    `toml:"grid" doc:"a matrix"`
	Depth strict.Numbers `toml:"depth" doc:"one or each"`
	Pond  *pond          `toml:"pond" doc:"optional"`
	Tree  *tree          `toml:"tree" doc:"one tree"`
	Beds  []bed          `toml:"bed" doc:"flower beds"`
}

type pond struct {
	Fish int `toml:"fish,required" doc:"how many"`
}

type bed struct {
	Name string `toml:"name" doc:"a name"`
	Size int    `toml:"size" doc:"plants"`
}

// tree has parameters that depend on its kind.
type tree struct {
	Kind       string `toml:"kind" doc:"oak or fir"`
	Parameters any    `toml:",inline"`
}

type oak struct {
	Acorns int `toml:"acorns" doc:"how many"`
}

type fir struct {
	Needles int `toml:"needles" doc:"how many"`
}

func (t *tree) Choose(table strict.Table) bool {
	kind, _ := table.Text("kind")
	switch kind {
	case "oak":
		t.Parameters = &oak{Acorns: 3}
	case "fir":
		t.Parameters = &fir{}
	default:
		table.Unknown("kind", []string{"oak", "fir"})
		return false
	}
	return true
}

func bind(source string, overrides ...string) (garden, error) {
	g := garden{Area: 1.5}
	d, err := strict.Parse("g.toml", []byte(source))
	if err != nil {
		return g, err
	}
	for _, o := range overrides {
		if err := d.Override("--set", o); err != nil {
			return g, err
		}
	}
	d.Root().Bind(&g)
	return g, d.Err()
}

const full = `# a garden
name = "west # not a comment"
rows = 3
tags = ["a",   # one
        "b"]
grid = [[1, 2], [3, 4.5]]
depth = 2

[pond]
fish = 2

[tree]
kind = "oak"
acorns = 7

[[bed]]
name = "north"
size = 4
[[bed]]
size = 5
`

func TestBindReadsEveryType(t *testing.T) {
	got, err := bind(full)
	if err != nil {
		t.Fatal(err)
	}
	want := garden{
		Name: "west # not a comment", Area: 1.5, Rows: 3, Tags: []string{"a", "b"},
		Grid: [][]float64{{1, 2}, {3, 4.5}}, Depth: strict.Numbers{2}, Pond: &pond{2},
		Tree: &tree{"oak", &oak{7}}, Beds: []bed{{"north", 4}, {"", 5}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestEncodeBindsToTheSame(t *testing.T) {
	want, err := bind(full)
	if err != nil {
		t.Fatal(err)
	}
	want.Name = "odd \"name\"\\ \u0007é\n"
	for _, comments := range []bool{false, true} {
		text := string(strict.Encode(&want, comments))
		got, err := bind(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%v\n%s\ngot  %+v\nwant %+v", err, text, got, want)
		}
	}
}

func TestProblemsNamePlaceKeyAndCure(t *testing.T) {
	for name, test := range map[string]struct {
		source, set, want string
	}{
		"misspelt key":       {"name = 'a'\n  aera = 3", "", `g.toml:2:3: unknown key "aera"; did you mean "area"?`},
		"unlike any key":     {"name = 'a'\n[pond]\nfish = 1\nzzzzzz = 3", "", `g.toml:4:1: unknown key "pond.zzzzzz"; valid are fish`},
		"string for number":  {"name = 'a'\narea = 'big'", "", `g.toml:2:1: area = "big": must be a number, not a string`},
		"float for integer":  {"name = 'a'\nrows = 1e3", "", `g.toml:2:1: rows = 1000.0: must be a whole number, written without point or exponent`},
		"not a number":       {"name = 'a'\narea = nan", "", `g.toml:2:1: area = nan: must be a finite number`},
		"infinite":           {"name = 'a'\narea = -inf", "", `g.toml:2:1: area = -inf: must be a finite number`},
		"missing":            {"rows = 1", "", `g.toml: name is missing: a name`},
		"missing in a table": {"name = 'a'\n[pond]", "", `g.toml:2:1: pond.fish is missing: how many`},
		"element":            {"name = 'a'\ntags = ['x',\n 4]", "", `g.toml:3:2: tags.1 = 4: must be a string, not a number`},
		"nested element":     {"name = 'a'\ngrid = [[1], ['x']]", "", `g.toml:2:15: grid.1.0 = "x": must be a number, not a string`},
		"unknown kind":       {"name = 'a'\ntree = {kind = 'oka'}", "", `g.toml:2:9: tree.kind = "oka": is unknown; did you mean "oak"?`},
		"other kind's key":   {"name = 'a'\ntree = {kind = 'fir', acorns = 1}", "", `g.toml:2:23: unknown key "tree.acorns"; valid are kind, needles`},
		"named element":      {"name = 'a'\n[[bed]]\n[[bed]]\nname = 'b'\nsize = true", "", `g.toml:5:1: bed.b.size = true: must be a whole number, not true or false`},
		"syntax":             {"name = 'a'\narea = = 3", "", `g.toml:2:8: not valid TOML: expected value but found '=' instead`},
		"duplicate":          {"name = 'a'\nname = 'b'", "", `g.toml:2:12: not valid TOML: Key 'name' has already been defined.`},
		"table for value":    {"name = 'a'\n[rows]", "", `g.toml:2:1: rows: must be a whole number, not a table`},
		"override type":      {"name = 'a'", "rows=x", `--set rows=x: rows = "x": must be a whole number, not a string`},
		"override unknown":   {"name = 'a'", "rosw=1", `--set rosw=1: unknown key "rosw"; did you mean "rows"?`},
		"override element":   {"name = 'a'\n[[bed]]\nname = 'b'", "bed.c.size=1", `--set bed.c.size=1: bed has no element "c"; did you mean "b"?`},
		"override no value":  {"name = 'a'", "rows", `--set "rows": write key=value, such as seed=1`},
		"override bad value": {"name = 'a'", "rows=[1", `--set rows=[1: the value is not valid TOML:`},
		"override in scalar": {"name = 'a'", "name.x=1", `--set name.x=1: name is not a table: it has no key "x"`},
	} {
		t.Run(name, func(t *testing.T) {
			var sets []string
			if test.set != "" {
				sets = []string{test.set}
			}
			_, err := bind(test.source+"\n", sets...)
			if err == nil {
				t.Fatal("no error")
			}
			if !fault.IsInput(err) {
				t.Errorf("not an input error: %v", err)
			}
			for line := range strings.Lines(err.Error()) {
				if strings.HasPrefix(line, test.want) {
					return
				}
			}
			t.Errorf("got  %s\nwant %s", err, test.want)
		})
	}
}

func TestAllProblemsAreReportedInOrder(t *testing.T) {
	_, err := bind("area = 'x'\n\n[pond]\nfihs = 1\n")
	var problems strict.Problems
	if !errors.As(err, &problems) || len(problems) != 4 {
		t.Fatalf("got %v", err)
	}
	last := 0
	for _, p := range problems {
		if p.Place.Line < last {
			t.Errorf("out of order: %v", err)
		}
		last = p.Place.Line
	}
}

func TestOverrideReachesNamedElements(t *testing.T) {
	g, err := bind(full, "bed.north.size=9", "bed.1.size=8", "tree.kind=fir", "pond.fish=1")
	if err == nil || !strings.Contains(err.Error(), `unknown key "tree.acorns"`) {
		t.Errorf("the key of another kind went unnoticed: %v", err)
	}
	if g.Beds[0].Size != 9 || g.Beds[1].Size != 8 || g.Pond.Fish != 1 {
		t.Errorf("got %+v", g)
	}
}

func TestFailedFindsTheKey(t *testing.T) {
	d, _ := strict.Parse("g.toml", []byte("a = 1\n[pond]\nfish = 2\n"))
	pond, _ := d.Root().Table("pond")
	pond.Failed(errors.New("fish must be even"))
	want := "g.toml:3:1: pond.fish must be even"
	if err := d.Err(); err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func TestReadFileErrors(t *testing.T) {
	dir := t.TempDir()
	for _, path := range []string{filepath.Join(dir, "none.toml"), dir} {
		if _, err := strict.ReadFile(path); !fault.IsInput(err) || !strings.HasPrefix(err.Error(), path) {
			t.Errorf("%s: got %v", path, err)
		}
	}
	path := filepath.Join(dir, "binary.toml")
	if err := os.WriteFile(path, []byte{0xff, 0, 1}, 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := strict.ReadFile(path); !fault.IsInput(err) {
		t.Errorf("binary: got %v", err)
	}
}

func FuzzBind(f *testing.F) {
	f.Add(full)
	f.Add("name = '''a\nb'''\n\"quoted key\" = 1\na.b.c = {d = [1, {e = 2}]}\n")
	f.Add("[a]\n[[a.b]]\nx=1\n[[a.b]]\ny=\"\"\"\"q\"\"\"\"\"\n")
	f.Add("area = 0x1F\nrows = 1979-05-27T07:32:00Z\n")
	f.Fuzz(func(t *testing.T, source string) {
		g, err := bind(source)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without text")
			}
			return
		}
		again, err := bind(string(strict.Encode(&g, true)))
		if err != nil {
			t.Fatalf("the encoded form is refused: %v", err)
		}
		if a, b := fmt.Sprintf("%+v", again.Beds), fmt.Sprintf("%+v", g.Beds); a != b {
			t.Errorf("got %s, want %s", a, b)
		}
	})
}

func Example() {
	type settings struct {
		Sd    float64 `toml:"sd,required" doc:"noise of the instrument"`
		Every int     `toml:"every" doc:"states between two observations"`
	}
	document, _ := strict.Parse("run.toml", []byte("sd = 0.4\nevry = 8\n"))
	s := settings{Every: 1}
	document.Root().Bind(&s)
	fmt.Println(document.Err())
	// Output: run.toml:2:1: unknown key "evry"; did you mean "every"?
}
