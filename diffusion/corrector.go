package diffusion

import (
	"fmt"
	"math"
)

// A corrector moves a sample at one noise level towards the law of that level,
// whatever it was before,
//
//	x <- x - pull sigma e(x) + spread sigma z,  z ~ N(0, I) ,
//
// a step of Langevin dynamics. Steps are of finite size, and so the law that
// they settle in is not quite that of the level. Where the denoised mean has the
// slope J in x_t/mu, e has the slope (1 - J)/sigma, the law of the level has
// the variance sigma^2/(1 - J), and steps settle in
//
//	variance / exact = spread^2 / (pull (2 - pull (1 - J))) .
//
// J is 0 where x is settled and noise alone is left, 1 where noise is negligible.
// A Lifting corrector reaches the variance of the level itself.

// Corrector chooses the size of a correction. Correctors hold no state.
type Corrector interface {
	// Step returns pull and spread for a sample whose mean of e^2 over its values
	// is meanSquare.
	Step(meanSquare float64) (pull, spread float64)
}

// Langevin is the correction of Rozet & Louppe's code (2023):
//
//	pull = Tau / mean(e^2),  spread = sqrt(2 pull) .
//
// The mean is over one sample, so that samples do not influence each other. It
// settles in a variance that is too large by the factor 1/(1 - pull (1-J)/2):
// where noise dominates, with mean(e^2) as inflated as the variance, 1 + Tau/2.
type Langevin struct {
	Tau float64 // in (0, 10]; 0.25 in the paper
}

// Step implements Corrector.
func (l Langevin) Step(meanSquare float64) (pull, spread float64) {
	if meanSquare == 0 {
		return 0, 0
	}
	pull = l.Tau / meanSquare
	return pull, math.Sqrt(2 * pull)
}

// Ornstein is the exact step of the Ornstein-Uhlenbeck process that the noise
// obeys where the mean is settled:
//
//	pull = Delta,  spread = sqrt(2 Delta - Delta^2) .
//
// The variance that it settles in is that of the level times
//
//	(2 - Delta) / (2 - Delta (1-J)) ,
//
// exact where noise dominates, which is what the sampler goes on with, and too
// small by at most Delta/2 where it is negligible and little is corrected.
// The size does not depend on the sample.
type Ornstein struct {
	Delta float64 // in (0, 1]; 1 redraws the noise
}

// Step implements Corrector.
func (o Ornstein) Step(float64) (pull, spread float64) {
	return o.Delta, math.Sqrt(2*o.Delta - o.Delta*o.Delta)
}

// Balanced pulls like Ornstein and spreads by what the noise estimate says is
// left of the noise, the mean of e^2 being 1 - J in the law of a level:
//
//	pull = Delta,  spread = sqrt(2 Delta - Delta^2 mean(e^2)) .
//
// It settles in the variance of the level for any J, if J is the same for all
// values of a sample; of values that differ, those with noise alone are too
// large by at most Delta/(2 - Delta), settled ones too small by at most Delta/2.
// A correction leaves 1 - 2 Delta (1-J) of an error of the variance: 1/2 forgets
// that of the noise at once, and 1 would make it alternate for ever.
type Balanced struct {
	Delta float64 // in (0, 1/2]
}

// Step implements Corrector.
func (b Balanced) Step(meanSquare float64) (pull, spread float64) {
	return b.Delta, math.Sqrt(max(0, 2*b.Delta-b.Delta*b.Delta*meanSquare))
}

// Lifting is a Corrector that first adds noise to the sample and evaluates the
// denoiser at the higher level which that leads to. The step takes back the same noise:
// with z its draw,
//
//	x^ = x + spread sigma^ z,   x <- x^ - pull sigma^ e(x^) + spread sigma^ z .
type Lifting interface {
	Corrector
	// Lift returns the level above, with the Mu and the T of the one given.
	Lift(at Level) Level
}

// Leimkuhler is the scheme of Leimkuhler & Matthews (2013), in which noise is used in
// two steps, as a walk between two noise levels (compare the postprocessed integrators
// of Vilmart 2015). Share r of the variance of the noise of the level above is drawn:
//
//	sigma^2 = (1-r) sigma^2_above,  pull = 2 r,  spread = sqrt(r) .
//
// For a Gaussian it settles in exactly the law of the level, whatever the slopes J of
// the values are, and however they differ: from a variance v a value in units of
// sigma^2_above goes to (1-k)^2 v + r (2-k)^2, k = 2 r (1-J), which stands still at
// v = 1/(1-J) - r. The covariance with the lifted sample is then that between the two
// levels of the forward process: a correction is as good as an exact step from the level
// above, and multistep solvers go on from it. Half of the noise, r = 1/2, forgets an error of the noise at once.
type Leimkuhler struct {
	Share float64 // in (0, 0.9]
}

// Step implements Corrector.
func (l Leimkuhler) Step(float64) (pull, spread float64) { return 2 * l.Share, math.Sqrt(l.Share) }

// Lift implements Lifting.
func (l Leimkuhler) Lift(at Level) Level {
	at.Sigma /= math.Sqrt(1 - l.Share)
	return at
}

// correctorEntry is a corrector under the name used in configs.
type correctorEntry struct {
	name, summary string
	most          float64 // largest size
	make          func(size float64) Corrector
}

var correctorEntries = []correctorEntry{
	{"langevin", "steps of tau over the mean square of the noise estimate; variance of noise up by tau/2 (Rozet & Louppe 2023)", 10, func(size float64) Corrector { return Langevin{size} }},
	{"ornstein", "exact for the noise, variance of what is settled down by tau/2", 1, func(size float64) Corrector { return Ornstein{size} }},
	{"balanced", "exact for noise and for what is settled, where all values are settled alike", 0.5, func(size float64) Corrector { return Balanced{size} }},
	{"leimkuhler", "noise a share tau of the variance, denoise and take the same noise back: exact for every Gaussian (Leimkuhler & Matthews 2013)", 0.9, func(size float64) Corrector { return Leimkuhler{size} }},
}

// Correctors lists the names that CorrectorNamed knows.
func Correctors() []string {
	var names []string
	for _, e := range correctorEntries {
		names = append(names, e.name)
	}
	return names
}

// CorrectorNamed returns a corrector by the name used in configs, with size for
// Tau of "langevin", Delta of "ornstein" and "balanced" and Share of "leimkuhler".
func CorrectorNamed(name string, size float64) (Corrector, error) {
	e, known := correctorNamed(name)
	if !known {
		return nil, fmt.Errorf("diffusion: unknown corrector %q; known are %q", name, Correctors())
	}
	if !(size > 0 && size <= e.most) {
		return nil, fmt.Errorf("diffusion: corrections %q of size %v: must be in (0, %v]", name, size, e.most)
	}
	return e.make(size), nil
}

// LargestCorrection is the largest size that CorrectorNamed takes: 10 for
// "langevin", 1 for "ornstein", 0.5 for "balanced", 0.9 for "leimkuhler", 0 for an
// unknown name.
func LargestCorrection(name string) float64 {
	e, _ := correctorNamed(name)
	return e.most
}

// CorrectorSummary says in a line what a corrector does; "" if the name is
// unknown.
func CorrectorSummary(name string) string {
	e, _ := correctorNamed(name)
	return e.summary
}

func correctorNamed(name string) (correctorEntry, bool) {
	for _, e := range correctorEntries {
		if e.name == name {
			return e, true
		}
	}
	return correctorEntry{}, false
}
