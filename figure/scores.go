package figure

import (
	"fmt"
	"image/color"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ScorePlot draws a panel a metric and a row a method, grouped by scenario: a
// small point a case, a bar from quartile to quartile and a marker at the
// median, beside the floor (its median dashed, its quartiles shaded) and the
// target, where the metric has them. An axis whose values span more than a
// factor of 10 is logarithmic. Metrics without a score are left out.
//
// Errors are ErrEmpty if no metric has a score, and ErrNotFinite.
func ScorePlot(scores []Score, metrics []Metric) (*Figure, error) {
	shown := slices.DeleteFunc(slices.Clone(metrics), func(m Metric) bool {
		return !slices.ContainsFunc(scores, func(s Score) bool { return s.Metric == m.Name })
	})
	if len(shown) == 0 {
		return nil, fmt.Errorf("figure: no scores of the metrics to plot: %w", ErrEmpty)
	}
	for _, s := range scores {
		relevant := slices.ContainsFunc(shown, func(m Metric) bool { return s.Metric == m.Name || s.Metric == m.Floor })
		if relevant && !finite(s.Value) {
			return nil, fmt.Errorf("figure: %s of method %q, scenario %q, case %d: %w",
				s.Metric, s.Method, s.Scenario, s.Case, ErrNotFinite)
		}
	}
	for _, m := range shown {
		if m.Target != nil && !finite(*m.Target) {
			return nil, fmt.Errorf("figure: target of %s: %w", m.Name, ErrNotFinite)
		}
	}
	s := &scoreLayout{results: newResults(scores, shown), metrics: shown}
	return s.figure(), nil
}

// scoreLayout places panels in blocks below each other; a block has the rows of
// all methods on its left.
type scoreLayout struct {
	results
	metrics []Metric
}

const (
	panelsABlock            = 4
	methodRow     vg.Length = 11
	scenarioRow   vg.Length = 13
	panelGap      vg.Length = 10
	blockGap      vg.Length = 12
	widestLabel             = 38 * vg.Millimeter
	labelIndent   vg.Length = 4
	caseRadius    vg.Length = 0.9
	medianRadius  vg.Length = 2.2
	caseSpread              = 0.55 // share of a row that the points of cases fill
	interquartile vg.Length = 1.8  // width of the bar
)

var (
	floorLine  = draw.LineStyle{Color: black, Width: 0.8, Dashes: []vg.Length{2, 1.2}}
	floorShade = color.NRGBA{R: 0xe4, G: 0xe4, B: 0xe4, A: 0xff}
	targetLine = draw.LineStyle{Color: black, Width: 0.6}
	guideLine  = draw.LineStyle{Color: rule, Width: 0.4}

	headingStyle = textStyle{size: smallText, bold: true, y: atCentre}
	rowStyle     = textStyle{size: smallText, y: atCentre}
	metricStyle  = textStyle{size: labelText, x: atCentre, y: atEnd}
	hintStyle    = textStyle{size: smallText, x: atCentre, y: atEnd, colour: grey}
)

func (s *scoreLayout) figure() *Figure {
	blocks := (len(s.metrics) + panelsABlock - 1) / panelsABlock
	columns := (len(s.metrics) + blocks - 1) / blocks
	width := TwoColumns * vg.Millimeter
	if len(s.metrics) == 1 {
		width = OneColumn * vg.Millimeter
	}
	left := margin + s.labelWidth() + 2*gap
	legend := newLegend(s.legend(), width-left-margin)
	top := margin + legend.height() + 2*gap
	right := rightRoom + 3
	below := s.below((width - left - right - vg.Length(columns-1)*panelGap) / vg.Length(columns))
	block := s.rowsHeight() + below
	height := top + vg.Length(blocks)*(block+blockGap) - blockGap + margin
	return &Figure{width: width, height: height, draw: func(c draw.Canvas) {
		legend.draw(c, vg.Point{X: left, Y: c.Max.Y - margin})
		tiles := draw.Tiles{
			Cols: columns, Rows: blocks, PadX: panelGap, PadY: blockGap + below,
			PadLeft: left, PadRight: right, PadTop: top, PadBottom: below + margin,
		}
		for i, m := range s.metrics {
			area := tiles.At(c, i%columns, i/columns)
			if i%columns == 0 {
				s.drawLabels(area)
			}
			s.drawPanel(area, m)
		}
	}}
}

func (s *scoreLayout) labelWidth() vg.Length {
	widest := vg.Length(0)
	for _, scenario := range s.scenarios {
		widest = max(widest, headingStyle.width(scenario))
		for _, method := range s.methods[scenario] {
			widest = max(widest, labelIndent+rowStyle.width(method))
		}
	}
	return min(widest, widestLabel)
}

func (s *scoreLayout) rowsHeight() vg.Length {
	height := vg.Length(0)
	for _, scenario := range s.scenarios {
		height += scenarioRow + vg.Length(len(s.methods[scenario]))*methodRow
	}
	return height
}

// group is the vertical extent of a scenario's rows in an area.
type group struct {
	scenario string
	top      vg.Length // of its heading
}

func (s *scoreLayout) groups(area draw.Canvas) []group {
	var groups []group
	top := area.Max.Y
	for _, scenario := range s.scenarios {
		groups = append(groups, group{scenario, top})
		top -= scenarioRow + vg.Length(len(s.methods[scenario]))*methodRow
	}
	return groups
}

// row is the middle of the i-th method of a group.
func (g group) row(i int) vg.Length {
	return g.top - scenarioRow - (vg.Length(i)+0.5)*methodRow
}

func (s *scoreLayout) drawLabels(area draw.Canvas) {
	for _, g := range s.groups(area) {
		at := vg.Point{X: margin, Y: g.top - scenarioRow/2}
		headingStyle.draw(area, at, headingStyle.fit(g.scenario, widestLabel))
		for i, method := range s.methods[g.scenario] {
			at := vg.Point{X: margin + labelIndent, Y: g.row(i)}
			rowStyle.draw(area, at, rowStyle.fit(method, widestLabel-labelIndent))
		}
	}
}

// xAxis covers all scores, floors and the target of a metric.
func (s *scoreLayout) xAxis(m Metric, length vg.Length) axis {
	values := emptySpan()
	for _, scenario := range s.scenarios {
		values = values.with(s.floor(scenario, m)...)
		for _, method := range s.methods[scenario] {
			values = values.with(s.values[resultKey{scenario, method, m.Name}]...)
		}
	}
	if m.Target != nil {
		values = values.with(*m.Target)
	}
	logarithmic := values.min > 0 && values.max/values.min > 10
	return newAxis(values, logarithmic).alongX(length, panelGap/2-1)
}

func (s *scoreLayout) drawPanel(area draw.Canvas, m Metric) {
	p := &panel{Canvas: area, x: s.xAxis(m, area.Max.X-area.Min.X), y: axis{max: 1}}
	for _, g := range s.groups(area) {
		s.drawFloor(p, g, m)
		for i := range s.methods[g.scenario] {
			p.StrokeLine2(guideLine, p.Min.X, g.row(i), p.Max.X, g.row(i))
		}
	}
	if m.Target != nil {
		x := p.X(p.x.at(*m.Target))
		p.StrokeLine2(targetLine, x, p.Min.Y, x, p.Max.Y)
	}
	for _, g := range s.groups(area) {
		for i, method := range s.methods[g.scenario] {
			p.drawCases(s.values[resultKey{g.scenario, method, m.Name}], g.row(i), s.style(method))
		}
	}
	p.drawX(true)
	s.drawPanelLabel(p, m)
}

// drawFloor shades the quartiles of the floor across the rows of a scenario.
func (s *scoreLayout) drawFloor(p *panel, g group, m Metric) {
	floor := s.floor(g.scenario, m)
	if len(floor) == 0 {
		return
	}
	lower, median, upper := quartiles(floor)
	top, bottom := g.top-scenarioRow, g.row(len(s.methods[g.scenario])-1)-methodRow/2
	p.FillPolygon(floorShade, corners(vg.Rectangle{
		Min: vg.Point{X: p.X(p.x.at(lower)), Y: bottom},
		Max: vg.Point{X: p.X(p.x.at(upper)), Y: top},
	}))
	x := p.X(p.x.at(median))
	p.StrokeLine2(floorLine, x, bottom, x, top)
}

// drawCases draws the cases of one method on a row, spread over its height so
// that equal scores stay apart.
func (p *panel) drawCases(values []float64, y vg.Length, style marker) {
	if len(values) == 0 {
		return
	}
	light := marker{colour: tint(style.colour, 0.55)}
	for i, v := range values {
		offset := vg.Length(caseSpread*(radicalInverse(i)-0.5)) * methodRow
		light.dot(p.Canvas, vg.Point{X: p.X(p.x.at(v)), Y: y + offset}, caseRadius)
	}
	lower, median, upper := quartiles(values)
	bar := draw.LineStyle{Color: style.colour, Width: interquartile}
	p.StrokeLine2(bar, p.X(p.x.at(lower)), y, p.X(p.x.at(upper)), y)
	style.draw(p.Canvas, vg.Point{X: p.X(p.x.at(median)), Y: y}, medianRadius)
}

// radicalInverse is the van der Corput sequence of base 2 shifted to start at
// 1/2, so that a single case lies on its row.
func radicalInverse(i int) float64 {
	value, digit := 0.0, 0.5
	for n := uint(i) + 1; n > 0; n >>= 1 {
		value += digit * float64(n&1)
		digit /= 2
	}
	return value
}

func (s *scoreLayout) style(method string) marker {
	return series[slices.Index(s.allMethods(), method)%len(series)]
}

// drawPanelLabel writes the metric and, under it, which values are good.
func (s *scoreLayout) drawPanelLabel(p *panel, m Metric) {
	at := vg.Point{X: p.Center().X, Y: p.Min.Y - tickRoom}
	for _, line := range s.labelLines(m, p.Max.X-p.Min.X) {
		metricStyle.draw(p.Canvas, at, line)
		at.Y -= lineHeight * labelText
	}
	hintStyle.draw(p.Canvas, at, m.hint())
}

func (s *scoreLayout) labelLines(m Metric, panelWidth vg.Length) []string {
	return metricStyle.wrap(m.label(), panelWidth+panelGap/2)
}

// below is the room under a panel for its tick labels, the longest label of a
// metric and the hint.
func (s *scoreLayout) below(panelWidth vg.Length) vg.Length {
	lines := 0
	for _, m := range s.metrics {
		lines = max(lines, len(s.labelLines(m, panelWidth)))
	}
	return tickRoom + vg.Length(lines)*lineHeight*labelText + smallText
}

func (s *scoreLayout) legend() []entry {
	median := marker{colour: ink}
	entries := []entry{
		{"case", func(c draw.Canvas) { marker{colour: tint(ink, 0.55)}.dot(c, c.Center(), caseRadius) }},
		{"median and interquartile range", func(c draw.Canvas) {
			lineKey(draw.LineStyle{Color: ink, Width: interquartile})(c)
			median.draw(c, c.Center(), medianRadius)
		}},
	}
	if slices.ContainsFunc(s.metrics, s.hasFloor) {
		entries = append(entries, entry{"floor, median and interquartile range", func(c draw.Canvas) {
			boxKey(floorShade)(c)
			c.StrokeLine2(floorLine, c.Center().X, c.Min.Y, c.Center().X, c.Max.Y)
		}})
	}
	if slices.ContainsFunc(s.metrics, func(m Metric) bool { return m.Target != nil }) {
		entries = append(entries, entry{"ideal", func(c draw.Canvas) {
			c.StrokeLine2(targetLine, c.Center().X, c.Min.Y, c.Center().X, c.Max.Y)
		}})
	}
	return entries
}

func (s *scoreLayout) hasFloor(m Metric) bool {
	return slices.ContainsFunc(s.scenarios, func(scenario string) bool { return len(s.floor(scenario, m)) > 0 })
}
