package observe_test

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/observe"
)

// lorenz is a space of three labelled components.
var lorenz = dynamics.Space{
	Variable: "state", LongName: "Lorenz 63 state", Units: "1",
	Axes: []dynamics.Axis{{Name: "variable", Labels: []string{"x", "y", "z"}}},
}

// field is a space of two layers on a grid of 4 by 6 points.
var field = dynamics.Space{
	Variable: "q", Units: "s-1",
	Axes: []dynamics.Axis{
		{Name: "layer", Labels: []string{"upper", "lower"}},
		{Name: "y", Units: "m", Coordinates: []float64{0.5, 1.5, 2.5, 3.5}},
		{Name: "x", Units: "m", Coordinates: []float64{0, 1, 2, 3, 4, 5}},
	},
}

func build(t testing.TB, b observe.Builder, space dynamics.Space) observe.Operator {
	t.Helper()
	op, err := b.Build(space)
	if err != nil {
		t.Fatal(err)
	}
	return op
}

// product is an operator of a Go function: h(x) = (x0 x1, sin x2, x0^2).
var product = observe.Func{
	State: 3, Values: 3,
	Function: func(y, x []float64) { y[0], y[1], y[2] = x[0]*x[1], math.Sin(x[2]), x[0]*x[0] },
	Pullback: func(dst, x, v []float64) {
		dst[0] = x[1]*v[0] + 2*x[0]*v[2]
		dst[1] = x[0] * v[0]
		dst[2] = math.Cos(x[2]) * v[1]
	},
}

// everyOperator lists operators of each kind.
func everyOperator(t testing.TB) map[string]observe.Operator {
	return map[string]observe.Operator{
		"components by label":     build(t, observe.Components{Labels: []string{"z", "x"}}, lorenz),
		"components by index":     build(t, observe.Components{Indices: []int{47, 0, 13}}, field),
		"identity":                build(t, observe.Identity{}, lorenz),
		"linear":                  build(t, observe.Linear{Matrix: [][]float64{{1, 2, 3}, {0, -1, 0.5}}}, lorenz),
		"coarsen two axes":        build(t, observe.Coarsen{Axes: []string{"x", "y"}, Factor: 2}, field),
		"coarsen one axis":        build(t, observe.Coarsen{Axes: []string{"x"}, Factor: 3}, field),
		"mean over an axis":       build(t, observe.Mean{Axes: []string{"y"}}, field),
		"mean of components":      build(t, observe.Mean{Labels: []string{"x", "z"}}, lorenz),
		"mean of the state":       build(t, observe.Mean{}, field),
		"saturate":                build(t, observe.Saturate{Scale: 0.7}, field),
		"saturate one component":  build(t, observe.Saturate{Labels: []string{"y"}, Scale: 2}, lorenz),
		"function":                product,
		"function with few names": observe.Func{State: 3, Values: 3, Function: product.Function, Pullback: product.Pullback, Names: []string{"a", "b", "c"}},
	}
}

// normals draws n standard normal numbers.
func normals(r *rand.Rand, n int) []float64 {
	x := make([]float64, n)
	for i := range x {
		x[i] = r.NormFloat64()
	}
	return x
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// directional is the derivative of op at x along u: central differences,
// extrapolated three times to an error of order h^8 (Richardson).
func directional(op observe.Operator, x, u []float64) []float64 {
	_, values := op.Size()
	at := func(h float64) []float64 {
		y := make([]float64, values)
		moved := make([]float64, len(x))
		for i := range x {
			moved[i] = x[i] + h*u[i]
		}
		op.Apply(y, moved)
		return y
	}
	const h = 0.04
	var table [4][]float64
	for k := range table {
		step := h / float64(int(1)<<k)
		table[k] = at(step)
		for j, minus := range at(-step) {
			table[k][j] = (table[k][j] - minus) / (2 * step)
		}
	}
	for level := 1; level < len(table); level++ {
		weight := math.Pow(4, float64(level))
		for k := 0; k < len(table)-level; k++ {
			for j := range table[k] {
				table[k][j] = (weight*table[k+1][j] - table[k][j]) / (weight - 1)
			}
		}
	}
	return table[0]
}

func TestVJPIsTheTransposeOfTheDerivative(t *testing.T) {
	for name, op := range everyOperator(t) {
		t.Run(name, func(t *testing.T) {
			r := rng.Stream(1, name)
			state, values := op.Size()
			for range 5 {
				x, u, v := normals(r, state), normals(r, state), normals(r, values)
				pulled := slices.Repeat([]float64{math.NaN()}, state) // what dst holds must not matter
				keptX, keptV := slices.Clone(x), slices.Clone(v)
				op.VJP(pulled, x, v)
				if !slices.Equal(x, keptX) || !slices.Equal(v, keptV) {
					t.Fatal("VJP changed its input")
				}
				forward, backward := dot(directional(op, x, u), v), dot(u, pulled)
				if !(math.Abs(forward-backward) <= 1e-10*max(1, math.Abs(forward))) {
					t.Errorf("<J u, v> = %.15g but <u, J^T v> = %.15g", forward, backward)
				}
			}
		})
	}
}

func TestOperatorsSeeWhatTheyDescribe(t *testing.T) {
	x := []float64{1, -2, 6}
	f := make([]float64, field.Size())
	for i := range f {
		f[i] = float64(i)
	}
	for _, test := range []struct {
		name    string
		builder observe.Builder
		space   dynamics.Space
		state   []float64
		want    []float64
		labels  []string
	}{
		{"components by label", observe.Components{Labels: []string{"z", "x"}}, lorenz, x, []float64{6, 1}, []string{"z", "x"}},
		{"components by index", observe.Components{Indices: []int{1}}, lorenz, x, []float64{-2}, []string{"y"}},
		{"a point of a field", observe.Components{Labels: []string{"lower/1.5/2"}}, field, f, []float64{24 + 6 + 2}, []string{"lower/1.5/2"}},
		{"identity", observe.Identity{}, lorenz, x, x, []string{"x", "y", "z"}},
		{"linear", observe.Linear{Matrix: [][]float64{{1, 1, 0}, {0, 0, 2}}}, lorenz, x, []float64{-1, 12}, []string{"value0", "value1"}},
		{"linear with labels", observe.Linear{Matrix: [][]float64{{0, 1, 1}}, Labels: []string{"y+z"}}, lorenz, x, []float64{4}, []string{"y+z"}},
		{
			"coarsen", observe.Coarsen{Axes: []string{"y", "x"}, Factor: 2}, field, f,
			[]float64{3.5, 5.5, 7.5, 15.5, 17.5, 19.5, 27.5, 29.5, 31.5, 39.5, 41.5, 43.5},
			[]string{
				"upper/1/0.5", "upper/1/2.5", "upper/1/4.5", "upper/3/0.5", "upper/3/2.5", "upper/3/4.5",
				"lower/1/0.5", "lower/1/2.5", "lower/1/4.5", "lower/3/0.5", "lower/3/2.5", "lower/3/4.5",
			},
		},
		{"coarsen a labelled axis", observe.Coarsen{Axes: []string{"variable"}, Factor: 3}, lorenz, x, []float64{5.0 / 3}, []string{"x..z"}},
		{"coarsen by one", observe.Coarsen{Axes: []string{"variable"}, Factor: 1}, lorenz, x, x, []string{"x", "y", "z"}},
		{
			"mean over axes", observe.Mean{Axes: []string{"x", "layer"}}, field, f,
			[]float64{14.5, 20.5, 26.5, 32.5}, []string{"0.5", "1.5", "2.5", "3.5"},
		},
		{"mean over every axis", observe.Mean{Axes: []string{"x", "y", "layer"}}, field, f, []float64{23.5}, []string{"mean"}},
		{"mean of components", observe.Mean{Indices: []int{0, 2}}, lorenz, x, []float64{3.5}, []string{"mean"}},
		{"mean of the state", observe.Mean{}, lorenz, x, []float64{5.0 / 3}, []string{"mean"}},
		{
			"saturate", observe.Saturate{Labels: []string{"x", "z"}, Scale: 2}, lorenz, x,
			[]float64{2 * math.Atan(0.5), 2 * math.Atan(3)}, []string{"x", "z"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			op := build(t, test.builder, test.space)
			state, values := op.Size()
			if state != len(test.state) || values != len(test.want) {
				t.Fatalf("sizes are %d and %d: want %d and %d", state, values, len(test.state), len(test.want))
			}
			y := slices.Repeat([]float64{math.NaN()}, values)
			op.Apply(y, test.state)
			for j := range y {
				if !(math.Abs(y[j]-test.want[j]) <= 1e-14*math.Abs(test.want[j])) {
					t.Errorf("value %d is %v: want %v", j, y[j], test.want[j])
				}
			}
			if got := observe.Labels(op); !slices.Equal(got, test.labels) {
				t.Errorf("labels are %v: want %v", got, test.labels)
			}
		})
	}
}

func TestSaturateLevelsOffAndKeepsSmallValues(t *testing.T) {
	op := build(t, observe.Saturate{Labels: []string{"x"}, Scale: 3}, lorenz)
	y := make([]float64, 1)
	op.Apply(y, []float64{1e9, 0, 0})
	if math.Abs(y[0]-3*math.Pi/2) > 1e-7 {
		t.Errorf("a huge value is seen as %v: want the limit %v", y[0], 3*math.Pi/2)
	}
	op.Apply(y, []float64{1e-6, 0, 0})
	if math.Abs(y[0]-1e-6) > 1e-18 {
		t.Errorf("1e-6 is seen as %v", y[0])
	}
}

func TestBuildersNameTheKeyAndTheCure(t *testing.T) {
	for _, test := range []struct {
		name    string
		builder observe.Builder
		space   dynamics.Space
		want    []string // parts of the error
	}{
		{"no component", observe.Components{}, lorenz, []string{"labels:", "x, y, z"}},
		{"labels and indices", observe.Components{Labels: []string{"x"}, Indices: []int{1}}, lorenz, []string{"labels:", "one of the two"}},
		{"unknown component", observe.Components{Labels: []string{"temperature"}}, lorenz, []string{"labels:", `"temperature"`, "x, y, z"}},
		{"misspelt component", observe.Components{Labels: []string{"uper/0.5/1"}}, field, []string{"labels:", `did you mean "upper/0.5/1"?`}},
		{"many components", observe.Components{Labels: []string{"vorticity"}}, field, []string{"upper/0.5/0, ", "(48 names)"}},
		{"repeated component", observe.Components{Labels: []string{"x", "x"}}, lorenz, []string{"labels:", "twice"}},
		{"empty label", observe.Components{Labels: []string{""}}, lorenz, []string{"labels:", `""`}},
		{"index beyond the state", observe.Components{Indices: []int{3}}, lorenz, []string{"indices:", "0 to 2"}},
		{"negative index", observe.Mean{Indices: []int{-1}}, lorenz, []string{"indices:", "0 to 2"}},
		{"repeated index", observe.Saturate{Indices: []int{1, 1}, Scale: 1}, lorenz, []string{"indices:", "twice"}},
		{"empty matrix", observe.Linear{}, lorenz, []string{"matrix:", "row of 3 numbers"}},
		{"short row", observe.Linear{Matrix: [][]float64{{1, 2, 3}, {1, 2}}}, lorenz, []string{"matrix:", "row 1", "give 3"}},
		{"NaN in the matrix", observe.Linear{Matrix: [][]float64{{1, math.NaN(), 3}}}, lorenz, []string{"matrix:", "row 0, column 1", "finite"}},
		{"too few labels", observe.Linear{Matrix: [][]float64{{1, 0, 3}}, Labels: []string{"a", "b"}}, lorenz, []string{"labels:", "2 labels"}},
		{"label with a line end", observe.Linear{Matrix: [][]float64{{1, 0, 3}}, Labels: []string{"a\nb"}}, lorenz, []string{"labels:", `"a\nb"`}},
		{"no axis", observe.Coarsen{Factor: 2}, field, []string{"axes:", "layer, y, x"}},
		{"unknown axis", observe.Coarsen{Axes: []string{"latitude"}, Factor: 2}, field, []string{"axes:", `"latitude"`, "layer, y, x"}},
		{"repeated axis", observe.Coarsen{Axes: []string{"x", "x"}, Factor: 2}, field, []string{"axes:", "twice"}},
		{"factor that does not divide", observe.Coarsen{Axes: []string{"x"}, Factor: 4}, field, []string{"factor:", `"x" of 6`}},
		{"factor of zero", observe.Coarsen{Axes: []string{"x"}}, field, []string{"factor:", "divisor"}},
		{"mean over axes and components", observe.Mean{Axes: []string{"x"}, Labels: []string{"x"}}, field, []string{"axes:", "one of the two"}},
		{"mean over an unknown axis", observe.Mean{Axes: []string{"z"}}, field, []string{"axes:", `"z"`}},
		{"scale of zero", observe.Saturate{}, lorenz, []string{"scale:", "greater than 0"}},
		{"scale that is NaN", observe.Saturate{Scale: math.NaN()}, lorenz, []string{"scale:", "greater than 0"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			op, err := test.builder.Build(test.space)
			if err == nil {
				t.Fatalf("built %T", op)
			}
			if !fault.IsInput(err) {
				t.Error("it is not an input error")
			}
			for _, part := range test.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%q does not contain %q", err, part)
				}
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("%q is not one line", err)
			}
		})
	}
}

func TestEveryRegisteredOperatorIsDocumented(t *testing.T) {
	var names []string
	for _, entry := range observe.Entries() {
		names = append(names, entry.Name)
		if entry.Summary == "" {
			t.Errorf("operator %q has no summary", entry.Name)
		}
		for _, parameter := range reflect.VisibleFields(reflect.TypeOf(entry.Defaults()).Elem()) {
			if tag := parameter.Tag; tag.Get("toml") == "" || tag.Get("doc") == "" && !parameter.Anonymous {
				t.Errorf("parameter %s of operator %q has no toml or doc tag", parameter.Name, entry.Name)
			}
		}
	}
	for _, want := range []string{"coarsen", "components", "identity", "linear", "mean", "saturate"} {
		if !slices.Contains(names, want) {
			t.Errorf("operator %q is not registered", want)
		}
	}
}

func TestLabelsOfAWrongNumberPanic(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("two names for three values were accepted")
		}
	}()
	wrong := product
	wrong.Names = []string{"a", "b"}
	observe.Labels(wrong)
}
