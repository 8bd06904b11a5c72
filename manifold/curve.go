package manifold

import (
	"fmt"
	"math"
	"math/rand/v2"

	"retrace/dynamics"
	"retrace/internal/rng"
)

// With u uniform in [0, 1], coordinate i of a point is
//
//	x_i = sum over k = 1..10 of a_ik k^-3 sin(2 pi (k b_ik u + c_ik)) ,
//
// a, b and c drawn uniformly from [0, 1] once for a curve, and then shifted and
// stretched so that the curve spans [-2, 2] (Rozet et al. 2024, appendix; the ten
// terms are those above a thousandth of the first).

const (
	terms = 10
	// half is the largest coordinate.
	half = 2
	// spanPoints find the smallest and largest coordinate.
	spanPoints = 1 << 14
)

// Curve holds the parameters of a random curve.
type Curve struct {
	Dimension int `toml:"dimension" doc:"coordinates of a point; 2 to 64"`
	Shape     int `toml:"shape" doc:"which of the random curves; any whole number"`
}

// NewCurve returns a curve in five dimensions.
func NewCurve() *Curve { return &Curve{Dimension: 5, Shape: 1} }

// Build checks the parameters and returns the model.
func (p *Curve) Build() (dynamics.Model, error) {
	if err := dynamics.CheckBetween("dimension", p.Dimension, 2, 64); err != nil {
		return nil, err
	}
	r := rng.Stream(int64(p.Shape), "manifold/curve")
	c := &curve{coordinates: make([]coordinate, p.Dimension)}
	for i := range c.coordinates {
		q := &c.coordinates[i]
		for k := range terms {
			q.amplitude[k] = r.Float64() / math.Pow(float64(k+1), 3)
			q.frequency[k] = r.Float64() * float64(k+1)
			q.phase[k] = r.Float64()
		}
		q.fit()
	}
	return c, nil
}

// coordinate is one of the functions that make a curve.
type coordinate struct {
	amplitude, frequency, phase [terms]float64
	middle, stretch             float64
}

func (q *coordinate) raw(u float64) (x float64) {
	for k, a := range q.amplitude {
		x += a * math.Sin(2*math.Pi*(q.frequency[k]*u+q.phase[k]))
	}
	return x
}

// fit makes the coordinate span [-half, half].
func (q *coordinate) fit() {
	low, high := math.Inf(1), math.Inf(-1)
	for i := range spanPoints + 1 {
		x := q.raw(float64(i) / spanPoints)
		low, high = min(low, x), max(high, x)
	}
	q.middle, q.stretch = (low+high)/2, 2*half/(high-low)
}

func (q *coordinate) at(u float64) float64 { return (q.raw(u) - q.middle) * q.stretch }

// curve is the law of points on a curve.
type curve struct{ coordinates []coordinate }

// Space implements dynamics.Model.
func (c *curve) Space() dynamics.Space {
	axis := dynamics.Axis{Name: "coordinate", LongName: "coordinate"}
	for i := range c.coordinates {
		axis.Labels = append(axis.Labels, fmt.Sprintf("x%d", i+1))
	}
	return dynamics.Space{Variable: "state", LongName: "point on a curve", Units: "1", Axes: []dynamics.Axis{axis}}
}

// Clock implements dynamics.Model; its time only counts.
func (*curve) Clock() dynamics.Clock { return dynamics.Clock{Interval: 1, Units: "1"} }

// SpinUp implements dynamics.Model: the first point follows the law already.
func (*curve) SpinUp() int { return 0 }

// Initial draws a point.
func (c *curve) Initial(x []float64, r *rand.Rand) {
	u := r.Float64()
	for i := range c.coordinates {
		x[i] = c.coordinates[i].at(u)
	}
}

// Step draws another point, independent of x.
func (c *curve) Step(x []float64, r *rand.Rand) { c.Initial(x, r) }

func init() {
	dynamics.Register(dynamics.Entry{
		Name:     "curve",
		Summary:  "independent points on a random smooth curve, a static problem (Rozet et al. 2024)",
		Defaults: func() dynamics.Builder { return NewCurve() },
	})
}
