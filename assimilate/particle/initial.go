package particle

import (
	"math/rand/v2"

	"retrace/assimilate"
)

// initial draws state 0 into x: from the law of the problem if it gives one,
// else from that of the model, so many transitions after its own.
func initial(p *assimilate.Problem, x []float64, r *rand.Rand, spinUp int) {
	if p.Initial != nil {
		for j, mean := range p.Initial.Mean {
			x[j] = mean + p.Initial.Sd[j]*r.NormFloat64()
		}
		return
	}
	p.Model.Initial(x, r)
	for range spinUp {
		p.Model.Step(x, r)
	}
}
