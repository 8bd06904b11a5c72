package figure

import (
	"image/color"
	"math"
	"strings"
	"sync"
	"unicode/utf8"

	"codeberg.org/go-fonts/dejavu/dejavusanscondensed"
	"codeberg.org/go-fonts/dejavu/dejavusanscondensedbold"
	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Text sizes in points. Journals ask for 7 pt at print size.
const (
	smallText  vg.Length = 7
	labelText  vg.Length = 8
	lineHeight           = 1.3 // from baseline to baseline, in sizes
	// capHeight is the height of capitals and figures, in sizes. Text is
	// aligned by it: that is what the eye takes for the height of a label.
	capHeight = 0.73
)

// DejaVu Sans has the superscript minus, the subscripts and the arrows that
// the default font of gonum/plot lacks.
var (
	regularFont = sync.OnceValue(func() *opentype.Font { return parsed(dejavusanscondensed.TTF) })
	boldFont    = sync.OnceValue(func() *opentype.Font { return parsed(dejavusanscondensedbold.TTF) })
)

func parsed(ttf []byte) *opentype.Font {
	font, err := opentype.Parse(ttf)
	if err != nil {
		panic("figure: the font built in is broken: " + err.Error())
	}
	return font
}

// Alignment of a text along one axis: the share of it before the point.
const (
	atStart  = 0 // left, baseline
	atCentre = 0.5
	atEnd    = 1 // right, top of the capitals
)

// textStyle says how one line of text looks and which point of it is placed.
type textStyle struct {
	size    vg.Length
	bold    bool
	colour  color.Color // nil is ink
	x, y    vg.Length   // alignment
	upright bool        // rotated to read from below
}

func (s textStyle) face() font.Face {
	face := font.Face{Font: font.Font{Size: s.size}, Face: regularFont()}
	if s.bold {
		face.Face = boldFont()
	}
	return face
}

func (s textStyle) width(text string) vg.Length {
	face := s.face()
	return face.Width(text)
}

// draw puts the point of the text that the style aligns at a point.
func (s textStyle) draw(c draw.Canvas, at vg.Point, text string) {
	c.SetColor(ink)
	if s.colour != nil {
		c.SetColor(s.colour)
	}
	offset := vg.Point{X: -s.x * s.width(text), Y: -s.y * capHeight * s.size}
	if !s.upright {
		c.FillString(s.face(), at.Add(offset), text)
		return
	}
	c.Push()
	c.Translate(at)
	c.Rotate(math.Pi / 2)
	c.FillString(s.face(), offset, text)
	c.Pop()
}

// fit shortens a text to a width, marking what it cut by an ellipsis.
func (s textStyle) fit(text string, width vg.Length) string {
	if s.width(text) <= width {
		return text
	}
	for len(text) > 0 {
		_, last := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-last]
		if short := strings.TrimRight(text, " ") + "…"; s.width(short) <= width {
			return short
		}
	}
	return "…"
}

// wrap breaks a text at its spaces (not at no-break spaces) into lines of a width, shortening a word
// that is wider.
func (s textStyle) wrap(text string, width vg.Length) []string {
	var lines []string
	line := ""
	for word := range strings.SplitSeq(text, " ") {
		longer := strings.TrimLeft(line+" "+word, " ")
		if line != "" && s.width(longer) > width {
			lines = append(lines, line)
			longer = word
		}
		line = longer
	}
	lines = append(lines, line)
	for i := range lines {
		lines[i] = s.fit(lines[i], width)
	}
	return lines
}

// wrapTwo wraps a text to at most two lines; the second one takes what is left
// and is shortened.
func (s textStyle) wrapTwo(text string, width vg.Length) []string {
	lines := s.wrap(text, width)
	if len(lines) <= 2 {
		return lines
	}
	rest := strings.TrimPrefix(text, lines[0]+" ")
	return []string{lines[0], s.fit(rest, width)}
}
