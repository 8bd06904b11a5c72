package figure

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Calibration is what the figure of a calibration study shows.
type Calibration struct {
	Methods []Calibrated // at least one
	// Level is the probability that the band leaves a posterior out, such as 0.01.
	Level float64
}

// Calibrated is one method of a study.
type Calibrated struct {
	Name string
	// Ranks of the truth among the members for one function, and of its distance to
	// a random point, in [0, 1], one for each case.
	Ranks, Nearness []float64
	// Spread is the standard deviation of the members over the right one, with
	// the ends of its confidence interval.
	Spread, Low, High float64
}

// CalibrationPlot draws four panels: how the ranks, and those of the distance to a
// random point, depart from uniform; the coverage of central intervals; and the ratio
// of spreads. What a posterior does is grey: bands that it leaves with the
// probability Level, by Kolmogorov's law, and the diagonal.
//
// Errors are ErrEmpty (no method with a case) and ErrNotFinite.
func CalibrationPlot(c Calibration) (*Figure, error) {
	var kept []Calibrated
	for _, m := range c.Methods {
		for _, v := range append(slices.Concat(m.Ranks, m.Nearness), m.Spread, m.Low, m.High) {
			if len(m.Ranks) > 0 && !finite(v) {
				return nil, fmt.Errorf("figure: calibration of %q: %w", m.Name, ErrNotFinite)
			}
		}
		if len(m.Ranks) > 0 {
			kept = append(kept, m)
		}
	}
	if len(kept) == 0 {
		return nil, fmt.Errorf("figure: calibration without a case: %w", ErrEmpty)
	}
	c.Methods = kept
	return c.figure(), nil
}

const (
	calibrationHeight = 44 * vg.Millimeter // of a panel
)

func (c Calibration) figure() *Figure {
	width := TwoColumns * vg.Millimeter
	left := margin + lineHeight*labelText + 26
	column := (width - 2*left - margin - 8) / 2
	legend := newLegend(c.legend(width-2*margin), width-2*margin)
	head := labelText*lineHeight + gap
	row := head + calibrationHeight + below + 8
	room := legend.height() + 4*gap // above the panels
	height := margin + room + 2*row + margin
	views := []calibrationView{
		departureView("Ranks of the truth", "rank", c, func(m Calibrated) []float64 { return m.Ranks }),
		departureView("Nearness to a random point (TARP)", "share of members that are nearer", c, func(m Calibrated) []float64 { return m.Nearness }),
		coverageView(c), spreadView(c),
	}
	return &Figure{width: width, height: height, draw: func(canvas draw.Canvas) {
		legend.draw(canvas, vg.Point{X: margin, Y: canvas.Max.Y - margin})
		for i, v := range views {
			x := left + vg.Length(i%2)*(column+left+4)
			top := canvas.Max.Y - margin - room - vg.Length(i/2)*row
			area := draw.Canvas{Canvas: canvas.Canvas, Rectangle: vg.Rectangle{
				Min: vg.Point{X: x, Y: top - head - calibrationHeight},
				Max: vg.Point{X: x + column, Y: top - head},
			}}
			title := textStyle{size: labelText, bold: true, y: atEnd}
			title.draw(canvas, vg.Point{X: x, Y: top}, string(rune('a'+i))+"  "+v.title)
			v.draw(area)
		}
	}}
}

func (c Calibration) legend(room vg.Length) []entry {
	entries := []entry{{fmt.Sprintf("posterior, %g %%", 100*(1-c.Level)), boxKey(rule)}}
	names := textStyle{size: smallText}
	for i, m := range c.Methods {
		style := series[i%len(series)]
		entries = append(entries, entry{names.fit(m.Name, room-keyWidth-gap), func(canvas draw.Canvas) {
			lineKey(sweepLine(style))(canvas)
			style.draw(canvas, canvas.Center(), sweepRadius)
		}})
	}
	return entries
}

// calibrationView is a panel: axes, their titles and what is drawn.
type calibrationView struct {
	title, horizontal, vertical string
	xs, ys                      span
	plot                        func(p *panel)
	names                       []string // of the values 0, 1, ... of the lower axis, if it counts
}

func (v calibrationView) draw(area draw.Canvas) {
	width, height := area.Max.X-area.Min.X, area.Max.Y-area.Min.Y
	p := &panel{Canvas: area, x: newAxis(v.xs, false).alongX(width, 6), y: newAxis(v.ys, false).alongY(height)}
	if v.names != nil {
		p.x.ticks = nil
		for i, name := range v.names {
			each := textStyle{size: smallText}.fit(name, width/vg.Length(len(v.names))-2)
			p.x.ticks = append(p.x.ticks, tick{float64(i), each})
		}
	}
	v.plot(p)
	p.drawX(true)
	p.drawY(true)
	p.labelX(v.horizontal, 20)
	p.labelY([]string{v.vertical}, beside(p.y))
}

// departureView shows the distribution function of ranks minus the diagonal.
func departureView(title, horizontal string, c Calibration, ranks func(Calibrated) []float64) calibrationView {
	ys := emptySpan().with(-0.02, 0.02)
	most := 0.0
	for _, m := range c.Methods {
		band := math.Sqrt(math.Log(2/c.Level) / 2 / float64(len(ranks(m))))
		most = max(most, band)
		_, departures := departure(ranks(m))
		ys = ys.with(departures...)
	}
	ys = ys.with(-1.15*most, 1.15*most)
	return calibrationView{
		title: title, horizontal: horizontal, vertical: "share of cases below − rank", xs: span{0, 1}, ys: ys,
		plot: func(p *panel) {
			p.band(rule, []float64{0, 1}, [2][]float64{{-most, -most}, {most, most}})
			p.line(draw.LineStyle{Color: grey, Width: 0.5}, []float64{0, 1}, []float64{0, 0})
			for i, m := range c.Methods {
				xs, departures := departure(ranks(m))
				p.line(sweepLine(series[i%len(series)]), xs, departures)
			}
		},
	}
}

// departure is the empirical distribution function minus the diagonal, at both
// sides of every step.
func departure(ranks []float64) (xs, ys []float64) {
	sorted := slices.Sorted(slices.Values(ranks))
	n := float64(len(sorted))
	xs, ys = []float64{0}, []float64{0}
	for i, r := range sorted {
		xs = append(xs, r, r)
		ys = append(ys, float64(i)/n-r, float64(i+1)/n-r)
	}
	return append(xs, 1), append(ys, 0)
}

// coverageView shows how often central intervals hold the truth.
func coverageView(c Calibration) calibrationView {
	return calibrationView{
		title: "Coverage of central intervals", horizontal: "share that should be covered", vertical: "share that is covered",
		xs: span{0, 1}, ys: span{0, 1},
		plot: func(p *panel) {
			p.line(draw.LineStyle{Color: grey, Width: 0.5}, []float64{0, 1}, []float64{0, 1})
			for i, m := range c.Methods {
				xs, ys := []float64{0}, []float64{0}
				for _, level := range []float64{0.2, 0.35, 0.5, 0.65, 0.8, 0.9, 0.95} {
					inside := 0
					for _, r := range m.Ranks {
						if math.Abs(r-0.5) <= level/2 {
							inside++
						}
					}
					xs, ys = append(xs, level), append(ys, float64(inside)/float64(len(m.Ranks)))
				}
				style := series[i%len(series)]
				p.line(sweepLine(style), append(xs, 1), append(ys, 1))
				for k, x := range xs[1:] {
					style.draw(p.Canvas, p.point(x, ys[k+1]), sweepRadius*0.8)
				}
			}
		},
	}
}

// spreadView shows the ratio of spreads, a method a place.
func spreadView(c Calibration) calibrationView {
	ys := emptySpan().with(0.9, 1.1)
	names := make([]string, len(c.Methods))
	for i, m := range c.Methods {
		names[i] = m.Name
		ys = ys.with(m.Low, m.High)
	}
	return calibrationView{
		title: "Spread of the members", horizontal: "", vertical: "spread / right spread",
		xs: span{-0.5, float64(len(names)) - 0.5}, ys: ys, names: names,
		plot: func(p *panel) {
			p.line(draw.LineStyle{Color: grey, Width: 0.5}, []float64{p.x.min, p.x.max}, []float64{1, 1})
			for i, m := range c.Methods {
				style := series[i%len(series)]
				x := float64(i)
				p.line(sweepLine(style), []float64{x, x}, []float64{m.Low, m.High})
				style.draw(p.Canvas, p.point(x, m.Spread), sweepRadius*1.2)
			}
		},
	}
}
