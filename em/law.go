package em

import (
	"context"
	"fmt"

	"gonum.org/v1/gonum/mat"

	"retrace/diffusion"
	"retrace/internal/parallel"
	"retrace/scoresum"
)

// law is what a lap samples from: the prior of the lap before.
type law struct {
	prior   *scoresum.Prior
	sampler diffusion.PredictorCorrector
	length  int
	rule    func() rule // makes the rule of a worker
}

// newLaw returns the law of a prior with the rule of the settings. covariance is that
// of the Gaussian fitted first, in standardised units; it may be nil for other rules
// than prior.
func (s Settings) newLaw(prior *scoresum.Prior, sampler diffusion.PredictorCorrector, length int, covariance *mat.SymDense) *law {
	l := &law{prior: prior, sampler: sampler, length: length}
	shared := &covariances{levels: map[float64]*mat.SymDense{}}
	switch s.Covariance {
	case "tweedie":
		l.rule = func() rule { return &tweedie{iterations: s.Iterations} }
		return l
	case "measured":
		shared.at = func(ratio float64) (*mat.SymDense, error) { return prior.Uncertainty(length, ratio) }
	case "prior":
		shared.at = gaussianSpread(covariance)
	default:
		shared.white = whiteOf(s.Covariance)
	}
	l.rule = func() rule { return &known{covariances: shared, searches: s.Covariance == "measured"} }
	return l
}

// blockRows is the number of trajectories that are drawn together: enough for the rows
// of a network to share the reading of its weights.
func blockRows(length int) int { return min(max(256/length, 4), 128) }

// address names the noise of draws.
type address struct {
	seed    int64
	purpose string
	number  int // of the lap
	first   int // index of the first draw
}

// draw fills x, trajectories one after the other in standardised units, with draws: of
// the posteriors of records, one each, or of the prior if records is nil. Draw i does
// not depend on the others.
func (l *law) draw(ctx context.Context, records []Record, at address, x []float32, done func()) error {
	n := l.length * l.prior.Dim()
	count, rows := len(x)/n, blockRows(l.length)
	blocks := (count + rows - 1) / rows
	workers := make([]*worker, parallel.Workers(blocks))
	for i := range workers {
		prior, err := l.prior.Denoiser(l.length, rows, max(rows, scoresum.ChunkWindows))
		if err != nil {
			return err
		}
		workers[i] = &worker{&guide{prior: prior, rule: l.rule()}, scoresum.NewNoise(at.seed, at.purpose, at.number)}
	}
	return parallel.For(ctx, blocks, func(w, block int) error {
		first, last := block*rows, min((block+1)*rows, count)
		g := workers[w].guide
		if g.records = nil; records != nil {
			g.records = records[first:last]
		}
		if err := l.sampler.Sample(ctx, g, x[first*n:last*n], at.first+first, workers[w].noise, done); err != nil {
			return fmt.Errorf("em: drawing %d to %d: %w", at.first+first, at.first+last-1, err)
		}
		return nil
	})
}

// worker is what one goroutine draws with.
type worker struct {
	guide *guide
	noise diffusion.Noise
}

// evaluations is the number of times that done is called for so many draws.
func (l *law) evaluations(count int) int {
	rows := blockRows(l.length)
	return (count + rows - 1) / rows * l.sampler.Evaluations()
}

// wild is the number of standard deviations beyond which a value is that of a sampler
// that went astray, not of a trajectory.
const wild = 10

// tame lists the trajectories of n values without a wild one.
func tame(x []float32, n int) []int {
	var list []int
	for i := range len(x) / n {
		good := true
		for _, v := range x[i*n : (i+1)*n] {
			good = good && v > -wild && v < wild // false for NaN
		}
		if good {
			list = append(list, i)
		}
	}
	return list
}
