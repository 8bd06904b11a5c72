package diffusion

import "fmt"

// Gaussian is the exact denoiser of N(Mean, diag(Variance)), to try schedules,
// grids and samplers on before there is a network: each coordinate has
//
//	E[x | x_t] = m + g (x_t - mu m),  g = mu v / (mu^2 v + sigma^2) .
//
// The posterior of Gaussian observations of a Gaussian is one too.
type Gaussian struct {
	Mean, Variance []float64 // one for each value of a row

	level Level // of the last Denoise
}

// Dim implements Denoiser.
func (g *Gaussian) Dim() int { return len(g.Variance) }

// Denoise implements Denoiser. It fails where Mean and Variance differ in
// length.
func (g *Gaussian) Denoise(mean, xt []float32, at Level) error {
	if len(g.Mean) != len(g.Variance) {
		return fmt.Errorf("diffusion: a Gaussian of %d means and %d variances", len(g.Mean), len(g.Variance))
	}
	g.level = at
	for k, x := range xt {
		j := k % len(g.Mean)
		mean[k] = float32(g.Mean[j] + g.gain(j)*(float64(x)-at.Mu*g.Mean[j]))
	}
	return nil
}

// Pull implements Differentiable.
func (g *Gaussian) Pull(dst, v []float32) error {
	for k, cotangent := range v {
		dst[k] = float32(g.gain(k%len(g.Variance)) * float64(cotangent))
	}
	return nil
}

func (g *Gaussian) gain(j int) float64 {
	mu, sigma, v := g.level.Mu, g.level.Sigma, g.Variance[j]
	return mu * v / (mu*mu*v + sigma*sigma)
}
