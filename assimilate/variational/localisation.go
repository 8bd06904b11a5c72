package variational

// Localisation of the ensemble's covariance (Lorenc 2003; Buehner 2005, Q. J. R. Meteorol.
// Soc. 131, 1013). The sample covariance X X^T of a few members is multiplied, element by
// element, by a correlation C that falls with distance. With C = L L^T, L having a row a
// value of the state and a column a mode, an increment is
//
//	dx = sum_k x'_k o (L w_k) ,   2 J = sum_k |w_k|^2 + ... ,
//
// o multiplying element by element: every member has a field of weights that varies as
// slowly as C lets it. C is the Gaussian exp(-d^2 / 2 r^2) of the distance along the axes
// with coordinates, the short way round on those that close. It is the product of one
// correlation for each axis, and so is L: the modes are products of those of the axes,
// from which the largest are taken until all but a hundredth of the trace is there. Rows
// are then scaled to length 1, so that variances stay what they are.

import (
	"math"

	"gonum.org/v1/gonum/mat"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/observe"
)

// tapers is L.
type tapers struct {
	modes int
	root  []float64 // size x modes
}

// mostModes bounds the control, mostAxis the axis whose eigenvectors are computed.
const (
	mostModes = 4096
	mostAxis  = 2048
)

// newTapers returns L for states of a space.
func newTapers(space dynamics.Space, radius float64) (*tapers, error) {
	if err := checkRadius(space, radius); err != nil {
		return nil, err
	}
	l := &tapers{1, []float64{1}}
	for _, axis := range space.Axes {
		columns, root, err := axisRoot(axis, radius)
		if err != nil {
			return nil, err
		}
		if l.modes*columns > mostModes {
			return nil, fault.Inputf("radius = %v: takes more than %d modes: choose a larger one", radius, mostModes)
		}
		l = l.times(columns, root)
	}
	return l, nil
}

// checkRadius refuses a radius where nothing is near or far.
func checkRadius(space dynamics.Space, radius float64) error {
	if !(radius >= 0 && radius <= 1e12) {
		return fault.Inputf("radius = %v: must be between 0 and 1e12", radius)
	}
	for _, axis := range space.Axes {
		if len(axis.Coordinates) > 0 {
			return nil
		}
	}
	if radius > 0 {
		return fault.Inputf("radius = %v: the state has no axis with coordinates, so nothing is near or far: set radius to 0", radius)
	}
	return nil
}

// axisRoot is the root of the correlation along one axis: one mode for labels.
func axisRoot(axis dynamics.Axis, radius float64) (columns int, root []float64, err error) {
	n := axis.Len()
	root = make([]float64, n)
	for i := range root {
		root[i] = 1
	}
	if len(axis.Coordinates) == 0 {
		return 1, root, nil
	}
	if n > mostAxis {
		return 0, nil, fault.Inputf("radius = %v: axis %s has %d points, localisation takes at most %d: set radius to 0, or choose letkf", radius, axis.Name, n, mostAxis)
	}
	c := mat.NewSymDense(n, nil)
	for i, a := range axis.Coordinates {
		for j, b := range axis.Coordinates[:i+1] {
			d := observe.Distance(axis, a, b) / radius
			c.SetSym(i, j, math.Exp(-d*d/2))
		}
	}
	var eigen mat.EigenSym
	if !eigen.Factorize(c, true) {
		return 0, nil, fault.Inputf("radius = %v: the eigenvalues of the taper along axis %s were not found", radius, axis.Name)
	}
	columns, root = leading(&eigen, n)
	return columns, root, nil
}

// leading takes the largest modes until all but a hundredth of the trace n is there, and
// scales rows to length 1.
func leading(eigen *mat.EigenSym, n int) (columns int, root []float64) {
	const share = 0.99
	values := eigen.Values(nil) // ascending
	var vectors mat.Dense
	eigen.VectorsTo(&vectors)
	for sum := 0.; columns < n && sum < share*float64(n); columns++ {
		sum += values[n-1-columns]
	}
	root = make([]float64, n*columns)
	for i := range n {
		row := root[i*columns : (i+1)*columns]
		for j := range row {
			row[j] = vectors.At(i, n-1-j) * math.Sqrt(values[n-1-j])
		}
		length := math.Sqrt(dot(row, row))
		for j := range row {
			row[j] /= length
		}
	}
	return columns, root
}

// times is the product with the root of one more axis, which varies faster.
func (l *tapers) times(columns int, root []float64) *tapers {
	outer, inner := len(l.root)/l.modes, len(root)/columns
	product := &tapers{l.modes * columns, make([]float64, 0, outer*inner*l.modes*columns)}
	for i := range outer {
		for j := range inner {
			for _, a := range l.root[i*l.modes : (i+1)*l.modes] {
				for _, b := range root[j*columns : (j+1)*columns] {
					product.root = append(product.root, a*b)
				}
			}
		}
	}
	return product
}

// row is L's row of value i of a state.
func (l *tapers) row(i int) []float64 { return l.root[i*l.modes : (i+1)*l.modes] }

// observe writes what weights of all members make of an observed value, of which jacobian
// is the row: factor sum_i J_i x'_k,i L_i. deviations are the members less their mean.
func (l *tapers) observe(dst []float64, factor float64, jacobian, members, mean []float64) {
	clear(dst)
	size := len(mean)
	for i, slope := range jacobian {
		if slope == 0 {
			continue
		}
		row := l.row(i)
		for k := range len(dst) / l.modes {
			addScaled(dst[k*l.modes:(k+1)*l.modes], factor*slope*(members[k*size+i]-mean[i]), row)
		}
	}
}

// add adds factor sum_k x'_k o (L w_k) to x.
func (l *tapers) add(x []float64, factor float64, weights, members, mean []float64) {
	size := len(mean)
	for i, m := range mean {
		row := l.row(i)
		var sum float64
		for k := range len(weights) / l.modes {
			sum += (members[k*size+i] - m) * dot(row, weights[k*l.modes:(k+1)*l.modes])
		}
		x[i] += factor * sum
	}
}
