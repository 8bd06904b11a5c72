package lorenz_test

import (
	"math"
	"reflect"
	"strings"
	"testing"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/lorenz"
)

// fields visits the parameters of a fresh builder of every registered model.
func fields(t *testing.T, visit func(t *testing.T, builder dynamics.Builder, key string, value reflect.Value)) {
	t.Helper()
	for _, entry := range dynamics.Entries() {
		kind := reflect.TypeOf(entry.Defaults()).Elem()
		for i := range kind.NumField() {
			key := kind.Field(i).Tag.Get("toml")
			t.Run(entry.Name+"."+key, func(t *testing.T) {
				builder := entry.Defaults()
				visit(t, builder, key, reflect.ValueOf(builder).Elem().Field(i))
			})
		}
	}
}

func TestEveryModelIsRegistered(t *testing.T) {
	for _, name := range []string{"lorenz63", "lorenz84", "lorenz96", "lorenz2005", "lorenz96-two-scale"} {
		entry, ok := dynamics.Lookup(name)
		if !ok {
			t.Errorf("%s is not registered", name)
			continue
		}
		m, err := entry.Defaults().Build()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if m.Space().Size() < 3 || m.SpinUp() < 1 || m.Clock().Interval <= 0 {
			t.Errorf("%s: space %+v, spin-up %d, clock %+v", name, m.Space(), m.SpinUp(), m.Clock())
		}
	}
}

func TestEveryParameterIsDocumented(t *testing.T) {
	for _, entry := range dynamics.Entries() {
		kind := reflect.TypeOf(entry.Defaults()).Elem()
		for i := range kind.NumField() {
			if f := kind.Field(i); f.Tag.Get("toml") == "" || f.Tag.Get("doc") == "" {
				t.Errorf("%s: parameter %s has no key or no documentation", entry.Name, f.Name)
			}
		}
	}
}

func TestEveryParameterIsChecked(t *testing.T) {
	fields(t, func(t *testing.T, builder dynamics.Builder, key string, value reflect.Value) {
		var bad []any
		switch value.Kind() {
		case reflect.Float64:
			bad = []any{math.NaN(), math.Inf(1), math.Inf(-1), 1e300}
		case reflect.Int:
			bad = []any{math.MinInt, math.MaxInt}
		default:
			t.Fatalf("parameter of kind %v", value.Kind())
		}
		for _, v := range bad {
			value.Set(reflect.ValueOf(v))
			_, err := builder.Build()
			if err == nil || !fault.IsInput(err) || !strings.Contains(err.Error(), key+" = ") {
				t.Errorf("%v: error is %v, want an input error that names %q", v, err, key)
			}
			if err != nil && strings.Contains(err.Error(), "\n") {
				t.Errorf("%v: error takes several lines: %v", v, err)
			}
		}
	})
}

func TestBadParameters(t *testing.T) {
	for _, c := range []struct {
		builder dynamics.Builder
		want    string
	}{
		{&lorenz.Lorenz96{N: 3, F: 8, Dt: 0.05, Steps: 1}, "n = 3: must be between 4 and 1000000"},
		{&lorenz.Lorenz96{N: 40, F: 8, Dt: 0, Steps: 1}, "dt = 0: must be between 1e-06 and 1000"},
		{&lorenz.Lorenz96{N: 40, F: 8, Dt: 0.05}, "steps = 0: must be between 1 and 1000000"},
		{&lorenz.Lorenz96{N: 40, F: 8, Dt: 0.6, Steps: 2}, "set steps to at least 6"},
		{&lorenz.Lorenz96{N: 40, F: 8, Dt: 0.05, Steps: 1, NoiseVariance: -1}, "noise_variance = -1: must be between 0 and"},
		{&lorenz.Lorenz63{Sigma: -10, Dt: 0.05, Steps: 1}, "sigma = -10: must be between 0 and 1000"},
		{&lorenz.TwoScale{N: 4, J: 0, B: 1, Dt: 0.005, Steps: 1}, "j = 0: must be between 1 and 1000"},
		{&lorenz.TwoScale{N: 100_000, J: 1000, B: 1, Dt: 0.005, Steps: 1}, "n = 100000, j = 1000: at most 10000000 variables"},
		{&lorenz.TwoScale{N: 4, J: 4, B: 0, Dt: 0.005, Steps: 1}, "b = 0: must be between 0.001 and 1000"},
	} {
		_, err := c.builder.Build()
		if err == nil || !strings.Contains(err.Error(), c.want) || !fault.IsInput(err) {
			t.Errorf("%+v: error is %v, want an input error with %q", c.builder, err, c.want)
		}
	}
}

func TestTheCureForALongStepIsAccepted(t *testing.T) {
	for _, dt := range []float64{0.1, 0.3, 0.6, 1, 7.7, 1000} {
		p := lorenz.NewLorenz96()
		p.Dt, p.Steps = dt, int(math.Ceil(dt/0.1))
		if _, err := p.Build(); err != nil {
			t.Errorf("dt = %v: %v", dt, err)
		}
	}
}

func TestSpinUpIsATime(t *testing.T) {
	for _, c := range []struct {
		dt   float64
		want int
	}{{0.025, 1024}, {0.1, 256}, {0.01, 2560}, {0.03, 854}, {100, 1}} {
		p := lorenz.NewLorenz63()
		p.Dt, p.Steps = c.dt, 1000
		m, err := p.Build()
		if err != nil {
			t.Fatal(err)
		}
		if m.SpinUp() != c.want {
			t.Errorf("dt = %v: spin-up %d, want %d", c.dt, m.SpinUp(), c.want)
		}
	}
}

func TestAModelDoesNotFollowItsBuilder(t *testing.T) {
	p := convection()
	m := build(t, p)
	x := state(m, 0)
	y := copied(x)
	m.Flow(x)
	p.Sigma, p.Rho = 1, 1
	m.Flow(y)
	if relative(x, y) != 0 {
		t.Error("changing the builder changed the model")
	}
}
