package assimilate

import (
	"errors"
	"math"
	"sync"

	"retrace/observe"
)

// Guidance knows Gaussian noise alone. A reading of another law is replaced, at every
// evaluation and for every trajectory, by the Gaussian one that says the same of the
// noise-free value h as x_t leaves it, h ~ N(A(m), v): the value y* and the variance R*
// (observe.Match). To all rules the noise stays that of sd, as the reading is measured in
// other units,
//
//	k (y* - A(m)),  k A',  k = sd/sqrt(R*) ,
//
// which leaves A'^T S^-1 (y* - A(m)) what it is with R*. A' so differs between trajectories
// even if operators are linear. v is the diagonal of A' V(s) A'^T where the prior knows V
// and sizes allow; else values of the trajectory count as independent, of unit variance.
//
// Noise that is Gaussian but correlated needs none of that: observations are whitened
// before anything else (observe.Sequence.Whitened).

// matching knows what x_t leaves open of every value observed. It is shared by workers.
type matching struct {
	prior  Prior
	length int
	at     *tangent // A' at the mean of the prior, in the units of the readings
	dense  bool

	mutex  sync.Mutex
	levels map[float64][]float64 // v by noise ratio
}

// newMatching takes innovations that have no matching yet.
func newMatching(prior Prior, n *innovations, length int) *matching {
	return &matching{
		prior: prior, length: length, at: n.tangent(make([]float32, length*n.dim)),
		dense: length*n.dim <= covarianceLimit, levels: map[float64][]float64{},
	}
}

// variances is v for every value present.
func (m *matching) variances(s float64) []float64 {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	if known := m.levels[s]; known != nil {
		return known
	}
	v := make([]float64, m.at.rows())
	open := func(i, j int) float64 {
		if i != j {
			return 0
		}
		return unitVariance(s)
	}
	if m.dense {
		if full, err := m.prior.Uncertainty(m.length, s); err == nil {
			open = full.At
		} else if errors.Is(err, errors.ErrUnsupported) {
			m.dense = false
		}
	}
	for i := range v {
		columns, factors := m.at.row(i)
		for a, ca := range columns {
			for b, cb := range columns {
				v[i] += factors[a] * factors[b] * open(ca, cb)
			}
		}
		v[i] = math.Max(v[i], math.SmallestNonzeroFloat32) // an operator blind to its state
	}
	m.levels[s] = v
	return v
}

// reading is value j of an observation as guidance takes it: its innovation and the
// factor k of its units. i counts the values present.
func (n *innovations) reading(o observe.Observation, i, j int, predicted float64) (innovation, k float64) {
	law, ok := o.Law.(observe.Marginal)
	if !ok {
		return o.Values[j] - predicted, 1
	}
	value, noise := observe.Match(law, o.Values[j], o.Sd[j], predicted, n.matching.variances(n.ratio)[i])
	k = o.Sd[j] / math.Sqrt(noise)
	return k * (value - predicted), k
}
