package nn_test

import (
	"math"

	"retrace/internal/nn"
)

// reference evaluates a network in float64 from its named parameters, with one
// plain loop an equation.
type reference struct {
	shape      nn.Shape
	parameters map[string][]float64
}

func newReference(n *nn.Network) *reference {
	r := &reference{n.Shape(), map[string][]float64{}}
	for _, p := range n.Parameters() {
		values := make([]float64, len(p.Data))
		for i, x := range p.Data {
			values[i] = float64(x)
		}
		r.parameters[p.Name] = values
	}
	return r
}

// convolve maps x (time, in) to (time, out) with zeros outside.
func (r *reference) convolve(name string, x [][]float64, taps int) [][]float64 {
	weight, bias := r.parameters[name+".weight"], r.parameters[name+".bias"]
	in := len(x[0])
	y := make([][]float64, len(x))
	for t := range x {
		y[t] = append([]float64(nil), bias...)
		for o := range y[t] {
			for i := range in {
				for j := range taps {
					if s := t + j - taps/2; s >= 0 && s < len(x) {
						y[t][o] += weight[(o*in+i)*taps+j] * x[s][i]
					}
				}
			}
		}
	}
	return y
}

func silu(x [][]float64) [][]float64 {
	y := make([][]float64, len(x))
	for t := range x {
		y[t] = make([]float64, len(x[t]))
		for i, v := range x[t] {
			y[t][i] = v / (1 + math.Exp(-v))
		}
	}
	return y
}

// normalise is LN(h + shift) over channels, unbiased.
func normalise(h [][]float64, shift []float64) [][]float64 {
	y := make([][]float64, len(h))
	for t := range h {
		n := float64(len(shift))
		row := make([]float64, len(shift))
		var mean, variance float64
		for i := range row {
			row[i] = h[t][i] + shift[i]
			mean += row[i] / n
		}
		for _, v := range row {
			variance += (v - mean) * (v - mean) / (n - 1)
		}
		for i := range row {
			row[i] = (row[i] - mean) / math.Sqrt(variance+1e-5)
		}
		y[t] = row
	}
	return y
}

func accumulate(dst, src [][]float64) {
	for t := range dst {
		for i := range dst[t] {
			dst[t][i] += src[t][i]
		}
	}
}

// row evaluates one sequence x (time, In) at one noise time.
func (r *reference) row(x [][]float64, time float64) [][]float64 {
	features := make([]float64, 32)
	for k := range 16 {
		features[k] = math.Cos(math.Pi * float64(k+1) * time)
		features[16+k] = math.Sin(math.Pi * float64(k+1) * time)
	}
	e := r.convolve("embedding.1", silu(r.convolve("embedding.0", [][]float64{features}, 1)), 1)
	h := r.convolve("input", x, r.shape.Kernel)
	for b := range r.shape.Blocks {
		name := "blocks." + string(rune('0'+b))
		shift := r.convolve(name+".shift", e, 1)[0]
		u := r.convolve(name+".first", normalise(h, shift), r.shape.Kernel)
		accumulate(h, r.convolve(name+".second", silu(u), r.shape.Kernel))
	}
	return r.convolve("output", h, r.shape.Kernel)
}

// evaluate is Network's Forward: in is (rows, time, In).
func (r *reference) evaluate(in []float64, times []float32, rows, time int) []float64 {
	var out []float64
	for s := range rows {
		x := make([][]float64, time)
		for t := range x {
			x[t] = in[(s*time+t)*r.shape.In:][:r.shape.In]
		}
		for _, y := range r.row(x, float64(times[min(s, len(times)-1)])) {
			out = append(out, y...)
		}
	}
	return out
}

// product is <gout, evaluate(in)>.
func (r *reference) product(gout []float32, in []float64, times []float32, rows, time int) float64 {
	var sum float64
	for i, y := range r.evaluate(in, times, rows, time) {
		sum += float64(gout[i]) * y
	}
	return sum
}
