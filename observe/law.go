package observe

// The noise of an observation is independent and Gaussian unless it names another
// [Law]. Laws are of two kinds:
//
//   - [Marginal] laws, such as [StudentT], draw every value on its own, of a density
//     that depends on its noise-free value h;
//   - [Correlated] noise is Gaussian with correlations between the values of a state. A
//     sequence with such noise has an equivalent one with independent noise, see
//     Sequence.Whitened.

import (
	"fmt"
	"math"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/registry"
	"retrace/internal/rng"
)

// Law is the distribution p(y | h) of the values y of an observation given the noise-free
// ones, h(x). sd are its scales, one for each value, greater than 0. A value that is NaN is
// missing. Laws must be safe for concurrent use.
type Law interface {
	// Name is that of the law in configs.
	Name() string
	// LogDensity is log p(y | h), constants included, of the values that are present.
	LogDensity(y, h, sd []float64) float64
	// Score writes its derivative with respect to h to dst, 0 where y is missing. dst may
	// be h.
	Score(dst, y, h, sd []float64)
	// Draw replaces the noise-free values in y by a draw. at(j) is the source of
	// everything random about value j.
	Draw(y, sd []float64, at func(j int) *rng.Source)
}

// Marginal is a Law of values that are independent given h.
type Marginal interface {
	Law
	// LogValue is log p(y | h) of one value, and Slope its derivative with respect to h.
	LogValue(y, h, sd float64) float64
	Slope(y, h, sd float64) float64
	// Bulk is where, and over which width, most of p(y | h) lies as a function of h.
	Bulk(y, sd float64) (centre, width float64)
}

// LawBuilder makes a law from parameters, as a Builder makes an operator.
type LawBuilder interface {
	// Build returns the law for what an operator sees of states of a space. An error
	// names the key at fault and the values allowed.
	Build(op Operator, space dynamics.Space) (Law, error)
}

// LawEntry is one law of noise that a config can name.
type LawEntry struct {
	Name    string
	Summary string // one line
	// NeedsSd says that the standard deviation of the noise must be given.
	NeedsSd bool
	// Defaults returns a new builder holding the default parameters.
	Defaults func() LawBuilder
}

var laws = registry.New("observe: law", func(e LawEntry) string { return e.Name })

// RegisterLaw makes a law of noise known by name to configs. Call it from init or main,
// before any config is read. It panics if the name is taken.
func RegisterLaw(e LawEntry) { laws.Register(e) }

// LookupLaw finds a registered law by name.
func LookupLaw(name string) (LawEntry, bool) { return laws.Lookup(name) }

// Laws lists the registered laws by name. The caller may keep it.
func Laws() []LawEntry { return laws.Entries() }

// WithLaw gives every observation of a sequence the law that a builder makes for its
// operator, observations with one operator the same.
func (s Sequence) WithLaw(b LawBuilder, space dynamics.Space) (Sequence, error) {
	made := map[Operator]Law{}
	out := Sequence{append([]Observation(nil), s.Observations...)}
	for k, o := range out.Observations {
		law, known := made[o.Operator]
		if !known {
			var err error
			if law, err = b.Build(o.Operator, space); err != nil {
				return Sequence{}, err
			}
			made[o.Operator] = law
		}
		out.Observations[k].Law = law
	}
	return out, nil
}

// Gaussian reports whether the noise of every observation is Gaussian, correlated
// perhaps. If not, it names a law that is not.
func (s Sequence) Gaussian() (yes bool, other string) {
	for _, o := range s.Observations {
		if _, marginal := o.Law.(Marginal); marginal {
			return false, o.Law.Name()
		}
	}
	return true, ""
}

// restrictLaw is the law of some of the values of an observation.
func restrictLaw(law Law, values []int) Law {
	if c, ok := law.(*Correlated); ok {
		return c.restrict(values)
	}
	return law
}

// marginal is what all marginal laws share: sums and loops over the values.
type marginal interface {
	LogValue(y, h, sd float64) float64
	Slope(y, h, sd float64) float64
}

func sumLog(m marginal, y, h, sd []float64) float64 {
	var sum float64
	for j, v := range y {
		if !math.IsNaN(v) {
			sum += m.LogValue(v, h[j], sd[j])
		}
	}
	return sum
}

func slopes(m marginal, dst, y, h, sd []float64) {
	for j, v := range y {
		if math.IsNaN(v) {
			dst[j] = 0
			continue
		}
		dst[j] = m.Slope(v, h[j], sd[j])
	}
}

// ErrLaw is the cause if a method cannot take the noise of an observation for what it
// is.
type ErrLaw struct{ Law string }

// Error says what to do.
func (e *ErrLaw) Error() string {
	return fmt.Sprintf("noise %q: this method knows independent Gaussian noise only; use method score or particle, or leave noise out", e.Law)
}

func refuse(law Law) error { return fault.Input(&ErrLaw{law.Name()}) }
