package assimilate_test

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/assimilate"
	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/exact"
	"retrace/internal/rng"
	"retrace/observe"
	"retrace/trajectory"
)

// The benchmark of Cardoso et al. (2024, "Monte Carlo guided diffusion for Bayesian linear
// inverse problems", section 4): a mixture of 25 Gaussians of unit covariance at the points
// (8i, 8j), i, j = -2..2, repeated over d values; weights are drawn of a chi-squared law. A
// linear observation has singular values drawn of U(0, 1) and noise of U(0, 1) times the
// largest of them. The posterior is a mixture in closed form.

// mixtureScale standardises the benchmark: the standard deviation of a value.
var mixtureScale = math.Sqrt(1 + 64*2)

// mixture is the prior of the benchmark, and one problem of it.
type mixture struct {
	d       int
	weights []float64
	means   [][]float64
	a       *mat.Dense
	noise   float64 // standard deviation
	y       []float64
}

func newMixture(d, dy int, seed int64) *mixture {
	r := rng.Stream(seed, "mixture", uint64(d), uint64(dy))
	m := &mixture{d: d}
	for i := -2; i <= 2; i++ {
		for j := -2; j <= 2; j++ {
			mean := make([]float64, d)
			for k := range mean {
				mean[k] = float64(8 * []int{i, j}[k%2])
			}
			z := r.NormFloat64()
			m.weights, m.means = append(m.weights, z*z), append(m.means, mean)
		}
	}
	m.observe(dy, r.NormFloat64, r.Float64)
	return m
}

// observe draws the operator and what it saw of a draw of the prior.
func (m *mixture) observe(dy int, normal, uniform func() float64) {
	g := mat.NewDense(m.d, m.d, nil)
	for i := range m.d {
		for j := range m.d {
			g.Set(i, j, normal())
		}
	}
	var left, right mat.QR
	left.Factorize(g.Slice(0, dy, 0, dy))
	right.Factorize(g)
	var u, v mat.Dense
	left.QTo(&u)
	right.QTo(&v)
	s := mat.NewDense(dy, m.d, nil)
	largest := 0.0
	for i := range dy {
		value := uniform()
		largest = math.Max(largest, value)
		s.Set(i, i, value)
	}
	m.a = new(mat.Dense)
	m.a.Mul(&u, s)
	m.a.Mul(m.a, v.T())
	m.noise = largest * (0.05 + 0.95*uniform())
	x := m.draw(m.weights, normal, uniform)
	y := mat.NewVecDense(dy, nil)
	y.MulVec(m.a, mat.NewVecDense(m.d, x))
	for i := range dy {
		m.y = append(m.y, y.AtVec(i)+m.noise*normal())
	}
}

// draw draws of the prior, with other weights perhaps.
func (m *mixture) draw(weights []float64, normal, uniform func() float64) []float64 {
	x := slices.Clone(m.means[pick(weights, uniform())])
	for i := range x {
		x[i] += normal()
	}
	return x
}

func pick(weights []float64, u float64) int {
	var total, sum float64
	for _, w := range weights {
		total += w
	}
	for k, w := range weights {
		if sum += w / total; u < sum {
			return k
		}
	}
	return len(weights) - 1
}

// posterior returns the exact weights of the components and a sampler of the posterior.
func (m *mixture) posterior(tb testing.TB) (weights []float64, draw func(normal, uniform func() float64) []float64) {
	tb.Helper()
	dy := len(m.y)
	var s, gain mat.Dense
	s.Mul(m.a, m.a.T())
	for i := range dy {
		s.Set(i, i, s.At(i, i)+m.noise*m.noise)
	}
	var inverse mat.Dense
	if err := inverse.Inverse(&s); err != nil {
		tb.Fatal(err)
	}
	gain.Mul(m.a.T(), &inverse)
	logs := make([]float64, len(m.means))
	deviation := func(mean []float64) *mat.VecDense {
		e := mat.NewVecDense(dy, nil)
		e.MulVec(m.a, mat.NewVecDense(m.d, mean))
		e.SubVec(mat.NewVecDense(dy, m.y), e)
		return e
	}
	for k, mean := range m.means {
		e := deviation(mean)
		logs[k] = math.Log(m.weights[k]) - mat.Inner(e, &inverse, e)/2
	}
	most := slices.Max(logs)
	for _, l := range logs {
		weights = append(weights, math.Exp(l-most))
	}
	return weights, func(normal, uniform func() float64) []float64 {
		// A draw of the component, moved by what a simulated reading of it says.
		mean := m.means[pick(weights, uniform())]
		x := slices.Clone(mean)
		for i := range x {
			x[i] += normal()
		}
		e := deviation(x)
		for i := range dy {
			e.SetVec(i, e.AtVec(i)+m.noise*normal())
		}
		shift := mat.NewVecDense(m.d, nil)
		shift.MulVec(&gain, e)
		for i := range x {
			x[i] += shift.AtVec(i)
		}
		return x
	}
}

// mixturePrior is the benchmark as a prior of trajectories of one state.
type mixturePrior struct {
	*mixture
	components []exact.Component
	covariance *mat.SymDense
}

func (m *mixture) prior() *mixturePrior {
	p := &mixturePrior{mixture: m, covariance: mat.NewSymDense(m.d, nil)}
	var total float64
	average := make([]float64, m.d)
	for k, w := range m.weights {
		total += w
		mean := make([]float64, m.d)
		for i, v := range m.means[k] {
			mean[i] = v / mixtureScale
			average[i] += w * mean[i]
		}
		p.components = append(p.components, exact.Component{Weight: w, Mean: mean, Covariance: exact.Isotropic(m.d, 1/mixtureScale/mixtureScale)})
	}
	for _, c := range p.components {
		e := mat.NewVecDense(m.d, nil)
		for i := range m.d {
			e.SetVec(i, c.Mean[i]-average[i]/total)
		}
		p.covariance.SymRankOne(p.covariance, c.Weight/total, e)
	}
	for i := range m.d {
		p.covariance.SetSym(i, i, p.covariance.At(i, i)+1/mixtureScale/mixtureScale)
	}
	return p
}

func (p *mixturePrior) Describe() (dynamics.Space, dynamics.Clock, trajectory.Standardiser) {
	var labels []string
	for i := range p.d {
		labels = append(labels, fmt.Sprintf("v%d", i))
	}
	return dynamics.Space{Variable: "state", Units: "1", Axes: []dynamics.Axis{{Name: "variable", Labels: labels}}},
		dynamics.Clock{Interval: 1, Units: "1"}, trajectory.Standardiser{Mean: []float64{0}, Scale: []float64{mixtureScale}, Run: p.d}
}

func (p *mixturePrior) Differentiable(int, int, int) (diffusion.Differentiable, error) {
	return exact.NewMixture(p.components)
}

// Uncertainty is that of the Gaussian with the covariance of the mixture: C s^2 (C + s^2)^-1.
func (p *mixturePrior) Uncertainty(_ int, s float64) (*mat.SymDense, error) {
	full, err := exact.NewFull(p.covariance)
	if err != nil {
		return nil, err
	}
	v := mat.NewSymDense(p.d, nil)
	unit, column := make([]float64, p.d), make([]float64, p.d)
	for i := range p.d {
		clear(unit)
		unit[i] = s * s
		if err := full.Smooth(column, unit, s*s); err != nil {
			return nil, err
		}
		for j := range i + 1 {
			v.SetSym(i, j, column[j])
		}
	}
	return v, nil
}

// problem observes the one state.
func (p *mixturePrior) problem(tb testing.TB, members int) assimilate.Problem {
	tb.Helper()
	var rows [][]float64
	for i := range len(p.y) {
		rows = append(rows, mat.Row(nil, i, p.a))
	}
	space, _, _ := p.Describe()
	operator, err := observe.Linear{Matrix: rows}.Build(space)
	if err != nil {
		tb.Fatal(err)
	}
	o := observe.Observation{Operator: operator, Values: p.y}
	for range p.y {
		o.Sd = append(o.Sd, p.noise)
	}
	return assimilate.Problem{Length: 1, Members: members, Seed: 3, Observations: observe.Sequence{Observations: []observe.Observation{o}}}
}

// assigned is the share of samples nearest to each mean.
func (m *mixture) assigned(samples [][]float64) []float64 {
	share := make([]float64, len(m.means))
	for _, x := range samples {
		best, least := 0, math.Inf(1)
		for k, mean := range m.means {
			var square float64
			for i, v := range x {
				square += (v - mean[i]) * (v - mean[i])
			}
			if square < least {
				best, least = k, square
			}
		}
		share[best] += 1 / float64(len(samples))
	}
	return share
}

// sliced is the sliced Wasserstein distance of order 1 over 100 directions of two lists of
// samples, the second as long as the first or a multiple of that.
func sliced(a, b [][]float64) float64 {
	r := rng.Stream(1, "directions")
	var sum float64
	const directions = 100
	project := func(samples [][]float64, u []float64) []float64 {
		var list []float64
		for _, x := range samples {
			var p float64
			for i, v := range x {
				p += v * u[i]
			}
			list = append(list, p)
		}
		slices.Sort(list)
		return list
	}
	for range directions {
		u := make([]float64, len(a[0]))
		var norm float64
		for i := range u {
			u[i] = r.NormFloat64()
			norm += u[i] * u[i]
		}
		for i := range u {
			u[i] /= math.Sqrt(norm)
		}
		pa, pb := project(a, u), project(b, u)
		for k, v := range pb {
			sum += math.Abs(v-pa[k*len(pa)/len(pb)]) / float64(len(pb)) / directions
		}
	}
	return sum
}

// totalVariation is half the sum of differences of two lists of shares.
func totalVariation(a, b []float64) (sum float64) {
	for k := range a {
		sum += math.Abs(a[k]-b[k]) / 2
	}
	return sum
}

// rows are the samples of an ensemble of one state.
func rows(e *trajectory.Set, d int) [][]float64 {
	var list [][]float64
	for k := 0; k < len(e.Data); k += d {
		x := make([]float64, d)
		for i := range x {
			x[i] = float64(e.Data[k+i])
		}
		list = append(list, x)
	}
	return list
}

// score of a method on a problem: sliced distance, that of exact samples, and the error of
// the weights of the modes.
func (p *mixturePrior) score(tb testing.TB, method assimilate.Method, members int) (distance, floor, variation float64, err error) {
	tb.Helper()
	result, err := method.Assimilate(tb.Context(), p.problem(tb, members), nil)
	if err != nil {
		return 0, 0, 0, err
	}
	_, draw := p.posterior(tb)
	r := rng.Stream(9, "posterior")
	var reference, again [][]float64
	for k := range 11 * members {
		x := draw(r.NormFloat64, r.Float64)
		if k < members {
			again = append(again, x)
		} else {
			reference = append(reference, x)
		}
	}
	samples := rows(result.Ensemble, p.d)
	return sliced(samples, reference), sliced(again, reference), totalVariation(p.assigned(samples), p.assigned(reference)), nil
}

// What is exact on demand must have the weights of the modes right, where guidance alone
// has not.
func TestTwistedParticlesFindTheModes(t *testing.T) {
	p := newMixture(8, 1, 2).prior()
	const members = 1000
	score := &assimilate.Score{Prior: p, Sampler: stochastic(40), Guidance: "mmps", Tuning: assimilate.Tuning{Iterations: 1}}
	particles := 3000
	distance, floor, variation, err := p.score(t, &assimilate.Twisted{Score: score, Particles: particles}, members)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("sliced distance %.3f (exact samples: %.3f), modes off by %.3f", distance, floor, variation)
	if variation > 0.1 {
		t.Errorf("modes off by %.3f", variation)
	}
}

// The table of docs/guidance.md.
func TestMixtureTable(t *testing.T) {
	if !*long {
		t.Skip("prints a table; use -long -v")
	}
	for _, size := range [][2]int{{8, 1}, {8, 4}, {80, 1}, {80, 4}} {
		t.Run(fmt.Sprintf("%d,%d", size[0], size[1]), func(t *testing.T) { mixtureRows(t, size) })
	}
}

func mixtureRows(t *testing.T, size [2]int) {
	const members, seeds = 500, 3
	methods := map[string]func(s *assimilate.Score) assimilate.Method{}
	var names []string
	add := func(name, guidance string, wrap func(s *assimilate.Score) assimilate.Method) {
		names = append(names, name)
		methods[name] = func(s *assimilate.Score) assimilate.Method {
			s.Guidance = guidance
			return wrap(s)
		}
	}
	for _, g := range []string{"covariance", "mmps", "pigdm", "tmpd", "jfps", "sda", "sda-gaussian", "diffpir", "dps"} {
		add(g, g, func(s *assimilate.Score) assimilate.Method { return s })
	}
	add("twisted, mmps", "mmps", func(s *assimilate.Score) assimilate.Method { return &assimilate.Twisted{Score: s, Particles: 4000} })
	add("metropolis, mmps", "mmps", func(s *assimilate.Score) assimilate.Method {
		return &assimilate.Metropolis{Score: s, Moves: 60, Highest: 3, Rungs: 6}
	})
	for _, name := range names {
		var distances, variations, floors float64
		text := ""
		for seed := range seeds {
			p := newMixture(size[0], size[1], int64(seed)).prior()
			score := &assimilate.Score{Prior: p, Sampler: stochastic(40), Gamma: 0.1, Tuning: assimilate.Tuning{Iterations: size[1]}}
			distance, floor, variation, err := p.score(t, methods[name](score), members)
			if err != nil {
				text = "refused or diverged"
				continue
			}
			distances, floors, variations = distances+distance/seeds, floors+floor/seeds, variations+variation/seeds
		}
		t.Logf("| (%d, %d) | %s | %.2f | %.2f | %.2f | %s", size[0], size[1], name, distances, floors, variations, text)
	}
}
