package particle

import (
	"math/rand/v2"

	"retrace/assimilate"
)

// initial writes state 0 of particle i to x: that of a member of the initial ensemble if
// the problem gives one, its members being dealt out in turn, or a draw from the law of the
// problem, else from that of the model, so many transitions after its own.
func initial(p *assimilate.Problem, i int, x []float64, r *rand.Rand, spinUp int) {
	if p.InitialEnsemble != nil {
		copy(x, p.InitialEnsemble[i%p.Members*len(x):])
		return
	}
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
