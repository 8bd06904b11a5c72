package observe

import "fmt"

// Moving is an Operator whose instrument sees other values of every state. The
// operator itself sees all that the instrument may ever see, and names it: the
// quantities of files. What it sees of one state is a part of that.
type Moving interface {
	Named
	// Sees lists the positions, in increasing order and possibly none, of the
	// values that are seen of a state of the case that a addresses. It is a
	// function of its arguments.
	Sees(a Address, index int) []int
}

// Restrict returns the operator that sees only the values of op at the positions
// listed, in that order. It panics if there is no such position.
func Restrict(op Operator, values []int) Operator {
	_, n := op.Size()
	for _, j := range values {
		if j < 0 || j >= n {
			panic(fmt.Sprintf("observe: no value %d of %d", j, n))
		}
	}
	if r, ok := op.(interface{ restrict(values []int) Operator }); ok {
		return r.restrict(values)
	}
	all := Labels(op)
	labels := make([]string, len(values))
	for k, j := range values {
		labels[k] = all[j]
	}
	return &restricted{op, values, labels}
}

// restricted applies an operator wholly and shows a part of the result.
type restricted struct {
	Operator
	values []int
	labels []string
}

func (r *restricted) Size() (state, values int) {
	state, _ = r.Operator.Size()
	return state, len(r.values)
}

func (r *restricted) Labels() []string { return r.labels }

func (r *restricted) Apply(y, x []float64) {
	_, n := r.Operator.Size()
	all := make([]float64, n)
	r.Operator.Apply(all, x)
	for k, j := range r.values {
		y[k] = all[j]
	}
}

func (r *restricted) VJP(dst, x, v []float64) {
	_, n := r.Operator.Size()
	all := make([]float64, n)
	for k, j := range r.values {
		all[j] += v[k]
	}
	r.Operator.VJP(dst, x, all)
}

// placed replaces operators that move by what they see of each state in the case
// that a addresses. States of which they see nothing drop out.
func (s Sequence) placed(a Address) Sequence {
	var observations []Observation
	for _, o := range s.Observations {
		moving, ok := o.Operator.(Moving)
		if !ok {
			observations = append(observations, o)
			continue
		}
		seen := moving.Sees(a, o.Index)
		if len(seen) == 0 {
			continue
		}
		part := Observation{Index: o.Index, Operator: Restrict(moving, seen), Law: restrictLaw(o.Law, seen)}
		for _, j := range seen {
			part.Values, part.Sd = append(part.Values, o.Values[j]), append(part.Sd, o.Sd[j])
		}
		observations = append(observations, part)
	}
	return Sequence{observations}
}
