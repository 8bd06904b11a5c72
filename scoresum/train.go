package scoresum

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/kernel"
	"retrace/internal/nn"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/trajectory"
)

// chunkWindows is the number of windows that go through the network at once in
// training. It decides which windows have the same length and the order of sums,
// and so the bytes of a trained network. At least 16 windows and 32 rows of the
// network share the reading of its weights; more than make 16 chunks of a batch
// gain little, and so do more than some 16,384 values of an activation, of which
// the second-level cache then holds those of all layers.
//
// A U-Net uses all cores itself: a quarter of a batch goes through it at once, so that
// a batch has windows of several lengths, but no more than fill some memory.
func (s Settings) chunkWindows(space dynamics.Space) int {
	const windows, rows, chunks, values, quarters, cells = 16, 32, 16, 1 << 14, 4, 1 << 15
	l := s.layout(space)
	if g, err := newGrid(space); s.fields() && err == nil {
		return max(1, min((s.Training.Batch+quarters-1)/quarters, cells/(g.cells()*l.tokens(s.Window))))
	}
	tokens := l.tokens(s.Window)
	fewest := max(windows, rows/tokens)
	return max(fewest, min(s.Training.Batch/chunks, values/(tokens*s.Width)))
}

// Progress is what training has reached.
type Progress struct {
	Step, Steps      int
	Loss, Validation float64 // of the last point; NaN before the first
	Pace             float64 // windows seen a second, since training began or was resumed
}

// Point is one row of the training curve.
type Point struct {
	Step         int
	Loss         float64 // mean over the steps since the last point
	Validation   float64 // of the averaged weights, the same windows and noise every time
	LearningRate float64
}

// trainer is the state of a training run.
type trainer struct {
	prior                *Prior
	training, validation *windowSource
	seed                 int64
	identity             string // names the run in its checkpoint
	optimiser            *nn.AdamW
	curve                []Point
	loss                 float64 // sum over the steps since the last point
	begun                time.Time
	resumedAt            int // step

	chunk    int // windows of a chunk
	budget   budget
	losses   []float64 // of the chunks of a batch
	examples []*examples
	learner  learner // with the evaluators of the examples
	first    int     // chunk of the examples in work
	learn    func(worker, piece int)
}

// examples is a chunk of windows in work, with its own memory.
type examples struct {
	*windows
	clean      []float32
	training   *rng.Source
	validation *rng.Source
}

// Train learns a prior from training trajectories. It resumes from the
// checkpoint in dir if there is one of the same run, and leaves the prior and
// its training curve there. The result is the same bytes with and without an
// interruption, for any GOMAXPROCS. progress may be nil.
func Train(ctx context.Context, s Settings, data Data, dir string, progress func(Progress)) (*Prior, error) {
	t, err := newTrainer(s, data)
	if err != nil {
		return nil, err
	}
	if err := t.resume(dir); err != nil {
		return nil, err
	}
	t.begun, t.resumedAt = time.Now(), t.optimiser.Steps
	for t.optimiser.Steps < s.Training.Steps {
		if err := t.step(ctx); err != nil {
			return nil, err
		}
		done := t.optimiser.Steps == s.Training.Steps
		if done || t.optimiser.Steps%s.Training.Checkpoint == 0 {
			if err := t.point(ctx); err != nil {
				return nil, err
			}
			if err := t.save(dir); err != nil {
				return nil, err
			}
		}
		if progress != nil {
			progress(t.progress())
		}
	}
	t.exchange()
	if t.prior.fractions, err = measureFractions(ctx, t.prior, t.validation, data.Seed); err != nil {
		return nil, err
	}
	if err := t.prior.Save(dir); err != nil {
		return nil, err
	}
	return t.prior, removeCheckpoint(dir)
}

// exchange swaps the weights in training and their moving average.
func (t *trainer) exchange() {
	weights := t.prior.network.weights()
	for i, average := range t.optimiser.Average {
		weights[i], t.optimiser.Average[i] = average, weights[i]
	}
	t.prior.network.refresh()
}

// Data is what a prior is learnt from.
type Data struct {
	Training, Validation *trajectory.Set
	Standard             trajectory.Standardiser
	Seed                 int64
	// Symmetry draws a map of states, in physical units, that takes trajectories of
	// the system to trajectories (dynamics.Symmetric); nil if none is known. Networks
	// on fields learn from images under it.
	Symmetry func(r *rand.Rand) func(dst, x []float32)
	// Start, if not nil, is a prior of the same settings whose weights training starts
	// from, in place of random ones; the optimiser starts afresh.
	Start *Prior
}

func newTrainer(s Settings, data Data) (*trainer, error) {
	if err := s.Validate(); err != nil {
		return nil, err
	}
	for _, set := range []*trajectory.Set{data.Training, data.Validation} {
		if set.Length < s.Window {
			return nil, fault.Inputf("window = %d: longer than the training trajectories of %d states; shorten the window or lengthen the trajectories", s.Window, set.Length)
		}
	}
	space := data.Training.Space
	identity, err := identify(s, data)
	if err != nil {
		return nil, err
	}
	network, err := s.newNetwork(space)
	if err != nil {
		return nil, err
	}
	t := &trainer{
		identity:   identity,
		budget:     s.budget(),
		prior:      &Prior{Settings: s, Space: space, Clock: data.Training.Clock, Standard: data.Standard, bases: map[int]*basis{}},
		training:   s.newSource(data.Training, data.Standard),
		validation: s.newSource(data.Validation, data.Standard),
		seed:       data.Seed,
	}
	if t.training.raw != nil {
		t.training.symmetry = data.Symmetry
	}
	if t.prior.covariance, err = s.estimate(t.training, space, data.Seed); err != nil {
		return nil, err
	}
	for _, length := range s.trainingLengths() { // workers must find them made
		if _, err := t.prior.basis(length); err != nil {
			return nil, err
		}
	}
	network.initialise(rng.Stream(data.Seed, "train/initial"))
	if data.Start != nil {
		if len(data.Start.network.weights()) != len(network.weights()) {
			panic("scoresum: training starts from the weights of another network")
		}
		copy(network.weights(), data.Start.network.weights())
		network.refresh()
	}
	t.prior.network = network
	t.optimiser = nn.NewAdamW(network.weights())
	t.optimiser.WeightDecay, t.optimiser.Retention, t.optimiser.ClipNorm = s.Training.WeightDecay, s.Training.Averaging, s.Training.Clip
	if s.Training.Averaging == 0 { // one array less to go through in every step
		t.optimiser.Average = network.weights()
	}
	t.allocate()
	return t, nil
}

func (t *trainer) allocate() {
	s, dim, l := t.prior.Settings, t.training.dim, t.prior.Settings.layout(t.prior.Space)
	t.chunk = s.chunkWindows(t.prior.Space)
	chunks := (s.Training.Batch + t.chunk - 1) / t.chunk
	t.losses = make([]float64, max(chunks, 1, t.budget.validation/t.chunk))
	t.learn = t.learnChunk
	t.learner = t.prior.network.learner(t.budget.workers(len(t.losses)), t.chunk, l.tokens(s.Window))
	for _, e := range t.learner.evaluators() {
		w := newWindowsOf(l, s.Window, t.chunk, e)
		w.noiseShare = s.Training.NoiseShare
		t.examples = append(t.examples, &examples{
			windows: w, clean: kernel.Slab(t.chunk * kernel.RoundUp(s.Window*dim, kernel.ColumnUnit)),
			training: rng.NewSource(t.seed, "train"), validation: rng.NewSource(t.seed, "validation"),
		})
	}
}

// step makes one optimiser step: as many chunks at a time as there are cores go
// through the network and back, then all cores add to the gradient.
func (t *trainer) step(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	batch, step := t.prior.Settings.Training.Batch, t.optimiser.Steps
	chunks := (batch + t.chunk - 1) / t.chunk
	t.learner.clear()
	for t.first = 0; t.first < chunks; t.first += len(t.examples) {
		n := min(len(t.examples), chunks-t.first)
		if t.budget.alone {
			t.learn(0, 0)
		} else {
			parallel.Run(n, t.learn)
		}
		t.learner.add(n)
	}
	var loss float64
	for _, l := range t.losses[:chunks] {
		loss += l
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("scoresum: the training loss is not finite at step %d; lower training.learning_rate", step)
	}
	t.loss += loss
	t.optimiser.Step(t.learner.gradient(), t.prior.Settings.Training.rate(step))
	t.prior.network.refresh()
	return nil
}

// learnChunk takes the windows of a chunk through the network and back.
func (t *trainer) learnChunk(_, piece int) {
	e, batch, chunk := t.examples[piece], t.prior.Settings.Training.Batch, t.first+piece
	size := min(t.chunk, batch-chunk*t.chunk)
	r := e.training.At(uint64(t.optimiser.Steps), uint64(chunk)).Rand
	length := t.drawLength(r.Float64(), r.IntN)
	e.use(length, t.prior.bases[length])
	e.share = float32(size) / float32(batch)
	x := t.training.draw(e.clean, e.windows, size, r)
	t.losses[chunk] = float64(e.share) * e.example(x, r)
	e.pullExample()
}

// trainingLengths lists the lengths of windows that training sees: the window
// and, if the composition subtracts overlaps, the overlap and the quarters of
// the window, so that the network learns to read any length.
func (s Settings) trainingLengths() []int {
	lengths := []int{s.Window}
	if s.overlaps() {
		lengths = append(lengths, s.Window-s.stride())
		for quarter := range 4 {
			lengths = append(lengths, s.quarters(quarter))
		}
	}
	return lengths
}

// overlaps reports whether windows share states that count back.
func (s Settings) overlaps() bool { return s.Composition == "overlap" && s.Window > 1 }

// quarters is the length of quarter+1 quarters of the window.
func (s Settings) quarters(quarter int) int { return (s.Window*(quarter+1) + 3) / 4 }

// drawLength draws the length of the windows of a chunk, one of
// trainingLengths: half are whole windows, most others overlaps.
func (t *trainer) drawLength(u float64, intN func(int) int) int {
	s := t.prior.Settings
	switch {
	case !s.overlaps() || u < 0.5:
		return s.Window
	case u < 0.9:
		return s.Window - s.stride()
	}
	return s.quarters(intN(4))
}

// point adds a row to the training curve.
func (t *trainer) point(ctx context.Context) error {
	t.exchange()
	defer t.exchange()
	steps := t.optimiser.Steps
	if n := len(t.curve); n > 0 {
		steps -= t.curve[n-1].Step
	}
	chunks := max(1, t.budget.validation/t.chunk)
	err := t.each(ctx, chunks, func(worker, chunk int) error {
		e := t.examples[worker]
		r := e.validation.At(uint64(chunk)).Rand
		e.use(t.prior.Settings.Window, t.prior.bases[t.prior.Settings.Window])
		t.losses[chunk] = e.example(t.validation.draw(e.clean, e.windows, t.chunk, r), r)
		return nil
	})
	if err != nil {
		return err
	}
	var validation float64
	for _, l := range t.losses[:chunks] {
		validation += l / float64(chunks)
	}
	if math.IsNaN(validation) || math.IsInf(validation, 0) {
		return fmt.Errorf("scoresum: the validation loss is not finite at step %d; lower training.learning_rate", t.optimiser.Steps)
	}
	t.curve = append(t.curve, Point{t.optimiser.Steps, t.loss / float64(steps), validation, t.prior.Settings.Training.rate(t.optimiser.Steps - 1)})
	t.loss = 0
	return nil
}

// each takes pieces in turn where each uses all cores, and otherwise side by side.
func (t *trainer) each(ctx context.Context, n int, work func(worker, piece int) error) error {
	if !t.budget.alone {
		return parallel.For(ctx, n, work)
	}
	for piece := range n {
		if err := errors.Join(ctx.Err(), work(0, piece)); err != nil {
			return err
		}
	}
	return nil
}

func (t *trainer) progress() Progress {
	s, steps := t.prior.Settings.Training, t.optimiser.Steps
	p := Progress{Step: steps, Steps: s.Steps, Loss: math.NaN(), Validation: math.NaN()}
	p.Pace = float64((steps-t.resumedAt)*s.Batch) / time.Since(t.begun).Seconds()
	if n := len(t.curve); n > 0 {
		p.Loss, p.Validation = t.curve[n-1].Loss, t.curve[n-1].Validation
	}
	return p
}
