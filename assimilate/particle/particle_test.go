package particle_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"retrace/assimilate"
	"retrace/assimilate/particle"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/lorenz"
	"retrace/observe"
)

func build(t testing.TB, b dynamics.Builder) dynamics.Model {
	t.Helper()
	model, err := b.Build()
	if err != nil {
		t.Fatal(err)
	}
	return model
}

// component observes one component of state index.
func component(t testing.TB, space dynamics.Space, index, i int, y, sd float64) observe.Observation {
	t.Helper()
	operator, err := observe.Components{Indices: []int{i}}.Build(space)
	if err != nil {
		t.Fatal(err)
	}
	return observe.Observation{Index: index, Operator: operator, Values: []float64{y}, Sd: []float64{sd}}
}

// lorenzProblem observes the first component of 65 states of the noisy Lorenz
// 63 system, whose standard deviation is about 8: every n-th state, with noise
// of sd such units, as in the SDA paper.
func lorenzProblem(t testing.TB, every int, sd float64, members int) assimilate.Problem {
	t.Helper()
	model := build(t, lorenz.NewLorenz63())
	const length, scale = 65, 8
	r := rng.Stream(9, "truth")
	x := make([]float64, 3)
	model.Initial(x, r)
	for range model.SpinUp() {
		model.Step(x, r)
	}
	p := assimilate.Problem{Model: model, Length: length, Members: members, Seed: 1}
	for i := range length {
		if i > 0 {
			model.Step(x, r)
		}
		if i%every == 0 {
			y := x[0] + scale*sd*r.NormFloat64()
			p.Observations.Observations = append(p.Observations.Observations,
				component(t, model.Space(), i, 0, y, scale*sd))
		}
	}
	return p
}

func assimilated(t testing.TB, m *particle.Method, p assimilate.Problem) *assimilate.Result {
	t.Helper()
	result, err := m.Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	return result
}

func bytesOf(data []float32) []byte {
	var b bytes.Buffer
	_ = binary.Write(&b, binary.LittleEndian, data)
	return b.Bytes()
}

func TestBytesDoNotDependOnWorkers(t *testing.T) {
	p := lorenzProblem(t, 8, 0.05, 100)
	m := &particle.Method{Particles: 5000, SpinUp: 10}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	one := assimilated(t, m, p)
	for _, workers := range []int{2, 5} {
		runtime.GOMAXPROCS(workers)
		several := assimilated(t, m, p)
		if !bytes.Equal(bytesOf(one.Ensemble.Data), bytesOf(several.Ensemble.Data)) {
			t.Errorf("%d workers give other bytes", workers)
		}
		for name, value := range one.Diagnostics {
			if several.Diagnostics[name] != value {
				t.Errorf("%d workers: %s is %v, was %v", workers, name, several.Diagnostics[name], value)
			}
		}
	}
}

func TestMemberDoesNotDependOnTheirNumber(t *testing.T) {
	p := lorenzProblem(t, 1, 0.25, 70)
	m := &particle.Method{Particles: 2000, SpinUp: 10}
	many := assimilated(t, m, p).Ensemble.Data
	p.Members = 16
	few := assimilated(t, m, p).Ensemble.Data
	if !bytes.Equal(bytesOf(few), bytesOf(many[:len(few)])) {
		t.Error("the first 16 of 70 members are not the 16 members")
	}
}

func TestSeedCaseAndStreamAllMakeOtherDraws(t *testing.T) {
	p := lorenzProblem(t, 8, 0.05, 4)
	m := particle.Method{Particles: 500, SpinUp: 2}
	base := bytesOf(assimilated(t, &m, p).Ensemble.Data)
	for name, change := range map[string]func(*particle.Method, *assimilate.Problem){
		"seed":   func(_ *particle.Method, p *assimilate.Problem) { p.Seed++ },
		"case":   func(_ *particle.Method, p *assimilate.Problem) { p.Case++ },
		"stream": func(m *particle.Method, _ *assimilate.Problem) { m.Stream++ },
	} {
		method, problem := m, p
		change(&method, &problem)
		if bytes.Equal(base, bytesOf(assimilated(t, &method, problem).Ensemble.Data)) {
			t.Errorf("another %s draws the same", name)
		}
	}
}

func TestMissingValuesDoNotWeigh(t *testing.T) {
	p := lorenzProblem(t, 8, 0.05, 8)
	m := &particle.Method{Particles: 1000, SpinUp: 2}
	without := p
	without.Observations.Observations = p.Observations.Observations[:4]
	want := assimilated(t, m, without)
	for i := 4; i < len(p.Observations.Observations); i++ {
		p.Observations.Observations[i].Values = []float64{math.NaN()}
	}
	got := assimilated(t, m, p)
	if !bytes.Equal(bytesOf(want.Ensemble.Data), bytesOf(got.Ensemble.Data)) {
		t.Error("an observation without values changes the members")
	}
}

func TestWithoutObservationsThePosteriorIsThePrior(t *testing.T) {
	p := assimilate.Problem{Model: build(t, dynamics.NewAR1()), Length: 3, Members: 4000, Seed: 3}
	result := assimilated(t, &particle.Method{Particles: 20000, SpinUp: -1}, p)
	if e := result.Diagnostics[particle.LogEvidence]; e != 0 {
		t.Errorf("log evidence %v of nothing", e)
	}
	if ess := result.Diagnostics[particle.MinimumESS]; math.Abs(ess-20000) > 1e-6 {
		t.Errorf("effective sample size %v of 20000 equal weights", ess)
	}
	var squares, lagged float64 // unit variance, correlation 0.9
	for m := range p.Members {
		x := result.Ensemble.Data[3*m : 3*m+3]
		squares += float64(x[0]*x[0]+x[2]*x[2]) / float64(2*p.Members)
		lagged += float64(x[0]*x[1]) / float64(p.Members)
	}
	if math.Abs(squares-1) > 0.1 || math.Abs(lagged-0.9) > 0.1 {
		t.Errorf("variance %v, lagged covariance %v; want 1 and 0.9", squares, lagged)
	}
}

func TestWorkIsReported(t *testing.T) {
	p := lorenzProblem(t, 8, 0.05, 10)
	var calls, last, whole int
	m := &particle.Method{Particles: 100, SpinUp: 7}
	result, err := m.Assimilate(context.Background(), p, func(done, total int) { calls++; last, whole = done, total })
	if err != nil {
		t.Fatal(err)
	}
	if last != whole || calls != whole {
		t.Errorf("progress ends at %d of %d after %d calls", last, whole, calls)
	}
	if want := 100 * (7 + 64 + 64) / 10; result.Evaluations != want {
		t.Errorf("%d evaluations, want %d", result.Evaluations, want)
	}
	if lead := result.Ensemble.Lead; len(lead) != 1 || lead[0].Name != "member" || lead[0].Len != 10 {
		t.Errorf("leading dimensions %v", lead)
	}
}

// runaway doubles the state until it overflows.
type runaway struct{ dynamics.AdditiveNoise }

func (m runaway) Step(x []float64, _ *rand.Rand)       { x[0] = x[0]*1e200 + 1e200 }
func (m runaway) LogTransition(_, _ []float64) float64 { return 0 }

// vague hides that the noise of a model is additive, and gives NaN for its
// transition density.
type vague struct{ dynamics.TransitionDensity }

func (m vague) LogTransition(_, _ []float64) float64 { return math.NaN() }

func TestWhatCannotBeDoneIsExplained(t *testing.T) {
	quiet := lorenz.NewLorenz63()
	quiet.NoiseVariance = 0
	ar1 := build(t, dynamics.NewAR1())
	undefined := observe.Func{State: 1, Values: 1, Function: func(y, x []float64) { y[0] = math.Log(x[0] - 1e9) }}
	for _, c := range []struct {
		name   string
		change func(*particle.Method, *assimilate.Problem)
		input  bool
		want   string
	}{
		{"no particles", func(m *particle.Method, _ *assimilate.Problem) { m.Particles = 0 }, true, "particles = 0"},
		{"no members", func(_ *particle.Method, p *assimilate.Problem) { p.Members = 0 }, true, "0 members"},
		{"no noise", func(_ *particle.Method, p *assimilate.Problem) { p.Model = build(t, quiet) }, true, "noise"},
		{"observation after the end", func(_ *particle.Method, p *assimilate.Problem) {
			p.Observations.Observations = []observe.Observation{component(t, ar1.Space(), 70, 0, 1, 1)}
		}, true, "no state 70"},
		{"model that blows up", func(_ *particle.Method, p *assimilate.Problem) {
			p.Model = runaway{ar1.(dynamics.AdditiveNoise)}
		}, false, "not finite at state 2"},
		{"density that is NaN", func(_ *particle.Method, p *assimilate.Problem) {
			p.Model = vague{ar1.(dynamics.TransitionDensity)}
		}, false, "transition density of particle_test.vague from state 3"},
		{"operator outside its domain", func(_ *particle.Method, p *assimilate.Problem) {
			p.Observations.Observations = []observe.Observation{{Index: 3, Operator: undefined, Values: []float64{1}, Sd: []float64{1}}}
		}, false, "likelihood of state 3 is NaN"},
		{"observation no particle can explain", func(_ *particle.Method, p *assimilate.Problem) {
			p.Observations.Observations = []observe.Observation{component(t, ar1.Space(), 2, 0, 1e200, 1e-3)}
		}, false, "no particle explains the observations of state 2"},
	} {
		m := particle.Method{Particles: 10}
		p := assimilate.Problem{Model: ar1, Length: 5, Members: 2}
		c.change(&m, &p)
		_, err := m.Assimilate(context.Background(), p, nil)
		if err == nil || !strings.Contains(err.Error(), c.want) || fault.IsInput(err) != c.input {
			t.Errorf("%s: got %v, want %q, user's fault %v", c.name, err, c.want, c.input)
		}
	}
}

func TestCancelledContextStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	p := lorenzProblem(t, 8, 0.05, 10)
	_, err := (&particle.Method{Particles: 100}).Assimilate(ctx, p, func(done, _ int) {
		if done == 70 { // among the backward draws
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// Two readings of a stationary process: the state between them is pulled to
// both, and less certain.
func ExampleMethod() {
	model, err := dynamics.NewAR1().Build()
	if err != nil {
		panic(err)
	}
	operator, err := observe.Identity{}.Build(model.Space())
	if err != nil {
		panic(err)
	}
	p := assimilate.Problem{Model: model, Length: 3, Members: 2000, Seed: 1}
	for _, index := range []int{0, 2} {
		p.Observations.Observations = append(p.Observations.Observations,
			observe.Observation{Index: index, Operator: operator, Values: []float64{1}, Sd: []float64{0.1}})
	}
	result, err := particle.New().Assimilate(context.Background(), p, nil)
	if err != nil {
		panic(err)
	}
	for state := range p.Length {
		var sum, squares float64
		for m := range p.Members {
			x := float64(result.Ensemble.Data[m*p.Length+state])
			sum += x
			squares += x * x
		}
		mean := sum / float64(p.Members)
		fmt.Printf("state %d: %.1f, sd %.1f\n", state, mean, math.Sqrt(squares/float64(p.Members)-mean*mean))
	}
	// Output:
	// state 0: 1.0, sd 0.1
	// state 1: 1.0, sd 0.3
	// state 2: 1.0, sd 0.1
}

func benchmarkLorenz(b *testing.B, every int, sd float64) {
	p := lorenzProblem(b, every, sd, 1024)
	b.ReportAllocs()
	for b.Loop() {
		result := assimilated(b, particle.New(), p)
		for name, value := range result.Diagnostics {
			b.ReportMetric(value, name)
		}
	}
}

// The two observation processes of the SDA paper.
func BenchmarkLorenzSparseAndPrecise(b *testing.B) { benchmarkLorenz(b, 8, 0.05) }
func BenchmarkLorenzDenseAndNoisy(b *testing.B)    { benchmarkLorenz(b, 1, 0.25) }
