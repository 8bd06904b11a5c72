// Scores of fields. A state of fields is cut into its channels, each a sample of its
// own, to which every score of this package applies. Beside those, with the mean m
// of the members, the truth y and the climatological mean c, sums being over states
// and cells:
//
//	correlation          sum (m-mbar)(y-ybar) / sqrt(sum (m-mbar)^2 sum (y-ybar)^2)
//	anomaly correlation  sum (m-c)(y-c) / sqrt(sum (m-c)^2 sum (y-c)^2)
//
// (the uncentred form of Jolliffe & Stephenson 2012, Forecast Verification, ch. 6).

package verify

import (
	"math"

	"retrace/dynamics"
)

// Fields says which values of a state make up which field: channels one after the
// other, each on the same axes.
type Fields struct {
	Channels []string        // names; the variable's if the state is one field
	Axes     []dynamics.Axis // of a field, one or two of them, the last varying fastest
}

// leastPoints is the length below which an axis of coordinates is taken for a list
// of components and not for space.
const leastPoints = 8

// FieldsOf finds the fields in the states of a space: one axis of labels, or none,
// before one or two axes of at least 8 coordinates. ok is false for other spaces.
func FieldsOf(space dynamics.Space) (f Fields, ok bool) {
	f = Fields{[]string{space.Variable}, space.Axes}
	if len(space.Axes) > 1 && len(space.Axes[0].Labels) > 0 {
		f = Fields{space.Axes[0].Labels, space.Axes[1:]}
	}
	for _, axis := range f.Axes {
		ok = len(axis.Coordinates) >= leastPoints
		if !ok {
			break
		}
	}
	return f, ok && len(f.Axes) <= 2
}

// Shape is the number of rows and columns of a field; one row if it has one axis.
func (f Fields) Shape() (rows, columns int) {
	last := len(f.Axes) - 1
	if last == 0 {
		return 1, f.Axes[0].Len()
	}
	return f.Axes[0].Len(), f.Axes[last].Len()
}

// Cells is the number of values of one field.
func (f Fields) Cells() int {
	rows, columns := f.Shape()
	return rows * columns
}

// Channel is the sample of one field of a sample of states.
func (f Fields) Channel(s *Sample, channel int) *Sample {
	n := f.Cells()
	return s.Part(channel*n, (channel+1)*n)
}

// Part is the sample of the values first to last-1 of each state. It is a copy,
// unless it is all of them.
func (s *Sample) Part(first, last int) *Sample {
	if first < 0 || last > s.Size || first >= last {
		panic("verify: a part of a state is out of range")
	}
	if first == 0 && last == s.Size {
		return s
	}
	part := &Sample{Members: s.Members, Length: s.Length, Size: last - first, Weights: s.Weights}
	part.data = make([]float32, 0, s.Members*s.Length*part.Size)
	for state := first; state < len(s.data); state += s.Size {
		part.data = append(part.data, s.data[state:state+part.Size]...)
	}
	return part
}

// Deviation is the standard deviation of a truth over its states and values, in
// their units: what errors are compared with.
func Deviation(truth *Sample) float64 {
	var sum, square float64
	for _, v := range truth.data {
		sum += float64(v)
	}
	centre := sum / float64(len(truth.data))
	for _, v := range truth.data {
		d := float64(v) - centre
		square += d * d
	}
	return math.Sqrt(square / float64(len(truth.data)))
}

// Correlation is that of the ensemble mean with the truth, over states and values,
// -1 to 1. NaN if one of them does not vary.
func Correlation(ensemble, truth *Sample) float64 {
	y, m := truthValues(ensemble, truth), ensembleMean(ensemble)
	var meanM, meanY float64
	for i, v := range m {
		meanM += v / float64(len(m))
		meanY += float64(y[i]) / float64(len(m))
	}
	return alignment(m, y, func(int) (float64, float64) { return meanM, meanY })
}

// AnomalyCorrelation is the correlation of the anomalies of the ensemble mean and of
// the truth from a climatology, one value for each of a state. NaN if either has
// none.
func AnomalyCorrelation(ensemble, truth *Sample, climatology []float64) float64 {
	y, m := truthValues(ensemble, truth), ensembleMean(ensemble)
	if len(climatology) != ensemble.Size {
		panic("verify: the climatology has not the size of a state")
	}
	return alignment(m, y, func(i int) (float64, float64) {
		c := climatology[i%len(climatology)]
		return c, c
	})
}

// alignment is the cosine of the angle between m and y, each seen from its centre.
func alignment(m []float64, y []float32, centre func(i int) (ofM, ofY float64)) float64 {
	var product, squareM, squareY float64
	for i, v := range m {
		a, b := centre(i)
		dm, dy := v-a, float64(y[i])-b
		product, squareM, squareY = product+dm*dy, squareM+dm*dm, squareY+dy*dy
	}
	// A mean of equal numbers may differ from them by rounding.
	if tiny := 1e-20; squareM <= tiny*squareY {
		return math.NaN()
	}
	return product / math.Sqrt(squareM*squareY)
}
