package figure

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"sync"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgimg"
	"gonum.org/v1/plot/vg/vgpdf"

	"retrace/internal/atomicfile"
)

// Print widths, in millimetres, that the figures are drawn for.
const (
	OneColumn  = 89.0
	TwoColumns = 183.0
)

// DotsPerInch is the resolution of a figure's PNG.
const DotsPerInch = 200

var (
	// ErrEmpty says that there is nothing to draw.
	ErrEmpty = errors.New("no data to draw")
	// ErrNotFinite says that a value to draw is NaN or infinite.
	ErrNotFinite = errors.New("value is not finite")
	// ErrGlyph says that the font has no glyph for a character of a label. Names
	// come from the user, so it is marked as wrong input.
	ErrGlyph = errors.New("the font has no glyph")
)

// Figure is a drawing of a fixed print size. It may be rendered any number of
// times, by several goroutines at once; it reads the data that it was made
// from, which must not be changed meanwhile.
type Figure struct {
	width, height vg.Length
	draw          func(draw.Canvas)
}

// Size returns the print size in millimetres.
func (f *Figure) Size() (width, height float64) {
	return float64(f.width / vg.Millimeter), float64(f.height / vg.Millimeter)
}

// Save writes path.pdf and path.png, making their folder if there is none.
// Each file appears whole or not at all.
func (f *Figure) Save(path string) error {
	var pdf, png []byte
	var errPDF, errPNG error
	var both sync.WaitGroup // a picture of fields takes a third of a second each
	both.Go(func() { pdf, errPDF = f.PDF() })
	both.Go(func() { png, errPNG = f.PNG() })
	both.Wait()
	if err := cmp.Or(errPDF, errPNG); err != nil {
		return fmt.Errorf("figure: drawing %s: %w", path, err)
	}
	return errors.Join(writeFile(path+".pdf", pdf), writeFile(path+".png", png))
}

// PNG renders the figure at DotsPerInch. The error is ErrGlyph.
func (f *Figure) PNG() ([]byte, error) {
	canvas := vgimg.NewWith(vgimg.UseWH(f.width, f.height), vgimg.UseDPI(DotsPerInch))
	if err := f.render(&outlineCanvas{Canvas: canvas}); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if _, err := (vgimg.PngCanvas{Canvas: canvas}).WriteTo(&out); err != nil {
		return nil, err
	}
	return withResolution(out.Bytes()), nil
}

// PDF renders the figure as vectors. The error is ErrGlyph.
func (f *Figure) PDF() ([]byte, error) {
	canvas := vgpdf.New(f.width, f.height)
	canvas.EmbedFonts(false)
	if err := f.render(&outlineCanvas{Canvas: canvas, flipImages: true}); err != nil {
		return nil, err
	}
	var out bytes.Buffer
	if _, err := canvas.WriteTo(&out); err != nil {
		return nil, err
	}
	return withoutDates(out.Bytes()), nil
}

func (f *Figure) render(canvas *outlineCanvas) error {
	area := draw.NewCanvas(canvas, f.width, f.height)
	area.FillPolygon(color.White, corners(area.Rectangle))
	f.draw(area)
	return canvas.err
}

var pdfDates = regexp.MustCompile(`/(CreationDate|ModDate) \([^)]*\)`)

// withoutDates blanks the dates of a PDF, which would make every rendering
// another file. The length stays, so the offsets of its cross references hold.
func withoutDates(pdf []byte) []byte {
	return pdfDates.ReplaceAllFunc(pdf, func(date []byte) []byte {
		return bytes.Repeat([]byte{' '}, len(date))
	})
}

// withResolution inserts the pHYs chunk, from which layout programs take the
// print size of an image, after the header that image/png wrote.
func withResolution(png []byte) []byte {
	const headerEnd = 8 + 25 // signature, IHDR chunk
	perMetre := uint32(math.Round(DotsPerInch / 0.0254))
	chunk := binary.BigEndian.AppendUint32(nil, 9)
	chunk = append(chunk, "pHYs"...)
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = binary.BigEndian.AppendUint32(chunk, perMetre)
	chunk = append(chunk, 1) // the unit is the metre
	chunk = binary.BigEndian.AppendUint32(chunk, crc32.ChecksumIEEE(chunk[4:]))
	return bytes.Join([][]byte{png[:headerEnd], chunk, png[headerEnd:]}, nil)
}

// writeFile writes a file, making its folder, so that a reader never meets
// half of it.
func writeFile(path string, data []byte) error {
	err := os.MkdirAll(filepath.Dir(path), 0o777)
	if err == nil {
		err = atomicfile.Write(path, data)
	}
	if err != nil {
		return fmt.Errorf("figure: writing %s: %w", path, err)
	}
	return nil
}
