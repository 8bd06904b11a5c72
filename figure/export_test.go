package figure

import (
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
)

// Text is a text that a figure draws: its size in points and the rectangle
// that its letters fill, from the baseline to the top of the capitals.
type Text struct {
	String string
	Size   float64
	Box    vg.Rectangle
}

// Page is the rectangle of a figure.
func (f *Figure) Page() vg.Rectangle {
	return vg.Rectangle{Max: vg.Point{X: f.width, Y: f.height}}
}

// Texts lists what a figure writes and where.
func (f *Figure) Texts() []Text {
	c := &textRecorder{Canvas: vgimg.New(f.width, f.height)}
	f.draw(draw.NewCanvas(c, f.width, f.height))
	return c.texts
}

// textRecorder follows the transformations that upright text uses: a shift and
// a rotation, each between Push and Pop.
type textRecorder struct {
	vg.Canvas
	texts   []Text
	shift   vg.Point
	upright bool
}

func (c *textRecorder) Translate(by vg.Point) { c.shift = by }
func (c *textRecorder) Rotate(by float64)     { c.upright = by == math.Pi/2 }
func (c *textRecorder) Pop()                  { c.shift, c.upright = vg.Point{}, false; c.Canvas.Pop() }

// DrawImage draws nothing: images hold no text.
func (c *textRecorder) DrawImage(vg.Rectangle, image.Image) {}

func (c *textRecorder) FillString(face font.Face, at vg.Point, text string) {
	if text == "" {
		return
	}
	width, height := face.Width(text), capHeight*face.Font.Size
	box := vg.Rectangle{Min: at, Max: at.Add(vg.Point{X: width, Y: height})}
	if c.upright {
		box = vg.Rectangle{Min: vg.Point{X: -at.Y - height, Y: at.X}, Max: vg.Point{X: -at.Y, Y: at.X + width}}
	}
	box = box.Add(c.shift)
	c.texts = append(c.texts, Text{String: text, Size: float64(face.Font.Size), Box: box})
}

var (
	PrintUnits = printUnits
	Duration   = duration
	Alike      = alike
	Trimmed    = trimmed
)

// Ticks returns the ends of an axis over a range and its labelled ticks.
func Ticks(lo, hi float64, log bool) (axisMin, axisMax float64, values []float64, labels []string) {
	a := newAxis(span{lo, hi}, log).alongX(150, 20)
	for _, t := range a.labelled() {
		values, labels = append(values, t.value), append(labels, t.label)
	}
	return a.min, a.max, values, labels
}

// RunningMean and Envelope are what a training curve draws of a loss.
func RunningMean(c Curve, width int) Curve { return c.runningMean(width) }
func Envelope(c Curve, bins int) Curve     { return c.envelope(bins) }

// Picture is a square figure of a size in millimetres that paint draws.
func Picture(size float64, paint func(c vg.Canvas, page vg.Rectangle)) *Figure {
	side := vg.Length(size) * vg.Millimeter
	return &Figure{width: side, height: side, draw: func(c draw.Canvas) { paint(c, c.Rectangle) }}
}

// Quantiles are the curves that an ensemble figure draws of a component of its
// first column: the 5, 25, 50, 75 and 95 % quantile at each time.
func Quantiles(t Trajectories, component int) [5][]float64 {
	b := t.quantiles(t.Columns[0], component)
	return [5][]float64{b.ninetyPerCent[0], b.half[0], b.median, b.half[1], b.ninetyPerCent[1]}
}

// DivergingColours and SequentialColours are the maps of signed and of positive fields.
func DivergingColours() []color.NRGBA  { return divergingColours()[:] }
func SequentialColours() []color.NRGBA { return sequentialColours()[:] }
