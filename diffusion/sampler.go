package diffusion

import (
	"context"
	"math"
)

// The predictor-corrector sampler of score-based data assimilation (Rozet &
// Louppe 2023, algorithm 4, with the correction of the authors' code). In terms
// of the noise estimate
//
//	e(x_t) = (x_t - mu E[x | x_t]) / sigma ,
//
// a step from level t to the lower level s is the exponential integrator of the
// probability-flow equation, also known as DDIM,
//
//	x_s = (mu_s / mu_t) x_t + (sigma_s - (mu_s / mu_t) sigma_t) e(x_t) ,
//
// followed by C Langevin corrections at the new level,
//
//	x <- x - sigma_s (d e(x) + sqrt(2 d) z),  d = Tau / mean(e(x)^2),  z ~ N(0, I) ,
//
// the mean being taken over the whole row, so that rows do not influence each
// other.

// Noise fills row with standard normal values for draw number draw of sample
// row number index. The same arguments must give the same values.
type Noise interface {
	Normal(row []float32, index, draw int)
}

// PredictorCorrector samples from a denoiser. The zero value of Corrections
// gives the deterministic DDIM sampler.
type PredictorCorrector struct {
	Levels      []Level // from noise to data; see LogGrid and UniformGrid
	Corrections int
	Tau         float64 // size of the Langevin steps; 0.25 in the paper
	// Quiet is the noise-to-signal ratio below which no corrections are made.
	// An unadjusted Langevin step of size Tau inflates the variance of what the
	// noise covers by a factor of about 1 + Tau/2. The deterministic step carries
	// that on into the sample; steps with Churn forget it, for scales well below
	// Quiet. 0 corrects everywhere, as in the paper.
	Quiet float64
	// Churn in [0, 1] is the share of the noise that the predictor replaces by
	// fresh noise: 0 is the deterministic DDIM step, 1 the ancestral step of DDPM (the
	// eta of Song, Meng & Ermon 2021).
	Churn float64
}

// Evaluations is the number of denoiser evaluations of one sample.
func (p PredictorCorrector) Evaluations() int {
	n := 1
	for _, level := range p.Levels[1:] {
		n += 1 + p.corrections(level)
	}
	return n
}

// corrections is the number of corrections at a level.
func (p PredictorCorrector) corrections(at Level) int {
	if at.Ratio() < p.Quiet {
		return 0
	}
	return p.Corrections
}

// Sample replaces the rows of x by samples. Row r is sample number first + r:
// its values depend on that number and on the denoiser alone. The last step
// returns the denoised mean at the last level. done, if not nil, is called after
// every evaluation.
func (p PredictorCorrector) Sample(ctx context.Context, d Denoiser, x []float32, first int, noise Noise, done func()) error {
	s := sampling{p, d, x, make([]float32, len(x)), make([]float32, d.Dim()), first, 0, noise, done}
	s.start(p.Levels[0])
	for i := 0; i+1 < len(p.Levels); i++ {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := s.predict(p.Levels[i], p.Levels[i+1]); err != nil {
			return err
		}
		for range p.corrections(p.Levels[i+1]) {
			if err := s.correct(p.Levels[i+1]); err != nil {
				return err
			}
		}
	}
	if err := s.denoise(p.Levels[len(p.Levels)-1]); err != nil {
		return err
	}
	copy(x, s.mean)
	return nil
}

// sampling is the state of one call of Sample.
type sampling struct {
	PredictorCorrector
	denoiser Denoiser
	x, mean  []float32
	z        []float32 // noise of one row
	first    int
	draws    int
	noise    Noise
	done     func()
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

func (s *sampling) denoise(at Level) error {
	err := s.denoiser.Denoise(s.mean, s.x, at)
	if s.done != nil {
		s.done()
	}
	return err
}

// predict moves x from one level to the next. With churn c the fresh noise has
// variance c^2 b^2, b^2 = (sigma_s^2/sigma_t^2)(sigma_t^2 - r^2 sigma_s^2) with
// r = mu_t/mu_s being the variance that the ancestral step would draw.
func (s *sampling) predict(from, to Level) error {
	if err := s.denoise(from); err != nil {
		return err
	}
	ratio := from.Mu / to.Mu * to.Sigma / from.Sigma
	fresh := s.Churn * to.Sigma * math.Sqrt(max(0, 1-ratio*ratio))
	kept := math.Sqrt(to.Sigma*to.Sigma - fresh*fresh)
	// x_s = mu_s mean + kept e + fresh z, e = (x_t - mu_t mean)/sigma_t
	a := float32(kept / from.Sigma)
	b := float32(to.Mu - kept*from.Mu/from.Sigma)
	for j, m := range s.mean {
		s.x[j] = a*s.x[j] + b*m
	}
	if fresh > 0 {
		s.addNoise(func(int) float32 { return float32(fresh) })
	}
	return nil
}

// correct makes one Langevin step at a level.
func (s *sampling) correct(at Level) error {
	if err := s.denoise(at); err != nil {
		return err
	}
	dim := len(s.z)
	mu, inverse := float32(at.Mu), float32(1/at.Sigma)
	s.addNoise(func(r int) float32 {
		x, e := s.x[r*dim:(r+1)*dim], s.mean[r*dim:(r+1)*dim]
		var square float64
		for j := range e {
			e[j] = (x[j] - mu*e[j]) * inverse
			square += float64(e[j]) * float64(e[j])
		}
		if square == 0 {
			return 0
		}
		size := s.Tau * float64(dim) / square
		step := float32(size * at.Sigma)
		for j := range x {
			x[j] -= step * e[j]
		}
		return float32(math.Sqrt(2*size) * at.Sigma)
	})
	return nil
}

// addNoise adds fresh noise to every row, scaled by the row's scale.
func (s *sampling) addNoise(scale func(row int) float32) {
	dim := len(s.z)
	for r := 0; r*dim < len(s.x); r++ {
		size := scale(r)
		s.noise.Normal(s.z, s.first+r, s.draws)
		row := s.x[r*dim : (r+1)*dim]
		for j, z := range s.z {
			row[j] += size * z
		}
	}
	s.draws++
}
