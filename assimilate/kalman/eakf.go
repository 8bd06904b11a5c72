package kalman

// The serial ensemble adjustment Kalman filter with localisation (Anderson 2003,
// Mon. Weather Rev. 131, 634). Each value in turn is updated as a scalar: with
// its anomalies y, of squared length v,
//
//	mean += u d/(N-1),   y <- y sqrt((N-1)/(N-1+v)),   1/u = 1/v + 1/(N-1) ,
//
// and these increments are regressed on the components near it, the regression
// coefficients A^T y/v being multiplied by the taper. The predicted values of
// all later observations are computed anew from the members, so that the
// operator may be nonlinear.

import (
	"context"
	"math"

	"retrace/dynamics"
)

// EAKF is the serial filter with localisation. Without it (Radius 0) it is the
// EnSRF.
type EAKF struct {
	Localisation `toml:",inline"`
	Order        string `toml:"order" doc:"in which values are assimilated: given, random or sorted (best known first)"`
}

// NewEAKF returns the filter with the taper of Gaspari and Cohn, a radius of 4
// and values in random order.
func NewEAKF() *EAKF { return &EAKF{NewLocalisation(), OrderRandom} }

func (*EAKF) kind() string { return "eakf" }

func (u *EAKF) check(model dynamics.Model) error {
	if err := u.Localisation.check(model.Space()); err != nil {
		return err
	}
	return checkOrder(u.Order)
}

func (u *EAKF) begin(c *cycle) (analysis, error) {
	geometry, err := newGeometry(u.Localisation, c.problem.Model.Space(), 1)
	if err != nil {
		return nil, err
	}
	return &adjustment{
		geometry: geometry, order: newOrdering(u.Order, c),
		column: make([]float64, c.members), regression: make([]float64, c.size),
		predicted: make([]float64, c.most),
	}, nil
}

type adjustment struct {
	*geometry
	order   *ordering
	reached [][]reach // of each place

	column, regression, predicted []float64
}

// reach is a component and its coefficient.
type reach struct {
	component   int
	coefficient float64
}

func (a *adjustment) analyse(_ context.Context, c *cycle) error {
	if !a.holds(c.seen.seen) {
		if err := a.locate(c.seen.seen); err != nil {
			return err
		}
		a.transpose(len(c.seen.place))
	}
	for _, j := range a.order.of(c) {
		innovation, err := a.observe(c, j)
		if err != nil {
			return err
		}
		a.adjust(c, a.reached[c.seen.place[j]], innovation)
	}
	return nil
}

// transpose lists the components near each place.
func (a *adjustment) transpose(places int) {
	a.reached = make([][]reach, places)
	for k, near := range a.near {
		for _, n := range near {
			for _, component := range a.groups[k].components {
				a.reached[n.place] = append(a.reached[n.place], reach{component, n.coefficient})
			}
		}
	}
}

// observe fills column with the anomalies of value j, and returns its
// innovation.
func (a *adjustment) observe(c *cycle, j int) (float64, error) {
	var mean float64
	for i := range a.column {
		c.seen.predict(a.predicted[:c.seen.count], c.ensemble[i*c.size:(i+1)*c.size])
		a.column[i] = a.predicted[j]
		mean += a.predicted[j] / float64(c.members)
	}
	if mean-mean != 0 {
		return 0, c.diverged()
	}
	for i := range a.column {
		a.column[i] = (a.column[i] - mean) * c.seen.scale[j]
	}
	return (c.seen.values[j] - mean) * c.seen.scale[j], nil
}

// adjust regresses the update of one value on the components that it reaches.
func (a *adjustment) adjust(c *cycle, reached []reach, innovation float64) {
	one := float64(c.members - 1)
	v := dot(a.column, a.column)
	if v < 1e-9 { // it is known already
		return
	}
	shift := innovation / (one/v + 1)
	shrink := math.Sqrt(one/(one+v)) - 1
	regression := a.regression[:len(reached)]
	clear(regression)
	for i, y := range a.column {
		row := c.ensemble[i*c.size : (i+1)*c.size]
		for k, r := range reached {
			regression[k] += y * row[r.component] // the mean of y is 0
		}
	}
	for k, r := range reached {
		regression[k] *= r.coefficient / v
	}
	for i, y := range a.column {
		row := c.ensemble[i*c.size : (i+1)*c.size]
		for k, r := range reached {
			row[r.component] += regression[k] * (shift + shrink*y)
		}
	}
}
