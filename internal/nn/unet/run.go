package unet

import "retrace/internal/parallel"

// Workspace holds the activations and gradients of a network for one size of
// batch. It makes one call at a time, which uses all cores, and allocates nothing
// after the first. What a trajectory gives does not depend on the others of its
// batch nor on its place, bit for bit.
type Workspace struct {
	own    *workspace[float32]
	border *border

	// Arguments of the call in progress, and the calls, which run with the helpers
	// of package parallel held awake.
	values, result, times, grad []float32
	forward, pull, push         func()
}

// NewWorkspace returns a workspace. The error of a grid that the network cannot
// take is an input error.
func NewWorkspace(n *Network, size Size) (*Workspace, error) {
	w, err := plan(n, size)
	if err != nil {
		return nil, err
	}
	w.allocate()
	v := &Workspace{own: w, border: newBorder(size.ChannelsLast)}
	v.forward, v.pull, v.push = v.runForward, v.runPull, v.runPush
	return v, nil
}

// Memory is the number of bytes of a workspace of the given size. The filters of
// the network, which all workspaces share, and what the kernels tabulate for a
// grid are not among them.
func Memory(n *Network, size Size) (int, error) {
	w, err := plan(n, size)
	if err != nil {
		return 0, err
	}
	return 4 * (w.used + w.engine.(*kernels).scratchSize()), nil
}

func plan(n *Network, size Size) (*workspace[float32], error) {
	if size.Batch < 1 || size.Frames < 1 {
		panic("unet: empty batch")
	}
	if err := n.own.shape.CheckGrid(size.Grid); err != nil {
		return nil, err
	}
	return newWorkspace(n.own, engine[float32](newKernels(size.Frames)), size), nil
}

// Size is what the workspace was made for.
func (w *Workspace) Size() Size { return w.own.size }

// SetContext sets the Context channels, (Context, Rows, Columns), which are zero
// at first and the same for all frames.
func (w *Workspace) SetContext(planes []float32) {
	s, x := w.own.net.shape, w.own.input
	if len(planes) != s.Context*x.pixels() {
		panic("unet: length of the context does not match")
	}
	for p := range x.rows() {
		for c := range s.Context {
			x.row(p)[s.In+c] = planes[c*x.pixels()+p%x.pixels()]
		}
	}
}

// Forward computes out = network(in, times), and keeps what the other methods
// need. in holds In channels and out holds Out, in the order that Size tells.
// times, in [0, 1], has the noise time of every trajectory, or one for all.
func (w *Workspace) Forward(out, in, times []float32) {
	w.check(out, in)
	if len(times) != 1 && len(times) != w.own.size.Batch {
		panic("unet: times must be one or one a trajectory")
	}
	if w.own.net.levels[0].head.filters == nil {
		panic("unet: Forward before Refresh")
	}
	w.values, w.result, w.times = in, out, times
	parallel.Hot(w.forward)
}

func (w *Workspace) runForward() {
	w.border.load(w.own.input, w.values)
	w.own.forward(w.times)
	w.border.store(w.result, w.own.output)
}

// PullInput computes gin = J^T gout at the point of the last Forward, which must
// have used the same parameters; J is the Jacobian of out with respect to in. It
// may be called several times after one Forward.
func (w *Workspace) PullInput(gin, gout []float32) {
	w.check(gout, gin)
	w.checkRan()
	w.values, w.result, w.grad = gout, gin, nil
	parallel.Hot(w.pull)
}

// runPull pulls the cotangent back, to the input if there is a result.
func (w *Workspace) runPull() {
	w.border.load(w.own.output, w.values)
	w.own.pull(w.grad, w.result != nil)
	if w.result != nil {
		w.border.store(w.result, w.own.gradInput)
	}
}

// PullAll adds the gradient of <gout, out> with respect to the parameters to
// grad, which has the layout of Network.Slab, and computes gin as PullInput does
// unless gin is nil.
func (w *Workspace) PullAll(gin, gout, grad []float32) {
	if len(grad) != len(w.own.net.slab) {
		panic("unet: length of the gradient does not match the parameters")
	}
	if gin != nil {
		w.check(gout, gin)
	} else if len(gout) != w.own.output.rows()*w.own.net.shape.Out {
		panic("unet: length of the output does not match")
	}
	w.checkRan()
	w.values, w.result, w.grad = gout, gin, grad
	parallel.Hot(w.pull)
}

// Push computes tout = J tin at the point of the last Forward: the tangent of the
// output along that of the input.
func (w *Workspace) Push(tout, tin []float32) {
	w.check(tout, tin)
	w.checkRan()
	w.values, w.result = tin, tout
	parallel.Hot(w.push)
}

func (w *Workspace) runPush() {
	clear(w.own.gradInput.data) // that of the context, too
	w.border.load(w.own.gradInput, w.values)
	w.own.push()
	w.border.store(w.result, w.own.output)
}

func (w *Workspace) check(out, in []float32) {
	s, pixels := w.own.net.shape, w.own.input.rows()
	if len(in) != pixels*s.In || len(out) != pixels*s.Out {
		panic("unet: length of input or output does not match")
	}
}

func (w *Workspace) checkRan() {
	if !w.own.ran {
		panic("unet: pulling back before Forward")
	}
}
