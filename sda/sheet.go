package sda

import "retrace/internal/kernel"

// grid is a field of rows x columns pixels; a sequence has one row.
type grid struct{ rows, columns int }

func (g grid) pixels() int { return g.rows * g.columns }

// sheet holds channels for every pixel, padded with zeros to pitch.
type sheet struct {
	grid
	channels, pitch int
	data            []float32
}

// pitchOf is the distance between pixels: products fill whole panels.
func pitchOf(channels int) int { return kernel.RoundUp(channels, kernel.ColumnUnit) }

func newSheet(g grid, channels int) sheet {
	pitch := pitchOf(channels)
	return sheet{g, channels, pitch, kernel.Slab(g.pixels() * pitch)}
}

// matrix has a row of channels for every pixel.
func (s sheet) matrix() kernel.Matrix {
	return kernel.Matrix{Data: s.data, Rows: s.pixels(), Columns: s.channels, Stride: s.pitch}
}

// putPlanes takes channels that lie one after the other, each a field.
func (s sheet) putPlanes(planes []float32) {
	n := s.pixels()
	for c := range len(planes) / n {
		for i, v := range planes[c*n : (c+1)*n] {
			s.data[i*s.pitch+c] = v
		}
	}
}

// takePlanes is the inverse of putPlanes.
func (s sheet) takePlanes(planes []float32) {
	n := s.pixels()
	for c := range len(planes) / n {
		plane := planes[c*n : (c+1)*n]
		for i := range plane {
			plane[i] = s.data[i*s.pitch+c]
		}
	}
}

// putRows takes pixels of channels.
func (s sheet) putRows(rows []float32) {
	for i := range s.pixels() {
		copy(s.data[i*s.pitch:][:s.channels], rows[i*s.channels:])
	}
}

// takeRows is the inverse of putRows.
func (s sheet) takeRows(rows []float32) {
	for i := range s.pixels() {
		copy(rows[i*s.channels:][:s.channels], s.data[i*s.pitch:])
	}
}

// spread writes every pixel of src to factor x factor pixels of s: the nearest
// neighbour interpolation of PyTorch. factor is [rows, columns].
func (s sheet) spread(src sheet, factor [2]int) {
	for y := range s.rows {
		for x := range s.columns {
			from := (y/factor[0]*src.columns + x/factor[1]) * src.pitch
			copy(s.data[(y*s.columns+x)*s.pitch:][:s.pitch], src.data[from:])
		}
	}
}

// gather is the transpose of spread: it sums factor x factor pixels of src.
func (s sheet) gather(src sheet, factor [2]int) {
	clear(s.data)
	for y := range src.rows {
		for x := range src.columns {
			to := (y/factor[0]*s.columns + x/factor[1]) * s.pitch
			kernel.Add(s.data[to:][:s.pitch], src.data[(y*src.columns+x)*src.pitch:][:s.pitch])
		}
	}
}
