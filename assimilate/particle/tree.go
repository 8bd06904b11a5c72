// A tree over particles for exact draws from the backward kernel of additive
// noise. In units of the noise standard deviation of each component, with
// f_i = Flow(x_i) and z the next state, particle i is wanted with probability
//
//	proportional to w_i exp(-|z - f_i|^2 / 2).
//
// The particles are put in Z-order (Morton 1966), which keeps neighbours
// together, and cut into leaves of a few; a binary tree above the leaves holds
// the total weight and the bounding box of each subtree. search.go draws.

package particle

import (
	"context"
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"

	"retrace/dynamics"
	"retrace/internal/parallel"
)

// leafSize is the number of particles of a leaf, at most.
const leafSize = 8

type tree struct {
	model  dynamics.AdditiveNoise
	size   int       // values of a state
	perSd  []float64 // 1/sd of each component
	leaves int       // a power of two; leaf l holds places l n/leaves to (l+1) n/leaves

	// By place, n of them: particles of positive weight in Z-order.
	particles []int32
	weights   []float64
	points    []float64 // f_i in units of the noise, n x size

	// By node: 1 is the root, 2k and 2k+1 are the children of k, and the
	// leaves are nodes leaves to 2 leaves - 1.
	mass, logMass []float64
	low, high     []float64 // corners of the bounding box, nodes x size

	order    *zOrder
	flowed   []float64 // f_i before sorting
	keys     []uint64  // Z-order key in the high half, particle in the low half
	spare    []uint64
	searches []*search // one a worker
}

func newTree(model dynamics.AdditiveNoise, particles int) *tree {
	size := model.Space().Size()
	t := &tree{
		model: model, size: size, perSd: make([]float64, size),
		particles: make([]int32, 0, particles), weights: make([]float64, 0, particles),
		points: make([]float64, particles*size), flowed: make([]float64, particles*size),
		keys: make([]uint64, 0, particles), spare: make([]uint64, particles),
		order: newZOrder(size), searches: make([]*search, parallel.Workers(math.MaxInt)),
	}
	for i, sd := range model.NoiseSd() {
		t.perSd[i] = 1 / sd
	}
	nodes := 2 * leavesFor(particles)
	t.mass, t.logMass = make([]float64, nodes), make([]float64, nodes)
	t.low, t.high = make([]float64, nodes*size), make([]float64, nodes*size)
	for w := range t.searches {
		t.searches[w] = newSearch(t)
	}
	return t
}

// leavesFor is the least power of two that leaves at most leafSize particles to
// a leaf.
func leavesFor(particles int) int {
	return 1 << bits.Len(uint((particles-1)/leafSize))
}

func (t *tree) steps(length int) int { return length - 1 }

// draw is part of backwardKernel.
func (t *tree) draw(worker int, next []float64, r *rand.Rand) int {
	return t.searches[worker].draw(next, r)
}

// load flows the particles of positive weight and builds the tree over them.
func (t *tree) load(ctx context.Context, states, weights []float64) error {
	t.particles = t.particles[:0]
	for i, w := range weights {
		if w > 0 {
			t.particles = append(t.particles, int32(i))
		}
	}
	if err := t.flow(ctx, states); err != nil {
		return err
	}
	t.sort()
	t.weights = t.weights[:len(t.particles)]
	for place, i := range t.particles {
		t.weights[place] = weights[i]
	}
	t.leaves = leavesFor(len(t.particles))
	t.sum()
	return nil
}

// flow computes f_i, in the order of t.particles, into t.flowed.
func (t *tree) flow(ctx context.Context, states []float64) error {
	n := len(t.particles)
	return parallel.For(ctx, blocks(n), func(_, block int) error {
		for place := block * blockSize; place < min((block+1)*blockSize, n); place++ {
			f := t.flowed[place*t.size : (place+1)*t.size]
			copy(f, states[int(t.particles[place])*t.size:])
			t.model.Flow(f)
			if !finite(f) {
				return fmt.Errorf("%w: the flow of %T is not finite: the model is unstable there (a shorter integration step may help)", ErrDiverged, t.model)
			}
			for j := range f {
				f[j] *= t.perSd[j]
			}
		}
		return nil
	})
}

// sort puts t.particles and t.points in Z-order.
func (t *tree) sort() {
	n := len(t.particles)
	t.keys = t.keys[:n]
	t.order.cover(t.flowed[:n*t.size])
	for place := range n {
		key := t.order.key(t.flowed[place*t.size : (place+1)*t.size])
		t.keys[place] = uint64(key)<<32 | uint64(place)
	}
	sortHighHalf(t.keys, t.spare[:n])
	for place, key := range t.keys {
		from := int(uint32(key))
		copy(t.points[place*t.size:(place+1)*t.size], t.flowed[from*t.size:])
		t.keys[place] = uint64(t.particles[from])
	}
	for place, i := range t.keys {
		t.particles[place] = int32(i)
	}
}

// sum fills in the weights and boxes of leaves and, from them, of nodes.
func (t *tree) sum() {
	for node := 2*t.leaves - 1; node >= 1; node-- {
		if node >= t.leaves {
			t.sumLeaf(node)
		} else {
			t.sumChildren(node)
		}
		t.logMass[node] = math.Log(t.mass[node])
	}
}

// places is the range of places of a leaf, one to leafSize of them.
func (t *tree) places(leaf int) (begin, end int) {
	l, n := leaf-t.leaves, len(t.particles)
	return l * n / t.leaves, (l + 1) * n / t.leaves
}

func (t *tree) sumLeaf(leaf int) {
	low, high := t.box(leaf)
	for j := range low {
		low[j], high[j] = math.Inf(1), math.Inf(-1)
	}
	t.mass[leaf] = 0
	begin, end := t.places(leaf)
	for place := begin; place < end; place++ {
		t.mass[leaf] += t.weights[place]
		for j, x := range t.points[place*t.size : (place+1)*t.size] {
			low[j], high[j] = min(low[j], x), max(high[j], x)
		}
	}
}

func (t *tree) sumChildren(node int) {
	low, high := t.box(node)
	low1, high1 := t.box(2 * node)
	low2, high2 := t.box(2*node + 1)
	for j := range low {
		low[j], high[j] = min(low1[j], low2[j]), max(high1[j], high2[j])
	}
	t.mass[node] = t.mass[2*node] + t.mass[2*node+1]
}

// box returns the corners of the bounding box of a node.
func (t *tree) box(node int) (low, high []float64) {
	return t.low[node*t.size : (node+1)*t.size], t.high[node*t.size : (node+1)*t.size]
}
