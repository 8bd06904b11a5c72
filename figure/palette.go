package figure

import (
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The palette of Okabe and Ito, "Color Universal Design" (2008): its colours
// are told apart under protanopia, deuteranopia and tritanopia.
var (
	black      = color.NRGBA{A: 0xff}
	orange     = color.NRGBA{R: 0xe6, G: 0x9f, A: 0xff}
	skyBlue    = color.NRGBA{R: 0x56, G: 0xb4, B: 0xe9, A: 0xff}
	green      = color.NRGBA{G: 0x9e, B: 0x73, A: 0xff}
	blue       = color.NRGBA{G: 0x72, B: 0xb2, A: 0xff}
	vermillion = color.NRGBA{R: 0xd5, G: 0x5e, A: 0xff}
	purple     = color.NRGBA{R: 0xcc, G: 0x79, B: 0xa7, A: 0xff}
)

var (
	ink  = color.NRGBA{R: 0x22, G: 0x22, B: 0x22, A: 0xff} // text and axes
	grey = color.NRGBA{R: 0x66, G: 0x66, B: 0x66, A: 0xff} // remarks
	rule = color.NRGBA{R: 0xdd, G: 0xdd, B: 0xdd, A: 0xff} // guide lines
)

// tint mixes a colour with white; share is what is left of the colour. Tints
// are opaque because some journals refuse transparency in a PDF.
func tint(c color.NRGBA, share float64) color.NRGBA {
	mix := func(v uint8) uint8 { return uint8(math.Round(255 - share*(255-float64(v)))) }
	return color.NRGBA{R: mix(c.R), G: mix(c.G), B: mix(c.B), A: 0xff}
}

// marker is a glyph of a colour; series differ in both.
type marker struct {
	colour color.NRGBA
	shape  []vg.Point // corners on the unit circle; empty for the circle itself
}

// series are the styles of methods, in the order they are handed out.
var series = []marker{
	{blue, nil},
	{vermillion, polygon(4, math.Pi/4)},
	{green, polygon(3, math.Pi/2)},
	{orange, polygon(4, 0)},
	{purple, polygon(3, -math.Pi/2)},
	{skyBlue, polygon(5, math.Pi/2)},
	{black, polygon(6, 0)},
}

// polygon lists the corners of a regular polygon, the first at an angle.
func polygon(corners int, angle float64) []vg.Point {
	points := make([]vg.Point, corners)
	for i := range points {
		sin, cos := math.Sincos(angle + 2*math.Pi*float64(i)/float64(corners))
		points[i] = vg.Point{X: vg.Length(cos), Y: vg.Length(sin)}
	}
	return points
}

// draw fills the marker with a white rim that keeps it apart from what it
// covers.
func (m marker) draw(c draw.Canvas, at vg.Point, radius vg.Length) {
	path := m.path(at, radius)
	c.SetLineStyle(draw.LineStyle{Color: color.White, Width: 1})
	c.Stroke(path)
	c.SetColor(m.colour)
	c.Fill(path)
}

// dot fills the marker without a rim, for a cloud of small points.
func (m marker) dot(c draw.Canvas, at vg.Point, radius vg.Length) {
	c.SetColor(m.colour)
	c.Fill(m.path(at, radius))
}

func (m marker) path(at vg.Point, radius vg.Length) vg.Path {
	if len(m.shape) == 0 {
		return circle(at, radius)
	}
	// A polygon looks smaller than the circle around it.
	radius *= 1.25
	var path vg.Path
	for i, corner := range m.shape {
		if i == 0 {
			path.Move(at.Add(corner.Scale(radius)))
		} else {
			path.Line(at.Add(corner.Scale(radius)))
		}
	}
	path.Close()
	return path
}

// circle is made of four cubic curves, which every back end draws alike; their
// arcs differ.
func circle(at vg.Point, radius vg.Length) vg.Path {
	const k = 0.5522847498 // control distance of a quarter circle
	var path vg.Path
	on := func(x, y float64) vg.Point {
		return at.Add(vg.Point{X: vg.Length(x), Y: vg.Length(y)}.Scale(radius))
	}
	path.Move(on(1, 0))
	path.CubeTo(on(1, k), on(k, 1), on(0, 1))
	path.CubeTo(on(-k, 1), on(-1, k), on(-1, 0))
	path.CubeTo(on(-1, -k), on(-k, -1), on(0, -1))
	path.CubeTo(on(k, -1), on(1, -k), on(1, 0))
	path.Close()
	return path
}

func corners(r vg.Rectangle) []vg.Point {
	return []vg.Point{r.Min, {X: r.Max.X, Y: r.Min.Y}, r.Max, {X: r.Min.X, Y: r.Max.Y}}
}
