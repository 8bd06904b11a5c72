package figure

import (
	"image/color"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	tickLength vg.Length = 2
	gap        vg.Length = 2 // between a tick, its label and the axis title
	margin     vg.Length = 3 // around a figure
)

var axisLine = draw.LineStyle{Color: ink, Width: 0.5}

// panel is a rectangle of the canvas with an axis along its lower and its left
// edge. What is drawn in data coordinates is clipped to it.
type panel struct {
	draw.Canvas
	x, y axis
}

func (p *panel) point(x, y float64) vg.Point {
	return vg.Point{X: p.X(p.x.at(x)), Y: p.Y(p.y.at(y))}
}

func (p *panel) points(xs, ys []float64) []vg.Point {
	points := make([]vg.Point, len(xs))
	for i, x := range xs {
		points[i] = p.point(x, ys[i])
	}
	return points
}

// line joins points; a single one becomes a dash, so that it is seen at all.
func (p *panel) line(style draw.LineStyle, xs, ys []float64) {
	points := p.points(xs, ys)
	if len(points) == 1 {
		at := points[0]
		points = []vg.Point{{X: at.X - 2, Y: at.Y}, {X: at.X + 2, Y: at.Y}}
	}
	p.StrokeLines(style, p.ClipLinesXY(points)...)
}

// band fills between two curves; with a single point it is a bar.
func (p *panel) band(fill color.Color, xs []float64, bounds [2][]float64) {
	lower, upper := p.points(xs, bounds[0]), p.points(xs, bounds[1])
	if len(xs) == 1 {
		lower = []vg.Point{{X: lower[0].X - 2, Y: lower[0].Y}, {X: lower[0].X + 2, Y: lower[0].Y}}
		upper = []vg.Point{{X: upper[0].X - 2, Y: upper[0].Y}, {X: upper[0].X + 2, Y: upper[0].Y}}
	}
	slices.Reverse(upper)
	p.FillPolygon(fill, p.ClipPolygonXY(append(lower, upper...)))
}

// errorBar is a vertical bar of half height sd.
func (p *panel) errorBar(style draw.LineStyle, x, y, sd float64) {
	if sd > 0 {
		p.line(style, []float64{x, x}, []float64{y - sd, y + sd})
	}
}

// drawX draws the lower axis; labels tells whether its ticks are labelled.
func (p *panel) drawX(labels bool) {
	p.StrokeLine2(axisLine, p.Min.X, p.Min.Y, p.Max.X, p.Min.Y)
	style := textStyle{size: smallText, x: atCentre, y: atEnd}
	for _, t := range p.x.ticks {
		x, length := p.X(p.x.at(t.value)), tickLength
		if t.label == "" {
			length /= 2
		}
		p.StrokeLine2(axisLine, x, p.Min.Y, x, p.Min.Y-length)
		if labels {
			style.draw(p.Canvas, vg.Point{X: x, Y: p.Min.Y - tickLength - gap}, t.label)
		}
	}
}

// drawY draws the left axis as drawX does the lower one.
func (p *panel) drawY(labels bool) {
	p.StrokeLine2(axisLine, p.Min.X, p.Min.Y, p.Min.X, p.Max.Y)
	style := textStyle{size: smallText, x: atEnd, y: atCentre}
	for _, t := range p.y.ticks {
		y, length := p.Y(p.y.at(t.value)), tickLength
		if t.label == "" {
			length /= 2
		}
		p.StrokeLine2(axisLine, p.Min.X-length, y, p.Min.X, y)
		if labels {
			style.draw(p.Canvas, vg.Point{X: p.Min.X - tickLength - gap, Y: y}, t.label)
		}
	}
}

// labelX centres a title under the lower axis, below its tick labels. It may be
// wider than the panel by overhang.
func (p *panel) labelX(title string, overhang vg.Length) {
	style := textStyle{size: labelText, x: atCentre, y: atEnd}
	at := vg.Point{X: p.Center().X, Y: p.Min.Y - tickRoom}
	style.draw(p.Canvas, at, style.fit(title, p.Max.X-p.Min.X+overhang))
}

// titleLines puts the title of a left axis of a height on one line, or its
// units on a second one; it shortens the name, never the units.
func titleLines(name, units string, height vg.Length) []string {
	whole := withUnits(name, units)
	if yTitleStyle.width(whole) <= height {
		return []string{whole}
	}
	lines := []string{yTitleStyle.fit(name, height)}
	if alone := strings.TrimSpace(withUnits("", units)); alone != "" {
		lines = append(lines, alone)
	}
	return lines
}

var yTitleStyle = textStyle{size: labelText, x: atCentre, upright: true}

// labelY writes the upright lines of a title, the last one beside the tick
// labels, whose room beside returned.
func (p *panel) labelY(lines []string, beside vg.Length) {
	x := p.Min.X - beside - gap
	for i, line := range lines {
		before := vg.Length(len(lines)-1-i) * lineHeight * labelText
		yTitleStyle.draw(p.Canvas, vg.Point{X: x - before, Y: p.Center().Y}, line)
	}
}

const (
	// tickRoom is the height of tick labels under a panel.
	tickRoom = tickLength + 2*gap + smallText
	// below is the room that tick labels and a title need under a panel; the
	// title may descend below its baseline.
	below = tickRoom + labelText
)

// beside is the room that tick labels need to the left of a panel.
func beside(axes ...axis) vg.Length {
	style := textStyle{size: smallText}
	widest := vg.Length(0)
	for _, a := range axes {
		for _, t := range a.ticks {
			widest = max(widest, style.width(t.label))
		}
	}
	return tickLength + 2*gap + widest
}
