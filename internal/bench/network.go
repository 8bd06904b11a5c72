package bench

import (
	"fmt"
	"strings"

	"retrace/internal/nn"
)

// network is a network with the batch that a worker gives it.
type network struct {
	name       string
	shape      nn.Shape
	rows, time int
}

// networks lists temporal convolutions over 33 states of three components, in
// batches of 8, and residual perceptrons on 9 states, in batches of 128; narrow
// ones and wide ones. The first and the last have the shapes of the shipped
// Lorenz 63 configs.
func networks() []network {
	temporal := func(width int) network {
		shape := nn.Shape{In: 9, Out: 3, Width: width, Blocks: 6, Kernel: 3, Embedding: 64}
		return network{fmt.Sprintf("temporal, %d wide, 6 blocks", width), shape, 8, 33}
	}
	perceptron := func(width int) network {
		shape := nn.Shape{In: 90, Out: 27, Width: width, Blocks: 5, Kernel: 1, Embedding: 64}
		return network{fmt.Sprintf("mlp, %d wide, 5 blocks", width), shape, 128, 1}
	}
	return []network{temporal(32), temporal(128), perceptron(64), perceptron(256)}
}

// What is timed of a network.
const (
	forward  = "forward"
	guided   = "forward and input VJP"
	training = "forward and backward"
)

// peerWork names work in requests.
var peerWork = map[string]string{forward: "forward", guided: "guided", training: "training"}

// Networks returns probes of score networks: forward, forward and the VJP with
// respect to the input, both with one noise time for all rows as in sampling,
// and forward and the gradient of the weights with a noise time each as in
// training.
func Networks() []Probe {
	var probes []Probe
	for _, n := range networks() {
		for _, work := range []string{forward, guided, training} {
			probes = append(probes, Probe{
				Counts: []Count{{n.name, work, GigaFLOPs, 2 * float64(n.multiplyAdds(work)) / 1e9}},
				Worker: func() (func() error, error) { return n.worker(work) },
			})
		}
	}
	return probes
}

// multiplyAdds counts those with weights.
func (n network) multiplyAdds(work string) int {
	w, tokens := countWeights(n.shape), n.rows*n.time
	switch work {
	case forward:
		return tokens*w.layers + w.condition
	case guided:
		return 2*tokens*w.layers + w.condition
	}
	// Training needs no gradient of the input and of the noise times.
	return tokens*(3*w.layers-w.input) + n.rows*(3*w.condition-w.embedding)
}

// worker returns a pass through a network of random weights.
func (n network) worker(work string) (func() error, error) {
	net, err := nn.New(n.shape)
	if err != nil {
		return nil, err
	}
	fill(net.Slab(), 0.1)
	packed, workspace := net.Pack(), nn.NewWorkspace(n.shape, n.rows, n.time)
	in, out := values(n.rows*n.time*n.shape.In), make([]float32, n.rows*n.time*n.shape.Out)
	gin, gout := make([]float32, len(in)), values(len(out))
	times, gradient, workspaces := make([]float32, n.rows), nn.NewGradient(net), []*nn.Workspace{workspace}
	for i := range times {
		times[i] = float32(i) / float32(n.rows)
	}
	if work != training {
		times = times[:1]
	}
	return func() error {
		workspace.Forward(packed, out, in, times, n.rows, n.time)
		switch work {
		case guided:
			workspace.PullInput(packed, gin, gout)
		case training:
			workspace.PullAll(packed, nil, gout)
			gradient.Clear()
			gradient.Add(workspaces)
		}
		return nil
	}, nil
}

// weights counts those of the convolutions, and of the first of them, which a
// time of a row meets once, and those that embed a noise time, likewise.
type weights struct{ layers, input, condition, embedding int }

func countWeights(shape nn.Shape) (w weights) {
	network, err := nn.New(shape)
	if err != nil {
		panic("bench: bad shape: " + err.Error())
	}
	for _, p := range network.Parameters() {
		name, found := strings.CutSuffix(p.Name, ".weight")
		size := len(p.Data)
		switch {
		case !found: // a bias
		case name == "embedding.0":
			w.embedding = size
			w.condition += size
		case name == "embedding.1" || strings.HasSuffix(name, ".shift"):
			w.condition += size
		case name == "input":
			w.input = size
			w.layers += size
		default:
			w.layers += size
		}
	}
	return w
}
