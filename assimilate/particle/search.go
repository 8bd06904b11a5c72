// An exact draw from the tree, by rejection. The nodes that matter for z are
// listed with an upper bound on their share of the sum: their weight times the
// density at the nearest point of their box. Then:
//
//	1. choose a listed node in proportion to its bound;
//	2. inside it choose a particle in proportion to its weight;
//	3. accept with the ratio of its density to that at the nearest point, else
//	   go to 1.
//
// Every particle is in exactly one listed node, so that accepted particles have
// the wanted law whatever nodes are listed: the list decides the cost only. A
// node is listed whole if the density varies little inside it, or if its bound
// is small beside the share of some other node.
//
// In many dimensions every box is wide and hardly anything is accepted. After
// some trials the draw is made by summing over all particles instead; that is
// exact too, being independent of the trials.

package particle

import (
	"math"
	"math/rand/v2"
)

// What decides the cost, and not the law; the values suit Lorenz 63.
const (
	// evenness is the largest spread of the log density within a node that is
	// listed whole.
	evenness = 8
	// negligible is the largest log of the bound of a node, relative to the
	// greatest share that some node has for certain, that is not worth opening:
	// positive, since many nodes share the sum.
	negligible = 5
	// trialCost is the cost of a trial in terms of a sum over all particles.
	trialCost = 8
)

// search is the scratch space of draws.
type search struct {
	tree   *tree
	target []float64 // z
	listed []listed
	floor  float64   // log of the greatest lower bound on the share of a node
	terms  []float64 // of an exhaustive draw; allocated if there is one
}

// listed is a node in the list of a draw.
type listed struct {
	node  int
	peak  float64 // log density at the nearest point of its box
	bound float64 // log of the bound on its share, then the running sum of bounds
}

func newSearch(t *tree) *search {
	return &search{tree: t, target: make([]float64, t.size), listed: make([]listed, 0, 256)}
}

// draw returns a particle for the next state, in physical units.
func (s *search) draw(next []float64, r *rand.Rand) int {
	for j, x := range next {
		s.target[j] = x * s.tree.perSd[j]
	}
	s.listed, s.floor = s.listed[:0], math.Inf(-1)
	near, far := s.bounds(1)
	s.visit(1, near, far)
	total := s.accumulate()
	for range 1 + len(s.tree.particles)/trialCost {
		chosen := s.choose(r.Float64() * total)
		place := s.descend(chosen.node, r)
		if r.Float64() < math.Exp(s.logDensity(place)-chosen.peak) {
			return int(s.tree.particles[place])
		}
	}
	return s.exhaust(r)
}

// bounds returns the log density at the nearest and farthest point of the box
// of a node, without the constant.
func (s *search) bounds(node int) (near, far float64) {
	low, high := s.tree.box(node)
	var least, most float64
	for j, z := range s.target {
		below, above := low[j]-z, z-high[j] // positive outside the box
		outside := max(below, above, 0)
		across := min(below, above) // minus the distance to the far side
		least += outside * outside
		most += across * across
	}
	return -least / 2, -most / 2
}

// visit lists the node or its parts, nearer child first so that the floor rises
// early.
func (s *search) visit(node int, near, far float64) {
	t := s.tree
	bound := t.logMass[node] + near
	even := near-far <= evenness
	if even || bound <= s.floor+negligible || node >= t.leaves {
		s.listed = append(s.listed, listed{node, near, bound})
		s.floor = max(s.floor, t.logMass[node]+far)
		return
	}
	near1, far1 := s.bounds(2 * node)
	near2, far2 := s.bounds(2*node + 1)
	if near1 >= near2 {
		s.visit(2*node, near1, far1)
		s.visit(2*node+1, near2, far2)
	} else {
		s.visit(2*node+1, near2, far2)
		s.visit(2*node, near1, far1)
	}
}

// accumulate turns the log bounds into a running sum, scaled so that the
// largest is 1, and returns the total.
func (s *search) accumulate() float64 {
	top := math.Inf(-1)
	for _, l := range s.listed {
		top = max(top, l.bound)
	}
	var sum float64
	for k := range s.listed {
		sum += math.Exp(s.listed[k].bound - top)
		s.listed[k].bound = sum
	}
	return sum
}

// choose returns the node in whose part of the running sum level lies.
func (s *search) choose(level float64) listed {
	low, high := 0, len(s.listed)-1
	for low < high {
		middle := (low + high) / 2
		if s.listed[middle].bound > level {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return s.listed[low]
}

// descend chooses a place in a node in proportion to weight.
func (s *search) descend(node int, r *rand.Rand) int {
	t := s.tree
	level := r.Float64() * t.mass[node]
	for node < t.leaves {
		node *= 2
		if level >= t.mass[node] {
			level -= t.mass[node]
			node++
		}
	}
	begin, end := t.places(node)
	for place := begin; place < end-1; place++ {
		if level < t.weights[place] {
			return place
		}
		level -= t.weights[place]
	}
	return end - 1
}

// logDensity is the log density at the particle of a place, without the
// constant.
func (s *search) logDensity(place int) float64 {
	var squares float64
	for j, x := range s.tree.points[place*len(s.target) : (place+1)*len(s.target)] {
		d := s.target[j] - x
		squares += d * d
	}
	return -squares / 2
}

// exhaust draws by summing over all particles.
func (s *search) exhaust(r *rand.Rand) int {
	s.terms = s.terms[:0]
	for place, w := range s.tree.weights {
		s.terms = append(s.terms, math.Log(w)+s.logDensity(place))
	}
	place := pick(s.terms, r.Float64())
	if place < 0 {
		return place
	}
	return int(s.tree.particles[place])
}
