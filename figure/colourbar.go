package figure

import (
	"image"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// axis is that of a bar's ticks, in the unit of its label.
func (b Bar) axis(length vg.Length) axis {
	limit := b.Limit / math.Pow10(b.power())
	a := axis{min: -limit, max: limit}
	if b.Positive {
		a.min = 0
	}
	return a.alongY(length)
}

// power is that of ten which the label takes out of the ticks.
func (b Bar) power() int {
	if p := magnitude(b.Limit); p < -2 || p > 3 {
		return p
	}
	return 0
}

// title is the label of a bar with its units.
func (b Bar) title() string {
	units := b.Units
	if units == "1" {
		units = ""
	}
	if p := b.power(); p != 0 {
		scaled := powerOfTen(p)
		if units == "" {
			return b.Label + " (" + scaled + ")"
		}
		return b.Label + " (" + scaled + noBreakSpace + printUnits(units) + ")"
	}
	return withUnits(b.Label, units)
}

// draw draws a bar with its lower left corner at a point.
func (b Bar) draw(c draw.Canvas, at vg.Point, length vg.Length) {
	area := vg.Rectangle{Min: at, Max: at.Add(vg.Point{X: barWidth, Y: length})}
	img := image.NewPaletted(image.Rect(0, 0, 1, shades), b.palette())
	for i := range shades {
		img.Pix[i] = uint8(shades - 1 - i)
	}
	c.DrawImage(area, img)
	c.StrokeLines(axisLine, append(corners(area), area.Min))
	ticks := b.axis(length)
	style := textStyle{size: smallText, y: atCentre}
	for _, t := range ticks.ticks {
		y := at.Y + vg.Length(ticks.at(t.value))*length
		c.StrokeLine2(axisLine, area.Max.X, y, area.Max.X+tickLength, y)
		style.draw(c, vg.Point{X: area.Max.X + tickLength + gap, Y: y}, t.label)
	}
	x := area.Max.X + beside(ticks) + labelText
	yTitleStyle.draw(c, vg.Point{X: x, Y: at.Y + length/2}, yTitleStyle.fit(b.title(), length+6*labelText))
}

// drawBars draws each bar beside the longest run of rows that share it; in a line,
// all beside each other.
func (l *sheetLayout) drawBars(c draw.Canvas) {
	const most = 60 * vg.Millimeter
	x := c.Max.X - l.right + barGap
	for i, b := range l.bars {
		first, last := l.run(i)
		if last < first {
			continue
		}
		low, high := l.corner(c, last, 0).Y, l.corner(c, first, 0).Y+l.side.Y
		length := min(high-low, most)
		if last == first {
			length = high - low
		}
		b.draw(c, vg.Point{X: x, Y: (low+high)/2 - length/2}, length)
		if l.line {
			x += barGap + barWidth + beside(b.axis(length)) + lineHeight*labelText
		}
	}
}

// run is the longest run of rows that share a bar; empty if there is none.
func (l *sheetLayout) run(bar int) (first, last int) {
	first, last = 0, -1
	for i := 0; i < len(l.Rows); i++ {
		j := i
		for j < len(l.Rows) && l.Rows[j].Bar == bar {
			j++
		}
		if j-i > last-first+1 {
			first, last = i, j-1
		}
		i = max(i, j-1)
	}
	return first, last
}
