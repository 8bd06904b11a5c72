package observe

// Every draw has an address: the noise and the fate (kept, missing, withheld)
// of the value named q of state i depend on (seed, scenario, case, i, q) and,
// if a state is observed several times, on which time it is. They do not depend
// on which other values are observed, nor on their order.

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"iter"
	"math"
	"slices"

	"retrace/internal/rng"
)

// Address names the random draws of one sequence.
type Address struct {
	Seed     int64
	Scenario string // name of the observation process
	Case     int    // number of the trajectory
}

// Simulate observes a trajectory (flat, in physical units): it returns s with
// every value replaced by h(x) plus noise of its law and standard deviation, and with
// what operators that are [Moving] see of each state in their place. It fails if
// an operator gives a value that is not finite.
func (s Sequence) Simulate(trajectory []float32, a Address) (Sequence, error) {
	s = s.placed(a)
	likelihood := NewLikelihood(s)
	likelihood.check(trajectory)
	source := rng.NewSource(a.Seed, "observe/"+a.Scenario)
	out := s.blank()
	for _, o := range out.Observations {
		copy(o.Values, likelihood.predict(o, trajectory))
		if j := slices.IndexFunc(o.Values, notFinite); j >= 0 {
			return Sequence{}, fmt.Errorf("observe: value %q of state %d is %v", Labels(o.Operator)[j], o.Index, o.Values[j])
		}
	}
	places := slices.Collect(s.places())
	for k := range out.Observations {
		o := &out.Observations[k]
		at := func(j int) *rng.Source { return places[j].at(source, a) }
		if o.Law == nil {
			for j := range o.Values {
				o.Values[j] += o.Sd[j] * at(j).NormFloat64()
			}
		} else {
			o.Sd = slices.Clone(o.Sd) // shared between observations, and a law may set it
			o.Law.Draw(o.Values, o.Sd, at)
		}
		places = places[len(o.Values):]
	}
	return out, nil
}

// Drop makes a share in [0, 1] of the present values missing, drawn at random:
// the nearest whole number of them. A larger share drops the same values and
// more.
func (s Sequence) Drop(share float64, a Address) Sequence {
	kept, _ := s.split(share, a, "missing")
	return kept
}

// Withhold sets a share in [0, 1] of the present values aside, drawn at random:
// the nearest whole number of them. Each value is missing in one of the two
// sequences, so that scores on those withheld are out of sample.
func (s Sequence) Withhold(share float64, a Address) (kept, withheld Sequence) {
	return s.split(share, a, "withheld")
}

// split moves the values with the smallest uniform draws out of a sequence.
func (s Sequence) split(share float64, a Address, purpose string) (kept, taken Sequence) {
	if !(share >= 0 && share <= 1) {
		panic(fmt.Sprintf("observe: a share of %v is not in [0, 1]", share))
	}
	source := rng.NewSource(a.Seed, "observe/"+a.Scenario+"/"+purpose)
	type lot struct {
		place
		draw uint64
	}
	var lots []lot
	for p := range s.places() {
		if !math.IsNaN(s.Observations[p.observation].Values[p.value]) {
			lots = append(lots, lot{p, p.at(source, a).Uint64()})
		}
	}
	slices.SortStableFunc(lots, func(a, b lot) int { return cmp.Compare(a.draw, b.draw) })
	kept, taken = s.blank(), s.blank()
	take := int(math.Round(share * float64(len(lots))))
	for rank, l := range lots {
		to := kept
		if rank < take {
			to = taken
		}
		to.Observations[l.observation].Values[l.value] = s.Observations[l.observation].Values[l.value]
	}
	return kept, taken
}

// blank copies a sequence with every value missing.
func (s Sequence) blank() Sequence {
	observations := slices.Clone(s.Observations)
	for k := range observations {
		_, values := observations[k].Operator.Size()
		observations[k].Values = missing(values)
	}
	return Sequence{observations}
}

// place is one value of a sequence with what addresses its random draws.
type place struct {
	observation, value int
	state              int
	label              string
	name               uint64 // hash of the label
	repetition         int    // earlier values of the state with this label
}

func (p place) at(source *rng.Source, a Address) *rng.Source {
	return source.At(uint64(a.Case), uint64(p.state), p.name, uint64(p.repetition))
}

// places goes through every value of a sequence in order.
func (s Sequence) places() iter.Seq[place] {
	return func(yield func(place) bool) {
		hashes := map[string]uint64{}
		earlier := map[uint64]int{}
		for k, o := range s.Observations {
			if k > 0 && o.Index != s.Observations[k-1].Index {
				clear(earlier)
			}
			for j, label := range Labels(o.Operator) {
				name, known := hashes[label]
				if !known {
					name = hash(label)
					hashes[label] = name
				}
				if !yield(place{k, j, o.Index, label, name, earlier[name]}) {
					return
				}
				earlier[name]++
			}
		}
	}
}

func hash(label string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(label))
	return h.Sum64()
}
