package observe_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"retrace/observe"
)

var address = observe.Address{Seed: 11, Scenario: "A", Case: 2}

func simulate(t testing.TB, s observe.Sequence, x []float32, a observe.Address) observe.Sequence {
	t.Helper()
	out, err := s.Simulate(x, a)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// truth is a trajectory of n states of Lorenz 63.
func truth(n int) []float32 {
	x := make([]float32, 3*n)
	for i := range x {
		x[i] = float32(i) / 8
	}
	return x
}

func TestSimulatedNoiseHasItsStandardDeviation(t *testing.T) {
	const n = 4000
	s := layout(t, build(t, observe.Components{Labels: []string{"x", "z"}}, lorenz), count(n), 0.5, 3)
	x := truth(n)
	seen := simulate(t, s, x, address)
	if err := seen.Validate(n, lorenz); err != nil {
		t.Fatal(err)
	}
	for j, component := range []int{0, 2} {
		sum, squares, lagged := 0.0, 0.0, 0.0
		previous := 0.0
		for i, o := range seen.Observations {
			e := (o.Values[j] - float64(x[3*i+component])) / o.Sd[j]
			sum, squares, lagged = sum+e, squares+e*e, lagged+e*previous
			previous = e
		}
		// Each statistic is standard normal for white noise; five of them stay within 4.5.
		for name, z := range map[string]float64{
			"mean": sum / math.Sqrt(n), "variance": (squares - n) / math.Sqrt(2*n), "correlation": lagged / math.Sqrt(n),
		} {
			if math.Abs(z) > 4.5 {
				t.Errorf("value %d: the %s of the noise is %v sd off", j, name, z)
			}
		}
	}
	if s.Count() != 0 {
		t.Error("Simulate changed the layout")
	}
}

func TestNoiseDoesNotDependOnWhatElseIsObserved(t *testing.T) {
	x := truth(9)
	all := simulate(t, layout(t, build(t, observe.Identity{}, lorenz), count(9), 1), x, address)
	some := simulate(t, layout(t, build(t, observe.Components{Labels: []string{"z", "x"}}, lorenz), []int{2, 7}, 1), x, address)
	for k, i := range []int{2, 7} {
		whole := all.Observations[i].Values
		if got, want := some.Observations[k].Values, []float64{whole[2], whole[0]}; !slices.Equal(got, want) {
			t.Errorf("state %d: z and x are seen as %v alone and as %v together", i, got, want)
		}
	}
}

func TestNoiseDependsOnEachPartOfItsAddress(t *testing.T) {
	s := layout(t, build(t, observe.Identity{}, lorenz), []int{0, 1}, 1)
	s.Observations = append(s.Observations, s.Observations[1]) // the last state twice
	x := make([]float32, 6)
	seen := map[float64]bool{}
	addresses := []observe.Address{address, {Seed: 12, Scenario: "A", Case: 2}, {Seed: 11, Scenario: "B", Case: 2}, {Seed: 11, Scenario: "A", Case: 3}}
	for _, a := range addresses {
		for _, o := range simulate(t, s, x, a).Observations {
			for _, y := range o.Values {
				seen[y] = true
			}
		}
	}
	if want := len(addresses) * 9; len(seen) != want {
		t.Errorf("%d distinct noises: want %d", len(seen), want)
	}
	if again := simulate(t, s, x, address); !slices.Equal(again.Observations[0].Values, simulate(t, s, x, address).Observations[0].Values) {
		t.Error("the same address gives another noise")
	}
}

func TestSimulateReportsValuesThatAreNotFinite(t *testing.T) {
	logarithm := observe.Func{
		State: 3, Values: 1, Names: []string{"log x"},
		Function: func(y, x []float64) { y[0] = math.Log(x[0]) },
		Pullback: func(dst, x, v []float64) { clear(dst); dst[0] = v[0] / x[0] },
	}
	_, err := layout(t, logarithm, []int{1}, 1).Simulate([]float32{1, 1, 1, -1, 1, 1}, address)
	if err == nil || !strings.Contains(err.Error(), `"log x" of state 1 is NaN`) {
		t.Errorf("the error is %v", err)
	}
}

// present lists (observation, value) of the values present.
func present(s observe.Sequence) map[[2]int]float64 {
	list := map[[2]int]float64{}
	for k, o := range s.Observations {
		for j, y := range o.Values {
			if !math.IsNaN(y) {
				list[[2]int{k, j}] = y
			}
		}
	}
	return list
}

func TestDropTakesTheShareAndIsNested(t *testing.T) {
	s := simulate(t, layout(t, build(t, observe.Identity{}, lorenz), count(50), 1), truth(50), address)
	before := present(s)
	previous := before
	for _, share := range []float64{0, 0.1, 0.25, 0.5, 0.99, 1} {
		kept := present(s.Drop(share, address))
		if want := 150 - int(math.Round(150*share)); len(kept) != want {
			t.Errorf("dropping %v keeps %d values: want %d", share, len(kept), want)
		}
		for place, y := range kept {
			if previous[place] != y {
				t.Errorf("dropping %v: value %v is %v, and %v with a smaller share", share, place, y, previous[place])
			}
		}
		previous = kept
	}
	if len(present(s)) != len(before) {
		t.Error("Drop changed its sequence")
	}
}

func TestWithholdSplitsWhatIsPresent(t *testing.T) {
	s := simulate(t, layout(t, build(t, observe.Identity{}, lorenz), count(20), 1), truth(20), address).Drop(0.3, address)
	kept, withheld := s.Withhold(0.2, address)
	all := present(s)
	a, b := present(kept), present(withheld)
	if len(b) != 8 || len(a) != 34 { // of 42
		t.Errorf("%d kept and %d withheld: want 34 and 8", len(a), len(b))
	}
	for place, y := range all {
		_, inKept := a[place]
		_, inWithheld := b[place]
		if inKept == inWithheld || a[place]+b[place] != y {
			t.Errorf("value %v = %v is kept as %v and withheld as %v", place, y, a[place], b[place])
		}
	}
	other, _ := s.Withhold(0.2, observe.Address{Seed: 11, Scenario: "A", Case: 3})
	if slices.Equal(mask(other), mask(kept)) {
		t.Error("two cases withhold the same values")
	}
}

// mask tells which values are present, in order.
func mask(s observe.Sequence) []bool {
	var list []bool
	for _, o := range s.Observations {
		for _, y := range o.Values {
			list = append(list, !math.IsNaN(y))
		}
	}
	return list
}

func count(n int) []int {
	list := make([]int, n)
	for i := range list {
		list[i] = i
	}
	return list
}
