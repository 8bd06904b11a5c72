package kalman

// Every analysis without localisation is linear in the anomalies A of the
// ensemble (its members minus their mean, row by row):
//
//	member i  <-  mean + c A_i + sum_k L_ik (R^T A)_k .
//
// The weights L have a column for each member (R is the identity) or for each
// observed value (R is Y), whichever are fewer. The same transform updates the
// ensembles of earlier states, which makes a smoother of a filter (Evensen &
// van Leeuwen 2000, Mon. Weather Rev. 128, 1852).

// transform is the update of an ensemble.
type transform struct {
	members int
	scale   float64   // c
	rank    int       // columns of left
	left    []float64 // L, members by rank
	right   []float64 // R, members by rank; nil for the identity

	mean, product []float64
}

// newTransform makes room for transforms of so many members, of up to most
// columns, of ensembles of up to size values.
func newTransform(members, most, size int) *transform {
	return &transform{
		members: members, scale: 1, left: make([]float64, members*most),
		mean: make([]float64, size), product: make([]float64, most*size),
	}
}

// weights returns L, of the given number of columns, to be filled in, and notes
// R.
func (t *transform) weights(rank int, right []float64) []float64 {
	t.rank, t.right, t.scale = rank, right, 1
	return t.left[:t.members*rank]
}

// apply updates an ensemble of states of n values.
func (t *transform) apply(ensemble []float64, n int) {
	mean, product := t.mean[:n], t.product[:t.rank*n]
	centre(mean, ensemble, n)
	if t.right == nil {
		copy(product, ensemble)
	} else {
		transposedMultiply(product, 1, t.right[:t.members*t.rank], ensemble, 0, t.rank, t.members, n)
	}
	multiply(ensemble, 1, t.left[:t.members*t.rank], product, t.scale, t.members, t.rank, n)
	addRow(ensemble, mean)
}
