package diffusion

import (
	"context"
	"math"
)

// The predictor-corrector sampler of score-based generative models (Song et al.
// 2021, algorithm 1) and of score-based data assimilation (Rozet & Louppe 2023,
// algorithm 4): from noise to data, a step of a solver to the next lower level
// is followed by corrections at that level. The last denoised mean is the
// sample.
//
// Solvers of order two and more go by the slope of the estimates d along the
// path. A correction moves the sample off the path, so that the estimates before
// and after it differ by more than the slope. Its own first evaluation tells by
// how much: with d^ made at the end of a step and d after the corrections, the
// earlier estimates are moved by d - d^. This keeps the order at no cost;
// forgetting them instead loses it (dpm2 with a correction a level, 32
// evaluations of a Gaussian posterior: sd 6 % too small in place of 1 % too large).
// Corrections that lift the sample do without: the sample at the level above and that
// which a correction makes of it are as far apart as if a step had led from one to the
// other, so that the path goes on from there.

// Noise fills row with standard normal values for draw number draw of sample
// row number index. The same arguments must give the same values.
type Noise interface {
	Normal(row []float32, index, draw int)
}

// PredictorCorrector samples from a denoiser. All but Levels may be zero: that
// is the deterministic DDIM sampler.
type PredictorCorrector struct {
	Levels    []Level   // from noise to data, falling; see GridNamed
	Solver    Solver    // makes the steps between levels; nil: DDIM{}
	Corrector Corrector // nil: no corrections
	// Corrections is the number of corrections at each level from the second on
	// whose noise-to-signal ratio is at least Quiet and at most Loud. A Loud of 0
	// sets no bound.
	//
	// Corrections do the most good at middle noise, where the large scales are
	// decided. Below, the inflation of unadjusted Langevin steps would stay in the
	// sample, unless steps with fresh noise follow that forget it.
	Corrections int
	Quiet, Loud float64
}

// Evaluations is the number of denoiser evaluations of one sample.
func (p PredictorCorrector) Evaluations() int {
	n := 0
	for range p.evaluations {
		n++
	}
	return n
}

// Sample replaces the rows of x by samples. Row r is sample number first + r:
// its values depend on that number and on the denoiser alone. The last step
// returns the denoised mean at the last level. done, if not nil, is called after
// every evaluation.
func (p PredictorCorrector) Sample(ctx context.Context, d Denoiser, x []float32, first int, noise Noise, done func()) error {
	s := p.sampling(d, x, first, noise, done)
	s.start(p.Levels[0])
	return s.run(ctx)
}

// Continue is Sample for rows that hold samples noised to the first level already. Draws
// of noise count from draw on.
func (p PredictorCorrector) Continue(ctx context.Context, d Denoiser, x []float32, first, draw int, noise Noise) error {
	s := p.sampling(d, x, first, noise, nil)
	s.draws = draw
	return s.run(ctx)
}

func (p PredictorCorrector) sampling(d Denoiser, x []float32, first int, noise Noise, done func()) *sampling {
	needs := p.solver().Needs()
	s := &sampling{PredictorCorrector: p, needs: needs, denoiser: d, x: x, z: make([]float32, d.Dim()), first: first, noise: noise, done: done}
	s.estimates = make([][]float32, needs.Estimates)
	for k := range s.estimates {
		s.estimates[k] = make([]float32, len(x))
	}
	return s
}

// run walks the levels and leaves the samples in x.
func (s *sampling) run(ctx context.Context) error {
	for e := range s.evaluations {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.evaluate(e); err != nil {
			return err
		}
	}
	copy(s.x, s.oldest())
	return nil
}

func (p PredictorCorrector) solver() Solver {
	if p.Solver == nil {
		return DDIM{}
	}
	return p.Solver
}

// corrections is the number of corrections at a level.
func (p PredictorCorrector) corrections(at Level) int {
	ratio := at.Ratio()
	if p.Corrector == nil || ratio < p.Quiet || p.Loud > 0 && ratio > p.Loud {
		return 0
	}
	return p.Corrections
}

// evaluation is one evaluation of the denoiser and what it is for.
type evaluation struct {
	purpose purpose
	at      Level
	path    []Level // of a step
	stage   int     // of a step, or the number of a correction at its level
}

type purpose int

const (
	step purpose = iota
	correction
	last
)

// evaluations yields what is to be done, in order.
func (p PredictorCorrector) evaluations(yield func(evaluation) bool) {
	needs := p.solver().Needs()
	lifting, lifts := p.Corrector.(Lifting)
	// Levels of the estimates behind, of the present one and of the next.
	path := append(make([]Level, 0, needs.Estimates+1), p.Levels[0])
	for i, to := range p.Levels[1:] {
		if len(path) > needs.Estimates {
			path = path[:copy(path, path[1:])]
		}
		path = append(path, to)
		for stage := range needs.Stages {
			if !yield(evaluation{step, p.Levels[i+stage], path, stage}) {
				return
			}
		}
		for number := range p.corrections(to) {
			if !yield(evaluation{purpose: correction, at: to, stage: number}) {
				return
			}
			if lifts {
				path = path[:min(2, needs.Estimates)]
				path[0] = lifting.Lift(to)
				path[len(path)-1] = to
			}
		}
	}
	yield(evaluation{purpose: last, at: p.Levels[len(p.Levels)-1]})
}

// sampling is the state of one call of Sample.
type sampling struct {
	PredictorCorrector
	needs     Needs
	denoiser  Denoiser
	x         []float32
	estimates [][]float32 // newest first
	corrected bool        // since the last step: earlier estimates lack the next
	z         []float32   // noise of one row
	first     int
	draws     int
	noise     Noise
	done      func()
}

// start draws x at the first level, where the sample is drowned in noise.
func (s *sampling) start(at Level) {
	dim := len(s.z)
	for r := 0; r*dim < len(s.x); r++ {
		row := s.x[r*dim : (r+1)*dim]
		s.noise.Normal(row, s.first+r, s.draws)
		scale := float32(math.Hypot(at.Sigma, at.Mu)) // prior scale one
		for j := range row {
			row[j] *= scale
		}
	}
	s.draws++
}

func (s *sampling) evaluate(e evaluation) error {
	if e.purpose == step {
		s.rotate()
		return s.stage(e)
	}
	lifting, lifts := s.Corrector.(Lifting)
	if e.purpose == correction && lifts {
		return s.lift(lifting, e.at)
	}
	// The next step forgets the oldest estimate: there is room.
	if err := s.denoise(s.oldest(), e.at); err != nil || e.purpose == last {
		return err
	}
	s.correct(e)
	return nil
}

func (s *sampling) denoise(mean []float32, at Level) error {
	err := s.denoiser.Denoise(mean, s.x, at)
	if s.done != nil {
		s.done()
	}
	return err
}

func (s *sampling) oldest() []float32 { return s.estimates[len(s.estimates)-1] }

// rotate makes the oldest estimate the newest, to be written.
func (s *sampling) rotate() {
	oldest := s.oldest()
	copy(s.estimates[1:], s.estimates)
	s.estimates[0] = oldest
}

// stage makes one stage of a step.
func (s *sampling) stage(e evaluation) error {
	newest := s.estimates[0]
	if err := s.denoise(newest, e.at); err != nil {
		return err
	}
	if s.needs.Noise {
		toNoise(newest, s.x, e.at)
	}
	if s.corrected {
		for _, d := range s.estimates[1:] {
			accumulate(d, 1, newest)
		}
		s.corrected = false
	}
	s.step(s.solver().Step(e.path, e.stage))
	return nil
}

// toNoise turns a denoised mean into e = (x - mu mean)/sigma.
func toNoise(mean, x []float32, at Level) {
	mu, inverse := float32(at.Mu), float32(1/at.Sigma)
	for j, m := range mean {
		mean[j] = (x[j] - mu*m) * inverse
	}
}

// accumulate adds a multiple of d to x.
func accumulate(x []float32, factor float32, d []float32) {
	for j, v := range d {
		x[j] += factor * v
	}
}

// step moves x by a stage of a step.
func (s *sampling) step(w Weights) {
	a, b := float32(w.State), float32(w.Estimates[0])
	for j, d := range s.estimates[0] {
		s.x[j] = a*s.x[j] + b*d
	}
	for k, d := range s.estimates[1:] {
		if w.Estimates[k+1] != 0 {
			accumulate(s.x, float32(w.Estimates[k+1]), d)
		}
	}
	if w.Noise == 0 {
		return
	}
	dim := len(s.z)
	for r := 0; r*dim < len(s.x); r++ {
		s.addNoise(r, float32(w.Noise))
	}
	s.draws++
}

// correct makes one correction of every row; the oldest estimate is the mean.
func (s *sampling) correct(e evaluation) {
	noise := s.oldest()
	if !s.needs.Noise {
		s.leavePath(e, noise)
	}
	toNoise(noise, s.x, e.at)
	if s.needs.Noise {
		s.leavePath(e, noise)
	}
	dim := len(s.z)
	for r := 0; r*dim < len(s.x); r++ {
		row := noise[r*dim : (r+1)*dim]
		var square float64
		for _, v := range row {
			square += float64(v) * float64(v)
		}
		pull, spread := s.Corrector.Step(square / float64(dim))
		accumulate(s.x[r*dim:(r+1)*dim], -float32(pull*e.at.Sigma), row)
		s.addNoise(r, float32(spread*e.at.Sigma))
	}
	s.draws++
}

// lift makes one correction by way of the level above; see Lifting. Its estimate is
// the newest of the path.
func (s *sampling) lift(corrector Lifting, at Level) error {
	above := corrector.Lift(at)
	pull, spread := corrector.Step(0)
	rows := len(s.x) / len(s.z)
	for r := range rows {
		s.addNoise(r, float32(spread*above.Sigma))
	}
	s.rotate()
	estimate := s.estimates[0]
	if err := s.denoise(estimate, above); err != nil {
		return err
	}
	kept, gained := float32(1-pull), float32(pull*above.Mu)
	for j, m := range estimate {
		mean := m
		if s.needs.Noise {
			estimate[j] = (s.x[j] - float32(above.Mu)*m) / float32(above.Sigma)
		}
		s.x[j] = kept*s.x[j] + gained*mean
	}
	for r := range rows {
		s.addNoise(r, float32(spread*above.Sigma))
	}
	s.draws++
	return nil
}

// leavePath takes the estimate at the end of a step from those of before, before
// the first correction at a level. The next step adds its own.
func (s *sampling) leavePath(e evaluation, estimate []float32) {
	if e.stage > 0 || !s.needs.multistep() {
		return
	}
	for _, d := range s.estimates[:len(s.estimates)-1] {
		accumulate(d, -1, estimate)
	}
	s.corrected = true
}

// addNoise adds fresh noise to a row.
func (s *sampling) addNoise(r int, size float32) {
	dim := len(s.z)
	s.noise.Normal(s.z, s.first+r, s.draws)
	accumulate(s.x[r*dim:(r+1)*dim], size, s.z)
}
