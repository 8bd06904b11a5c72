package figure

import (
	"image/color"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

const (
	keyWidth  vg.Length = 15
	keyHeight vg.Length = 7
	entryGap  vg.Length = 10
)

// entry is one line of a legend: a label beside a key that shows the style.
type entry struct {
	label string
	key   func(c draw.Canvas) // draws into the rectangle of c
}

// legend is laid out in rows above the panels, where no data lie.
type legend struct{ rows [][]entry }

// newLegend breaks entries into rows of a width.
func newLegend(entries []entry, width vg.Length) legend {
	var l legend
	used := width
	for _, e := range entries {
		need := e.width()
		if len(l.rows) == 0 || used+need > width {
			l.rows = append(l.rows, nil)
			used = 0
		}
		last := len(l.rows) - 1
		l.rows[last] = append(l.rows[last], e)
		used += need + entryGap
	}
	return l
}

func (e entry) width() vg.Length {
	return keyWidth + gap + textStyle{size: smallText}.width(e.label)
}

func (l legend) height() vg.Length {
	return vg.Length(len(l.rows)) * lineHeight * labelText
}

// draw puts the upper left corner of the legend at a point.
func (l legend) draw(c draw.Canvas, at vg.Point) {
	style := textStyle{size: smallText, y: atCentre}
	for i, row := range l.rows {
		x, y := at.X, at.Y-(vg.Length(i)+0.5)*lineHeight*labelText
		for _, e := range row {
			e.key(draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{
				Min: vg.Point{X: x, Y: y - keyHeight/2},
				Max: vg.Point{X: x + keyWidth, Y: y + keyHeight/2},
			}})
			style.draw(c, vg.Point{X: x + keyWidth + gap, Y: y}, e.label)
			x += e.width() + entryGap
		}
	}
}

func lineKey(style draw.LineStyle) func(draw.Canvas) {
	return func(c draw.Canvas) {
		c.StrokeLine2(style, c.Min.X, c.Center().Y, c.Max.X, c.Center().Y)
	}
}

func boxKey(fill color.Color) func(draw.Canvas) {
	return func(c draw.Canvas) { c.FillPolygon(fill, corners(c.Rectangle)) }
}

// markerKey draws a marker with an error bar, or without one if the bar has no
// width.
func markerKey(m marker, radius vg.Length, bar draw.LineStyle) func(draw.Canvas) {
	return func(c draw.Canvas) {
		centre := c.Center()
		if bar.Width > 0 {
			c.StrokeLine2(bar, centre.X, c.Min.Y-1, centre.X, c.Max.Y+1)
		}
		m.draw(c, centre, radius)
	}
}
