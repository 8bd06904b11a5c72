package figure

import (
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// sheetLayout places the pictures of a sheet and its bars.
type sheetLayout struct {
	Sheet
	bars []Bar
	// line says that rows stand side by side, there being one column.
	line bool
	x, y axis
	side vg.Point // of a picture

	left, right, top, bottom vg.Length
	width                    vg.Length
}

const (
	tileGap   vg.Length = 4
	barWidth  vg.Length = 6
	barGap    vg.Length = 6
	wideSide  vg.Length = 17 * vg.Millimeter // height of wide pictures
	mostSide  vg.Length = 42 * vg.Millimeter // of others
	mostSheet vg.Length = 225 * vg.Millimeter
)

func newSheetLayout(s Sheet) *sheetLayout {
	l := &sheetLayout{Sheet: s, bars: s.limits(), line: len(s.Columns) == 1 && !s.Wide}
	l.width = TwoColumns * vg.Millimeter
	if across, _ := l.grid(); across < 3 && !s.Wide {
		l.width = OneColumn * vg.Millimeter
	}
	l.x = axis{min: s.Horizontal.Low, max: s.Horizontal.High}
	l.y = axis{min: s.Vertical.Low, max: s.Vertical.High}
	l.place()
	return l
}

// grid is the number of pictures across and down.
func (l *sheetLayout) grid() (across, down int) {
	if l.line {
		return len(l.Rows), 1
	}
	return len(l.Columns), len(l.Rows)
}

// place chooses the sizes of pictures and margins.
func (l *sheetLayout) place() {
	across, down := l.grid()
	titles := vg.Length(2) // the row's and the axis'
	if l.line {
		titles = 1
	}
	barLength := 30 * vg.Millimeter
	// Tick labels are known once sizes are, but their room is needed first.
	l.left = margin + titles*lineHeight*labelText + beside(l.y.alongY(barLength))
	l.right = l.barRoom(barLength) + margin
	l.top = margin + gap
	if l.hasTitles() {
		l.top += lineHeight * labelText
	}
	l.bottom = below + margin
	side := (l.width - l.left - l.right - vg.Length(across-1)*tileGap) / vg.Length(across)
	if l.Wide {
		l.side = vg.Point{X: side, Y: wideSide}
	} else {
		aspect := vg.Length((l.Vertical.High - l.Vertical.Low) / (l.Horizontal.High - l.Horizontal.Low))
		side = min(side, mostSide, mostSide/aspect)
		if tall := vg.Length(down)*(side*aspect+tileGap) + l.top + l.bottom; tall > mostSheet {
			side *= mostSheet / tall
		}
		l.side = vg.Point{X: side, Y: side * aspect}
		// What is left of the page is shared by both margins.
		spare := l.width - l.left - l.right - vg.Length(across)*side - vg.Length(across-1)*tileGap
		l.left, l.right = l.left+spare/2, l.right+spare/2
	}
	l.x = l.x.alongX(l.side.X, tileGap/2+2)
	l.y = l.y.alongY(l.side.Y)
	if down > 1 {
		l.y = l.y.clearOfTop(l.side.Y)
	}
}

// clearOfTop drops the labels that would reach into the picture above.
func (a axis) clearOfTop(length vg.Length) axis {
	for i, t := range a.ticks {
		if vg.Length(1-a.at(t.value))*length < smallText {
			a.ticks[i].label = ""
		}
	}
	return a
}

// hasTitles reports whether pictures have titles above them.
func (l *sheetLayout) hasTitles() bool {
	if l.line {
		return true
	}
	for _, title := range l.Columns {
		if title != "" {
			return true
		}
	}
	return false
}

// barRoom is the room that bars need to the right of the pictures: beside each other
// in a line, above each other in a column.
func (l *sheetLayout) barRoom(length vg.Length) vg.Length {
	var room vg.Length
	for _, b := range l.bars {
		need := barGap + barWidth + beside(b.axis(length)) + lineHeight*labelText
		if l.line {
			room += need
		} else {
			room = max(room, need)
		}
	}
	return room
}

// corner is the lower left corner of the picture of a row and a column.
func (l *sheetLayout) corner(c draw.Canvas, row, column int) vg.Point {
	across, down := column, row
	if l.line {
		across, down = row, 0
	}
	return vg.Point{
		X: c.Min.X + l.left + vg.Length(across)*(l.side.X+tileGap),
		Y: c.Max.Y - l.top - vg.Length(down)*(l.side.Y+tileGap) - l.side.Y,
	}
}

func (l *sheetLayout) figure() *Figure {
	_, down := l.grid()
	height := l.top + vg.Length(down)*l.side.Y + vg.Length(down-1)*tileGap + l.bottom
	return &Figure{width: l.width, height: height, draw: l.draw}
}

func (l *sheetLayout) draw(c draw.Canvas) {
	_, down := l.grid()
	for i, row := range l.Rows {
		for j, tile := range row.Tiles {
			at := l.corner(c, i, j)
			area := draw.Canvas{Canvas: c.Canvas, Rectangle: vg.Rectangle{Min: at, Max: at.Add(l.side)}}
			p := &panel{Canvas: area, x: l.x, y: l.y}
			drawTile(p, tile, l.bars[row.Bar])
			last := l.line || i == down-1
			first := j == 0 && (!l.line || i == 0)
			p.drawX(last)
			p.drawY(first)
			p.StrokeLines(axisLine, append(corners(area.Rectangle), area.Min))
			l.titles(p, i, j)
		}
	}
	across, _ := l.grid()
	lowest := l.corner(c, len(l.Rows)-1, 0)
	if l.line {
		lowest = l.corner(c, 0, 0)
	}
	whole := &panel{Canvas: c}
	whole.Min = lowest
	whole.Max = vg.Point{X: lowest.X + vg.Length(across)*l.side.X + vg.Length(across-1)*tileGap, Y: lowest.Y + l.side.Y}
	whole.labelX(withUnits(l.Horizontal.Name, l.Horizontal.Units), 0)
	l.drawBars(c)
}

// titles writes above and beside the picture of row i and column j.
func (l *sheetLayout) titles(p *panel, i, j int) {
	above, first := l.Columns[j], j == 0
	lines := []string{l.Rows[i].Title, withUnits(l.Vertical.Name, l.Vertical.Units)}
	if l.line {
		above, first = l.Rows[i].Title, i == 0
		lines = lines[1:]
	}
	if i == 0 || l.line {
		titleStyle.draw(p.Canvas, vg.Point{X: p.Center().X, Y: p.Max.Y + 2*gap}, titleStyle.fit(above, l.side.X+tileGap))
	}
	if first {
		for k := range lines {
			lines[k] = yTitleStyle.fit(lines[k], l.side.Y+tileGap)
		}
		p.labelY(lines, beside(l.y))
	}
}
