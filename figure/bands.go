package figure

import (
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// bands are the curves of one panel.
type bands struct {
	median              []float64
	half, ninetyPerCent [2][]float64 // lower and upper bound
	truth               []float64    // nil if unknown
	lines               [][]float64
	observations        []Observation
}

// quantiles reduces a component of a column over its members.
func (t Trajectories) quantiles(c Column, component int) bands {
	times, state := len(t.Times), len(t.Components)
	members := len(c.Members) / (times * state)
	curve := func(data []float32) []float64 {
		values := make([]float64, times)
		for k := range values {
			values[k] = float64(data[k*state+component])
		}
		return values
	}
	b := bands{median: make([]float64, times)}
	if len(c.Truth) > 0 {
		b.truth = curve(c.Truth)
	}
	for m := range min(members, max(t.MemberLines, 0)) {
		b.lines = append(b.lines, curve(c.Members[m*times*state:]))
	}
	for _, o := range c.Observations {
		if o.Component == component && !math.IsNaN(o.Value) {
			b.observations = append(b.observations, o)
		}
	}
	for i := range 2 {
		b.half[i], b.ninetyPerCent[i] = make([]float64, times), make([]float64, times)
	}
	values := make([]float64, members)
	for k := range times {
		for m := range values {
			values[m] = float64(c.Members[(m*times+k)*state+component])
		}
		slices.Sort(values)
		b.median[k] = Quantile(values, 0.5)
		b.half[0][k], b.half[1][k] = Quantile(values, 0.25), Quantile(values, 0.75)
		b.ninetyPerCent[0][k], b.ninetyPerCent[1][k] = Quantile(values, 0.05), Quantile(values, 0.95)
	}
	return b
}

// reference is the range of what is known of the system: truth and data.
func (b bands) reference() span {
	s := emptySpan().with(b.truth...)
	for _, o := range b.observations {
		s = s.with(o.Value-o.Sd, o.Value+o.Sd)
	}
	return s
}

// all is the range of everything that is drawn.
func (b bands) all() span {
	s := b.reference().with(b.ninetyPerCent[0]...).with(b.ninetyPerCent[1]...)
	for _, line := range b.lines {
		s = s.with(line...)
	}
	return s
}

// Styles of the ensemble figure. Printed in grey, the bands are light, the
// median dark and solid, the truth black and dashed.
var (
	medianLine = draw.LineStyle{Color: blue, Width: 1.1}
	truthLine  = draw.LineStyle{Color: black, Width: 0.9, Dashes: []vg.Length{3, 1.5}}
	memberLine = draw.LineStyle{Color: grey, Width: 0.3}
	sdBar      = draw.LineStyle{Color: vermillion, Width: 0.8}
	dataMarker = marker{colour: vermillion}
	wideBand   = tint(skyBlue, 0.3)
	narrowBand = tint(skyBlue, 0.75)
)

const dataRadius vg.Length = 1.7

func (p *panel) drawBands(times []float64, b bands) {
	p.band(wideBand, times, b.ninetyPerCent)
	p.band(narrowBand, times, b.half)
	for _, line := range b.lines {
		p.line(memberLine, times, line)
	}
	p.line(medianLine, times, b.median)
	if b.truth != nil {
		p.line(truthLine, times, b.truth)
	}
	for _, o := range b.observations {
		p.errorBar(sdBar, o.Time, o.Value, o.Sd)
	}
	for _, o := range b.observations {
		if at := p.point(o.Time, o.Value); p.Contains(at) {
			dataMarker.draw(p.Canvas, at, dataRadius)
		}
	}
}
