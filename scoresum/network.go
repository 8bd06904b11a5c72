package scoresum

import (
	"math/rand/v2"

	"retrace/internal/nn"
	"retrace/internal/safetensors"
)

// network is the learnt part of a window denoiser.
type network interface {
	// weights are all parameters, the network's own memory, for an optimiser;
	// refresh must follow a change of them.
	weights() []float32
	refresh()
	// initialise draws the weights so that the network returns zero.
	initialise(r *rand.Rand)
	// tensors are the parameters under their names, and fill sets them from what
	// take returns; its first error ends it.
	tensors() []safetensors.Tensor
	fill(take func(name string, shape []int) ([]float32, error)) error
	// evaluator returns what evaluates the network on at most so many windows of at
	// most so many tokens.
	evaluator(windows, tokens int) evaluator
	// learner returns what adds up gradients from evaluators on as many windows, at
	// most workers of them.
	learner(workers, windows, tokens int) learner
}

// evaluator holds the activations of one worker.
type evaluator interface {
	// forward computes out = network(in, times), with one time, or one for each of
	// the windows.
	forward(out, in, times []float32, windows, tokens int)
	// pullInput computes gin = J^T gout at the point of the last forward.
	pullInput(gin, gout []float32)
	// pullAll pulls gout back for the gradient of the weights.
	pullAll(gout []float32)
}

// learner is the gradient of the weights and the evaluators that feed it.
type learner interface {
	// evaluators may be at work side by side.
	evaluators() []evaluator
	clear()
	// add takes in what the first n evaluators have pulled back since the last add.
	add(n int)
	gradient() []float32
}

// tokenNetwork is a network on sequences of tokens, such as those of package nn.
type tokenNetwork struct {
	*nn.Network
	packed *nn.Packed
}

func newTokenNetwork(shape nn.Shape) (*tokenNetwork, error) {
	n, err := nn.New(shape)
	if err != nil {
		return nil, err
	}
	return &tokenNetwork{n, n.Pack()}, nil
}

func (n *tokenNetwork) weights() []float32 { return n.Slab() }

func (n *tokenNetwork) refresh() { n.packed.Refresh(n.Network) }

func (n *tokenNetwork) initialise(r *rand.Rand) {
	n.Init(r)
	n.refresh()
}

func (n *tokenNetwork) tensors() []safetensors.Tensor { return tensorsOf(n.Parameters()) }

func (n *tokenNetwork) fill(take func(name string, shape []int) ([]float32, error)) error {
	for _, q := range n.Parameters() {
		data, err := take(q.Name, q.Shape)
		if err != nil {
			return err
		}
		copy(q.Data, data)
	}
	n.refresh()
	return nil
}

func (n *tokenNetwork) evaluator(windows, tokens int) evaluator {
	return &tokenEvaluator{n, nn.NewWorkspace(n.Shape(), windows, tokens)}
}

func (n *tokenNetwork) learner(workers, windows, tokens int) learner {
	l := &tokenLearner{sum: nn.NewGradient(n.Network)}
	for range workers {
		w := nn.NewWorkspace(n.Shape(), windows, tokens)
		l.workspaces = append(l.workspaces, w)
		l.list = append(l.list, &tokenEvaluator{n, w})
	}
	return l
}

type tokenEvaluator struct {
	network   *tokenNetwork
	workspace *nn.Workspace
}

func (e *tokenEvaluator) forward(out, in, times []float32, windows, tokens int) {
	e.workspace.Forward(e.network.packed, out, in, times, windows, tokens)
}

func (e *tokenEvaluator) pullInput(gin, gout []float32) {
	e.workspace.PullInput(e.network.packed, gin, gout)
}

func (e *tokenEvaluator) pullAll(gout []float32) {
	e.workspace.PullAll(e.network.packed, nil, gout)
}

// tokenLearner lets all cores add the gradient up, each of some of the weights.
type tokenLearner struct {
	sum        *nn.Gradient
	workspaces []*nn.Workspace
	list       []evaluator
}

func (l *tokenLearner) evaluators() []evaluator { return l.list }

func (l *tokenLearner) clear() { l.sum.Clear() }

func (l *tokenLearner) add(n int) { l.sum.Add(l.workspaces[:n]) }

func (l *tokenLearner) gradient() []float32 { return l.sum.Values() }

func tensorsOf(parameters []nn.Parameter) []safetensors.Tensor {
	var list []safetensors.Tensor
	for _, q := range parameters {
		list = append(list, safetensors.Tensor{Name: q.Name, Shape: q.Shape, Data: q.Data})
	}
	return list
}
