package figure_test

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/gif"
	"image/png"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"retrace/figure"
)

// eddies are smooth fields of ny x nx values that drift with time.
func eddies(ny, nx int, time, amplitude float64) []float32 {
	r := rand.New(rand.NewPCG(11, 12))
	values := make([]float32, ny*nx)
	for range 24 {
		kx, ky := float64(r.IntN(7)-3), float64(r.IntN(7)-3)
		phase := 2*math.Pi*r.Float64() + 0.4*kx*time
		a := amplitude * r.NormFloat64() / (1 + kx*kx + ky*ky)
		for i := range values {
			x, y := (float64(i%nx)+0.5)/float64(nx), (float64(i/nx)+0.5)/float64(ny)
			values[i] += float32(a * math.Cos(2*math.Pi*(kx*x+ky*y)+phase))
		}
	}
	return values
}

// scattered reads a field at random cells.
func scattered(field []float32, ny, nx, count int, length float64) []figure.Dot {
	r := rand.New(rand.NewPCG(13, uint64(count)))
	var dots []figure.Dot
	for range count {
		i := r.IntN(len(field))
		dots = append(dots, figure.Dot{
			X: (float64(i%nx) + 0.5) / float64(nx) * length, Y: (float64(i/nx) + 0.5) / float64(ny) * length,
			Value: float64(field[i]),
		})
	}
	return dots
}

// vorticitySheet is a sheet of a member of a quasi-geostrophic flow at some times.
func vorticitySheet(times int, observations func(truth []float32) figure.Tile) figure.Sheet {
	km := figure.Extent{Name: "x", Units: "km", High: 1000}
	s := figure.Sheet{
		Horizontal: km, Vertical: figure.Extent{Name: "y", Units: "km", High: 1000},
		Bars: []figure.Bar{{Label: "q1", Units: "s-1"}, {Label: "spread", Units: "s-1", Positive: true}},
	}
	rows := map[string]*figure.SheetRow{}
	titles := []string{"truth", "observations", "mean", "member 1", "member 2", "spread"}
	for _, title := range titles {
		rows[title] = &figure.SheetRow{Title: title}
	}
	rows["spread"].Bar = 1
	for k := range times {
		s.Columns = append(s.Columns, fmt.Sprintf("day %d", 4*k))
		truth := eddies(32, 32, float64(k), 8e-6)
		spread := make([]float32, len(truth))
		for i, v := range truth {
			spread[i] = float32(math.Abs(float64(v))) / 10
		}
		for _, title := range titles {
			tile := figure.Tile{Values: truth, Ny: 32, Nx: 32}
			switch title {
			case "spread":
				tile.Values = spread
			case "observations":
				tile = observations(truth)
			}
			rows[title].Tiles = append(rows[title].Tiles, tile)
		}
	}
	for _, title := range titles {
		s.Rows = append(s.Rows, *rows[title])
	}
	return s
}

func sheetSamples() map[string]figure.Sheet {
	blocks := func(truth []float32) figure.Tile {
		coarse := make([]float32, 64)
		for i := range coarse {
			coarse[i] = truth[i/8*4*32+i%8*4]
		}
		coarse[9] = float32(math.NaN())
		return figure.Tile{Values: coarse, Ny: 8, Nx: 8}
	}
	dots := func(n int) func([]float32) figure.Tile {
		return func(truth []float32) figure.Tile { return figure.Tile{Dots: scattered(truth, 32, 32, n, 1000)} }
	}
	other := vorticitySheet(4, func(truth []float32) figure.Tile {
		tile := dots(60)(truth)
		for i := range tile.Dots {
			tile.Dots[i].Value *= 1e9
		}
		return tile
	})
	other.Bars = append(other.Bars, figure.Bar{Label: "observed psi1", Units: "m2 s-1"})
	other.Rows[1].Bar = 2
	wide := figure.Sheet{
		Wide: true, Columns: []string{""},
		Horizontal: figure.Extent{Name: "time", Units: "1", High: 12.8},
		Vertical:   figure.Extent{Name: "x", Units: "1", High: 22},
		Bars:       []figure.Bar{{Label: "u", Units: "1"}, {Label: "spread of u", Units: "1", Positive: true}},
	}
	for i, title := range []string{"truth", "observations", "mean", "member 1", "spread"} {
		tile := figure.Tile{Values: eddies(64, 128, 0, 2), Ny: 64, Nx: 128}
		if i == 1 {
			tile = figure.Tile{Dots: []figure.Dot{{X: 3, Y: 4, Value: 1}, {X: 6, Y: 14, Value: -1}}}
		}
		wide.Rows = append(wide.Rows, figure.SheetRow{Title: title, Bar: i / 4, Tiles: []figure.Tile{tile}})
	}
	oblong := vorticitySheet(2, blocks)
	oblong.Vertical.High = 300
	return map[string]figure.Sheet{
		"fields_blocks": vorticitySheet(5, blocks), "fields_dots": vorticitySheet(5, dots(80)),
		"fields_many": vorticitySheet(3, dots(3000)), "fields_other": other,
		"fields_one_time": vorticitySheet(1, dots(80)), "fields_wide": wide, "fields_oblong": oblong,
	}
}

func spectraSamples() map[string]figure.Spectra {
	s := figure.Spectra{Units: "km-1", Resolved: 0.016}
	for _, name := range []string{"q1", "u1", "v1", "q2"} {
		p := figure.SpectraPanel{Title: name, Units: "s-2", RivalName: "interpolation"}
		s.Wavenumbers = nil
		for n := 1; n <= 32; n++ {
			k := float64(n)
			s.Wavenumbers = append(s.Wavenumbers, k/1000)
			power := 1e-10 * k * k / (1 + math.Pow(k/6, 5.5))
			p.Truth = append(p.Truth, power)
			p.Mean = append(p.Mean, power/(1+math.Pow(k/12, 3)))
			p.Rival = append(p.Rival, power/(1+math.Pow(k/8, 4)))
			p.Climatology = append(p.Climatology, power*1.2)
		}
		for m := range 8 {
			member := slices.Clone(p.Truth)
			for i := range member {
				member[i] *= 1 + 0.05*float64(m-4)*float64(i)/16
			}
			p.Members = append(p.Members, member)
		}
		s.Panels = append(s.Panels, p)
	}
	one := s
	one.Panels = s.Panels[:1]
	return map[string]figure.Spectra{"spectra4": s, "spectra1": one}
}

// lightness and the other two coordinates of CIELAB under D65.
func cielab(c color.Color) [3]float64 {
	r, g, b, _ := c.RGBA()
	linear := func(v uint32) float64 {
		if u := float64(v) / 65535; u > 0.04045 {
			return math.Pow((u+0.055)/1.055, 2.4)
		} else {
			return u / 12.92
		}
	}
	red, green, blue := linear(r), linear(g), linear(b)
	f := func(t float64) float64 {
		if t > 0.008856 {
			return math.Cbrt(t)
		}
		return 7.787*t + 16./116
	}
	x := f((0.4124564*red + 0.3575761*green + 0.1804375*blue) / 0.95047)
	y := f(0.2126729*red + 0.7151522*green + 0.0721750*blue)
	z := f((0.0193339*red + 0.1191920*green + 0.9503041*blue) / 1.08883)
	return [3]float64{116*y - 16, 500 * (x - y), 200 * (y - z)}
}

func TestColourMapsArePerceptuallyUniform(t *testing.T) {
	distance := func(a, b [3]float64) float64 {
		return math.Sqrt((a[0]-b[0])*(a[0]-b[0]) + (a[1]-b[1])*(a[1]-b[1]) + (a[2]-b[2])*(a[2]-b[2]))
	}
	for name, c := range map[string]struct {
		colours []color.NRGBA
		most    float64 // ratio of the largest step to the smallest
	}{"diverging": {figure.DivergingColours(), 1.15}, "sequential": {figure.SequentialColours(), 1.8}} {
		const steps = 16
		least, most := math.Inf(1), 0.
		var light []float64
		n := len(c.colours)
		for i := range steps + 1 {
			at := cielab(c.colours[i*(n-1)/steps])
			light = append(light, at[0])
			if i > 0 {
				d := distance(cielab(c.colours[(i-1)*(n-1)/steps]), at)
				least, most = min(least, d), max(most, d)
			}
		}
		t.Logf("%s: steps %.2f to %.2f in CIELAB, lightness %.0f", name, least, most, light)
		if most > c.most*least {
			t.Errorf("%s: steps of %.2f and of %.2f look unlike", name, least, most)
		}
		if name == "sequential" && !slices.IsSorted(light) {
			t.Errorf("lightness does not rise: %.0f", light)
		}
		if name == "diverging" && math.Abs(light[0]-light[steps]) > 1 {
			t.Errorf("the ends have lightness %.1f and %.1f", light[0], light[steps])
		}
	}
}

// picture renders a figure.
func picture(t *testing.T, f *figure.Figure) image.Image {
	t.Helper()
	data, err := f.PNG()
	if err != nil {
		t.Fatal(err)
	}
	img, err := png.Decode(bytes.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// count is the number of pixels of an image that are of a kind.
func count(img image.Image, is func(c color.NRGBA) bool) int {
	n := 0
	for y := img.Bounds().Min.Y; y < img.Bounds().Max.Y; y++ {
		for x := img.Bounds().Min.X; x < img.Bounds().Max.X; x++ {
			if is(color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA)) {
				n++
			}
		}
	}
	return n
}

func TestFieldsAreDrawnTheRightWayUp(t *testing.T) {
	values := make([]float32, 16)
	for i := range values {
		values[i] = -1 // blue
	}
	for i := 12; i < 16; i++ {
		values[i] = 1 // the northern row is red
	}
	f, err := figure.Fields(figure.Sheet{
		Horizontal: figure.Extent{Name: "x", High: 1}, Vertical: figure.Extent{Name: "y", High: 1},
		Columns: []string{"a", "b", "c"}, Bars: []figure.Bar{{Label: "q"}},
		Rows: []figure.SheetRow{{Title: "r", Tiles: slices.Repeat([]figure.Tile{{Values: values, Ny: 4, Nx: 4}}, 3)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	img := picture(t, f)
	red, blue := 0, 0
	for y := range img.Bounds().Dy() {
		switch c := color.NRGBAModel.Convert(img.At(img.Bounds().Dx()/2, y)).(color.NRGBA); {
		case c.R > 150 && c.B < 100:
			red++
			if blue > 0 {
				t.Fatal("red lies below blue")
			}
		case c.B > 150 && c.R < 100:
			blue++
		}
	}
	if red < 20 || math.Abs(float64(blue)/float64(red)-3) > 0.3 {
		t.Errorf("%d red and %d blue pixels, want 1 to 3", red, blue)
	}
}

func TestCellsWithoutAValueAreNeutral(t *testing.T) {
	nan := float32(math.NaN())
	sheet := figure.Sheet{
		Horizontal: figure.Extent{Name: "x", High: 1}, Vertical: figure.Extent{Name: "y", High: 1},
		Columns: []string{"a", "b", "c"}, Bars: []figure.Bar{{Label: "q"}},
		Rows: []figure.SheetRow{{Title: "r", Tiles: []figure.Tile{
			{Values: []float32{nan, nan, nan, 1}, Ny: 2, Nx: 2}, {}, {Values: []float32{0, 0, 0, 0}, Ny: 2, Nx: 2}}}},
	}
	f, err := figure.Fields(sheet)
	if err != nil {
		t.Fatal(err)
	}
	img := picture(t, f)
	grey := count(img, func(c color.NRGBA) bool { return c == color.NRGBA{R: 0xa8, G: 0xa8, B: 0xa8, A: 0xff} })
	zero := count(img, func(c color.NRGBA) bool { return c.R == c.G && c.R > 0xd8 && c.R < 0xe0 })
	// Three cells of four and a whole picture, against a whole picture.
	if ratio := float64(grey) / float64(zero); ratio < 1.65 || ratio > 1.85 {
		t.Errorf("%d pixels are grey and %d of zero, a ratio of %.2f, not 1.75", grey, zero, ratio)
	}
}

func TestOneQuantityHasOneBarWithItsOwnLimits(t *testing.T) {
	drawn := written(must(figure.Fields(sheetSamples()["fields_other"])))
	for _, want := range []string{"q1 (10⁻⁵\u00a0s⁻¹)", "spread (10⁻⁶\u00a0s⁻¹)"} {
		if n := strings.Count(strings.Join(drawn, "\n"), want); n != 1 {
			t.Errorf("%q is written %d times: %q", want, n, drawn)
		}
	}
}

func must(f *figure.Figure, err error) *figure.Figure {
	if err != nil {
		panic(err)
	}
	return f
}

func TestFieldsThatCannotBeDrawnAreErrors(t *testing.T) {
	sheet := func(change func(*figure.Sheet)) error {
		s := vorticitySheet(2, func([]float32) figure.Tile { return figure.Tile{} })
		change(&s)
		_, err := figure.Fields(s)
		return err
	}
	spectra := func(change func(*figure.Spectra)) error {
		s := spectraSamples()["spectra1"]
		s.Panels = slices.Clone(s.Panels)
		change(&s)
		_, err := figure.SpectraPlot(s)
		return err
	}
	_, noFilm := figure.Film(nil)
	for name, c := range map[string]struct {
		err  error
		kind error
		says string
	}{
		"no columns":        {sheet(func(s *figure.Sheet) { s.Columns = nil }), figure.ErrEmpty, "without pictures"},
		"too many rows":     {sheet(func(s *figure.Sheet) { s.Rows = slices.Repeat(s.Rows, 2) }), nil, "do not fit a page"},
		"infinite":          {sheet(func(s *figure.Sheet) { s.Rows[0].Tiles[1].Values[33] = float32(math.Inf(1)) }), figure.ErrNotFinite, "truth, day 4: row 1, column 1"},
		"infinite dot":      {sheet(func(s *figure.Sheet) { s.Rows[1].Tiles[0].Dots = []figure.Dot{{X: math.NaN()}} }), figure.ErrNotFinite, "observations, day 0: dot 0"},
		"empty axis":        {sheet(func(s *figure.Sheet) { s.Vertical.High = 0 }), figure.ErrNotFinite, `axis "y"`},
		"no members":        {spectra(func(s *figure.Spectra) { s.Panels[0].Members = nil }), figure.ErrEmpty, "q1 without members"},
		"NaN in a spectrum": {spectra(func(s *figure.Spectra) { s.Panels[0].Truth = slices.Repeat([]float64{math.NaN()}, 32) }), figure.ErrNotFinite, "q1"},
		"no spectra":        {spectra(func(s *figure.Spectra) { s.Panels = nil }), figure.ErrEmpty, "without panels"},
		"no frames":         {noFilm, figure.ErrEmpty, "without frames"},
	} {
		if c.err == nil || c.kind != nil && !errors.Is(c.err, c.kind) || !strings.Contains(c.err.Error(), c.says) {
			t.Errorf("%s gave %v, want %v naming %q", name, c.err, c.kind, c.says)
		}
	}
}

func film(t testing.TB) *figure.Animation {
	t.Helper()
	var sheets []figure.Sheet
	for k := range 4 {
		s := vorticitySheet(1, func([]float32) figure.Tile { return figure.Tile{} })
		field := figure.Tile{Values: eddies(32, 32, float64(k), 8e-6*float64(k+1)), Ny: 32, Nx: 32}
		s.Bars = s.Bars[:1]
		s.Columns = []string{"truth", "member 1"}
		s.Rows = []figure.SheetRow{{Title: fmt.Sprintf("day %d", k), Tiles: []figure.Tile{field, field}}}
		sheets = append(sheets, s)
	}
	a, err := figure.Film(sheets)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestFilmHasAFrameForEachSheetAndOneScale(t *testing.T) {
	a := film(t)
	data, err := a.GIF()
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := gif.DecodeAll(bytes.NewReader(data))
	if err != nil || len(decoded.Image) != 4 || decoded.LoopCount != 0 {
		t.Fatalf("%d frames, loops %d, error %v", len(decoded.Image), decoded.LoopCount, err)
	}
	// The amplitude grows fourfold: with one scale the first frame is pale.
	saturation := func(frame int) float64 {
		var sum float64
		img := decoded.Image[frame]
		for y := img.Rect.Min.Y; y < img.Rect.Max.Y; y += 3 {
			for x := img.Rect.Min.X; x < img.Rect.Max.X; x += 3 {
				r, _, b, _ := img.At(x, y).RGBA()
				sum += math.Abs(float64(r) - float64(b))
			}
		}
		return sum
	}
	if first, last := saturation(0), saturation(3); first > 0.7*last {
		t.Errorf("frames have scales of their own: %.3g and %.3g", first, last)
	}
	again, err := film(t).GIF()
	if err != nil || !bytes.Equal(data, again) {
		t.Error("the same data give other bytes")
	}
}
