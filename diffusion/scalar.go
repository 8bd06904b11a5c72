package diffusion

import "math"

// The smallest problem of data assimilation: x ~ N(0, 1) is observed once, as
// y = x + N(0, NoiseSd^2). Everything is known of it,
//
//	E[x | y] = y/(1 + NoiseSd^2),   var(x | y) = NoiseSd^2/(1 + NoiseSd^2) ,
//
// so that it tells what a sampler and a rule of guidance do to mean and spread,
// without a network and without a Monte Carlo error. A rule takes y for Gaussian
// around the denoised mean m = E[x | x_t], with a variance S of its own, and
// adds to m
//
//	(sigma^2/mu) J (y - m)/S,   J = dm/dx_t = mu/(mu^2 + sigma^2) .

// ScalarProblem is x ~ N(0, 1), observed with noise of a standard deviation.
type ScalarProblem struct{ NoiseSd float64 }

// Posterior returns the exact weight of y in the posterior mean and the exact
// posterior standard deviation.
func (s ScalarProblem) Posterior() (gain, sd float64) {
	precision := 1 + s.NoiseSd*s.NoiseSd
	return 1 / precision, s.NoiseSd / math.Sqrt(precision)
}

// Denoiser returns the denoiser guided by a rule.
func (s ScalarProblem) Denoiser(rule ScalarRule) Linear {
	return func(at Level) (slope, shift float64) {
		slope = at.Mu / (at.Mu*at.Mu + at.Sigma*at.Sigma)
		shift = at.Sigma * at.Sigma / at.Mu * slope / rule.Innovation(s.NoiseSd*s.NoiseSd, at.Ratio())
		return slope - shift*slope, shift
	}
}

// Ratios returns gain and standard deviation of a sampler's samples over the
// exact ones: both are 1 for a perfect sampler and rule, and may be infinite or
// not a number where the combination diverges.
func (s ScalarProblem) Ratios(p PredictorCorrector, rule ScalarRule) (gain, sd float64) {
	exactGain, exactSd := s.Posterior()
	gain, sd = p.Response(s.Denoiser(rule), 1+s.NoiseSd*s.NoiseSd)
	return gain / exactGain, sd / exactSd
}

// ScalarRule is a rule of guidance on a ScalarProblem.
type ScalarRule struct {
	Name, Summary string
	// Innovation is S, at an observation noise of variance noise and a
	// noise-to-signal ratio.
	Innovation func(noise, ratio float64) float64
}

// ScalarRules lists the rules of the literature that differ on a ScalarProblem.
func ScalarRules() []ScalarRule {
	return []ScalarRule{
		{"exact", "S = R + var(x|x_t), as covariance, MMPS, PiGDM, TMPD and JFPS all have it for a Gaussian",
			func(noise, ratio float64) float64 { return noise + ratio*ratio/(1+ratio*ratio) }},
		sdaRule("sda 1", 1), sdaRule("sda 0.03", 0.03), sdaRule("sda 0.01", 0.01),
		{"dps", "S = R: the likelihood of the denoised mean (Chung et al. 2023, at unit step size)",
			func(noise, _ float64) float64 { return noise }},
	}
}

func sdaRule(name string, gamma float64) ScalarRule {
	return ScalarRule{name, "S = R + gamma (sigma/mu)^2 (Rozet & Louppe 2023)",
		func(noise, ratio float64) float64 { return noise + gamma*ratio*ratio }}
}
