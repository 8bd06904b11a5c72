package figure

import (
	"fmt"
	"image"
	"image/color"

	"golang.org/x/image/font"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"
	plotfont "gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"

	"retrace/internal/fault"
)

// outlineCanvas is what every drawing goes through on its way to a back end.
// It draws text as filled glyph outlines, since the PDF back end of gonum/plot
// knows the Windows-1252 alphabet only and the PNG one drops what it cannot
// draw, and it turns images for the back end that draws them upside down.
type outlineCanvas struct {
	vg.Canvas
	flipImages bool
	buffer     sfnt.Buffer
	err        error // of the first text that could not be drawn
}

// FillString implements vg.Canvas.
func (c *outlineCanvas) FillString(face plotfont.Face, at vg.Point, text string) {
	var path vg.Path
	var previous sfnt.GlyphIndex
	for _, char := range text {
		glyph, err := face.Face.GlyphIndex(&c.buffer, char)
		if err == nil && glyph == 0 {
			err = fault.Inputf("%w for %q (U+%04X) in the label %q: use another character", ErrGlyph, char, char, text)
		}
		if err == nil {
			at.X += c.kerning(face, previous, glyph)
			path, err = c.appendGlyph(path, face, glyph, at)
		}
		if err != nil {
			c.fail(err)
			return
		}
		at.X += c.advance(face, glyph)
		previous = glyph
	}
	if len(path) > 0 {
		c.Canvas.Fill(path)
	}
}

// DrawImage implements vg.Canvas.
func (c *outlineCanvas) DrawImage(rect vg.Rectangle, img image.Image) {
	if c.flipImages {
		img = upsideDown{img}
	}
	c.Canvas.DrawImage(rect, img)
}

func (c *outlineCanvas) fail(err error) {
	if c.err == nil {
		c.err = err
	}
}

// unitsPerEm is the size at which glyphs are loaded: outlines come in the
// font's own grid, without rounding.
func unitsPerEm(face plotfont.Face) fixed.Int26_6 {
	return fixed.I(int(face.Face.UnitsPerEm()))
}

// scaled converts a length in the font's grid to the size of the face.
func scaled(face plotfont.Face, x fixed.Int26_6) vg.Length {
	return face.Font.Size * vg.Length(x) / vg.Length(unitsPerEm(face))
}

// kerning is zero where the font has none for the pair, as Face.Width counts.
func (c *outlineCanvas) kerning(face plotfont.Face, previous, glyph sfnt.GlyphIndex) vg.Length {
	kern, err := face.Face.Kern(&c.buffer, previous, glyph, unitsPerEm(face), font.HintingNone)
	if previous == 0 || err != nil {
		return 0
	}
	return scaled(face, kern)
}

func (c *outlineCanvas) advance(face plotfont.Face, glyph sfnt.GlyphIndex) vg.Length {
	advance, err := face.Face.GlyphAdvance(&c.buffer, glyph, unitsPerEm(face), font.HintingNone)
	if err != nil {
		c.fail(err)
	}
	return scaled(face, advance)
}

// appendGlyph adds the closed contours of a glyph whose origin is at.
func (c *outlineCanvas) appendGlyph(path vg.Path, face plotfont.Face, glyph sfnt.GlyphIndex, at vg.Point) (vg.Path, error) {
	segments, err := face.Face.LoadGlyph(&c.buffer, glyph, unitsPerEm(face), nil)
	if err != nil {
		return path, fmt.Errorf("loading a glyph: %w", err)
	}
	point := func(p fixed.Point26_6) vg.Point {
		return vg.Point{X: at.X + scaled(face, p.X), Y: at.Y - scaled(face, p.Y)}
	}
	for i, s := range segments {
		switch s.Op {
		case sfnt.SegmentOpMoveTo:
			if i > 0 {
				path.Close()
			}
			path.Move(point(s.Args[0]))
		case sfnt.SegmentOpLineTo:
			path.Line(point(s.Args[0]))
		case sfnt.SegmentOpQuadTo:
			path.QuadTo(point(s.Args[0]), point(s.Args[1]))
		case sfnt.SegmentOpCubeTo:
			path.CubeTo(point(s.Args[0]), point(s.Args[1]), point(s.Args[2]))
		}
	}
	if len(segments) > 0 {
		path.Close()
	}
	return path, nil
}

// upsideDown is an image with its rows in reverse order.
type upsideDown struct{ image.Image }

func (u upsideDown) At(x, y int) color.Color {
	bounds := u.Bounds()
	return u.Image.At(x, bounds.Min.Y+bounds.Max.Y-1-y)
}
