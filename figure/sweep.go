package figure

import (
	"fmt"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Sweep is a statistic against a parameter, a line for each method.
type Sweep struct {
	Parameter string // label of the lower axis
	Statistic string // label of the left axis
	Lines     []Line
}

// Line is the values of one method. X, Y and Error have one length; Error holds
// standard errors, 0 where none is known.
type Line struct {
	Name        string
	X, Y, Error []float64
}

// SweepPlot draws lines with markers and bars of one standard error to both
// sides. An axis is logarithmic if its values are positive and span more than a
// factor of 10. Points are joined in the order given.
//
// Errors are ErrEmpty (no point) and ErrNotFinite. Coordinates of different number
// panic.
func SweepPlot(s Sweep) (*Figure, error) {
	xs, ys := emptySpan(), emptySpan()
	for _, l := range s.Lines {
		if len(l.X) != len(l.Y) || len(l.X) != len(l.Error) {
			panic("figure: the coordinates of a line differ in number")
		}
		for i, x := range l.X {
			if !finite(x) || !finite(l.Y[i]) || !finite(l.Error[i]) {
				return nil, fmt.Errorf("figure: point %d of %q: %w", i, l.Name, ErrNotFinite)
			}
			xs = xs.with(x)
			ys = ys.with(l.Y[i])
			if l.Y[i]-l.Error[i] > 0 || ys.min <= 0 {
				ys = ys.with(l.Y[i] - l.Error[i])
			}
			ys = ys.with(l.Y[i] + l.Error[i])
		}
	}
	if xs.empty() {
		return nil, fmt.Errorf("figure: a sweep without a point: %w", ErrEmpty)
	}
	return (&sweepLayout{s, xs, ys}).figure(), nil
}

type sweepLayout struct {
	Sweep
	xs, ys span
}

// wide reports whether a range asks for a logarithmic axis.
func (s span) wide() bool { return s.min > 0 && s.max > 10*s.min }

func (s *sweepLayout) figure() *Figure {
	width, plotHeight := OneColumn*vg.Millimeter, 50*vg.Millimeter
	y := newAxis(s.ys, s.ys.wide()).alongY(plotHeight)
	left, right := margin+lineHeight*labelText+beside(y), margin+8
	legend := newLegend(s.legend(width-left-margin), width-left-margin)
	top := margin + legend.height() + gap
	x := newAxis(s.xs, s.xs.wide()).alongX(width-left-right, right-1)
	height := top + plotHeight + below + margin
	return &Figure{width: width, height: height, draw: func(c draw.Canvas) {
		legend.draw(c, vg.Point{X: left, Y: c.Max.Y - margin})
		p := &panel{Canvas: draw.Crop(c, left, -right, below+margin, -top), x: x, y: y}
		for i, l := range s.Lines {
			p.drawSweep(l, series[i%len(series)])
		}
		p.drawX(true)
		p.drawY(true)
		p.labelX(s.Parameter, 0)
		p.labelY(titleLines(s.Statistic, "", plotHeight), beside(y))
	}}
}

const sweepRadius vg.Length = 2.2

// sweepLine is the style of the line that joins markers.
func sweepLine(m marker) draw.LineStyle { return draw.LineStyle{Color: m.colour, Width: 0.9} }

func (p *panel) drawSweep(l Line, m marker) {
	if len(l.X) > 1 {
		p.line(sweepLine(m), l.X, l.Y)
	}
	for i, x := range l.X {
		if l.Error[i] > 0 {
			// A logarithmic axis has no place for a bar that reaches below 0.
			low := max(l.Y[i]-l.Error[i], p.y.min)
			p.line(sweepLine(m), []float64{x, x}, []float64{low, l.Y[i] + l.Error[i]})
		}
	}
	for i, x := range l.X {
		m.draw(p.Canvas, p.point(x, l.Y[i]), sweepRadius)
	}
}

// legend shortens names to the room there is.
func (s *sweepLayout) legend(room vg.Length) []entry {
	var entries []entry
	names := textStyle{size: smallText}
	for i, l := range s.Lines {
		m := series[i%len(series)]
		entries = append(entries, entry{names.fit(l.Name, room-keyWidth-gap), func(c draw.Canvas) {
			lineKey(sweepLine(m))(c)
			m.draw(c, c.Center(), sweepRadius)
		}})
	}
	return entries
}
