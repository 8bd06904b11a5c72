package observe

import (
	"math"

	"gonum.org/v1/gonum/stat/distuv"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
)

func init() {
	RegisterLaw(LawEntry{"gaussian", "independent Gaussian noise: what there is without this table", true,
		func() LawBuilder { return &gaussianBuilder{} }})
	RegisterLaw(LawEntry{"student-t", "heavy tails, outliers: sd times a Student-t variable of dof degrees of freedom", true,
		func() LawBuilder { return &StudentT{Dof: 4} }})
	RegisterLaw(LawEntry{"laplace", "two-sided exponential noise of standard deviation sd", true,
		func() LawBuilder { return &Laplace{} }})
	RegisterLaw(LawEntry{"poisson", "counts whose expectation the operator sees; sd has no part in it", false,
		func() LawBuilder { return &Poisson{Background: 1e-3} }})
	RegisterLaw(LawEntry{"censored", "Gaussian noise, then readings outside [low, high] show the limit: saturated instruments, detection limits", true,
		func() LawBuilder { return &Censored{Low: math.Inf(-1), High: math.Inf(1)} }})
}

type gaussianBuilder struct{}

// Build returns no law, which is the Gaussian one.
func (gaussianBuilder) Build(Operator, dynamics.Space) (Law, error) { return nil, nil }

// StudentT is heavy-tailed noise: y = h + sd t, t of Student's law with Dof degrees of
// freedom,
//
//	log p = c - log sd - (Dof+1)/2 log(1 + (y-h)^2/(Dof sd^2)) .
//
// sd is its scale; its standard deviation is sd sqrt(Dof/(Dof-2)), if Dof is above 2.
type StudentT struct {
	Dof float64 `toml:"dof" doc:"degrees of freedom, 0.5 to 1000: 1 is Cauchy's law, many are Gaussian"`
}

// Build checks Dof.
func (s *StudentT) Build(Operator, dynamics.Space) (Law, error) {
	return s, dynamics.CheckBetween("dof", s.Dof, 0.5, 1000)
}

// Name implements Law.
func (*StudentT) Name() string { return "student-t" }

// LogValue implements Marginal.
func (s *StudentT) LogValue(y, h, sd float64) float64 {
	a, _ := math.Lgamma((s.Dof + 1) / 2)
	b, _ := math.Lgamma(s.Dof / 2)
	r := (y - h) / sd
	return a - b - math.Log(s.Dof*math.Pi)/2 - math.Log(sd) - (s.Dof+1)/2*math.Log1p(r*r/s.Dof)
}

// Slope implements Marginal.
func (s *StudentT) Slope(y, h, sd float64) float64 {
	e := y - h
	return (s.Dof + 1) * e / (s.Dof*sd*sd + e*e)
}

// Bulk implements Marginal.
func (s *StudentT) Bulk(y, sd float64) (centre, width float64) { return y, sd }

// LogDensity implements Law.
func (s *StudentT) LogDensity(y, h, sd []float64) float64 { return sumLog(s, y, h, sd) }

// Score implements Law.
func (s *StudentT) Score(dst, y, h, sd []float64) { slopes(s, dst, y, h, sd) }

// Draw implements Law.
func (s *StudentT) Draw(y, sd []float64, at func(j int) *rng.Source) {
	for j := range y {
		y[j] += sd[j] * distuv.StudentsT{Sigma: 1, Nu: s.Dof, Src: at(j)}.Rand()
	}
}

// Laplace is noise of density exp(-|y-h|/b)/(2b), b = sd/sqrt(2), so that sd is its
// standard deviation.
type Laplace struct{}

// Build does not fail.
func (l *Laplace) Build(Operator, dynamics.Space) (Law, error) { return l, nil }

// Name implements Law.
func (*Laplace) Name() string { return "laplace" }

// LogValue implements Marginal.
func (*Laplace) LogValue(y, h, sd float64) float64 {
	b := sd / math.Sqrt2
	return -math.Abs(y-h)/b - math.Log(2*b)
}

// Slope implements Marginal: 0 at the kink.
func (*Laplace) Slope(y, h, sd float64) float64 {
	switch {
	case y > h:
		return math.Sqrt2 / sd
	case y < h:
		return -math.Sqrt2 / sd
	}
	return 0
}

// Bulk implements Marginal.
func (*Laplace) Bulk(y, sd float64) (centre, width float64) { return y, sd }

// LogDensity implements Law.
func (l *Laplace) LogDensity(y, h, sd []float64) float64 { return sumLog(l, y, h, sd) }

// Score implements Law.
func (l *Laplace) Score(dst, y, h, sd []float64) { slopes(l, dst, y, h, sd) }

// Draw implements Law.
func (*Laplace) Draw(y, sd []float64, at func(j int) *rng.Source) {
	for j := range y {
		u := at(j).Float64() - 0.5
		y[j] -= sd[j] / math.Sqrt2 * math.Copysign(math.Log1p(-2*math.Abs(u)), u)
	}
}

// Poisson counts events: y is a whole number of expectation max(h, Background), which
// an operator in units of counts sees. sd is not used; drawn values get that of counts,
// sqrt(max(y, 1)), for figures.
type Poisson struct {
	Background float64 `toml:"background" doc:"least expectation of a count, whatever the state; above 0, up to 1e6"`
}

// Build checks Background.
func (p *Poisson) Build(Operator, dynamics.Space) (Law, error) {
	if !(p.Background > 0 && p.Background <= 1e6) {
		return nil, fault.Inputf("background = %v: must be above 0 and at most 1e6", p.Background)
	}
	return p, nil
}

// Name implements Law.
func (*Poisson) Name() string { return "poisson" }

// LogValue implements Marginal. A value that is no count has no probability.
func (p *Poisson) LogValue(y, h, _ float64) float64 {
	if y < 0 || y != math.Floor(y) {
		return math.Inf(-1)
	}
	rate := math.Max(h, p.Background)
	factorial, _ := math.Lgamma(y + 1)
	return y*math.Log(rate) - rate - factorial
}

// Slope implements Marginal.
func (p *Poisson) Slope(y, h, _ float64) float64 {
	if h < p.Background {
		return 0
	}
	return y/h - 1
}

// Bulk implements Marginal.
func (p *Poisson) Bulk(y, _ float64) (centre, width float64) { return y, math.Sqrt(y + 1) }

func (p *Poisson) kink() float64 { return p.Background }

// LogDensity implements Law.
func (p *Poisson) LogDensity(y, h, sd []float64) float64 { return sumLog(p, y, h, sd) }

// Score implements Law.
func (p *Poisson) Score(dst, y, h, sd []float64) { slopes(p, dst, y, h, sd) }

// Draw implements Law.
func (p *Poisson) Draw(y, sd []float64, at func(j int) *rng.Source) {
	for j, h := range y {
		y[j] = distuv.Poisson{Lambda: math.Max(h, p.Background), Src: at(j)}.Rand()
		sd[j] = math.Sqrt(math.Max(y[j], 1))
	}
}

// Censored is Gaussian noise of an instrument that shows its limit where the reading
// would lie beyond it: y = min(max(h + e, Low), High). A value at a limit says that h + e
// lies there or beyond.
type Censored struct {
	Low  float64 `toml:"low" doc:"least reading; default none"`
	High float64 `toml:"high" doc:"largest reading; default none"`
}

// Build checks the limits.
func (c *Censored) Build(Operator, dynamics.Space) (Law, error) {
	if !(c.Low < c.High) || math.IsInf(c.Low, -1) && math.IsInf(c.High, 1) {
		return nil, fault.Inputf("low = %v, high = %v: give a limit, and low below high", c.Low, c.High)
	}
	return c, nil
}

// Name implements Law.
func (*Censored) Name() string { return "censored" }

// LogValue implements Marginal.
func (c *Censored) LogValue(y, h, sd float64) float64 {
	switch {
	case y <= c.Low:
		return logTail((h - c.Low) / sd)
	case y >= c.High:
		return logTail((c.High - h) / sd)
	}
	r := (y - h) / sd
	return -r*r/2 - math.Log(sd) - halfLogTwoPi
}

// Slope implements Marginal.
func (c *Censored) Slope(y, h, sd float64) float64 {
	switch {
	case y <= c.Low:
		return -hazard((h-c.Low)/sd) / sd
	case y >= c.High:
		return hazard((c.High-h)/sd) / sd
	}
	return (y - h) / sd / sd
}

// logTail is log of the probability that a standard normal variable exceeds z.
func logTail(z float64) float64 {
	if z > 30 { // beyond, erfc has few digits, then none
		return -z*z/2 - halfLogTwoPi - math.Log(z)
	}
	return math.Log(math.Erfc(z/math.Sqrt2) / 2)
}

// hazard is the density of a standard normal variable at z over its tail beyond.
func hazard(z float64) float64 { return math.Exp(-z*z/2 - halfLogTwoPi - logTail(z)) }

// Bulk implements Marginal.
func (c *Censored) Bulk(y, sd float64) (centre, width float64) {
	return math.Min(math.Max(y, c.Low), c.High), sd
}

// LogDensity implements Law.
func (c *Censored) LogDensity(y, h, sd []float64) float64 { return sumLog(c, y, h, sd) }

// Score implements Law.
func (c *Censored) Score(dst, y, h, sd []float64) { slopes(c, dst, y, h, sd) }

// Draw implements Law.
func (c *Censored) Draw(y, sd []float64, at func(j int) *rng.Source) {
	for j, h := range y {
		y[j] = math.Min(math.Max(h+sd[j]*at(j).NormFloat64(), c.Low), c.High)
	}
}
