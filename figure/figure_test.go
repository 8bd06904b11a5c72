package figure_test

import (
	"bytes"
	"errors"
	"image"
	"image/color"
	"image/png"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"gonum.org/v1/plot/vg"

	"retrace/figure"
	"retrace/internal/fault"
)

func rendered(t *testing.T, f *figure.Figure) (pdf, png []byte) {
	t.Helper()
	pdf, err := f.PDF()
	if err != nil {
		t.Fatal(err)
	}
	if png, err = f.PNG(); err != nil {
		t.Fatal(err)
	}
	return pdf, png
}

func TestSaveWritesBothFormats(t *testing.T) {
	f, err := figure.Training(lossSample())
	if err != nil {
		t.Fatal(err)
	}
	directory := filepath.Join(t.TempDir(), "figures")
	if err := f.Save(filepath.Join(directory, "training")); err != nil {
		t.Fatal(err)
	}
	files, _ := os.ReadDir(directory)
	if len(files) != 2 {
		t.Errorf("%d files in the folder, not the PDF and the PNG only: %v", len(files), files)
	}
	pdf, _ := os.ReadFile(filepath.Join(directory, "training.pdf"))
	if !bytes.HasPrefix(pdf, []byte("%PDF-")) || !bytes.HasSuffix(bytes.TrimSpace(pdf), []byte("%%EOF")) {
		t.Error("the PDF is not whole")
	}
	data, _ := os.ReadFile(filepath.Join(directory, "training.png"))
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	width, height := f.Size()
	for _, side := range []struct {
		millimetres float64
		pixels      int
	}{{width, img.Bounds().Dx()}, {height, img.Bounds().Dy()}} {
		if want := side.millimetres / 25.4 * figure.DotsPerInch; math.Abs(want-float64(side.pixels)) > 1 {
			t.Errorf("%g mm are %d pixels, want %.1f", side.millimetres, side.pixels, want)
		}
	}
	// 200 dpi are 7874 = 0x1ec2 dots per metre.
	if !bytes.Contains(data, []byte("\x00\x00\x00\x09pHYs\x00\x00\x1e\xc2\x00\x00\x1e\xc2\x01")) {
		t.Error("the PNG does not state its resolution")
	}
}

func TestSaveReportsAFolderThatCannotBeMade(t *testing.T) {
	f, err := figure.Training(lossSample())
	if err != nil {
		t.Fatal(err)
	}
	blocked := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := f.Save(filepath.Join(blocked, "training")); err == nil || fault.IsInput(err) {
		t.Errorf("a folder that is a file gave %v", err)
	}
}

func TestSameDataGiveTheSameBytes(t *testing.T) {
	draw := func() *figure.Figure {
		f, err := figure.Ensemble(lorenzSample(32, "score", "particle"))
		if err != nil {
			t.Error(err)
		}
		return f
	}
	shared := draw()
	wantPDF, wantPNG := rendered(t, shared)
	var wait sync.WaitGroup
	for _, f := range []*figure.Figure{shared, shared, draw()} {
		wait.Go(func() {
			pdf, errPDF := f.PDF()
			png, errPNG := f.PNG()
			if err := errors.Join(errPDF, errPNG); err != nil {
				t.Error(err)
			}
			if !bytes.Equal(pdf, wantPDF) || !bytes.Equal(png, wantPNG) {
				t.Error("a second rendering differs")
			}
		})
	}
	wait.Wait()
	for _, word := range []string{"CreationDate", "ModDate"} {
		if bytes.Contains(wantPDF, []byte(word)) {
			t.Errorf("the PDF holds a %s", word)
		}
	}
}

func TestOtherDataGiveAnotherPicture(t *testing.T) {
	data := lorenzSample(32, "score")
	f, err := figure.Ensemble(data)
	if err != nil {
		t.Fatal(err)
	}
	_, before := rendered(t, f)
	for name, change := range map[string]func(*figure.Trajectories){
		"truth":       func(d *figure.Trajectories) { d.Columns[0].Truth[100] += 5 },
		"observation": func(d *figure.Trajectories) { d.Columns[0].Observations[3].Sd = 4 },
		"missing":     func(d *figure.Trajectories) { d.Columns[0].Observations[3].Value = math.NaN() },
		"member":      func(d *figure.Trajectories) { d.MemberLines = 2 },
		"letters":     func(d *figure.Trajectories) { d.Letters = true },
	} {
		data := lorenzSample(32, "score")
		change(&data)
		f, err := figure.Ensemble(data)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, after := rendered(t, f); bytes.Equal(before, after) {
			t.Errorf("a change of the %s is not seen", name)
		}
	}
}

func TestMissingGlyphIsAnError(t *testing.T) {
	for _, title := range []string{"𝒩(0, 1)", "a\tb", "濾過"} {
		f, err := figure.Ensemble(lorenzSample(8, title))
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "x")
		if err := f.Save(path); !errors.Is(err, figure.ErrGlyph) || !fault.IsInput(err) {
			t.Errorf("title %q gave %v", title, err)
		}
		if files, _ := filepath.Glob(path + "*"); files != nil {
			t.Errorf("title %q left %v", title, files)
		}
	}
	f, err := figure.Ensemble(lorenzSample(8, "∇q, s⁻¹, xₜ, σ ≤ µ"))
	if err != nil {
		t.Fatal(err)
	}
	rendered(t, f)
}

// rasterised draws a PDF with pdftoppm at the resolution of our PNGs.
func rasterised(t *testing.T, pdf []byte) image.Image {
	t.Helper()
	if _, err := exec.LookPath("pdftoppm"); err != nil {
		t.Skip("pdftoppm (poppler-utils) is not installed: the PDF is not compared with the PNG")
	}
	path := filepath.Join(t.TempDir(), "page")
	if err := os.WriteFile(path+".pdf", pdf, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("pdftoppm", "-r", "200", "-png", "-singlefile", path+".pdf", path).CombinedOutput(); err != nil {
		t.Fatalf("pdftoppm: %v: %s", err, out)
	}
	file, err := os.Open(path + ".png")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	img, err := png.Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// difference is the mean absolute difference of luminance, 0 to 1, of a and b,
// or of a and b turned upside down.
func difference(a, b image.Image, upsideDown bool) float64 {
	sum := 0.0
	width, height := min(a.Bounds().Dx(), b.Bounds().Dx()), min(a.Bounds().Dy(), b.Bounds().Dy())
	grey := func(img image.Image, x, y int) float64 {
		return float64(color.Gray16Model.Convert(img.At(x, y)).(color.Gray16).Y) / 65535
	}
	for y := range height {
		for x := range width {
			other := y
			if upsideDown {
				other = height - 1 - y
			}
			sum += math.Abs(grey(a, x, y) - grey(b, x, other))
		}
	}
	return sum / float64(width*height)
}

func TestPDFShowsWhatThePNGShows(t *testing.T) {
	scores, err := figure.ScorePlot(scoreSample())
	if err != nil {
		t.Fatal(err)
	}
	ensemble, err := figure.Ensemble(lorenzSample(32, "score"))
	if err != nil {
		t.Fatal(err)
	}
	// Contours leave images alone, so an image has a figure of its own: dark
	// above, light below, which the PDF back end by itself turns around.
	field := image.NewGray(image.Rect(0, 0, 8, 8))
	for y := range 8 {
		for x := range 8 {
			field.SetGray(x, y, color.Gray{Y: uint8(16*y + 2*x)})
		}
	}
	picture := figure.Picture(20, func(c vg.Canvas, page vg.Rectangle) { c.DrawImage(page, field) })
	for name, f := range map[string]*figure.Figure{"scores": scores, "ensemble": ensemble, "image": picture} {
		pdf, data := rendered(t, f)
		img, err := png.Decode(bytes.NewReader(data))
		if err != nil {
			t.Fatal(err)
		}
		page := rasterised(t, pdf)
		same, turned := difference(img, page, false), difference(img, page, true)
		t.Logf("%s: PNG and PDF differ by %.4f, turned by %.4f", name, same, turned)
		if same > 0.02 || turned < 3*same {
			t.Errorf("%s: PNG and PDF differ by %.4f, turned upside down by %.4f", name, same, turned)
		}
	}
}
