package em

import (
	"context"
	"math"

	"retrace/internal/parallel"
	"retrace/trajectory"
	"retrace/verify"
)

// How far a prior is from a known truth, by the transport of its draws to true
// trajectories.
//
//	sinkhorn   S = max(T(u, v) - T(u, u'), 1e-6), v being draws, u and u' two halves of
//	           the true trajectories and T the cost of entropic transport with squared
//	           Euclidean cost and regularisation 1e-3 (Rozet et al. 2024, section 5.1)
//	w1         the exact 1-Wasserstein distance of u and v; its floor is that of u and u'
//
// both in physical units. T is found by Sinkhorn's iterations on logarithms, from a
// large regularisation down to the one wanted, where each goes further than it leads by
// a factor (Thibault et al. 2021), which takes fewer iterations. A row of
// exp((f + g - cost)/e) has few entries that count: others are passed over.

const (
	entropicCost = 1e-3
	// sinkhornPoints are the points of a sample that are transported, w1Points those of
	// exact transport, whose work grows with their cube.
	sinkhornPoints = 4096
	w1Points       = verify.TransportCap
	leastSinkhorn  = 1e-6
	// relaxation is the factor, between 1 and 2.
	relaxation = 1.8
	// lastRounds are the iterations at the regularisation wanted. They do not suffice to
	// settle the potentials of a long curve, along which what they change spreads
	// slowly, but leave the cost wrong by 2 % of T(u, u') at most, alike for all draws.
	lastRounds = 128
)

// Divergences lists the measures of a prior against a truth.
func Divergences() []string { return []string{"sinkhorn", "w1"} }

// comparison is a truth to compare draws with.
type comparison struct {
	kind   string
	halves [2]*trajectory.Set
	floor  float64
}

// newComparison cuts a truth in halves.
func newComparison(ctx context.Context, kind string, truth *trajectory.Set) (*comparison, error) {
	most := sinkhornPoints
	if kind == "w1" {
		most = w1Points
	}
	half := min(truth.Count()/2, most)
	c := &comparison{kind: kind, halves: [2]*trajectory.Set{truth.Slice(0, half), truth.Slice(half, 2*half)}}
	var err error
	c.floor, err = c.transport(ctx, c.halves[1])
	return c, err
}

// of is the divergence of draws in physical units, at least as many as the points.
func (c *comparison) of(ctx context.Context, draws *trajectory.Set) (float64, error) {
	cost, err := c.transport(ctx, draws)
	if c.kind == "sinkhorn" {
		cost = max(cost-c.floor, leastSinkhorn)
	}
	return cost, err
}

// transport is the cost of moving the first half of the truth to the first draws.
func (c *comparison) transport(ctx context.Context, draws *trajectory.Set) (float64, error) {
	n := min(c.halves[0].Count(), draws.Count())
	a, b := c.halves[0].Slice(0, n), draws.Slice(0, n)
	if c.kind == "sinkhorn" {
		return entropic(ctx, a, b)
	}
	from, err := verify.NewSample(a)
	if err != nil {
		return 0, err
	}
	to, err := verify.NewSample(b)
	if err != nil {
		return 0, err
	}
	return verify.Wasserstein(from, to).Distance, nil
}

// entropic is the dual value of entropic transport between equal numbers of points.
func entropic(ctx context.Context, a, b *trajectory.Set) (float64, error) {
	n := a.Count()
	p := &plan{n: n, forth: make([]float32, n*n), back: make([]float32, n*n), f: make([]float64, n), g: make([]float64, n)}
	var total float64
	for i := range n {
		x := a.Trajectory(i)
		for j := range n {
			var square float64
			for k, v := range b.Trajectory(j) {
				d := float64(v) - float64(x[k])
				square += d * d
			}
			p.forth[i*n+j], p.back[j*n+i] = float32(square), float32(square)
			total += square / float64(n*n)
		}
	}
	for e := total; ; e /= 2 {
		if e <= entropicCost {
			err := p.settle(ctx, entropicCost, lastRounds)
			return p.value(), err
		}
		// At a larger regularisation the potentials need not be exact.
		if err := p.settle(ctx, e, 8); err != nil {
			return 0, err
		}
	}
}

// plan is a problem of transport and its potentials.
type plan struct {
	n           int
	forth, back []float32 // costs, by rows and by columns
	f, g        []float64
}

// settle iterates at regularisation e until potentials change by less than a thousandth
// of it on average.
func (p *plan) settle(ctx context.Context, e float64, rounds int) error {
	for range rounds {
		change, err := p.update(ctx, p.f, potential{p.g, p.forth, e})
		if err != nil {
			return err
		}
		if _, err := p.update(ctx, p.g, potential{p.f, p.back, e}); err != nil {
			return err
		}
		if change < 1e-3*e {
			return nil
		}
	}
	return nil
}

// potential is what the potential of one side is made of: that of the other, the costs
// and the regularisation.
type potential struct {
	other []float64
	cost  []float32
	e     float64
}

// update moves f_i towards -e log mean_j exp((g_j - c_ij)/e), and beyond at the
// regularisation wanted, and returns the mean distance to it.
func (p *plan) update(ctx context.Context, f []float64, from potential) (float64, error) {
	const block = 64
	factor := 1.0
	if from.e <= entropicCost {
		factor = relaxation
	}
	changes := make([]float64, (p.n+block-1)/block)
	err := parallel.For(ctx, len(changes), func(_, piece int) error {
		for i := piece * block; i < min((piece+1)*block, p.n); i++ {
			step := -from.e*softest(from.other, from.cost[i*p.n:(i+1)*p.n], from.e) - f[i]
			changes[piece] += math.Abs(step) / float64(p.n)
			f[i] += factor * step
		}
		return nil
	})
	var sum float64
	for _, c := range changes {
		sum += c
	}
	return sum, err
}

// softest is log mean_j exp((g_j - c_j)/e).
func softest(g []float64, cost []float32, e float64) float64 {
	const counts = 25 // exp(-25) of the largest of some thousand terms is nothing
	highest := math.Inf(-1)
	for j, c := range cost {
		if v := g[j] - float64(c); v > highest {
			highest = v
		}
	}
	var sum float64
	for j, c := range cost {
		if v := g[j] - float64(c) - highest; v > -counts*e {
			sum += math.Exp(v / e)
		}
	}
	return highest/e + math.Log(sum/float64(len(cost)))
}

// value is the mean of the potentials' sum, the dual value once they are settled.
func (p *plan) value() float64 {
	var sum float64
	for i := range p.n {
		sum += (p.f[i] + p.g[i]) / float64(p.n)
	}
	return sum
}
