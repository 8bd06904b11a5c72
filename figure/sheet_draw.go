package figure

import (
	"image"
	"image/color"
	"math"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// drawTile draws one picture into a panel whose axes are its extents.
func drawTile(p *panel, t Tile, b Bar) {
	p.FillPolygon(neutral, corners(p.Rectangle))
	if len(t.Values) > 0 {
		p.DrawImage(p.Rectangle, paint(t, b))
	}
	if len(t.Dots) > mostDots {
		p.DrawImage(p.Rectangle, paintDots(p, t.Dots, b))
		return
	}
	radius := dotRadius(len(t.Dots))
	for _, d := range t.Dots {
		at := p.point(d.X, d.Y)
		if !p.Contains(at) {
			continue
		}
		path := circle(at, radius)
		p.SetColor(b.colours()[shade(b.share(d.Value))])
		p.Fill(path)
		p.SetLineStyle(draw.LineStyle{Color: ink, Width: 0.2})
		p.Stroke(path)
	}
}

// mostDots is how many dots a picture has at most as vectors, which keeps a PDF
// small; more become an image.
const mostDots = 1200

// dotRadius shrinks as dots become many.
func dotRadius(dots int) vg.Length {
	return vg.Length(min(1.6, max(0.7, 16/math.Sqrt(float64(dots+1)))))
}

// finePixels is the least number of pixels along the longer side of an image: some
// viewers blur the cells of a coarser one.
const finePixels = 320

// paint makes the image of a picture, whole pixels for each cell.
func paint(t Tile, b Bar) image.Image {
	scale := max(1, (finePixels+max(t.Ny, t.Nx)-1)/max(t.Ny, t.Nx))
	img := image.NewPaletted(image.Rect(0, 0, t.Nx*scale, t.Ny*scale), b.palette())
	for y := range t.Ny {
		top := (t.Ny - 1 - y) * scale
		row := img.Pix[top*img.Stride:][:img.Stride]
		for x, v := range t.Values[y*t.Nx : (y+1)*t.Nx] {
			at := uint8(shades) // neutral
			if v == v {
				at = uint8(shade(b.share(float64(v))))
			}
			for k := range scale {
				row[x*scale+k] = at
			}
		}
		for k := 1; k < scale; k++ {
			copy(img.Pix[(top+k)*img.Stride:], row)
		}
	}
	return img
}

// palette is the colours of a bar, then neutral, then none.
func (b Bar) palette() color.Palette {
	list := make(color.Palette, 0, shades+2)
	for _, c := range b.colours() {
		list = append(list, c)
	}
	return append(list, neutral, color.NRGBA{})
}

// paintDots makes an image of dots on nothing.
func paintDots(p *panel, dots []Dot, b Bar) image.Image {
	size := p.Size()
	perPoint := 2 * finePixels / max(float64(size.X), float64(size.Y))
	img := image.NewPaletted(image.Rect(0, 0, int(float64(size.X)*perPoint), int(float64(size.Y)*perPoint)), b.palette())
	for i := range img.Pix {
		img.Pix[i] = shades + 1
	}
	radius := float64(dotRadius(len(dots))) * perPoint
	for _, d := range dots {
		cx, cy := p.x.at(d.X)*float64(img.Rect.Dx()), (1-p.y.at(d.Y))*float64(img.Rect.Dy())
		at := uint8(shade(b.share(d.Value)))
		for y := int(cy - radius); y <= int(cy+radius); y++ {
			for x := int(cx - radius); x <= int(cx+radius); x++ {
				inside := math.Hypot(float64(x)+0.5-cx, float64(y)+0.5-cy) <= radius
				if inside && (image.Point{X: x, Y: y}).In(img.Rect) {
					img.Pix[y*img.Stride+x] = at
				}
			}
		}
	}
	return img
}
