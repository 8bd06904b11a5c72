package assimilate

import (
	"context"
	"fmt"
	"math"

	"retrace/diffusion"
	"retrace/internal/fault"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/observe"
	"retrace/scoresum"
	"retrace/trajectory"
)

// Metropolis-Hastings on trajectories. A move noises a trajectory to a level of the
// sampler and denoises it again without any guidance,
//
//	x_t = mu x + sigma z,   x' ~ p(x | x_t) ,
//
// which leaves the prior unchanged and is its own reverse: x and x' are two draws of one
// posterior, p(x | x_t). It is so accepted by the likelihood alone, with the probability
//
//	min(1, p(y | x')/p(y | x)) ,
//
// and a chain of moves settles in the posterior whatever it starts from (compare Hunt-Smith
// et al. 2024, "Accelerating Markov chain Monte Carlo sampling with diffusion models").
// Observations enter by their own law. What is exact is so under the prior that the
// sampler draws from, whose steps must be short. Low levels are accepted often and move
// little; moves go through a ladder of them in turn.

// Metropolis refines the members of Score by chains of moves, one for each member.
type Metropolis struct {
	Score *Score
	// Moves is the number of moves of each chain, at least 1.
	Moves int
	// Highest is the noise ratio to which the boldest moves go; Rungs the number of
	// levels of the ladder, from there down to the last but one of the sampler.
	Highest float64
	Rungs   int
}

// Diagnostics that Metropolis reports.
const (
	// Acceptance is the share of moves accepted; LeastAcceptance that of the boldest rung,
	// MostAcceptance that of the meekest.
	Acceptance, LeastAcceptance, MostAcceptance = "acceptance", "acceptance_boldest", "acceptance_meekest"
	// MovedLikelihood is the mean of log p(y | x) after the moves less that before: what is
	// far from 0 was not settled.
	MovedLikelihood = "moved_log_likelihood"
)

// Assimilate draws p.Members trajectories. The note "warning" says if hardly a move was
// accepted, so that the members are those of Score.
func (m *Metropolis) Assimilate(ctx context.Context, p Problem, progress func(done, total int)) (*Result, error) {
	if m.Moves < 1 || m.Rungs < 1 || !(m.Highest > 0) {
		return nil, fault.Inputf("metropolis: moves = %d, rungs = %d, highest = %v: all must be above 0", m.Moves, m.Rungs, m.Highest)
	}
	ladder := m.ladder()
	total := m.Score.Evaluations() + m.Moves*len(ladder[0])
	result, err := m.Score.Assimilate(ctx, p, func(done, of int) {
		if progress != nil {
			progress(m.Score.Evaluations()*done/max(of, 1), total)
		}
	})
	if err != nil {
		return nil, err
	}
	c := &chains{Metropolis: m, problem: p, ladder: ladder, data: result.Ensemble.Data, dim: len(result.Ensemble.Data) / p.Members}
	_, _, c.standard = m.Score.Prior.Describe()
	c.tried, c.accepted = make([][]int, p.Members), make([][]int, p.Members)
	c.gained = make([]float64, p.Members)
	if err := c.run(ctx, progress); err != nil {
		return nil, fmt.Errorf("metropolis, case %d: %w", p.Case, err)
	}
	for move := range m.Moves {
		result.Evaluations += len(ladder[move%len(ladder)])
	}
	c.report(result)
	return result, nil
}

// Warning tells what is doubtful about the draws that chains start from, as Score does.
func (m *Metropolis) Warning(p Problem) (string, error) { return m.Score.Warning(p) }

// ladder lists the levels of each rung, from its highest down, boldest first.
func (m *Metropolis) ladder() [][]diffusion.Level {
	levels := m.Score.Sampler.Levels
	low := levels[max(0, len(levels)-2)].Ratio()
	high := math.Max(m.Highest, low)
	var ladder [][]diffusion.Level
	for k := range m.Rungs {
		ratio := high * math.Pow(low/high, float64(k)/math.Max(1, float64(m.Rungs-1)))
		first := len(levels) - 2
		for first > 0 && levels[first].Ratio() < ratio*(1-1e-9) {
			first--
		}
		ladder = append(ladder, levels[max(0, first):])
	}
	return ladder
}

// chains are the members on their way.
type chains struct {
	*Metropolis
	problem         Problem
	ladder          [][]diffusion.Level
	standard        trajectory.Standardiser
	data            []float32 // physical
	dim             int
	tried, accepted [][]int   // by member and rung
	gained          []float64 // log likelihood, by member
}

// run moves all members, a few rows of a worker's own denoiser at a time.
func (c *chains) run(ctx context.Context, progress func(done, total int)) error {
	blocks := (c.problem.Members + scoresum.SampleRows - 1) / scoresum.SampleRows
	workers := make([]*walker, parallel.Workers(blocks))
	for i := range workers {
		prior, err := c.Score.Prior.Differentiable(c.problem.Length, scoresum.SampleRows, scoresum.ChunkWindows)
		if err != nil {
			return err
		}
		workers[i] = &walker{
			chains: c, prior: prior, likelihood: observe.NewLikelihood(c.problem.Observations),
			noise: scoresum.NewNoise(c.problem.Seed, "metropolis", c.problem.Case), coin: rng.NewSource(c.problem.Seed, "metropolis/accept"),
		}
	}
	count := parallel.Counter(blocks*c.Moves, progress)
	return parallel.For(ctx, blocks, func(worker, block int) error {
		begin := block * scoresum.SampleRows
		return workers[worker].walk(ctx, begin, min(begin+scoresum.SampleRows, c.problem.Members), count)
	})
}

// walker is one worker.
type walker struct {
	*chains
	prior      diffusion.Denoiser
	likelihood *observe.Likelihood
	noise      diffusion.Noise
	coin       *rng.Source
}

// walk makes all moves of members begin to end.
func (w *walker) walk(ctx context.Context, begin, end int, count func()) error {
	rows := end - begin
	data := w.data[begin*w.dim : end*w.dim]
	now, next, physical := make([]float32, len(data)), make([]float32, len(data)), make([]float32, len(data))
	w.standard.Forward(now, data)
	logs := make([]float64, rows)
	for r := range rows {
		logs[r] = w.likelihood.Log(data[r*w.dim : (r+1)*w.dim])
		w.gained[begin+r] = -logs[r]
		w.tried[begin+r], w.accepted[begin+r] = make([]int, len(w.ladder)), make([]int, len(w.ladder))
	}
	for move := range w.Moves {
		rung := move % len(w.ladder)
		if err := w.propose(ctx, next, now, begin, move); err != nil {
			return err
		}
		w.standard.Inverse(physical, next)
		for r := range rows {
			log := w.likelihood.Log(physical[r*w.dim : (r+1)*w.dim])
			u := w.coin.At(uint64(w.problem.Case), uint64(begin+r), uint64(move)).Float64()
			w.tried[begin+r][rung]++
			if math.Log(u) < log-logs[r] {
				w.accepted[begin+r][rung]++
				logs[r] = log
				copy(now[r*w.dim:(r+1)*w.dim], next[r*w.dim:(r+1)*w.dim])
			}
		}
		count()
	}
	w.standard.Inverse(data, now)
	for r := range rows {
		w.gained[begin+r] += logs[r]
	}
	return nil
}

// drawsOfMove keeps the noise of moves apart.
const drawsOfMove = 1 << 20

// propose noises the rows of now and denoises them to next.
func (w *walker) propose(ctx context.Context, next, now []float32, begin, move int) error {
	levels := w.ladder[move%len(w.ladder)]
	at := levels[0]
	for r := 0; r*w.dim < len(now); r++ {
		row := next[r*w.dim : (r+1)*w.dim]
		w.noise.Normal(row, begin+r, move*drawsOfMove)
		for j, z := range row {
			row[j] = float32(at.Mu)*now[r*w.dim+j] + float32(at.Sigma)*z
		}
	}
	sampler := diffusion.PredictorCorrector{Levels: levels, Solver: w.Score.Sampler.Solver}
	return sampler.Continue(ctx, w.prior, next, begin, move*drawsOfMove+1, w.noise)
}

// report notes how often moves were accepted.
func (c *chains) report(result *Result) {
	tried, accepted := make([]float64, len(c.ladder)), make([]float64, len(c.ladder))
	var allTried, allAccepted, gained float64
	for k := range c.tried {
		gained += c.gained[k] / float64(len(c.tried))
		for rung := range c.ladder {
			tried[rung] += float64(c.tried[k][rung])
			accepted[rung] += float64(c.accepted[k][rung])
			allTried, allAccepted = allTried+float64(c.tried[k][rung]), allAccepted+float64(c.accepted[k][rung])
		}
	}
	last := len(c.ladder) - 1
	result.Diagnostics[Acceptance] = allAccepted / allTried
	result.Diagnostics[LeastAcceptance] = accepted[0] / math.Max(tried[0], 1)
	result.Diagnostics[MostAcceptance] = accepted[last] / math.Max(tried[last], 1)
	result.Diagnostics[MovedLikelihood] = gained
	if allAccepted < allTried/50 {
		if result.Notes == nil {
			result.Notes = map[string]string{}
		}
		result.Notes["warning"] = fmt.Sprintf("%.2g of the moves were accepted: members are as the sampler drew them; make moves meeker (highest) or more of them", allAccepted/allTried)
	}
}
