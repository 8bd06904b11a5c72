package observe_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"retrace/internal/fault"
	"retrace/observe"
)

var target = observe.Target{Space: lorenz, Timeline: timeline}

func readCSV(text string, target observe.Target) ([]observe.Sequence, error) {
	return observe.ReadCSV(strings.NewReader(text), "obs.csv", target)
}

func mustRead(t testing.TB, text string, target observe.Target) []observe.Sequence {
	t.Helper()
	cases, err := readCSV(text, target)
	if err != nil {
		t.Fatal(err)
	}
	return cases
}

// describe writes a sequence in a form that tests can compare.
func describe(s observe.Sequence) string {
	var b strings.Builder
	for _, o := range s.Observations {
		fmt.Fprintf(&b, "%d %v %v %v\n", o.Index, observe.Labels(o.Operator), o.Values, o.Sd)
	}
	return b.String()
}

func TestCSVReadsWhatUsersWrite(t *testing.T) {
	const want = "0 [x] [1.5] [0.1]\n4 [x z] [NaN 3] [NaN 0.5]\n"
	for name, text := range map[string]string{
		"plain":             "time,quantity,value,sd\n10,x,1.5,0.1\n10.1,x,,\n10.1,z,3,0.5\n",
		"any order":         "sd,value,time,case,quantity\n.5,3,10.1,0,z\n,NaN,10.1,0,x\n1e-1,1.5,10,0,x\n",
		"comments, spaces":  "# a probe\ntime, quantity , value, sd\n#,,\n 10 , x , 1.5 , 0.1\n\n10.1,x, nan ,NaN\n10.1,z,3,0.5",
		"byte order mark":   "\ufefftime,quantity,value,sd\n10,x,1.5,0.1\n10.1,x,,\n10.1,z,3,0.5\n",
		"Windows line ends": "time,quantity,value,sd\r\n10,x,1.5,0.1\r\n10.1,x,,\r\n10.1,z,3,0.5\r\n",
		"quotes":            "\"time\",\"quantity\",\"value\",\"sd\"\n\"10\",\"x\",\"1.5\",\"0.1\"\n10.1,\"x\",\"\",\"\"\n10.1,z,3,0.5\n",
		"rounded times":     "time,quantity,value,sd\n10.00001,x,1.5,0.1\n10.09999,x,,\n10.1,z,3,0.5\n",
	} {
		cases := mustRead(t, text, target)
		if len(cases) != 1 || describe(cases[0]) != want {
			t.Errorf("%s: read as\n%swant\n%s", name, describe(cases[0]), want)
		}
		if err := cases[0].Validate(timeline.Length, lorenz); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestCSVOperatorsSeeTheComponentsNamed(t *testing.T) {
	cases := mustRead(t, "case,time,quantity,value,sd\n1,10.025,z,7,1\n0,10,y,2,1\n1,10,y,5,1\n0,10.025,y,4,1\n", target)
	if len(cases) != 2 {
		t.Fatalf("%d cases: want 2", len(cases))
	}
	y := make([]float64, 1)
	for number, want := range [][]float64{{20, 20}, {20, 30}} {
		for k, o := range cases[number].Observations {
			if o.Operator.Apply(y, []float64{10, 20, 30}); y[0] != want[k] {
				t.Errorf("case %d: observation %d sees %v: want %v", number, k, y[0], want[k])
			}
		}
	}
	if cases[0].Observations[0].Operator != cases[1].Observations[0].Operator {
		t.Error("two observations of y do not share their operator")
	}
}

func TestCSVMapsOntoTheOperatorOfTheConfig(t *testing.T) {
	through := target
	through.Operator = build(t, observe.Linear{Matrix: [][]float64{{1, 1, 0}, {0, 1, 1}}, Labels: []string{"x+y", "y+z"}}, lorenz)
	cases := mustRead(t, "time,quantity,value,sd\n10,y+z,4,0.5\n10.1,x+y,1,0.1\n10.1,y+z,2,0.2\n", through)
	const want = "0 [x+y y+z] [NaN 4] [NaN 0.5]\n4 [x+y y+z] [1 2] [0.1 0.2]\n"
	if got := describe(cases[0]); got != want {
		t.Errorf("read as\n%swant\n%s", got, want)
	}
	if cases[0].Observations[0].Operator != through.Operator {
		t.Error("another operator was built")
	}
	_, err := readCSV("time,quantity,value,sd\n10,x,4,0.5\n", through)
	if err == nil || !strings.Contains(err.Error(), `unknown quantity "x"`) {
		t.Errorf("a component that the operator does not name: %v", err)
	}
}

func TestCSVFaultsNameTheirPlaceAndCure(t *testing.T) {
	const header = "case,time,quantity,value,sd\n"
	for _, test := range []struct {
		name, text string
		want       []string // the beginning and parts of the one line
	}{
		{"empty file", "", []string{"obs.csv: the file is empty"}},
		{"only comments", "# nothing\n", []string{"obs.csv: the file is empty"}},
		{"no row", header, []string{"obs.csv: no value is present"}},
		{"all missing", header + "0,10,x,,\n0,10,y,NaN,0.1\n", []string{"obs.csv: no value is present"}},
		{"misspelt column", "time,quantity,vlaue,value,sd\n", []string{"obs.csv:1:15 header: ", `"vlaue"`, `"value"`}},
		{"column twice", "time,quantity,value,value,sd\n", []string{"obs.csv:1:21 header: column value is there twice"}},
		{"missing column", "time,quantity,value\n", []string{"obs.csv:1:1 header: there is no column sd", "case, time"}},
		{"semicolons", "time;quantity;value;sd\n", []string{"obs.csv:1:1 header: ", "commas"}},
		{"short row", header + "0,10,x,1\n", []string{"obs.csv:2:1 row: 4 fields under a header of 5"}},
		{"long row", header + "0,10,x,1,0,5\n", []string{"obs.csv:2:1 row: 6 fields"}},
		{"text for a value", header + "0,10,x,1.5m,0.1\n", []string{`obs.csv:2:8 value: "1.5m" is not a number`, "leave it empty"}},
		{"infinite value", header + "0,10,x,-Inf,0.1\n", []string{`obs.csv:2:8 value: "-Inf" is not finite`}},
		{"huge value", header + "0,10,x,1e400,0.1\n", []string{`obs.csv:2:8 value: "1e400" is not finite`}},
		{"sd of zero", header + "0,10,x,1.5,0\n", []string{"obs.csv:2:12 sd: 0 is not greater than 0"}},
		{"negative sd", header + "0,10,x,1.5,-0.1\n", []string{"obs.csv:2:12 sd: -0.1 is not greater than 0"}},
		{"sd too small for a number", header + "0,10,x,1.5,1e-400\n", []string{"obs.csv:2:12 sd: 1e-400 is not greater"}},
		{"sd of a missing value", header + "0,10,x,,-1\n", []string{"obs.csv:2:9 sd: -1 is not greater"}},
		{"sd that is NaN", header + "0,10,x,1.5,NaN\n", []string{`obs.csv:2:12 sd: "NaN" is not finite`}},
		{"infinite sd", header + "0,10,x,1.5,inf\n", []string{`obs.csv:2:12 sd: "inf" is not finite`}},
		{"no sd", header + "0,10,x,1.5,\n", []string{"obs.csv:2:12 sd: is empty"}},
		{"unknown quantity", header + "0,10,X,1.5,1\n", []string{`obs.csv:2:6 quantity: unknown quantity "X"`, `did you mean "x"?`}},
		{"far quantity", header + "0,10,temperature,1.5,1\n", []string{"obs.csv:2:6 quantity: ", "x, y, z"}},
		{"time off the grid", header + "0,10.01,x,1.5,1\n", []string{"obs.csv:2:3 time: no state at time 10.01: ", "nearest at 10"}},
		{"time beyond the trajectory", header + "0,11.625,x,1.5,1\n", []string{"obs.csv:2:3 time: ", "from 10 to 11.6", "nearest at 11.6"}},
		{"time before the trajectory", header + "0,9,x,1.5,1\n", []string{"obs.csv:2:3 time: ", "nearest at 10"}},
		{"no time", header + "0,,x,1.5,1\n", []string{"obs.csv:2:3 time: is empty"}},
		{"time that is NaN", header + "0,nan,x,1.5,1\n", []string{`obs.csv:2:3 time: "nan" is not finite`}},
		{"date for a time", header + "0,2020-01-01,x,1.5,1\n", []string{`obs.csv:2:3 time: "2020-01-01" is not a number`}},
		{"negative case", header + "-1,10,x,1.5,1\n", []string{`obs.csv:2:1 case: "-1" is not a case number`}},
		{"case not whole", header + "0.5,10,x,1.5,1\n", []string{`obs.csv:2:1 case: "0.5"`}},
		{"huge case", header + "99999999999999999999,10,x,1.5,1\n", []string{`obs.csv:2:1 case: "99999999999999999999"`}},
		{"case left out", header + "0,10,x,1.5,1\n2,10,x,1.5,1\n", []string{"obs.csv:3:1 case: case 2 is here but not case 1"}},
		{"only a late case", header + "9000000000000,10,x,1.5,1\n", []string{"obs.csv:2:1 case: ", "not case 0"}},
		{"the same value twice", header + "0,10,x,1.5,1\n0,11,x,1,1\n0,10.00001,x,1.6,1\n", []string{"obs.csv:4:1 quantity: x at time 10 of case 0 is given twice (also on line 2)"}},
		{"stray quote", header + "0,10,x,1\"5,1\n", []string{"obs.csv:2:9: not valid CSV", "double quotes"}},
		{"open quote", header + "0,10,\"x,1.5,1\n", []string{"obs.csv:2:15: not valid CSV"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := readCSV(test.text, target)
			if err == nil {
				t.Fatal("it was read")
			}
			if !fault.IsInput(err) {
				t.Error("it is not an input error")
			}
			if _, ok := errors.AsType[*observe.FileError](err); !ok {
				t.Error("it is not a FileError")
			}
			if !strings.HasPrefix(err.Error(), test.want[0]) || strings.Contains(err.Error(), "\n") {
				t.Errorf("the error is %q: want one line that begins with %q", err, test.want[0])
			}
			for _, part := range test.want[1:] {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not contain %q", err, part)
				}
			}
		})
	}
}

func TestCSVReportsEveryBrokenRowInOrder(t *testing.T) {
	_, err := readCSV("time,quantity,value,sd\n10,x,1,1\n10.01,x,1,1\n10,q,1,1\n10,x,2,1\n10,y,a,0\n10,z,1,1\n", target)
	var places []string
	for line := range strings.Lines(err.Error()) {
		place, _, _ := strings.Cut(line, " ")
		places = append(places, place)
	}
	if want := []string{"obs.csv:3:1", "obs.csv:4:4", "obs.csv:5:1", "obs.csv:6:6"}; !slices.Equal(places, want) {
		t.Errorf("faults at %v: want %v", places, want)
	}
}

func TestCSVStopsAfterManyFaults(t *testing.T) {
	_, err := readCSV("time,quantity,value,sd\n"+strings.Repeat("10,x,wrong,1\n", 1000), target)
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 21 || !strings.Contains(lines[20], "only the first 20") {
		t.Errorf("%d lines, the last %q: want 20 and a note", len(lines), lines[len(lines)-1])
	}
}

// endless repeats its text for ever.
type endless string

func (e endless) Read(p []byte) (int, error) {
	n := 0
	for n+len(e) <= len(p) {
		n += copy(p[n:], e)
	}
	return n, nil
}

func TestCSVOfAnySizeEndsInAnError(t *testing.T) {
	_, err := observe.ReadCSV(io.MultiReader(strings.NewReader("time,quantity,value,sd\n"), endless("# "+strings.Repeat("-", 1000)+"\n")), "obs.csv", target)
	if err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), "obs.csv: too large") {
		t.Errorf("the error of an endless file is %v", err)
	}
}

func TestCSVReportsAFailingReader(t *testing.T) {
	broken := errors.New("disk on fire")
	_, err := observe.ReadCSV(io.MultiReader(strings.NewReader("time,quantity,value,sd\n10,x,"), failing{broken}), "obs.csv", target)
	if !errors.Is(err, broken) || fault.IsInput(err) {
		t.Errorf("the error is %v: want the reader's, not marked as input", err)
	}
}

type failing struct{ error }

func (f failing) Read([]byte) (int, error) { return 0, f.error }

func (f failing) Write([]byte) (int, error) { return 0, f.error }

// simulated returns observations of three cases through one operator, some of
// them missing.
func simulated(t testing.TB, op observe.Operator) []observe.Sequence {
	cases := make([]observe.Sequence, 3)
	for number := range cases {
		a := observe.Address{Seed: 5, Scenario: "files", Case: number}
		states, err := timeline.Every(8+number, number)
		if err != nil {
			t.Fatal(err)
		}
		cases[number] = simulate(t, layout(t, op, states, 0.1+math.Pi), truth(65), a).Drop(0.2, a)
	}
	return cases
}

func TestCSVRoundTripIsExact(t *testing.T) {
	op := build(t, observe.Components{Labels: []string{"x", "z"}}, lorenz)
	named := build(t, observe.Linear{Matrix: [][]float64{{1, 2, 3}, {4, 5, 6}}, Labels: []string{"a, \"b\"", "#c"}}, lorenz)
	through := target
	through.Operator = named
	for _, test := range []struct {
		cases  []observe.Sequence
		target observe.Target
	}{{simulated(t, op), target}, {simulated(t, named), through}} {
		var file bytes.Buffer
		if err := observe.WriteCSV(&file, test.cases, test.target); err != nil {
			t.Fatal(err)
		}
		read := mustRead(t, file.String(), test.target)
		if len(read) != len(test.cases) {
			t.Fatalf("%d cases are read as %d", len(test.cases), len(read))
		}
		for number := range read {
			if got, want := describe(read[number]), describe(test.cases[number]); got != want {
				t.Errorf("case %d is read as\n%swant\n%s", number, got, want)
			}
		}
	}
}

func TestCSVOrderDoesNotMatter(t *testing.T) {
	var file bytes.Buffer
	if err := observe.WriteCSV(&file, simulated(t, build(t, observe.Identity{}, lorenz)), target); err != nil {
		t.Fatal(err)
	}
	lines := slices.Collect(strings.Lines(file.String()))
	head, rows := lines[:2], slices.Clone(lines[2:])
	slices.Sort(rows)
	slices.Reverse(rows)
	shuffled := mustRead(t, strings.Join(head, "")+strings.Join(rows, ""), target)
	for number, s := range mustRead(t, file.String(), target) {
		if describe(s) != describe(shuffled[number]) {
			t.Errorf("case %d depends on the order of rows", number)
		}
	}
}

func TestCSVJoinsObservationsOfOneState(t *testing.T) {
	x, z := build(t, observe.Components{Labels: []string{"x"}}, lorenz), build(t, observe.Components{Labels: []string{"z"}}, lorenz)
	s := observe.Sequence{Observations: []observe.Observation{
		{Index: 1, Operator: z, Values: []float64{3}, Sd: []float64{0.3}},
		{Index: 1, Operator: x, Values: []float64{1}, Sd: []float64{0.1}},
	}}
	var file bytes.Buffer
	if err := observe.WriteCSV(&file, []observe.Sequence{s}, target); err != nil {
		t.Fatal(err)
	}
	read := mustRead(t, file.String(), target)[0]
	if got, want := describe(read), "1 [x z] [1 3] [0.1 0.3]\n"; got != want {
		t.Errorf("read as %swant %s", got, want)
	}
	state := []float32{0, 0, 0, 2, 2, 2}
	if a, b := observe.NewLikelihood(s).Log(state), observe.NewLikelihood(read).Log(state); math.Abs(a-b) > 1e-12 {
		t.Errorf("log p is %v before and %v after", a, b)
	}
}

func TestCSVRefusesToWriteWhatItCannotHold(t *testing.T) {
	s := simulated(t, build(t, observe.Identity{}, lorenz))[0]
	twice := observe.Sequence{Observations: slices.Concat(s.Observations[:1], s.Observations)}
	for want, cases := range map[string][]observe.Sequence{
		"case 1 has no observation":               {s, {}},
		`case 1 has two values of "x" at state 0`: {s, twice},
	} {
		var file bytes.Buffer
		if err := observe.WriteCSV(&file, cases, target); err == nil || !strings.Contains(err.Error(), want) || file.Len() > 0 {
			t.Errorf("the error is %v after %d bytes: want %q after none", err, file.Len(), want)
		}
	}
	broken := errors.New("disk full")
	if err := observe.WriteCSV(failing{broken}, []observe.Sequence{s}, target); !errors.Is(err, broken) {
		t.Errorf("writing to a full disk gives %v", err)
	}
}

func FuzzReadCSV(f *testing.F) {
	for _, seed := range []string{
		"time,quantity,value,sd\n10,x,1.5,0.1\n10.1,x,,\n10.1,z,3,0.5\n",
		"# comment\ncase,sd,value,time,quantity\n0,1,2,10,x\n1,1,NaN,10,y\n1,0x1p-2,3,10.025,y\n",
		"\ufefftime,quantity,value,sd\r\n10,\"x\",1,1\r\n",
		"time;quantity;value;sd\n",
		"time,quantity,value,sd\n10,\"x,1,1\n",
		"time,quantity,value,sd\n1e999,x,inf,-1\n-0,,,\n10,x,1,1\n10,x,1,1\n",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		cases, err := readCSV(text, target)
		if err != nil {
			if !fault.IsInput(err) {
				t.Fatalf("an error that is not marked as input: %v", err)
			}
			return
		}
		for _, s := range cases {
			if err := s.Validate(timeline.Length, lorenz); err != nil {
				t.Fatal(err)
			}
		}
		var file bytes.Buffer
		if err := observe.WriteCSV(&file, cases, target); err != nil {
			t.Fatal(err)
		}
		again := mustRead(t, file.String(), target)
		for number, s := range cases {
			if describe(s) != describe(again[number]) {
				t.Fatalf("case %d changes when written and read", number)
			}
		}
	})
}
