package unet

// The forward pass, with the levels i = 0, 1, ... from the finest:
//
//	h_0 = head_0(input),  h_i = mix(head_i(h_(i-1)))   then the blocks of the way down
//	u_last = h_last                                    then the blocks of the way up
//	u_(i-1) = h_(i-1) + tail_i(up(LN(mix(u_i))))       then the blocks of the way up
//	output = tail_0(u_0)
//
//	block: x + second(f(first(LN(x + shift(e)))))
//	mix:   x + second(f(first(x))) over frames, or nothing
//
// What a pullback needs is kept by one of two rules. If all fits keepLimit, every
// block keeps its normalised argument and the argument of f. Otherwise it keeps
// its own argument alone, and computes both again when it is pulled back.

// keepLimit is the number of values, 1 GiB of them, up to which activations are
// kept.
const keepLimit = 1 << 28

// chunkLimit bounds the values of a block's hidden channels that are worked on at
// once: images go through a block in chunks.
const chunkLimit = 1 << 22

// workspace is a Workspace in any arithmetic.
type workspace[T float] struct {
	net    *network[T]
	engine engine[T]
	size   Size
	images int
	chunk  int  // images that go through a block at once
	keep   bool // the first rule
	ran    bool // Forward has been called

	time          condition[T]
	input, output tensor[T] // and their gradients or tangents
	gradInput     tensor[T]
	levels        []levelWork[T]
	used          int // values of the arena
}

// levelWork holds the activations of a level.
type levelWork[T float] struct {
	down, up         tensor[T] // h and u at the end of their way; one in the coarsest level
	gradient         tensor[T] // of h and u
	downward, upward []record[T]
	scratch          scratch[T]

	headMix, tailMix mixRecord[T]
	normal           tensor[T] // LN(mix(u)), of the tail
	scale            []T
	noShift          tensor[T] // a vector of zeros
	wide             tensor[T] // a chunk of up(normal), on the grid of the finer level
}

// record is what a block keeps.
type record[T float] struct {
	x              tensor[T] // the argument; under the first rule later blocks overwrite it
	normal, hidden tensor[T] // under the first rule
	scale          []T
	shift          tensor[T] // vectors
}

// mixRecord is what mix keeps.
type mixRecord[T float] struct {
	x      tensor[T]
	hidden tensor[T] // under the first rule
}

// scratch is shared by the blocks of a level.
type scratch[T float] struct {
	gradHidden, hidden        tensor[T] // of a chunk
	gradNormal, normal, spare tensor[T]
	mixGradHidden, mixHidden  tensor[T] // of all images
	gradShift                 tensor[T] // vectors
}

func newWorkspace[T float](n *network[T], e engine[T], size Size) *workspace[T] {
	plan := &workspace[T]{net: n, engine: e, size: size, images: size.Batch * size.Frames, keep: true}
	plan.chunk = plan.chunkSize()
	counter := &arena[T]{engine: e}
	if plan.lay(counter); counter.used > keepLimit {
		plan.keep = false
		counter = &arena[T]{engine: e}
		plan.lay(counter)
	}
	plan.used = counter.used
	return plan
}

// allocate makes the arena that was planned.
func (w *workspace[T]) allocate() {
	w.lay(&arena[T]{engine: w.engine, slab: w.engine.slab(w.used)})
	w.engine.ready()
}

// chunkSize is the largest divisor of the number of images within the limit.
func (w *workspace[T]) chunkSize() int {
	values := w.size.pixels() * w.engine.pitch(w.net.shape.hidden(w.net.levels[0].channels))
	chunk := min(w.images, max(1, chunkLimit/values))
	for w.images%chunk > 0 {
		chunk--
	}
	return chunk
}

// lay takes all tensors from the arena.
func (w *workspace[T]) lay(a *arena[T]) {
	s := w.net.shape
	w.time = newCondition(w.net, w.size, a)
	w.input = a.tensor(w.images, w.size.Grid, s.In+s.Context)
	w.gradInput = a.tensor(w.images, w.size.Grid, s.In+s.Context)
	w.output = a.tensor(w.images, w.size.Grid, s.Out)
	w.levels = make([]levelWork[T], len(s.Levels))
	for i := range w.levels {
		w.layLevel(i, a)
	}
	w.prepare()
}

func (w *workspace[T]) layLevel(i int, a *arena[T]) {
	s, v := w.net.shape, &w.net.levels[i]
	g := s.grid(w.size.Grid, i)
	whole := func(channels int) tensor[T] { return a.tensor(w.images, g, channels) }
	chunk := func(channels int) tensor[T] { return a.tensor(w.chunk, g, channels) }
	hidden := s.hidden(v.channels)
	l := &w.levels[i]
	l.up, l.gradient = whole(v.channels), whole(v.channels)
	record := func(stream tensor[T]) record[T] {
		r := record[T]{x: stream, scale: a.values(l.up.rows()), shift: a.tensor(1, Grid{1, w.size.Batch}, v.channels)}
		if w.keep {
			r.normal, r.hidden = whole(v.channels), whole(hidden)
		} else {
			r.x = whole(v.channels)
		}
		return r
	}
	for range v.up {
		l.upward = append(l.upward, record(l.up))
	}
	if l.down = entry(l.upward, l.up); i+1 < len(w.levels) {
		l.down = whole(v.channels)
	}
	for range v.down {
		l.downward = append(l.downward, record(l.down))
	}
	l.scratch = scratch[T]{
		gradHidden: chunk(hidden), hidden: chunk(hidden),
		gradNormal: chunk(v.channels), spare: chunk(v.channels),
		gradShift: a.tensor(1, Grid{1, w.size.Batch}, v.channels),
	}
	if !w.keep {
		l.scratch.normal = chunk(v.channels)
	}
	if i > 0 {
		l.normal, l.scale = whole(v.channels), a.values(l.up.rows())
		l.noShift = a.tensor(1, Grid{1, 1}, v.channels)
		l.wide = a.tensor(w.chunk, s.grid(w.size.Grid, i-1), v.channels)
	}
	if v.headTime != nil {
		l.headMix, l.tailMix = mixRecord[T]{x: whole(v.channels)}, mixRecord[T]{x: l.up}
		if w.keep {
			l.headMix.hidden, l.tailMix.hidden = whole(hidden), whole(hidden)
		}
		l.scratch.mixGradHidden, l.scratch.mixHidden = whole(hidden), whole(hidden)
	}
}

// entry is where the blocks of a way start.
func entry[T float](records []record[T], stream tensor[T]) tensor[T] {
	if len(records) > 0 {
		return records[0].x
	}
	return stream
}

// exit is where block j of a way puts its result.
func exit[T float](records []record[T], j int, stream tensor[T]) tensor[T] {
	return entry(records[j+1:], stream)
}
