package em

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"retrace/internal/parallel"
	"retrace/internal/rng"
)

// A Gaussian for trajectories too large for a covariance: mean m, r directions U and
// noise of one variance D in all others,
//
//	C = D I + U U^T ,
//
// the law of probabilistic principal components (Tipping & Bishop 1999). Its posterior
// draws are exact as those of a full Gaussian are: a draw x of the prior is moved by
// C A^T v, (A C A^T + R) v = y + noise - A x, solved by conjugate gradients. The next law
// is that of the principal components of the draws: with eigenvalues l and eigenvectors
// Q of their covariance, the r largest,
//
//	D = (trace - sum l)/(n - r) ,   U = Q (l - D)^1/2 .
//
// Eigenvectors are found by iterations of a subspace, which goes on from that of the
// step before. This is the first stage of Rozet et al. (2024), with exact draws.

// LowRank is a Gaussian law of flat trajectories.
type LowRank struct {
	Mean       []float64
	Variance   float64     // D
	Directions [][]float64 // columns of U
}

const (
	// lowRankRecords are learnt from at most.
	lowRankRecords = 2048
	subspaceSteps  = 3
	// solverSteps and solverTolerance end conjugate gradients.
	solverSteps     = 200
	solverTolerance = 1e-6
)

// FitLowRank makes iterations of expectation maximisation from N(0, sd^2 I), with draws
// for the expectation.
func FitLowRank(ctx context.Context, records []Record, rank, iterations int, seed int64) (*LowRank, error) {
	records = records[:min(len(records), lowRankRecords)]
	size := records[0].size
	rank = min(rank, size-1, len(records)-1)
	if rank < 1 {
		return nil, errors.New("em: a law of low rank needs two records and two values at least")
	}
	sd := spreadOf(records)
	g := &LowRank{Mean: make([]float64, size), Variance: sd * sd}
	x := make([]float32, len(records)*size)
	q := randomSubspace(size, rank, seed)
	for i := range iterations {
		if err := g.posterior(ctx, records, rng.Stream(seed, "em/low-rank", uint64(i)).Int64(), x); err != nil {
			return nil, err
		}
		var err error
		if q, err = g.maximise(x, q); err != nil {
			return nil, err
		}
	}
	return g, nil
}

func randomSubspace(size, rank int, seed int64) *mat.Dense {
	r := rng.Stream(seed, "em/subspace")
	q := mat.NewDense(size, rank, nil)
	for i := range size {
		for j := range rank {
			q.Set(i, j, r.NormFloat64())
		}
	}
	return q
}

// maximise sets the law to that of draws. q spans the subspace to start from; the one
// found is returned.
func (g *LowRank) maximise(draws []float32, q *mat.Dense) (*mat.Dense, error) {
	size, rank := q.Dims()
	count := len(draws) / size
	clear(g.Mean)
	for i, v := range draws {
		g.Mean[i%size] += float64(v) / float64(count)
	}
	x, trace := mat.NewDense(count, size, nil), 0.0
	for i := range count {
		row := x.RawRowView(i)
		for k := range row {
			row[k] = (float64(draws[i*size+k]) - g.Mean[k]) / math.Sqrt(float64(count))
		}
		trace += floats.Dot(row, row)
	}
	var along, next mat.Dense
	for range subspaceSteps {
		along.Mul(x, q)
		next.Mul(x.T(), &along)
		var qr mat.QR
		qr.Factorize(&next)
		var whole mat.Dense
		qr.QTo(&whole)
		q = mat.DenseCopyOf(whole.Slice(0, size, 0, rank))
	}
	along.Mul(x, q)
	small := mat.NewSymDense(rank, nil)
	small.SymOuterK(1, along.T())
	var eigen mat.EigenSym
	if !eigen.Factorize(small, true) {
		return nil, errors.New("em: the principal components of the draws did not converge: are they finite?")
	}
	var vectors, directions mat.Dense
	eigen.VectorsTo(&vectors)
	directions.Mul(q, &vectors)
	g.take(&directions, eigen.Values(nil), trace)
	return mat.DenseCopyOf(&directions), nil
}

// take sets variance and directions from eigenvectors and eigenvalues.
func (g *LowRank) take(vectors *mat.Dense, values []float64, trace float64) {
	size, rank := vectors.Dims()
	rest := math.Max(trace-floats.Sum(values), 0)
	g.Variance = rest/float64(size-rank) + 1e-12*trace/float64(size)
	g.Directions = nil
	for j, l := range values {
		if l <= g.Variance {
			continue
		}
		u := mat.Col(nil, j, vectors)
		floats.Scale(math.Sqrt(l-g.Variance), u)
		g.Directions = append(g.Directions, u)
	}
}

// apply sets dst to C v.
func (g *LowRank) apply(dst, v []float64) {
	for i, x := range v {
		dst[i] = g.Variance * x
	}
	for _, u := range g.Directions {
		floats.AddScaled(dst, floats.Dot(u, v), u)
	}
}

// draw writes a draw of the law.
func (g *LowRank) draw(dst []float64, r *rand.Rand) {
	sd := math.Sqrt(g.Variance)
	for i, m := range g.Mean {
		dst[i] = m + sd*r.NormFloat64()
	}
	for _, u := range g.Directions {
		floats.AddScaled(dst, r.NormFloat64(), u)
	}
}

// prior fills x with draws.
func (g *LowRank) prior(ctx context.Context, seed int64, x []float32) error {
	n := len(g.Mean)
	return parallel.For(ctx, len(x)/n, func(_, i int) error {
		row := make([]float64, n)
		g.draw(row, rng.Stream(seed, "em/draw", uint64(i)))
		narrow(x[i*n:(i+1)*n], row)
		return nil
	})
}

func narrow(dst []float32, x []float64) {
	for k, v := range x {
		dst[k] = float32(v)
	}
}

// posterior fills x with a draw for each record.
func (g *LowRank) posterior(ctx context.Context, records []Record, seed int64, x []float32) error {
	n := len(g.Mean)
	return parallel.For(ctx, len(records), func(_, i int) error {
		r := rng.Stream(seed, "em/gaussian", uint64(i))
		record, row := &records[i], make([]float64, n)
		g.draw(row, r)
		e := make([]float64, record.Count())
		for j, y := range record.y {
			e[j] = y + record.sd[j]*r.NormFloat64() - record.rows.dot(j, row)
		}
		back, shift := make([]float64, n), make([]float64, n)
		g.solve(record, e, back, shift)
		for j, v := range e {
			record.rows.accumulate(back, j, v)
		}
		g.apply(shift, back)
		floats.Add(row, shift)
		narrow(x[i*n:(i+1)*n], row)
		return nil
	})
}

// solve replaces e by (A C A^T + R)^-1 e, by conjugate gradients, scaled by the noise.
// back and spread are scratch of the size of a trajectory; back is left at zero.
func (g *LowRank) solve(r *Record, e, back, spread []float64) {
	m := len(e)
	residual, direction, image, u := make([]float64, m), make([]float64, m), make([]float64, m), make([]float64, m)
	for j, v := range e {
		residual[j] = v / r.sd[j]
	}
	copy(direction, residual)
	square := inner(residual, residual)
	least := solverTolerance * solverTolerance * square
	for range solverSteps {
		if square <= least {
			break
		}
		clear(back)
		for j, v := range direction {
			r.rows.accumulate(back, j, v/r.sd[j])
		}
		g.apply(spread, back)
		for j, v := range direction {
			image[j] = v + r.rows.dot(j, spread)/r.sd[j]
		}
		step := square / inner(direction, image)
		floats.AddScaled(u, step, direction)
		floats.AddScaled(residual, -step, image)
		before := square
		square = inner(residual, residual)
		for j, v := range residual {
			direction[j] = v + square/before*direction[j]
		}
	}
	clear(back)
	for j, v := range u {
		e[j] = v / r.sd[j]
	}
}

// spread is the standard deviation of value j of a record.
func (g *LowRank) spread(r *Record, j int) float64 {
	columns, factors := r.rows.at(j)
	var variance float64
	for _, f := range factors {
		variance += g.Variance * f * f
	}
	for _, u := range g.Directions {
		var along float64
		for k, c := range columns {
			along += factors[k] * u[c]
		}
		variance += along * along
	}
	return math.Sqrt(variance)
}

// variances are those of the values of a trajectory.
func (g *LowRank) variances() []float64 {
	list := make([]float64, len(g.Mean))
	for i := range list {
		list[i] = g.Variance
		for _, u := range g.Directions {
			list[i] += u[i] * u[i]
		}
	}
	return list
}
