package twolayer

import "retrace/internal/fft"

// Coefficients are those of a model on a grid. The slices P11 to Filter are half
// spectra.
type Coefficients struct {
	Kx, Ky   []float64 // wavenumbers of the rows and columns of a half spectrum, 1/m
	Nx       int       // points along x
	P11, P12 []float64 // elements of P, the inverse of q = M psi, m2; element 21 is Delta P12
	P22      []float64
	Filter   []float64  // factor E of a step
	Delta    float64    // ratio of the layers' depths
	Drag     float64    // r, 1/s
	Gradient [2]float64 // B, 1/(m s)
}

// Tables are coefficients in the order in which a step needs them. Steppers of
// several trajectories share them.
type Tables struct {
	Coefficients
	pairing fft.Pairing
	rows    int       // of a half spectrum
	factors []float64 // records of tableLen
	l       []float64 // ky of the columns of the strips
	masks   [][2][lanes]uint64
}

// tableLen is the number of values of a record of the tables: of a row of a
// strip elements 11, 12 and 22 of P, and the filter.
const tableLen = 4 * lanes

// NewTables arranges the coefficients of a model.
func NewTables(c Coefficients) *Tables {
	t := &Tables{Coefficients: c, pairing: fft.NewPairing(len(c.Ky)), rows: len(c.Kx)}
	t.factors = make([]float64, len(t.pairing)*t.rows*2*tableLen)
	for pair, sides := range t.pairing {
		t.masks = append(t.masks, selfMasks(sides, len(c.Ky)))
		for side, columns := range sides {
			for column, ky := range columns {
				if ky < 0 {
					t.l = append(t.l, 0)
					continue
				}
				t.l = append(t.l, c.Ky[ky])
				for row := range c.Kx {
					i := row*len(c.Ky) + ky
					record := t.factors[t.record(pair, row, side)*tableLen+column:]
					for n, factors := range [...][]float64{c.P11, c.P12, c.P22, c.Filter} {
						record[n*lanes] = factors[i]
					}
				}
			}
		}
	}
	return t
}

// record numbers the rows of the strips.
func (t *Tables) record(pair, row, side int) int { return (pair*t.rows+row)*2 + side }

// selfMasks has all bits of the columns that are their own partners set in its
// first part, those of the others in its second.
func selfMasks(sides [2][lanes]int, ny int) [2][lanes]uint64 {
	var masks [2][lanes]uint64
	for column := range lanes {
		if self(sides, column, ny) {
			masks[0][column] = ^uint64(0)
		} else {
			masks[1][column] = ^uint64(0)
		}
	}
	return masks
}

// self reports whether the wavenumbers of a column are their own partners.
func self(sides [2][lanes]int, column, ny int) bool {
	negative := sides[1][column]
	return negative >= 0 && fft.Partner(negative, ny) == negative
}
