package assimilate_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/assimilate"
	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/observe"
	"retrace/scoresum"
	"retrace/trajectory"
)

const (
	arLength = 24
	arWindow = 16
)

func ar1(tb testing.TB) dynamics.Model {
	tb.Helper()
	model, err := (&dynamics.AR1{N: 2, Rho: 0.9, Variance: 4}).Build()
	if err != nil {
		tb.Fatal(err)
	}
	return model
}

// gaussianPrior learns nothing beyond the Gaussian prior of its windows, whose
// denoiser is exact for an autoregressive process: its network's output layer
// starts at zero, and the learning rate leaves it there.
var gaussianPrior = sync.OnceValues(func() (*scoresum.Prior, error) {
	model, err := (&dynamics.AR1{N: 2, Rho: 0.9, Variance: 4}).Build()
	if err != nil {
		return nil, err
	}
	plan := trajectory.Plan{Count: 512, Length: 96, Seed: 1, Purpose: "training"}
	training, err := trajectory.Simulate(context.Background(), model, plan, nil)
	if err != nil {
		return nil, err
	}
	settings := scoresum.DefaultSettings()
	settings.Window, settings.Stride, settings.Width, settings.Blocks = arWindow, 4, 2, 1
	settings.Training.Steps, settings.Training.LearningRate = 1, 1e-30
	dir, err := tempDir()
	if err != nil {
		return nil, err
	}
	return scoresum.Train(context.Background(), settings, scoresum.Data{
		Training: training, Validation: training, Seed: 1,
		Standard: trajectory.Standardiser{Mean: []float64{0}, Scale: []float64{2}, Run: 2},
	}, dir, nil)
})

func sampler(steps, corrections int) diffusion.PredictorCorrector {
	return diffusion.PredictorCorrector{
		Levels: diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, steps, diffusion.Span{High: 50, Low: 5e-3}),
		Solver: diffusion.DDIM{Churn: 1}, Corrector: diffusion.Langevin{Tau: 0.2}, Corrections: corrections,
	}
}

func score(tb testing.TB, guidance string) *assimilate.Score {
	tb.Helper()
	prior, err := gaussianPrior()
	if err != nil {
		tb.Fatal(err)
	}
	return &assimilate.Score{Prior: prior, Sampler: sampler(24, 1), Guidance: guidance, Gamma: 0.1}
}

// problem observes the first component of every third state, and once the sum
// of both, with one value missing.
func problem(tb testing.TB, members int) assimilate.Problem {
	tb.Helper()
	model := ar1(tb)
	first, err := observe.Components{Indices: []int{0}}.Build(model.Space())
	if err != nil {
		tb.Fatal(err)
	}
	var sequence observe.Sequence
	for i := 0; i < arLength; i += 3 {
		value := 1.5 * math.Cos(float64(i))
		if i == 6 {
			value = math.NaN()
		}
		sequence.Observations = append(sequence.Observations,
			observe.Observation{Index: i, Operator: first, Values: []float64{value}, Sd: []float64{0.5}})
	}
	sum, err := observe.Linear{Matrix: [][]float64{{1, 1}}}.Build(model.Space())
	if err != nil {
		tb.Fatal(err)
	}
	sequence.Observations = append(sequence.Observations,
		observe.Observation{Index: arLength - 1, Operator: sum, Values: []float64{-2}, Sd: []float64{0.3}})
	return assimilate.Problem{Model: model, Observations: sequence, Length: arLength, Members: members, Seed: 3}
}

// smoother is the posterior of the autoregressive process, by Gaussian
// conditioning.
func smoother(tb testing.TB, p assimilate.Problem) (mean []float64, covariance *mat.Dense) {
	tb.Helper()
	moments, ok := p.Model.(interface {
		Moments(int) ([]float64, *mat.SymDense)
	})
	if !ok {
		tb.Fatal("the model has no moments")
	}
	m, c := moments.Moments(p.Length)
	n := len(m)
	var rows, values, noise []float64
	for _, o := range p.Observations.Observations {
		if math.IsNaN(o.Values[0]) {
			continue
		}
		row, gradient := make([]float64, n), make([]float64, 2)
		o.Operator.VJP(gradient, gradient, []float64{1})
		copy(row[2*o.Index:], gradient)
		rows, values, noise = append(rows, row...), append(values, o.Values[0]), append(noise, o.Sd[0]*o.Sd[0])
	}
	h := mat.NewDense(len(values), n, rows)
	var ch, s, inverse, gain, kh mat.Dense
	ch.Mul(c, h.T())
	s.Mul(h, &ch)
	for i, v := range noise {
		s.Set(i, i, s.At(i, i)+v)
	}
	if err := inverse.Inverse(&s); err != nil {
		tb.Fatal(err)
	}
	gain.Mul(&ch, &inverse)
	var update mat.VecDense
	update.MulVec(&gain, mat.NewVecDense(len(values), values))
	kh.Mul(&gain, ch.T())
	covariance = mat.NewDense(n, n, nil)
	covariance.Sub(c, &kh)
	return update.RawVector().Data, covariance
}

// compare returns the root mean square of the errors of the mean, in posterior
// standard deviations, and the mean ratio of standard deviations.
func compare(ensemble *trajectory.Set, mean []float64, covariance *mat.Dense) (meanError, ratio float64) {
	n := len(mean)
	members := len(ensemble.Data) / n
	for i := range n {
		var sum, squares float64
		for m := range members {
			v := float64(ensemble.Data[m*n+i])
			sum += v
			squares += v * v
		}
		average := sum / float64(members)
		sd := math.Sqrt(covariance.At(i, i))
		meanError += math.Pow((average-mean[i])/sd, 2) / float64(n)
		ratio += math.Sqrt(squares/float64(members)-average*average) / sd / float64(n)
	}
	return math.Sqrt(meanError), ratio
}

func assimilated(tb testing.TB, method assimilate.Method, p assimilate.Problem) *trajectory.Set {
	tb.Helper()
	result, err := method.Assimilate(context.Background(), p, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return result.Ensemble
}

// With exact window scores the covariance guidance must reach the exact
// smoother; windows of 16 of the 24 states, 512 members and a finite number of
// steps leave a few per cent.
func TestCovarianceGuidanceReachesTheExactSmoother(t *testing.T) {
	p := problem(t, 400)
	mean, covariance := smoother(t, p)
	for _, sampler := range []struct {
		name  string
		draws diffusion.PredictorCorrector
	}{{"corrected", sampler(32, 1)}, {"ancestral", sampler(96, 0)}} {
		method := score(t, "covariance")
		method.Sampler = sampler.draws
		meanError, ratio := compare(assimilated(t, method, p), mean, covariance)
		t.Logf("%s: mean error %.3f sd, sd ratio %.3f", sampler.name, meanError, ratio)
		if meanError > 0.10 {
			t.Errorf("%s: the mean errs by %.3f posterior sd", sampler.name, meanError)
		}
		if math.Abs(ratio-1) > 0.08 {
			t.Errorf("%s: the spread is %.3f of the exact one", sampler.name, ratio)
		}
	}
}

// An operator that is linear but for one part in a billion takes the path of
// nonlinear operators, and must give the same members up to rounding. Without
// corrections: where the prior is flat on the scale of the noise, their adaptive
// step amplifies rounding.
func TestNonlinearPathAgreesWithTheLinearOne(t *testing.T) {
	p := problem(t, 8)
	method := score(t, "covariance")
	method.Sampler = sampler(24, 0)
	linear := assimilated(t, method, p)
	first := observe.Func{State: 2, Values: 1,
		Function: func(y, x []float64) { y[0] = x[0] + 1e-9*x[0]*x[0] },
		Pullback: func(dst, x, v []float64) { dst[0], dst[1] = v[0]*(1+2e-9*x[0]), 0 },
	}
	bent := p
	bent.Observations.Observations = slices.Clone(p.Observations.Observations)
	for i := range bent.Observations.Observations[:len(bent.Observations.Observations)-1] {
		bent.Observations.Observations[i].Operator = first
	}
	for i, v := range assimilated(t, method, bent).Data {
		if math.Abs(float64(v-linear.Data[i])) > 1e-4 {
			t.Fatalf("value %d: %v through the nonlinear path, %v through the linear one", i, v, linear.Data[i])
		}
	}
}

func TestMissingValuesAreAsIfNotObserved(t *testing.T) {
	p := problem(t, 4)
	dropped := p
	dropped.Observations.Observations = slices.DeleteFunc(slices.Clone(p.Observations.Observations),
		func(o observe.Observation) bool { return math.IsNaN(o.Values[0]) })
	for _, guidance := range []string{"covariance", "sda"} {
		if !slices.Equal(assimilated(t, score(t, guidance), p).Data, assimilated(t, score(t, guidance), dropped).Data) {
			t.Errorf("%s: a missing value changes the ensemble", guidance)
		}
	}
}

func TestWithoutObservationsMembersAreDrawsOfThePrior(t *testing.T) {
	p := problem(t, 256)
	p.Observations = observe.Sequence{}
	moments := p.Model.(interface {
		Moments(int) ([]float64, *mat.SymDense)
	})
	mean, c := moments.Moments(arLength)
	method := score(t, "auto")
	method.Sampler = sampler(48, 1)
	meanError, ratio := compare(assimilated(t, method, p), mean, mat.DenseCopyOf(c))
	if meanError > 0.15 || math.Abs(ratio-1) > 0.08 {
		t.Errorf("mean errs by %.3f sd, the spread is %.3f of the prior's", meanError, ratio)
	}
}

func TestMembersDoNotDependOnTheirNumberNorOnTheCores(t *testing.T) {
	few, many := problem(t, 5), problem(t, 11)
	want := assimilated(t, score(t, "auto"), many).Data
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, cores := range []int{1, 2, 3} {
		runtime.GOMAXPROCS(cores)
		got := assimilated(t, score(t, "auto"), few).Data
		if !slices.Equal(got, want[:len(got)]) {
			t.Errorf("GOMAXPROCS %d: members of 5 differ from those of 11", cores)
		}
	}
	few.Case = 1
	if got := assimilated(t, score(t, "auto"), few).Data; slices.Equal(got, want[:len(got)]) {
		t.Error("two cases have the same members")
	}
}

func TestGuidanceIsChosenAndReported(t *testing.T) {
	for _, c := range []struct {
		guidance string
		want     float64
	}{{"auto", 1}, {"covariance", 1}, {"sda", 0}} {
		method := score(t, c.guidance)
		method.Sampler = sampler(2, 0)
		result, err := method.Assimilate(context.Background(), problem(t, 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Diagnostics[assimilate.UsesCovariance]; got != c.want {
			t.Errorf("%s: full covariances %v, want %v", c.guidance, got, c.want)
		}
		if result.Evaluations != 3 {
			t.Errorf("%s: %d evaluations, want 3", c.guidance, result.Evaluations)
		}
	}
}

func TestProblemsThatDoNotFitAreInputErrors(t *testing.T) {
	for name, spoil := range map[string]func(*assimilate.Problem){
		"no members":            func(p *assimilate.Problem) { p.Members = 0 },
		"no states":             func(p *assimilate.Problem) { p.Length = 0 },
		"observation after end": func(p *assimilate.Problem) { p.Length = 5 },
		"operator of other size": func(p *assimilate.Problem) {
			p.Observations.Observations[0].Operator = observe.Func{State: 5, Values: 1}
		},
	} {
		p := problem(t, 1)
		spoil(&p)
		if _, err := score(t, "auto").Assimilate(context.Background(), p, nil); !fault.IsInput(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// Without an allowance for what x_t leaves open, precise observations push far
// beyond the data; a wild ensemble must not pass for a posterior.
func TestDivergenceIsAnError(t *testing.T) {
	for _, c := range []struct{ sd, gamma float64 }{
		{1e-3, 0},   // overflows on the way
		{0.1, 0.01}, // ends finite, but thousands of standard deviations away
	} {
		p := problem(t, 4)
		for i := range p.Observations.Observations {
			p.Observations.Observations[i].Sd = []float64{c.sd}
		}
		method := score(t, "sda")
		method.Gamma = c.gamma
		if _, err := method.Assimilate(context.Background(), p, nil); !errors.Is(err, assimilate.ErrDiverged) {
			t.Errorf("sd %v, gamma %v: got %v", c.sd, c.gamma, err)
		}
		if _, err := score(t, "covariance").Assimilate(context.Background(), p, nil); err != nil {
			t.Errorf("sd %v: covariance guidance: %v", c.sd, err)
		}
	}
}

// One prior answers any observations: here the last state alone.
func ExampleScore() {
	prior, err := gaussianPrior()
	if err != nil {
		fmt.Println(err)
		return
	}
	both := observe.Func{State: 2, Values: 2,
		Function: func(y, x []float64) { copy(y, x) },
		Pullback: func(dst, _, v []float64) { copy(dst, v) },
	}
	method := &assimilate.Score{Prior: prior, Sampler: sampler(32, 1), Guidance: "auto"}
	result, err := method.Assimilate(context.Background(), assimilate.Problem{
		Length: 20, Members: 8, Seed: 1,
		Observations: observe.Sequence{Observations: []observe.Observation{
			{Index: 19, Operator: both, Values: []float64{3, -3}, Sd: []float64{0.01, 0.01}},
		}},
	}, nil)
	if err != nil {
		fmt.Println(err)
		return
	}
	last := result.Ensemble.State(0, 19)
	fmt.Printf("%.1f %.1f after %d evaluations\n", last[0], last[1], result.Evaluations)
	// Output: 3.0 -3.0 after 65 evaluations
}

// tempDir is a folder that outlives the test that asks for it first.
func tempDir() (string, error) { return os.MkdirTemp("", "retrace-assimilate-") }

func TestMain(m *testing.M) {
	code := m.Run()
	if folders, err := filepath.Glob(filepath.Join(os.TempDir(), "retrace-assimilate-*")); err == nil {
		for _, f := range folders {
			os.RemoveAll(f)
		}
	}
	os.Exit(code)
}
