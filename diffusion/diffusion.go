package diffusion

// Level is one noise level of the forward process x_t = Mu x + Sigma z with
// z ~ N(0, I).
type Level struct {
	T         float64 // diffusion time in [0, 1]
	Mu, Sigma float64
}

// Ratio is the noise-to-signal ratio Sigma/Mu: the standard deviation of the
// noise on x_t/Mu.
func (l Level) Ratio() float64 { return l.Sigma / l.Mu }

// Schedule maps diffusion time t in [0, 1] to the scales of the forward
// process. Sigma/Mu must grow with t.
type Schedule interface {
	At(t float64) Level
}

// Denoiser estimates the mean E[x | x_t]. Arrays hold rows of Dim() float32
// values, one independent sample a row; their length tells the number of rows.
// Denoisers own scratch space: they are not safe for concurrent use.
type Denoiser interface {
	// Dim is the number of values of a row.
	Dim() int
	// Denoise writes E[x | x_t = xt] to mean. xt and mean must not overlap.
	Denoise(mean, xt []float32, at Level) error
}

// Differentiable is a Denoiser that can pull a cotangent back through its
// last Denoise.
type Differentiable interface {
	Denoiser
	// Pull writes J^T v to dst, J being the Jacobian of the mean with respect
	// to x_t at the point of the last Denoise. The slices passed to that
	// Denoise must not have been changed since. dst and v must not overlap.
	Pull(dst, v []float32) error
}
