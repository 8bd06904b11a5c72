package strict_test

import (
	"fmt"
	"strings"
	"testing"

	"retrace/internal/strict"
)

type orchard struct {
	Rows []row `toml:"row" doc:"rows of trees"`
}

type row struct {
	Name  string         `toml:"name" doc:"a name"`
	Kind  string         `toml:"kind" doc:"of tree"`
	Trees int            `toml:"trees" doc:"how many"`
	Gap   float64        `toml:"gap" doc:"metres"`
	Depth strict.Numbers `toml:"depth" doc:"one or each"`
}

// sweep varies all keys but depth, of which it takes lists of lists.
var sweep = strict.Sweep{
	Swept: func(t strict.Table, key string) bool {
		if list := t.Value(key).Any.([]any); key == "depth" && len(list) > 0 {
			_, nested := list[0].([]any)
			return nested
		}
		return true
	},
	Mark: func(t strict.Table, point []strict.Setting) {
		name, _ := t.Text("name")
		for _, s := range point {
			name += " " + s.String()
		}
		t.Set("name", name)
	},
	Most: 10,
}

func plant(source string, overrides ...string) (orchard, error) {
	var o orchard
	d, err := strict.Parse("o.toml", []byte(source))
	if err != nil {
		return o, err
	}
	for _, override := range overrides {
		if err := d.Override("--set", override); err != nil {
			return o, err
		}
	}
	d.Sweep("row", sweep)
	d.Root().Bind(&o)
	return o, d.Err()
}

func TestSweepIsTheProductOfItsLists(t *testing.T) {
	o, err := plant(`
[[row]]
name = "a"
gap = [1, 2.5]
kind = ["fir", "oak"]
depth = [1, 2]
[[row]]
name = "b"
depth = [[1, 2], [3]]
[[row]]
name = "c"
trees = 4
`, "row.c.trees=[5, 6]")
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		"a gap=1 kind=fir: fir 0 1 [1 2]", "a gap=1 kind=oak: oak 0 1 [1 2]",
		"a gap=2.5 kind=fir: fir 0 2.5 [1 2]", "a gap=2.5 kind=oak: oak 0 2.5 [1 2]",
		"b depth=1,2:  0 0 [1 2]", "b depth=3:  0 0 [3]",
		"c trees=5:  5 0 []", "c trees=6:  6 0 []",
	}
	var got []string
	for _, r := range o.Rows {
		got = append(got, fmt.Sprintf("%s: %s %d %v %v", r.Name, r.Kind, r.Trees, r.Gap, r.Depth))
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestProblemsOfASweepHaveThePlaceOfTheValue(t *testing.T) {
	for name, test := range map[string]struct{ source, set, want string }{
		"wrong type in a list": {"[[row]]\nname = 'a'\ntrees = [1,\n  'x']", "", `o.toml:4:3: row.a trees=x.trees = "x": must be a whole number, not a string`},
		"other key":            {"[[row]]\ngap = [1, 2]\ntreees = 1", "", `o.toml:3:1: unknown key "row. gap=1.treees"; did you mean "trees"?`},
		"second element":       {"[[row]]\ngap = [1, 2]\n[[row]]\ngap = 'x'", "", `o.toml:4:1: row.2.gap = "x": must be a number, not a string`},
		"empty list":           {"[[row]]\n\ntrees = []", "", `o.toml:3:1: row.0.trees: the list is empty: give a value, or a list of values to try`},
		"too many":             {"[[row]]\ntrees = [1,2,3,4]\ngap = [1,2,3]", "", `o.toml:3:1: row.0.gap: makes more than 10 combinations: shorten the lists`},
		"by a flag":            {"[[row]]\nname = 'a'", "row.a.gap=[1, true]", `--set row.a.gap=[1, true]: row.a gap=true.gap = true: must be a number, not true or false`},
	} {
		t.Run(name, func(t *testing.T) {
			var overrides []string
			if test.set != "" {
				overrides = []string{test.set}
			}
			_, err := plant(test.source, overrides...)
			if err == nil || !strings.HasPrefix(err.Error(), test.want) {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestSweepOfWhatIsNoArrayOfTables(t *testing.T) {
	for _, source := range []string{"", "row = 3", "row = []", "row = [3, 4]"} {
		_, err := plant(source)
		if fine := source == "" || source == "row = []"; fine != (err == nil) {
			t.Errorf("%q: got %v", source, err)
		}
	}
}
