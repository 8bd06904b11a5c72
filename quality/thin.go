package quality

import (
	"cmp"
	"slices"

	"retrace/dynamics"
	"retrace/observe"
)

// ThinTime keeps, of each quantity, values that are at least every states apart,
// beginning with the first; the others are Thinned. 1 keeps all. It panics if
// every is less than 1.
func ThinTime(v Verdicts, s observe.Sequence, every int) {
	if every < 1 {
		panic("quality: thinning to less than one value a state")
	}
	if every == 1 {
		return
	}
	v.fits(s)
	next := map[string]int{} // first state of which a quantity is taken again
	for k, o := range s.Observations {
		for j, label := range observe.Labels(o.Operator) {
			if v[k][j] != Accepted {
				continue
			}
			if o.Index < next[label] && o.Index != next[label]-every {
				v[k][j] = Thinned
				continue
			}
			next[label] = o.Index + every
		}
	}
}

// ThinSpace keeps, of the values of one state and channel, a set in which no two
// are nearer than distance, in units of the axes: the most certain first, then in
// the order of the sequence (the sequential inhibition of a Poisson disk). The
// others are Thinned. Values that have no single place are kept.
func ThinSpace(v Verdicts, s observe.Sequence, space dynamics.Space, distance float64) {
	v.fits(s)
	p := newPlaces(space)
	for first := 0; first < len(s.Observations); {
		last := first + 1
		for last < len(s.Observations) && s.Observations[last].Index == s.Observations[first].Index {
			last++
		}
		p.thin(v, candidates(p, v, s, first, last), distance)
		first = last
	}
}

// candidate is a value that thinning may take away.
type candidate struct {
	k, j    int
	sd      float64
	channel string
	place   []float64
}

// candidates lists the located values of observations first to last-1, the most
// certain first.
func candidates(p *places, v Verdicts, s observe.Sequence, first, last int) []candidate {
	var list []candidate
	for k := first; k < last; k++ {
		o := s.Observations[k]
		labels := observe.Labels(o.Operator)
		for j, place := range p.of(o.Operator) {
			if v[k][j] == Accepted && p.definite(place) {
				list = append(list, candidate{k, j, o.Sd[j], p.channel(labels[j]), place})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Compare(a.sd, b.sd) })
	return list
}

func (p *places) thin(v Verdicts, list []candidate, distance float64) {
	kept := map[string][]candidate{}
	for _, c := range list {
		if slices.ContainsFunc(kept[c.channel], func(other candidate) bool { return p.near(c.place, other.place, distance) }) {
			v[c.k][c.j] = Thinned
			continue
		}
		kept[c.channel] = append(kept[c.channel], c)
	}
}
