package assimilate

// tangent is A', the Jacobian of the values present with respect to a standardised
// trajectory, as sparse rows: each value sees one state, and of it often one value.
type tangent struct {
	start   []int // of each row in columns and factors, and the end
	columns []int // values of the trajectory
	factors []float64
}

// rows is the number of values observed.
func (t *tangent) rows() int { return len(t.start) - 1 }

// row returns columns and factors of a row.
func (t *tangent) row(i int) ([]int, []float64) {
	return t.columns[t.start[i]:t.start[i+1]], t.factors[t.start[i]:t.start[i+1]]
}

// push sets dst to A' x.
func (t *tangent) push(dst []float64, x []float32) {
	for i := range dst {
		columns, factors := t.row(i)
		dst[i] = 0
		for k, c := range columns {
			dst[i] += factors[k] * float64(x[c])
		}
	}
}

// dot is the inner product of rows i and j.
func (t *tangent) dot(i, j int) (sum float64) {
	ci, fi := t.row(i)
	cj, fj := t.row(j)
	for a, b := 0, 0; a < len(ci) && b < len(cj); {
		switch {
		case ci[a] == cj[b]:
			sum += fi[a] * fj[b]
			a, b = a+1, b+1
		case ci[a] < cj[b]:
			a++
		default:
			b++
		}
	}
	return sum
}
