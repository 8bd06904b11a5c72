package observe

// Func is an Operator made of a Go function and its vector-Jacobian product.
// Both functions must be safe for concurrent use and must not keep or change
// their inputs. Give every field but Names.
type Func struct {
	// State and Values are the numbers of values of a state and of an
	// observation.
	State, Values int
	// Function writes the observed values of state x to y.
	Function func(y, x []float64)
	// Pullback writes J(x)^T v to dst, whatever dst holds before.
	Pullback func(dst, x, v []float64)
	// Names are the labels of the values; nil for value0, value1, ...
	Names []string
}

// Size returns State and Values.
func (f Func) Size() (state, values int) { return f.State, f.Values }

// Apply calls Function.
func (f Func) Apply(y, x []float64) { f.Function(y, x) }

// VJP calls Pullback.
func (f Func) VJP(dst, x, v []float64) { f.Pullback(dst, x, v) }

// Labels returns Names.
func (f Func) Labels() []string { return f.Names }
