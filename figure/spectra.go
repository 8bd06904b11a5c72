package figure

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// MaxSpectra is the number of panels of a figure of spectra that fit a page.
const MaxSpectra = 12

// Spectra is what a figure of spectra shows.
type Spectra struct {
	// Wavenumbers, increasing and above 0, are those of all curves.
	Wavenumbers []float64
	Units       string // UDUNITS, of the wavenumbers, such as "km-1"
	Resolved    float64
	Panels      []SpectraPanel
}

// SpectraPanel shows the spectra of one field: variance at each wavenumber. Curves
// that are nil are left out.
type SpectraPanel struct {
	Title, Units                    string // of the variance
	Truth, Mean, Climatology, Rival []float64
	Members                         [][]float64 // at least one
	RivalName                       string      // in the legend; of the first panel counts
}

// SpectraPlot draws spectra on logarithmic axes: of the truth, of the ensemble mean,
// of climatology and of a rival method, and the central 90 % of those of members. A
// posterior sample has as much variance at each scale as the truth; the mean has less
// where little is known. Resolved marks the end of what a grid resolves well; 0 marks
// nothing.
//
// Errors are ErrEmpty and ErrNotFinite. Curves of another length than Wavenumbers
// panic. Powers of 0 are not drawn.
func SpectraPlot(s Spectra) (*Figure, error) {
	if len(s.Panels) == 0 || len(s.Wavenumbers) == 0 {
		return nil, fmt.Errorf("figure: spectra without panels or wavenumbers: %w", ErrEmpty)
	}
	if len(s.Panels) > MaxSpectra {
		return nil, fmt.Errorf("figure: %d panels of spectra do not fit a page: draw at most %d", len(s.Panels), MaxSpectra)
	}
	for _, p := range s.Panels {
		if len(p.Members) == 0 {
			return nil, fmt.Errorf("figure: spectrum of %s without members: %w", p.Title, ErrEmpty)
		}
		for _, curve := range p.curves() {
			if len(curve) != len(s.Wavenumbers) {
				panic("figure: a spectrum and its wavenumbers differ in number")
			}
			if i := slices.IndexFunc(curve, func(v float64) bool { return !finite(v) || v < 0 }); i >= 0 {
				return nil, fmt.Errorf("figure: spectrum of %s, wavenumber %v: %w", p.Title, s.Wavenumbers[i], ErrNotFinite)
			}
		}
	}
	return (&spectraLayout{Spectra: s}).figure(), nil
}

// curves lists all curves of a panel.
func (p SpectraPanel) curves() [][]float64 {
	list := slices.Clone(p.Members)
	for _, c := range [][]float64{p.Truth, p.Mean, p.Climatology, p.Rival} {
		if c != nil {
			list = append(list, c)
		}
	}
	return list
}

// band is the central 90 % of the members at each wavenumber.
func (p SpectraPanel) band() [2][]float64 {
	var bounds [2][]float64
	values := make([]float64, len(p.Members))
	for i := range p.Members[0] {
		for m, curve := range p.Members {
			values[m] = curve[i]
		}
		slices.Sort(values)
		bounds[0] = append(bounds[0], Quantile(values, 0.05))
		bounds[1] = append(bounds[1], Quantile(values, 0.95))
	}
	return bounds
}

// spectraLayout places the panels.
type spectraLayout struct{ Spectra }

// Styles: in grey print the truth is solid and dark, the others differ in dashes.
var (
	spectrumTruth   = draw.LineStyle{Color: black, Width: 1}
	spectrumMean    = draw.LineStyle{Color: blue, Width: 0.9, Dashes: []vg.Length{4, 1.5}}
	spectrumClimate = draw.LineStyle{Color: orange, Width: 0.9, Dashes: []vg.Length{1, 1.2}}
	spectrumRival   = draw.LineStyle{Color: green, Width: 0.9, Dashes: []vg.Length{4, 1.2, 1, 1.2}}
	resolvedLine    = draw.LineStyle{Color: grey, Width: 0.5, Dashes: []vg.Length{2, 2}}
)

const spectrumHeight = 34 * vg.Millimeter

func (l *spectraLayout) figure() *Figure {
	columns := min(3, len(l.Panels))
	width := TwoColumns * vg.Millimeter
	if columns == 1 {
		width = OneColumn * vg.Millimeter
	}
	rows := (len(l.Panels) + columns - 1) / columns
	axes := make([]axis, len(l.Panels))
	for i, p := range l.Panels {
		axes[i] = newAxis(p.span(), true).alongY(spectrumHeight)
	}
	room := beside(axes...) + lineHeight*labelText + gap
	left := margin + room
	legend := newLegend(l.legend(), width-left-margin)
	top := margin + legend.height() + gap + lineHeight*labelText
	between := tickRoom + 2*lineHeight*labelText
	each := (width - left - rightRoom - vg.Length(columns-1)*room) / vg.Length(columns)
	height := top + vg.Length(rows)*spectrumHeight + vg.Length(rows-1)*between + below + margin
	x := l.wavenumberAxis(each)
	return &Figure{width: width, height: height, draw: func(c draw.Canvas) {
		legend.draw(c, vg.Point{X: left, Y: c.Max.Y - margin})
		for i := range l.Panels {
			at := vg.Point{
				X: left + vg.Length(i%columns)*(each+room),
				Y: c.Max.Y - top - vg.Length(i/columns)*(spectrumHeight+between) - spectrumHeight,
			}
			area := vg.Rectangle{Min: at, Max: at.Add(vg.Point{X: each, Y: spectrumHeight})}
			p := &panel{Canvas: draw.Canvas{Canvas: c.Canvas, Rectangle: area}, x: x, y: axes[i]}
			l.panel(p, i)
			if i+columns >= len(l.Panels) {
				p.labelX(withUnits("wavenumber", l.Units), 2*room)
			}
		}
	}}
}

// wavenumberAxis is the axis of all panels.
func (l *spectraLayout) wavenumberAxis(length vg.Length) axis {
	return newAxis(emptySpan().with(l.Wavenumbers...), true).alongX(length, rightRoom)
}

// span is the range of what is drawn of a panel. The far tail of a truth that a
// filter has emptied would squeeze everything else, so 8 decades are shown at most.
func (p SpectraPanel) span() span {
	s := emptySpan()
	for _, curve := range p.curves() {
		for _, v := range curve {
			if v > 0 {
				s = s.with(v)
			}
		}
	}
	if s.empty() {
		return span{0.1, 1}
	}
	return span{max(s.min, 1e-8*s.max), s.max}
}

func (l *spectraLayout) panel(p *panel, i int) {
	data := l.Panels[i]
	if l.Resolved > p.x.min && l.Resolved < p.x.max {
		x := p.X(p.x.at(l.Resolved))
		p.StrokeLine2(resolvedLine, x, p.Min.Y, x, p.Max.Y)
	}
	bounds := data.band()
	p.band(tint(skyBlue, 0.6), l.Wavenumbers, [2][]float64{p.clamped(bounds[0]), p.clamped(bounds[1])})
	p.curve(spectrumClimate, l.Wavenumbers, data.Climatology)
	p.curve(spectrumRival, l.Wavenumbers, data.Rival)
	p.curve(spectrumMean, l.Wavenumbers, data.Mean)
	p.curve(spectrumTruth, l.Wavenumbers, data.Truth)
	p.drawX(true)
	p.drawY(true)
	p.labelY(titleLines("variance", data.Units, spectrumHeight+20), beside(p.y))
	titleStyle.draw(p.Canvas, vg.Point{X: p.Center().X, Y: p.Max.Y + gap}, titleStyle.fit(data.Title, p.Max.X-p.Min.X))
}

// clamped raises values to the lower end of a logarithmic axis.
func (p *panel) clamped(values []float64) []float64 {
	out := make([]float64, len(values))
	for i, v := range values {
		out[i] = math.Max(v, p.y.min)
	}
	return out
}

// curve draws the positive stretches of a curve.
func (p *panel) curve(style draw.LineStyle, xs, ys []float64) {
	for first := 0; first < len(ys); first++ {
		last := first
		for last < len(ys) && ys[last] > 0 {
			last++
		}
		if last > first {
			p.line(style, xs[first:last], ys[first:last])
		}
		first = max(first, last-1)
	}
}

// legend lists what any panel shows.
func (l *spectraLayout) legend() []entry {
	has := func(of func(p SpectraPanel) []float64) bool {
		return slices.ContainsFunc(l.Panels, func(p SpectraPanel) bool { return of(p) != nil })
	}
	var entries []entry
	if has(func(p SpectraPanel) []float64 { return p.Truth }) {
		entries = append(entries, entry{"truth", lineKey(spectrumTruth)})
	}
	entries = append(entries, entry{"members, central 90 %", boxKey(tint(skyBlue, 0.6))})
	if has(func(p SpectraPanel) []float64 { return p.Mean }) {
		entries = append(entries, entry{"ensemble mean", lineKey(spectrumMean)})
	}
	if has(func(p SpectraPanel) []float64 { return p.Rival }) {
		entries = append(entries, entry{l.Panels[0].RivalName, lineKey(spectrumRival)})
	}
	if has(func(p SpectraPanel) []float64 { return p.Climatology }) {
		entries = append(entries, entry{"climatology", lineKey(spectrumClimate)})
	}
	if l.Resolved > 0 {
		entries = append(entries, entry{"half the Nyquist wavenumber", lineKey(resolvedLine)})
	}
	return entries
}
