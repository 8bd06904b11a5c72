package strict

// Numbers is one number or an array of them, for a key such as sd that holds
// for all components or for each.
type Numbers []float64

// DecodeTOML reads a number or an array of numbers.
func (n *Numbers) DecodeTOML(v Value) {
	list, isList := v.Any.([]any)
	if !isList {
		if x, ok := v.Float(); ok {
			*n = Numbers{x}
		}
		return
	}
	*n = make(Numbers, 0, len(list))
	for i := range list {
		if x, ok := v.Element(i).Float(); ok {
			*n = append(*n, x)
		}
	}
}

// EncodeTOML writes one number as a scalar.
func (n Numbers) EncodeTOML() any {
	if len(n) == 1 {
		return n[0]
	}
	return []float64(n)
}
