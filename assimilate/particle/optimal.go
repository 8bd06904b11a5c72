// The particle filter with an optimal proposal (Doucet, Godsill & Andrieu 2000,
// Statistics and Computing 10, 197; in the form of DAPPER's OptPF, for models
// without noise). The law of the forecast particles is smoothed by a Gaussian
// kernel of covariance
//
//	Q = s^2 P,  s = kernel N^(-1/(n+4)),
//
// P being their weighted covariance. Of each kernel, the observation picks
//
//	x_i <- x_i + q_i + K (y + e_i - h(x_i + q_i)),  q_i ~ N(0, Q), e_i ~ N(0, R),
//	K = Q H^T C^-1,  C = H Q H^T + R,
//	w_i <- w_i N(y; h(x_i), C),
//
// a draw from it given y, and the probability of y under it. H Q and H Q H^T are
// taken from the particles' own observations, so no derivative is needed. With
// kernel = 0 this is the bootstrap filter; Qs is DAPPER's name of the kernel.

package particle

import (
	"context"
	"fmt"
	"math"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/internal/triangular"
	"retrace/observe"
)

// Optimal is the particle filter with an optimal proposal. Members are draws
// from the filtering law of each state, not paths. Make one with NewOptimal.
type Optimal struct {
	Kernel     float64 `toml:"kernel" doc:"width of the kernels around the particles, in bandwidths of Scott's rule; 0 (the bootstrap filter) to 100"`
	Resampling `toml:",inline"`
}

// NewOptimal returns the filter with a kernel of twice Scott's bandwidth and a
// little jitter.
func NewOptimal() *Optimal {
	return &Optimal{Kernel: 2, Resampling: Resampling{Threshold: 0.2, Rule: "systematic", Regularisation: 0.7}}
}

// Check reports a parameter out of range by its key, as an input error. Any model
// will do.
func (o *Optimal) Check(dynamics.Model) error {
	if !(o.Kernel >= 0 && o.Kernel <= 100) {
		return fault.Inputf("kernel = %v: must be between 0 and 100", o.Kernel)
	}
	return o.check()
}

// Cycle implements assimilate.Sequential, as Bootstrap does.
func (o *Optimal) Cycle(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) error {
	_, err := o.run(ctx, p, watch)
	return err
}

// Assimilate implements assimilate.Method, as Bootstrap does.
func (o *Optimal) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	return collect(ctx, p, progress, o.run)
}

func (o *Optimal) run(ctx context.Context, p assimilate.Problem, watch func(assimilate.Estimate) error) (diagnostics, error) {
	if err := o.Check(p.Model); err != nil {
		return diagnostics{}, err
	}
	if err := p.Observations.Validate(p.Length, p.Model.Space()); err != nil { // noise is part of the proposal
		return diagnostics{}, fault.Inputf("optimal particle filter: %w", err)
	}
	c, err := newCloud(&p, o.Size(p.Members))
	if err != nil {
		return diagnostics{}, err
	}
	return drive(ctx, c, newProposal(c, o.Kernel).update, newRenewal(c, o.Resampling), watch)
}

// proposal is the update of the optimal proposal; it owns scratch space.
type proposal struct {
	c         *cloud
	bandwidth float64
	kernel    *jitter
	source    *rng.Source

	// Of the values present of one state, m of them, in units of their standard
	// deviations: the innovations of every particle, the anomalies s Y of the
	// particles' observations, C with its Cholesky factor, and Q H^T.
	innovations, anomalies []float64
	mean, factor, cross    []float64
	offset                 []float64
}

func newProposal(c *cloud, kernel float64) *proposal {
	most := 0 // values of one state
	at, count := -1, 0
	for _, o := range c.problem.Observations.Observations {
		if o.Index != at {
			at, count = o.Index, 0
		}
		count += len(o.Values)
		most = max(most, count)
	}
	return &proposal{
		c: c, bandwidth: kernel * bandwidth(c.n, c.size), kernel: newJitter(c),
		source:      rng.NewSource(c.problem.Seed, "particle/proposal"),
		innovations: make([]float64, c.n*most), anomalies: make([]float64, c.n*most),
		mean: make([]float64, most), factor: make([]float64, most*most),
		cross: make([]float64, c.size*most), offset: make([]float64, most),
	}
}

func (o *proposal) update(t int, seen []observe.Observation) (float64, error) {
	m, logScale := 0, 0.0
	for i := range o.c.n {
		m, logScale = o.innovate(o.innovations[i*m:], o.c.at(i), seen)
	}
	root := o.factorise(m)
	for k := range m {
		logScale += math.Log(root[k*m+k])
	}
	o.weigh(m, logScale)
	if o.bandwidth > 0 {
		o.draw(t, m, seen)
		for i := range o.c.n {
			if !finite(o.c.at(i)) {
				return 0, fmt.Errorf("%w: a proposed particle is not finite at state %d", ErrDiverged, t)
			}
		}
	}
	return o.c.normalise(t)
}

// innovate writes the innovations of the values present, in units of their
// standard deviations, and returns their number and the log of the factor that
// the units take from a density.
func (o *proposal) innovate(dst, x []float64, seen []observe.Observation) (m int, logScale float64) {
	for _, s := range seen {
		predicted := o.c.predicted[0][:len(s.Values)]
		s.Operator.Apply(predicted, x)
		for j, y := range s.Values {
			if !math.IsNaN(y) {
				dst[m] = (y - predicted[j]) / s.Sd[j]
				logScale += math.Log(s.Sd[j]) + math.Log(2*math.Pi)/2
				m++
			}
		}
	}
	return m, logScale
}

// factorise measures the kernel and returns the Cholesky factor of C.
func (o *proposal) factorise(m int) []float64 {
	c := o.c
	root := o.factor[:m*m]
	clear(root)
	if o.bandwidth > 0 {
		o.kernel.measure(o.bandwidth)
		c.anomalies(o.anomalies[:c.n*m], o.innovations[:c.n*m], o.mean[:m], o.bandwidth)
		o.correlate(root, m)
	}
	for k := range m {
		root[k*m+k]++
	}
	triangular.Factorise(root, m)
	return root
}

// correlate adds Y Y^T to root and writes Q H^T to o.cross. The anomalies of
// innovations are those of observations with the sign turned.
func (o *proposal) correlate(root []float64, m int) {
	cross := o.cross[:o.c.size*m]
	clear(cross)
	for i := range o.c.n {
		y := o.anomalies[i*m : (i+1)*m]
		for row, v := range y {
			for column, u := range y[:row+1] {
				root[row*m+column] += v * u
			}
		}
		for row, v := range o.kernel.anomalies[i*o.c.size : (i+1)*o.c.size] {
			for column, u := range y {
				cross[row*m+column] -= v * u
			}
		}
	}
}

// weigh multiplies the weights by N(y; h(x_i), C).
func (o *proposal) weigh(m int, logScale float64) {
	z := o.offset[:m]
	for i := range o.c.n {
		copy(z, o.innovations[i*m:])
		triangular.Solve(o.factor[:m*m], z)
		o.c.logWeights[i] -= dot(z, z)/2 + logScale
	}
}

// draw moves every particle to a draw of its kernel given the observations.
func (o *proposal) draw(t, m int, seen []observe.Observation) {
	r := o.source.At(uint64(o.c.problem.Case), uint64(t)).Rand
	root, z := o.factor[:m*m], o.offset[:m]
	for i := range o.c.n {
		x := o.c.at(i)
		o.kernel.add(x, r)
		o.innovate(z, x, seen)
		for k := range z {
			z[k] += r.NormFloat64()
		}
		triangular.Solve(root, z)
		triangular.SolveTransposed(root, z)
		for row := range x {
			x[row] += dot(o.cross[row*m:(row+1)*m], z)
		}
	}
}
