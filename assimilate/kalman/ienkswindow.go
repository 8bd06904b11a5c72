package kalman

import (
	"context"

	"retrace/assimilate"
	"retrace/observe"
)

// iterative is an iterative smoother at work on one problem.
type iterative struct {
	settings IEnKS
	problem  assimilate.Problem
	forecast *forecast
	seen     *innovation
	newton   *newton
	keep     *keeper
	report   *reporter
	sums     innovationSums

	members, size int
	scale         float64 // of the anomalies of runs
	state         int     // of the ensemble at the start of the window
	known         int     // last state whose forecast and analysis were sent

	// The control ensemble, and that of the noise on the way to each later
	// state, while it is known; a block is split into mean and anomalies during
	// the iterations.
	control block
	noises  []block
	spare   []block

	running, first []float64 // ensemble on its way; its first anomalies at the end
	weights        []float64
	product        []float64
	scaled         []float64
}

// block is an ensemble: members in rows, or their mean and anomalies.
type block struct{ mean, members []float64 }

func newIterative(m IEnKS, p assimilate.Problem, watch func(assimilate.Estimate) error) *iterative {
	members, size := p.Members, p.Model.Space().Size()
	most := max(1, mostValues(p.Observations))
	s := &iterative{
		settings: m, problem: p, forecast: newForecast(p), seen: newInnovation(members, size, most),
		newton: newNewton(m, p.Seed, members, most), report: newReporter(size, watch),
		members: members, size: size, scale: 1, known: -1,
		weights: make([]float64, members*members),
		keep:    &keeper{mean: make([]float64, size), base: make([]float64, size)},
	}
	if m.Bundle {
		s.scale = bundleScale
	}
	if m.Rotate {
		s.keep.rotation = newRotation(p.Seed, members, size)
	}
	s.control = s.newBlock()
	for _, ensemble := range []*[]float64{&s.running, &s.first, &s.product, &s.scaled} {
		*ensemble = make([]float64, members*size)
	}
	return s
}

func (s *iterative) newBlock() block {
	return block{make([]float64, s.size), make([]float64, s.members*s.size)}
}

// run passes through all states.
func (s *iterative) run(ctx context.Context) error {
	if err := s.forecast.initial(ctx, s.control.members); err != nil {
		return err
	}
	times := timeline{s.problem.Observations.Observations}
	var analyses []int // the last Lag states that had one
	for t := range s.problem.Length {
		seen, present := times.next(t)
		if !present {
			continue
		}
		analyses = append(analyses, t)
		start := 0
		if extra := len(analyses) - 1 - s.settings.Lag; extra >= 0 {
			analyses = analyses[:copy(analyses, analyses[extra:])]
			start = analyses[0]
		}
		if err := s.shift(ctx, start, t); err != nil {
			return err
		}
		if err := s.analyse(ctx, seen, t); err != nil {
			return err
		}
	}
	if err := s.shift(ctx, s.problem.Length-1, s.problem.Length); err != nil {
		return err
	}
	if err := s.introduce(s.state, s.problem.Length, s.control.members); err != nil {
		return err
	}
	return s.report.ensemble(assimilate.Smoothed, s.state, s.control.members)
}

// shift moves the start of the window to a later state, sending what it passes:
// the smoothed states, and the forecasts of those before the next analysis that
// are not known yet.
func (s *iterative) shift(ctx context.Context, to, next int) error {
	for s.state < to {
		if err := s.introduce(s.state, next, s.control.members); err != nil {
			return err
		}
		if err := s.report.ensemble(assimilate.Smoothed, s.state, s.control.members); err != nil {
			return err
		}
		s.state++
		if s.forecast.quiet || len(s.noises) == 0 {
			if err := s.forecast.advance(ctx, s.control.members, s.state); err != nil {
				return err
			}
			continue
		}
		if err := s.forecast.advanceQuietly(ctx, s.control.members, s.state); err != nil {
			return err
		}
		axpy(s.control.members, 1, s.noises[0].members)
		s.spare = append(s.spare, s.noises[0])
		s.noises = s.noises[:copy(s.noises, s.noises[1:])]
	}
	return nil
}

// introduce sends forecast and analysis of a state before the next analysis,
// if it is new.
func (s *iterative) introduce(t, next int, ensemble []float64) error {
	if t <= s.known || t >= next {
		return nil
	}
	s.known = t
	if err := s.report.ensemble(assimilate.Forecast, t, ensemble); err != nil {
		return err
	}
	return s.report.ensemble(assimilate.Analysis, t, ensemble)
}

// analyse iterates on the window that ends at state t.
func (s *iterative) analyse(ctx context.Context, seen []observe.Observation, t int) error {
	s.prepare(t)
	g := s.newton
	for k := range s.settings.Iterations {
		s.combine()
		if err := s.pass(ctx, t, k == 0); err != nil {
			return err
		}
		if err := s.seen.read(seen, s.running); err != nil {
			return err
		}
		s.unscale()
		if k == 0 {
			if err := s.start(t); err != nil {
				return err
			}
		}
		p := s.seen.count
		if !g.iterate(s.seen.anomalies[:s.members*p], s.seen.residual[:p], p, drawAt{s.problem.Case, t, k}) {
			return &Divergence{State: t, Member: -1}
		}
		if g.converged() {
			break
		}
	}
	if err := s.conclude(t); err != nil {
		return err
	}
	return s.finish(t)
}

// prepare draws the noise up to state t that is not there yet, and splits all
// blocks.
func (s *iterative) prepare(t int) {
	for next := s.state + len(s.noises) + 1; next <= t && !s.forecast.quiet; next++ {
		var b block
		if n := len(s.spare); n > 0 {
			b, s.spare = s.spare[n-1], s.spare[:n-1]
		} else {
			b = s.newBlock()
		}
		s.forecast.drawNoise(b.members, next)
		s.noises = append(s.noises, b)
	}
	centre(s.control.mean, s.control.members, s.size)
	for _, b := range s.noises {
		centre(b.mean, b.members, s.size)
	}
	s.newton.reset()
}

// combine sets the weights of the anomalies to w + T, scaled.
func (s *iterative) combine() {
	for i, x := range s.newton.t {
		s.weights[i] = s.scale * x
	}
	addRow(s.weights, s.newton.w)
}

// compose writes the members that the weights make of a block.
func (s *iterative) compose(dst []float64, b block) {
	multiply(dst, 1, s.weights, b.members, 0, s.members, s.members, s.size)
	addRow(dst, b.mean)
}

// pass runs the members through the window, to state t. The first time it sends
// the states before t that are new.
func (s *iterative) pass(ctx context.Context, t int, first bool) error {
	s.compose(s.running, s.control)
	for at := s.state; ; at++ {
		if first {
			if err := s.introduce(at, t, s.unscaled()); err != nil {
				return err
			}
		}
		if at == t {
			return nil
		}
		if err := s.forecast.advanceQuietly(ctx, s.running, at+1); err != nil {
			return err
		}
		if !s.forecast.quiet {
			s.compose(s.product, s.noises[at-s.state])
			axpy(s.running, 1, s.product)
		}
	}
}

// unscaled returns the members on their way with anomalies of full size.
func (s *iterative) unscaled() []float64 {
	if s.scale == 1 {
		return s.running
	}
	copy(s.scaled, s.running)
	s.keep.inflate(s.scaled, 1/s.scale)
	return s.scaled
}

// unscale gives members and anomalies at the end of the window full size.
func (s *iterative) unscale() {
	if s.scale == 1 {
		return
	}
	s.keep.inflate(s.running, 1/s.scale)
	for i := range s.seen.anomalies[:s.members*s.seen.count] {
		s.seen.anomalies[i] /= s.scale
	}
}

// start sends the forecast of state t and keeps its anomalies.
func (s *iterative) start(t int) error {
	innovations, spread := s.seen.squares()
	s.sums.add(innovations, spread, s.seen.count)
	copy(s.first, s.running)
	centre(s.keep.mean, s.first, s.size)
	s.known = t
	return s.report.ensemble(assimilate.Forecast, t, s.running)
}

// conclude sends the analysis of state t: the last run, moved by the last change
// of the weights.
func (s *iterative) conclude(t int) error {
	g := s.newton
	for i, x := range g.t {
		s.weights[i] = x - g.old[i]
	}
	addRow(s.weights, g.change)
	multiply(s.running, 1, s.weights, s.first, 1, s.members, s.members, s.size)
	if err := checkMembers(s.running, s.size, t); err != nil {
		return err
	}
	return s.report.ensemble(assimilate.Analysis, t, s.running)
}

// finish updates all blocks, and keeps up their spread.
func (s *iterative) finish(t int) error {
	copy(s.weights, s.newton.t)
	addRow(s.weights, s.newton.w)
	if s.keep.rotation != nil {
		s.keep.rotation.draw(s.problem.Case, t)
	}
	s.update(s.control)
	for _, b := range s.noises {
		s.update(b)
	}
	s.keep.inflate(s.control.members, s.settings.Inflation)
	return checkMembers(s.control.members, s.size, s.state)
}

func (s *iterative) update(b block) {
	s.compose(s.product, b)
	copy(b.members, s.product)
	if s.keep.rotation != nil {
		s.keep.rotation.apply(b.members, s.size)
	}
}
