package assimilate_test

import (
	"errors"
	"flag"
	"fmt"
	"math"
	"runtime"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/assimilate"
	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/exact"
	"retrace/internal/fault"
	"retrace/observe"
	"retrace/trajectory"
)

var long = flag.Bool("long", false, "run slow statistical tests")

// system is a linear-Gaussian system with its exact prior.
func system(tb testing.TB, n int, rho float64) (dynamics.Model, *exact.Prior) {
	tb.Helper()
	model, err := (&dynamics.AR1{N: n, Rho: rho, Variance: 4}).Build()
	if err != nil {
		tb.Fatal(err)
	}
	prior, err := exact.Linear(model, trajectory.Standardiser{Mean: []float64{0}, Scale: []float64{2}, Run: n})
	if err != nil {
		tb.Fatal(err)
	}
	return model, prior
}

// sums observes sums of neighbouring components of every third state.
func sums(tb testing.TB, model dynamics.Model, length int, sd float64) assimilate.Problem {
	tb.Helper()
	n := model.Space().Size()
	var rows [][]float64
	for i := range max(1, n-1) {
		row := make([]float64, n)
		row[i] = 1
		if i+1 < n {
			row[i+1] = 0.5
		}
		rows = append(rows, row)
	}
	operator, err := observe.Linear{Matrix: rows}.Build(model.Space())
	if err != nil {
		tb.Fatal(err)
	}
	p := assimilate.Problem{Model: model, Length: length, Members: 1}
	for i := 0; i < length; i += 3 {
		o := observe.Observation{Index: i, Operator: operator}
		for j := range rows {
			o.Values, o.Sd = append(o.Values, 2*math.Sin(float64(i+j))), append(o.Sd, sd)
		}
		p.Observations.Observations = append(p.Observations.Observations, o)
	}
	return p
}

// dense is a problem as matrices, in the standardised units of system.
type dense struct {
	c, v, h *mat.Dense // prior covariance, V(s), A'
	r       []float64
	y       *mat.VecDense
	s       float64
}

func newDense(tb testing.TB, p assimilate.Problem, prior *exact.Prior, s float64) *dense {
	tb.Helper()
	n := p.Model.Space().Size()
	_, covariance := p.Model.(interface {
		Moments(int) ([]float64, *mat.SymDense)
	}).Moments(p.Length)
	d := &dense{c: mat.DenseCopyOf(covariance), s: s}
	d.c.Scale(0.25, d.c)
	var rows, values []float64
	for _, o := range p.Observations.Observations {
		for j, y := range o.Values {
			weights, gradient := make([]float64, len(o.Values)), make([]float64, n)
			weights[j] = 1
			o.Operator.VJP(gradient, gradient, weights)
			row := make([]float64, p.Length*n)
			for i, g := range gradient {
				row[o.Index*n+i] = 2 * g
			}
			rows, values, d.r = append(rows, row...), append(values, y), append(d.r, o.Sd[j]*o.Sd[j])
		}
	}
	d.h, d.y = mat.NewDense(len(values), p.Length*n, rows), mat.NewVecDense(len(values), values)
	d.v = d.filter(s * s)
	d.v.Scale(s*s, d.v)
	return d
}

// filter is C (C + variance)^-1.
func (d *dense) filter(variance float64) *mat.Dense {
	n, _ := d.c.Dims()
	noised := mat.DenseCopyOf(d.c)
	for i := range n {
		noised.Set(i, i, noised.At(i, i)+variance)
	}
	var inverse, w mat.Dense
	if err := inverse.Inverse(noised); err != nil {
		panic(err)
	}
	w.Mul(d.c, &inverse)
	return &w
}

// mean is the guided mean at x_t/mu = x for an S and the matrix that carries u back.
func (d *dense) mean(x *mat.VecDense, open, back *mat.Dense) *mat.VecDense {
	var m, innovation, u, shift, h, s mat.Dense
	m.Mul(d.filter(d.s*d.s), x)
	innovation.Mul(d.h, &m)
	innovation.Sub(d.y, &innovation)
	h.Mul(d.h, open)
	s.Mul(&h, d.h.T())
	for i, r := range d.r {
		s.Set(i, i, s.At(i, i)+r)
	}
	if err := u.Solve(&s, &innovation); err != nil {
		panic(err)
	}
	shift.Mul(d.h.T(), &u)
	shift.Mul(back, &shift)
	m.Add(&m, &shift)
	return mat.VecDenseCopyOf(m.ColView(0))
}

// white is a multiple of the identity.
func white(n int, v float64) *mat.Dense {
	m := mat.NewDense(n, n, nil)
	for i := range n {
		m.Set(i, i, v)
	}
	return m
}

// diagonalS returns the matrix whose product with A' on both sides is the diagonal of S
// - R: not unique, so S is solved by hand.
func (d *dense) diagonalMean(x *mat.VecDense, variance []float64) *mat.VecDense {
	var m, innovation, u mat.VecDense
	m.MulVec(d.filter(d.s*d.s), x)
	innovation.MulVec(d.h, &m)
	innovation.SubVec(d.y, &innovation)
	u.CloneFromVec(&innovation)
	for i, r := range d.r {
		u.SetVec(i, u.AtVec(i)/(r+variance[i]))
	}
	var back, shift mat.VecDense
	back.MulVec(d.h.T(), &u)
	shift.MulVec(d.v, &back)
	m.AddVec(&m, &shift)
	return &m
}

// expected is what each rule's paper makes of a linear-Gaussian problem.
func (d *dense) expected(guidance string, x *mat.VecDense) *mat.VecDense {
	n, _ := d.c.Dims()
	rows := len(d.r)
	s2 := d.s * d.s
	along := func(open *mat.Dense) *mat.Dense { // A' V A'^T
		var h, s mat.Dense
		h.Mul(d.h, open)
		s.Mul(&h, d.h.T())
		return &s
	}
	switch guidance {
	case "covariance", "mmps", "mmps-cg", "jfps":
		return d.mean(x, d.v, d.v)
	case "pigdm":
		return d.mean(x, white(n, s2/(1+s2)), d.v)
	case "diffpir":
		return d.mean(x, white(n, s2/2), white(n, s2/2))
	case "sda-gaussian":
		gamma := d.filter(1)
		gamma.Scale(s2, gamma)
		return d.mean(x, gamma, d.v)
	}
	variance := make([]float64, rows)
	switch guidance {
	case "sda":
		for i := range variance {
			variance[i] = 0.1 * s2 * along(white(n, 1)).At(i, i)
		}
	case "tmpd":
		product := along(d.v)
		for i := range variance {
			for j := range rows {
				variance[i] += product.At(i, j)
			}
		}
	case "dps": // S = |e|/(2 zeta) I
		var m, e mat.VecDense
		m.MulVec(d.filter(s2), x)
		e.MulVec(d.h, &m)
		e.SubVec(d.y, &e)
		for i, r := range d.r {
			variance[i] = mat.Norm(&e, 2)/2 - r
		}
	}
	return d.diagonalMean(x, variance)
}

// quiet is a sampler that no stability bound refuses.
func quiet() diffusion.PredictorCorrector {
	return diffusion.PredictorCorrector{Levels: diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, 4, diffusion.Span{High: 1e-2, Low: 5e-3})}
}

// Every rule must be its equation, here written with dense matrices.
func TestEveryRuleIsItsEquation(t *testing.T) {
	model, prior := system(t, 3, 0.9)
	p := sums(t, model, 7, 0.3)
	x := mat.NewVecDense(21, nil)
	for _, s := range []float64{0.05, 0.7, 10} {
		level := diffusion.Cosine{Eta: 1e-3}.At(diffusion.TimeAt(diffusion.Cosine{Eta: 1e-3}, s))
		noised, mean := make([]float32, 21), make([]float32, 21)
		for i := range noised {
			noised[i] = float32(level.Mu * (math.Cos(float64(2*i)) + s*math.Sin(float64(5*i))))
			x.SetVec(i, float64(noised[i])/level.Mu)
		}
		d := newDense(t, p, prior, level.Ratio())
		for _, guidance := range assimilate.Guidances()[1:] {
			method := &assimilate.Score{
				Prior: prior, Sampler: quiet(), Guidance: guidance, Gamma: 0.1,
				Tuning: assimilate.Tuning{Zeta: 1, Lambda: 2, Iterations: 14},
			}
			guided, err := method.Denoiser(p)
			if err != nil {
				t.Fatal(err)
			}
			if err := guided.Denoise(mean, noised, level); err != nil {
				t.Fatal(err)
			}
			want := d.expected(guidance, x)
			scale := 1 + mat.Norm(want, math.Inf(1))
			for i, got := range mean {
				if math.Abs(float64(got)-want.AtVec(i)) > 2e-4*scale {
					t.Errorf("%s, ratio %v: value %d is %v, want %v", guidance, s, i, got, want.AtVec(i))
					break
				}
			}
		}
	}
}

// Gammas may differ between the values of an observation; equal ones change nothing.
func TestGammaForEachValue(t *testing.T) {
	model, prior := system(t, 3, 0.9)
	p := sums(t, model, 4, 0.3)
	level := diffusion.Cosine{Eta: 1e-3}.At(0.4)
	draw := func(gammas ...float64) []float32 {
		method := &assimilate.Score{Prior: prior, Sampler: quiet(), Guidance: "sda", Gamma: 0.2, Tuning: assimilate.Tuning{Gammas: gammas}}
		d, err := method.Denoiser(p)
		if err != nil {
			t.Fatal(err)
		}
		mean := make([]float32, 12)
		if err := d.Denoise(mean, make([]float32, 12), level); err != nil {
			t.Fatal(err)
		}
		return mean
	}
	same, apart := draw(0.2, 0.2), draw(0.2, 5)
	for i, v := range draw() {
		if v != same[i] {
			t.Errorf("value %d: %v with one gamma, %v with two equal ones", i, v, same[i])
		}
	}
	if same[1] == apart[1] {
		t.Error("the second gamma does not count")
	}
}

// responses draws with the noise of one impulse a row, or none: a deterministic solver
// is linear, so that these are its mean and the columns of a square root of its
// covariance, without any Monte Carlo error.
type responses struct{}

func (r responses) Normal(row []float32, index, draw int) {
	clear(row)
	if draw == 0 && index > 0 {
		row[index-1] = 1
	}
}

// With an exact prior, guidance that knows the covariance and a second-order sampler
// must draw from the exact smoother's posterior: the limits are those of a posterior
// that one can trust.
func TestExactPriorsGiveTheExactSmoother(t *testing.T) {
	model, prior := system(t, 2, 0.95)
	const length, n = 24, 2
	p := sums(t, model, length, 0.4)
	mean, covariance := exactDense(t, p, prior)
	for _, guidance := range []string{"covariance", "mmps", "mmps-cg", "jfps"} {
		method := &assimilate.Score{Prior: prior, Sampler: second(64), Guidance: guidance, Tuning: assimilate.Tuning{Iterations: 10}}
		d, err := method.Denoiser(p)
		if err != nil {
			t.Fatal(err)
		}
		x := make([]float32, (length*n+1)*length*n)
		if err := method.Sampler.Sample(t.Context(), d, x, 0, responses{}, nil); err != nil {
			t.Fatal(err)
		}
		fit(t, guidance, x, mean, covariance, n)
	}
}

// second is DPM-Solver++(2M) on a grid uniform in log noise.
func second(steps int) diffusion.PredictorCorrector {
	return diffusion.PredictorCorrector{
		Levels: diffusion.LogGrid(diffusion.Cosine{Eta: 1e-3}, steps, diffusion.Span{High: 300, Low: 4e-3}),
		Solver: diffusion.DPM{Order: 2},
	}
}

// exactDense is the posterior in standardised units.
func exactDense(tb testing.TB, p assimilate.Problem, prior *exact.Prior) (*mat.VecDense, *mat.Dense) {
	tb.Helper()
	d := newDense(tb, p, prior, 1e6) // V is the prior covariance
	size, _ := d.c.Dims()
	var h, s, gain, explained mat.Dense
	h.Mul(d.h, d.c)
	s.Mul(&h, d.h.T())
	for i, r := range d.r {
		s.Set(i, i, s.At(i, i)+r)
	}
	if err := gain.Solve(&s, &h); err != nil {
		tb.Fatal(err)
	}
	mean := mat.NewVecDense(size, nil)
	mean.MulVec(gain.T(), d.y)
	explained.Mul(gain.T(), &h)
	d.c.Sub(d.c, &explained)
	return mean, d.c
}

// fit compares the mean and the impulse responses of a sampler with a posterior of
// states of n values.
func fit(tb testing.TB, name string, x []float32, mean *mat.VecDense, covariance *mat.Dense, n int) {
	tb.Helper()
	size := mean.Len()
	root := mat.NewDense(size, size, nil)
	for i := range size {
		for j := range size {
			root.Set(j, i, float64(x[(i+1)*size+j]-x[j]))
		}
	}
	var got mat.Dense
	got.Mul(root, root.T())
	var meanError, worstSd, worstLag float64
	for i := range size {
		sd := math.Sqrt(covariance.At(i, i))
		meanError = max(meanError, math.Abs(float64(x[i])-mean.AtVec(i))/sd)
		worstSd = max(worstSd, math.Abs(math.Sqrt(got.At(i, i))/sd-1))
		if i+n < size {
			want := covariance.At(i, i+n) / sd / math.Sqrt(covariance.At(i+n, i+n))
			have := got.At(i, i+n) / math.Sqrt(got.At(i, i)*got.At(i+n, i+n))
			worstLag = max(worstLag, math.Abs(have-want))
		}
	}
	tb.Logf("%s: mean within %.4f posterior sd, sd within %.4f, lag-1 correlation within %.4f", name, meanError, worstSd, worstLag)
	if meanError > 0.02 || worstSd > 0.03 || worstLag > 0.02 {
		tb.Errorf("%s: mean off by %.4f posterior sd, sd by %.4f, lag-1 correlation by %.4f", name, meanError, worstSd, worstLag)
	}
}

// Long trajectories take the banded form, which must be the dense one, for operators
// that are linear and for those that are so but for a part in a billion.
func TestLongTrajectoriesAreGuidedByBands(t *testing.T) {
	model, prior := system(t, 3, 0.9)
	const size = 3 * 350
	level := diffusion.Cosine{Eta: 1e-3}.At(0.5)
	noised := make([]float32, size)
	x := mat.NewVecDense(size, nil)
	for i := range noised {
		noised[i] = float32(math.Cos(float64(2*i)) + level.Sigma*math.Sin(float64(5*i)))
		x.SetVec(i, float64(noised[i])/level.Mu)
	}
	p := sums(t, model, 350, 0.05)
	want := newDense(t, p, prior, level.Ratio()).expected("covariance", x)
	for _, bend := range []float64{0, 1e-9} {
		if bend > 0 {
			for i := range p.Observations.Observations {
				o := &p.Observations.Observations[i]
				o.Operator = bent{o.Operator, bend}
			}
		}
		method := &assimilate.Score{Prior: prior, Sampler: second(16), Guidance: "auto"}
		d, err := method.Denoiser(p)
		if err != nil {
			t.Fatal(err)
		}
		mean := make([]float32, size)
		if err := d.Denoise(mean, noised, level); err != nil {
			t.Fatal(err)
		}
		for i, v := range mean {
			if math.Abs(float64(v)-want.AtVec(i)) > 1e-4*(1+math.Abs(want.AtVec(i))) {
				t.Errorf("bend %v: value %d is %v banded, %v dense", bend, i, v, want.AtVec(i))
				break
			}
		}
	}
}

// bent adds a little of its square to each value of an operator.
type bent struct {
	observe.Operator
	bend float64
}

func (b bent) Apply(y, x []float64) {
	b.Operator.Apply(y, x)
	for i := range y {
		y[i] += b.bend * y[i] * y[i]
	}
}

func (b bent) VJP(dst, x, v []float64) {
	y, w := make([]float64, len(v)), make([]float64, len(v))
	b.Operator.Apply(y, x)
	for i := range w {
		w[i] = v[i] * (1 + 2*b.bend*y[i])
	}
	b.Operator.VJP(dst, x, w)
}

// plain hides the banded inverse, or all covariances, of a prior.
type plain struct {
	assimilate.Prior
	none bool
}

func (p plain) Uncertainty(length int, s float64) (*mat.SymDense, error) {
	if p.none {
		return nil, errors.ErrUnsupported
	}
	return p.Prior.Uncertainty(length, s)
}

func TestAutoTakesWhatThePriorKnows(t *testing.T) {
	model, prior := system(t, 3, 0.9)
	for _, c := range []struct {
		length int
		prior  assimilate.Prior
		want   string
	}{
		{6, prior, "covariance, dense"},
		{350, prior, "covariance, banded"},
		{350, plain{Prior: prior}, "pigdm, step searched for"},
		{6, plain{prior, true}, "pigdm, step searched for"},
	} {
		method := &assimilate.Score{Prior: c.prior, Sampler: second(8), Guidance: "auto"}
		result, err := method.Assimilate(t.Context(), sums(t, model, c.length, 0.01), nil)
		if err != nil {
			t.Fatal(err)
		}
		if got := result.Notes["guidance"]; len(got) < len(c.want) || got[:len(c.want)] != c.want {
			t.Errorf("%d states: %q, want %q", c.length, got, c.want)
		}
	}
}

// The bound must tell what diverges from what does not, as drawing does.
func TestStabilityBoundAgreesWithDrawing(t *testing.T) {
	model, prior := system(t, 1, 0.5)
	for _, c := range []struct {
		guidance string
		gamma    float64
		sd       float64
		sampler  diffusion.PredictorCorrector
		refused  bool
	}{
		{"dps-gaussian", 0, 0.01, second(32), true},
		{"sda", 0.001, 0.01, second(16), true},
		{"sda", 0.1, 0.5, second(64), false},
		{"sda", 1, 0.01, second(32), false},
		{"covariance", 0, 0.001, second(8), false},
		{"pigdm", 0, 0.01, second(16), false},
		{"sda-gaussian", 0, 0.1, second(64), false},
	} {
		method := &assimilate.Score{Prior: prior, Sampler: c.sampler, Guidance: c.guidance, Gamma: c.gamma}
		p := sums(t, model, 8, c.sd)
		result, err := method.Assimilate(t.Context(), p, nil)
		name := fmt.Sprintf("%s, gamma %v, sd %v", c.guidance, c.gamma, c.sd)
		if refused := errors.Is(err, assimilate.ErrDiverged); refused != c.refused {
			t.Errorf("%s: %v", name, err)
		}
		if c.refused && !fault.IsInput(err) {
			t.Errorf("%s: the refusal is no input error: %v", name, err)
		}
		if err == nil {
			t.Logf("%s: spread %.2f", name, result.Diagnostics[assimilate.GuidedSpread])
		}
	}
}

func TestUnknownGuidanceIsAnInputError(t *testing.T) {
	model, prior := system(t, 1, 0.5)
	method := &assimilate.Score{Prior: prior, Sampler: second(4), Guidance: "magic"}
	if _, err := method.Assimilate(t.Context(), sums(t, model, 4, 1), nil); !fault.IsInput(err) {
		t.Errorf("got %v", err)
	}
}

// The same on long trajectories of large states, whose spread is estimated from draws.
func TestLongTrajectoriesOfLargeStatesGiveTheExactSmoother(t *testing.T) {
	if !*long {
		t.Skip("slow; use -long")
	}
	const length, n, members = 100, 64, 96
	model, prior := system(t, n, 0.95)
	p := sums(t, model, length, 0.4)
	p.Members = members
	method := &assimilate.Score{Prior: prior, Sampler: second(48), Guidance: "covariance"}
	d, err := method.Denoiser(p)
	if err != nil {
		t.Fatal(err)
	}
	central := make([]float32, length*n)
	if err := method.Sampler.Sample(t.Context(), d, central, 0, responses{}, nil); err != nil {
		t.Fatal(err)
	}
	ensemble := assimilated(t, method, p)
	posterior, err := exactPosterior(p, prior, n)
	if err != nil {
		t.Fatal(err)
	}
	var meanError, variance, lag, wantLag float64
	size := length * n
	for i := range size {
		sd := math.Sqrt(posterior.variance[i])
		meanError = max(meanError, math.Abs(float64(central[i])-posterior.mean[i])/sd)
		for m := range members {
			e := float64(ensemble.Data[m*size+i])/2 - float64(central[i])
			variance += e * e / posterior.variance[i] / float64(members*size)
			if i+n < size {
				next := float64(ensemble.Data[m*size+i+n])/2 - float64(central[i+n])
				lag += e * next / sd / math.Sqrt(posterior.variance[i+n]) / float64(members*(size-n))
			}
		}
		if i+n < size {
			wantLag += posterior.lag[i] / sd / math.Sqrt(posterior.variance[i+n]) / float64(size-n)
		}
	}
	ratio := math.Sqrt(variance)
	t.Logf("mean within %.4f posterior sd, sd ratio %.4f, lag-1 correlation %.4f for %.4f", meanError, ratio, lag/variance, wantLag)
	if meanError > 0.02 || math.Abs(ratio-1) > 0.03 || math.Abs(lag/variance-wantLag) > 0.02 {
		t.Errorf("mean off by %.4f posterior sd, sd ratio %.4f, lag-1 correlation %.4f for %.4f", meanError, ratio, lag/variance, wantLag)
	}
}

// posterior holds mean, variances and covariances with the same value of the next state.
type posterior struct{ mean, variance, lag []float64 }

// exactPosterior conditions the banded inverse covariance on the observations.
func exactPosterior(p assimilate.Problem, prior *exact.Prior, n int) (*posterior, error) {
	h, err := prior.Precision(p.Length, 1)
	if err != nil {
		return nil, err
	}
	size := h.SymmetricDim()
	right := mat.NewVecDense(size, nil)
	for _, o := range p.Observations.Observations {
		for j, y := range o.Values {
			weights, gradient := make([]float64, len(o.Values)), make([]float64, n)
			weights[j] = 1
			o.Operator.VJP(gradient, gradient, weights)
			for a, ga := range gradient {
				right.SetVec(o.Index*n+a, right.AtVec(o.Index*n+a)+2*ga*y/o.Sd[j]/o.Sd[j])
				for b := a; b < n; b++ {
					if value := 4 * ga * gradient[b] / o.Sd[j] / o.Sd[j]; value != 0 {
						h.SetSymBand(o.Index*n+a, o.Index*n+b, h.At(o.Index*n+a, o.Index*n+b)+value)
					}
				}
			}
		}
	}
	var factor mat.BandCholesky
	if !factor.Factorize(h) {
		return nil, errors.New("the posterior is not positive")
	}
	mean, column := mat.NewVecDense(size, nil), mat.NewVecDense(size, nil)
	if err := factor.SolveVecTo(mean, right); err != nil {
		return nil, err
	}
	q := &posterior{mean: mean.RawVector().Data, variance: make([]float64, size), lag: make([]float64, size)}
	for i := range size {
		right.Zero()
		right.SetVec(i, 1)
		if err := factor.SolveVecTo(column, right); err != nil {
			return nil, err
		}
		q.variance[i] = column.AtVec(i)
		if i+n < size {
			q.lag[i] = column.AtVec(i + n)
		}
	}
	return q, nil
}

// Memory of a guided denoiser must not grow with the steps that are made: what the first
// evaluation of each level leaves is all there is.
func TestStepsLeaveNothingBehind(t *testing.T) {
	model, prior := system(t, 2, 0.9)
	p := sums(t, model, 12, 0.3)
	for _, guidance := range []string{"sda", "pigdm", "tmpd", "covariance", "jfps", "diffpir"} {
		d, err := (&assimilate.Score{Prior: prior, Sampler: second(64), Guidance: guidance, Gamma: 0.1}).Denoiser(p)
		if err != nil {
			t.Fatal(err)
		}
		x, mean := make([]float32, 24), make([]float32, 24)
		levels := second(8).Levels
		walk := func() {
			for _, level := range levels {
				if err := d.Denoise(mean, x, level); err != nil {
					t.Fatal(err)
				}
			}
		}
		walk()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		for range 50 {
			walk()
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if after.HeapAlloc > before.HeapAlloc+64<<10 {
			t.Errorf("%s: the heap grew from %d to %d bytes over 50 walks", guidance, before.HeapAlloc, after.HeapAlloc)
		}
		runtime.KeepAlive(d)
	}
}
