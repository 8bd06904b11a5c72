package kernel

// axis is a convolution along one coordinate: at [tap][place] is the place of the
// other image that the tap meets, or -1.
type axis [][]int32

// axes returns the source for each place of the result, and the result for each
// place of the source, along a coordinate of n places.
func (c Convolution) axes(n int) (source, result axis) {
	out := (n + c.Step - 1) / c.Step
	source, result = make(axis, c.Size), make(axis, c.Size)
	for tap := range c.Size {
		source[tap], result[tap] = filled(out), filled(n)
		for i := range out {
			j := c.Step*i + tap - c.half()
			if c.Padding == Circular {
				j = ((j % n) + n) % n
			}
			if j >= 0 && j < n {
				source[tap][i], result[tap][j] = int32(j), int32(i)
			}
		}
	}
	return source, result
}

// filled returns n times -1.
func filled(n int) []int32 {
	s := make([]int32, n)
	for i := range s {
		s[i] = -1
	}
	return s
}

// tileRows bounds the number of pixels of a tile of a direct convolution.
const tileRows = 8

// recordSize is the length of the record of a tap in a tile: a source pixel for
// each row or -1, and the number of the tap.
const recordSize = tileRows + 1

// A directTile is a group of pixels of the result that are computed together.
type directTile struct {
	pixels [tileRows]int32 // of the result; -1: none
	first  int32           // record
	taps   int32           // records
}

// tileTable says which pixels of one image form a tile and what they meet.
// Taps that meet nothing are left out: there are such taps at a border with
// zeros, and in the pullback of a convolution of step 2, where a pixel meets only
// the taps of its parity.
type tileTable struct {
	tiles   []directTile
	records []int32
	rows    int // pixels of a tile
	width   int // of the image that is read
}

// newTileTable lists the tiles of a convolution whose axes are given, which
// reads images of a given width. Pixels of the result form tiles with those of
// the same row and column modulo step.
func newTileTable(row, column axis, width, step int) *tileTable {
	t := &tileTable{rows: directRows(), width: width}
	height, across := len(row[0]), len(column[0])
	var tile directTile
	count := 0
	flush := func() {
		if count == 0 {
			return
		}
		for i := count; i < tileRows; i++ {
			tile.pixels[i] = -1
		}
		t.add(tile, row, column, across)
		count = 0
	}
	for class := range step * step {
		for y := class / step; y < height; y += step {
			for x := class % step; x < across; x += step {
				tile.pixels[count] = int32(y*across + x)
				if count++; count == t.rows {
					flush()
				}
			}
		}
		flush()
	}
	return t
}

// add appends a tile and its records.
func (t *tileTable) add(tile directTile, row, column axis, across int) {
	tile.first, tile.taps = int32(len(t.records)/recordSize), 0
	for ky := range row {
		for kx := range column {
			var record [recordSize]int32
			met := false
			for i, p := range tile.pixels {
				record[i] = -1
				if p < 0 {
					continue
				}
				y, x := row[ky][int(p)/across], column[kx][int(p)%across]
				if y >= 0 && x >= 0 {
					record[i], met = y*int32(t.width)+x, true
				}
			}
			record[tileRows] = int32(ky*len(column) + kx)
			if met {
				t.records = append(t.records, record[:]...)
				tile.taps++
			}
		}
	}
	t.tiles = append(t.tiles, tile)
}
