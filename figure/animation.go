package figure

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/gif"

	"gonum.org/v1/plot/vg/vgimg"
)

// Animation is a film of figures of one size, an animated GIF.
type Animation struct {
	frames []*Figure
	bars   []Bar
}

// Resolution and speed of an animation.
const (
	filmDotsPerInch = 144
	filmDelay       = 14  // hundredths of a second for a frame
	filmRest        = 100 // for the last one
)

// MostFrames is the number of frames of an animation, which is looked at and not
// studied.
const MostFrames = 200

// Film makes an animation of sheets of fields, such as a member beside the truth, one
// sheet a frame. The sheets must have the same shape. Bars without a limit get that of
// all frames. Errors are those of [Fields].
func Film(sheets []Sheet) (*Animation, error) {
	if len(sheets) == 0 {
		return nil, fmt.Errorf("figure: an animation without frames: %w", ErrEmpty)
	}
	if len(sheets) > MostFrames {
		return nil, fmt.Errorf("figure: an animation of %d frames: make at most %d", len(sheets), MostFrames)
	}
	a := &Animation{bars: commonBars(sheets)}
	for i, s := range sheets {
		s.Bars = a.bars
		f, err := Fields(s)
		if err != nil {
			return nil, fmt.Errorf("frame %d: %w", i, err)
		}
		if len(a.frames) > 0 && (f.width != a.frames[0].width || f.height != a.frames[0].height) {
			panic("figure: frames of an animation differ in size")
		}
		a.frames = append(a.frames, f)
	}
	return a, nil
}

// commonBars gives bars without a limit that of all frames.
func commonBars(sheets []Sheet) []Bar {
	bars := append([]Bar(nil), sheets[0].Bars...)
	for i := range bars {
		if bars[i].Limit > 0 {
			continue
		}
		var sizes []float64
		for _, s := range sheets {
			for _, r := range s.Rows {
				if r.Bar != i {
					continue
				}
				for _, t := range r.Tiles {
					sizes = t.sizes(sizes)
				}
			}
		}
		bars[i].Limit = limitOf(sizes)
	}
	return bars
}

// Save writes path.gif, making its folder if there is none; whole or not at all.
func (a *Animation) Save(path string) error {
	data, err := a.GIF()
	if err != nil {
		return fmt.Errorf("figure: drawing %s: %w", path, err)
	}
	return writeFile(path+".gif", data)
}

// GIF renders the animation. The error is ErrGlyph.
func (a *Animation) GIF() ([]byte, error) {
	colours := a.palette()
	quick := map[color.RGBA]uint8{}
	film := gif.GIF{}
	for i, f := range a.frames {
		canvas := vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(filmDotsPerInch))
		if err := f.render(&outlineCanvas{Canvas: canvas}); err != nil {
			return nil, err
		}
		film.Image = append(film.Image, reduced(canvas.Image(), colours, quick))
		film.Delay = append(film.Delay, filmDelay)
		if i == len(a.frames)-1 {
			film.Delay[i] = filmRest
		}
	}
	film.Config = image.Config{ColorModel: colours, Width: film.Image[0].Rect.Dx(), Height: film.Image[0].Rect.Dy()}
	var out bytes.Buffer
	if err := gif.EncodeAll(&out, &film); err != nil {
		return nil, errors.Join(errors.New("encoding the animation"), err)
	}
	return out.Bytes(), nil
}

// palette shares the 256 colours of a GIF: greys for text and lines, the rest for the
// maps of the bars, evenly.
func (a *Animation) palette() color.Palette {
	const greys = 24
	var list color.Palette
	for i := range greys {
		v := uint8(i * 255 / (greys - 1))
		list = append(list, color.RGBA{v, v, v, 255})
	}
	list = append(list, neutral)
	maps := map[*colourMap]bool{}
	for _, b := range a.bars {
		maps[b.colours()] = true
	}
	each := (256 - len(list)) / max(1, len(maps))
	for _, m := range []*colourMap{divergingColours(), sequentialColours()} {
		if maps[m] {
			for i := range min(each, shades) {
				list = append(list, m[i*shades/min(each, shades)])
			}
		}
	}
	return list
}

// reduced draws an image in the colours of a palette. quick remembers colours met.
func reduced(src image.Image, colours color.Palette, quick map[color.RGBA]uint8) *image.Paletted {
	whole, ok := src.(*image.RGBA)
	if !ok {
		whole = image.NewRGBA(src.Bounds())
		draw.Draw(whole, whole.Rect, src, src.Bounds().Min, draw.Src)
	}
	out := image.NewPaletted(whole.Rect, colours)
	for i := range out.Pix {
		c := color.RGBA{whole.Pix[4*i], whole.Pix[4*i+1], whole.Pix[4*i+2], 255}
		at, known := quick[c]
		if !known {
			at = uint8(colours.Index(c))
			quick[c] = at
		}
		out.Pix[i] = at
	}
	return out
}
