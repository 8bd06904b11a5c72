package figure

import (
	"fmt"
	"slices"
	"strings"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ensembleLayout places the panels of an ensemble figure.
type ensembleLayout struct {
	Trajectories
	rows   []int     // the components drawn
	bands  [][]bands // by column and row
	beside vg.Length // room of the labels of the y axes
}

const (
	rowGap    vg.Length = 7
	letterGap vg.Length = 13 // between rows of lettered panels
	columnGap vg.Length = 9
	// rightRoom holds the half of the last tick label that may stand out.
	rightRoom = margin + 5
)

func (e *ensembleLayout) width() vg.Length {
	if len(e.Columns) == 1 {
		return OneColumn * vg.Millimeter
	}
	return TwoColumns * vg.Millimeter
}

// rowHeight shrinks as rows are added, so that six fit above each other.
func (e *ensembleLayout) rowHeight() vg.Length {
	if len(e.rows) <= 3 {
		return 26 * vg.Millimeter
	}
	return 20 * vg.Millimeter
}

// figure lays everything out from the top down: legend, column titles, rows,
// the time axis and the notes.
func (e *ensembleLayout) figure() *Figure {
	width, rowHeight := e.width(), e.rowHeight()
	yAxes, cut := e.yAxes(rowHeight)
	e.beside = beside(yAxes...)
	left := margin + vg.Length(e.rowTitleLines())*lineHeight*labelText + e.beside
	notes := e.notes(cut, width-left-margin)
	legend := newLegend(e.legend(), width-left-margin)

	columns := vg.Length(len(e.Columns))
	columnWidth := (width - left - rightRoom - (columns-1)*columnGap) / columns
	top := margin + legend.height() + gap + e.titleRoom(columnWidth)
	bottom := below + margin + vg.Length(len(notes))*lineHeight*smallText
	between := rowGap
	if e.Letters {
		between = letterGap
	}
	height := top + vg.Length(len(e.rows))*(rowHeight+between) - between + bottom
	return &Figure{width: width, height: height, draw: func(c draw.Canvas) {
		legend.draw(c, vg.Point{X: left, Y: c.Max.Y - margin})
		tiles := draw.Tiles{
			Cols: len(e.Columns), Rows: len(e.rows),
			PadLeft: left, PadRight: rightRoom, PadTop: top, PadBottom: bottom,
			PadX: columnGap, PadY: between,
		}
		xAxis := e.timeAxis(columnWidth)
		for i := range e.Columns {
			for j := range e.rows {
				e.panel(&panel{Canvas: tiles.At(c, i, j), x: xAxis, y: yAxes[j]}, i, j)
			}
		}
		last := &panel{Canvas: tiles.At(c, 0, len(e.rows)-1)}
		last.Max.X = c.Max.X - rightRoom
		last.labelX(withUnits("time", e.TimeUnits), 0)
		style := textStyle{size: smallText, colour: grey}
		for i, note := range notes {
			y := c.Min.Y + margin + vg.Length(len(notes)-1-i)*lineHeight*smallText
			style.draw(c, vg.Point{X: left, Y: y}, note)
		}
	}}
}

// titleRoom is the height of the column titles, if there are any.
func (e *ensembleLayout) titleRoom(columnWidth vg.Length) vg.Length {
	lines := 0
	if e.Letters {
		lines = 1
	}
	for _, column := range e.Columns {
		if column.Title != "" {
			lines = max(lines, len(titleStyle.wrapTwo(column.Title, titleWidth(columnWidth))))
		}
	}
	return gap + vg.Length(lines)*lineHeight*labelText
}

var titleStyle = textStyle{size: labelText, x: atCentre}

// titleWidth leaves the corner of a panel to its letter.
func titleWidth(columnWidth vg.Length) vg.Length { return columnWidth - 2*labelText }

func (e *ensembleLayout) drawTitle(p *panel, title string) {
	lines := titleStyle.wrapTwo(title, titleWidth(p.Max.X-p.Min.X))
	for i, line := range lines {
		y := p.Max.Y + 2*gap + vg.Length(len(lines)-1-i)*lineHeight*labelText
		titleStyle.draw(p.Canvas, vg.Point{X: p.Center().X, Y: y}, line)
	}
}

func (e *ensembleLayout) rowTitle(j int) []string {
	component := e.Components[e.rows[j]]
	return titleLines(component.Name, component.Units, e.rowHeight())
}

// rowTitleLines is 1, or 2 if a row needs them.
func (e *ensembleLayout) rowTitleLines() int {
	lines := 1
	for j := range e.rows {
		lines = max(lines, len(e.rowTitle(j)))
	}
	return lines
}

// panel draws column i of row j.
func (e *ensembleLayout) panel(p *panel, i, j int) {
	p.drawBands(e.Times, e.bands[i][j])
	p.drawX(j == len(e.rows)-1)
	p.drawY(i == 0)
	if i == 0 {
		p.labelY(e.rowTitle(j), e.beside)
	}
	if j == 0 {
		e.drawTitle(p, e.Columns[i].Title)
	}
	if e.Letters {
		style := textStyle{size: labelText, bold: true}
		style.draw(p.Canvas, vg.Point{X: p.Min.X, Y: p.Max.Y + gap}, panelLetter(j*len(e.Columns)+i))
	}
}

// panelLetter counts a to z; a figure has at most MaxColumns*MaxRows = 24.
func panelLetter(i int) string { return string(rune('a' + i)) }

func (e *ensembleLayout) timeAxis(length vg.Length) axis {
	times := emptySpan().with(e.Times...)
	for _, column := range e.Columns {
		for _, o := range column.Observations {
			times = times.with(o.Time)
		}
	}
	overhang := columnGap/2 - 1
	if len(e.Columns) == 1 {
		overhang = rightRoom
	}
	return newAxis(times, false).alongX(length, overhang)
}

// yAxes returns an axis a row, and whether any band was cut by it.
func (e *ensembleLayout) yAxes(height vg.Length) (axes []axis, cut bool) {
	for j := range e.rows {
		reference, all := emptySpan(), emptySpan()
		for i := range e.Columns {
			b := e.bands[i][j]
			reference, all = reference.union(b.reference()), all.union(b.all())
		}
		limited := all.near(reference)
		cut = cut || limited != all
		axes = append(axes, newAxis(limited, false).alongY(height))
	}
	return axes, cut
}

// near cuts a range to within the extent of a reference beyond its ends, if
// there is a reference.
func (s span) near(reference span) span {
	reach := reference.max - reference.min
	if reference.empty() || reach == 0 {
		return s
	}
	return span{max(s.min, reference.min-reach), min(s.max, reference.max+reach)}
}

// notes say what the figure leaves out.
func (e *ensembleLayout) notes(cut bool, width vg.Length) []string {
	var notes []string
	if len(e.rows) < len(e.Components) {
		notes = append(notes, fmt.Sprintf("%d of %d components are shown.", len(e.rows), len(e.Components)))
	}
	if cut {
		notes = append(notes, "Curves that leave the range of truth and data by far are cut.")
	}
	if len(notes) == 0 {
		return nil
	}
	return textStyle{size: smallText}.wrap(strings.Join(notes, " "), width)
}

// legend lists what at least one panel shows.
func (e *ensembleLayout) legend() []entry {
	var truth, data, lines bool
	for _, column := range e.bands {
		for _, b := range column {
			truth = truth || b.truth != nil
			data = data || len(b.observations) > 0
			lines = lines || len(b.lines) > 0
		}
	}
	entries := []entry{
		{"median", lineKey(medianLine)},
		{"central 50 %", boxKey(narrowBand)},
		{"central 90 %", boxKey(wideBand)},
	}
	if truth {
		entries = slices.Insert(entries, 0, entry{"truth", lineKey(truthLine)})
	}
	if lines {
		entries = append(entries, entry{"members", lineKey(memberLine)})
	}
	if data {
		entries = append(entries, entry{"observation ± sd", markerKey(dataMarker, dataRadius, sdBar)})
	}
	return entries
}
