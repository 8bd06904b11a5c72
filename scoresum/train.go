package scoresum

import (
	"context"
	"fmt"
	"math"
	"time"

	"retrace/internal/fault"
	"retrace/internal/kernel"
	"retrace/internal/nn"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/trajectory"
)

// validationWindows is the number of windows of the validation loss.
const validationWindows = 1024

// chunkWindows is the number of windows that go through the network at once in
// training. It decides which windows have the same length and the order of sums,
// and so the bytes of a trained network. At least 16 windows and 32 rows of the
// network share the reading of its weights; more than make 16 chunks of a batch
// gain little, and so do more than some 16,384 values of an activation, of which
// the second-level cache then holds those of all layers.
func (s Settings) chunkWindows(dim int) int {
	const windows, rows, chunks, values = 16, 32, 16, 1 << 14
	tokens := s.layout(dim).tokens(s.Window)
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

	chunk    int       // windows of a chunk
	losses   []float64 // of the chunks of a batch
	examples []*examples
	networks []*nn.Workspace // of the examples
	gradient *nn.Gradient
	first    int // chunk of the examples in work
	learn    func(worker, piece int)
}

// examples is a chunk of windows in work, with its own memory.
type examples struct {
	*windows
	clean      []float32
	training   *rng.Source
	validation *rng.Source
}

// windowSource cuts windows out of standardised trajectories.
type windowSource struct {
	data               []float32 // (count, length, dim)
	count, length, dim int
}

func newWindowSource(set *trajectory.Set, standard trajectory.Standardiser) *windowSource {
	dim := set.Space.Size()
	s := &windowSource{make([]float32, len(set.Data)), len(set.Data) / (set.Length * dim), set.Length, dim}
	standard.Forward(s.data, set.Data)
	return s
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
	t.prior.network = t.averaged()
	t.prior.packed = t.prior.network.Pack()
	if t.prior.fractions, err = measureFractions(ctx, t.prior, t.validation, data.Seed); err != nil {
		return nil, err
	}
	if err := t.prior.Save(dir); err != nil {
		return nil, err
	}
	return t.prior, removeCheckpoint(dir)
}

// averaged returns a network of the averaged weights.
func (t *trainer) averaged() *nn.Network {
	network, err := nn.New(t.prior.network.Shape())
	if err != nil {
		panic(err) // the shape made a network before
	}
	copy(network.Slab(), t.optimiser.Average)
	return network
}

// Data is what a prior is learnt from.
type Data struct {
	Training, Validation *trajectory.Set
	Standard             trajectory.Standardiser
	Seed                 int64
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
	t := &trainer{
		identity:   identity,
		prior:      &Prior{Settings: s, Space: space, Clock: data.Training.Clock, Standard: data.Standard, bases: map[int]*basis{}},
		training:   newWindowSource(data.Training, data.Standard),
		validation: newWindowSource(data.Validation, data.Standard),
		seed:       data.Seed,
	}
	t.prior.covariance, err = EstimateCovariance(t.training.data, t.training.length, t.training.dim, s.Window)
	if err != nil {
		return nil, err
	}
	for _, length := range s.trainingLengths() { // workers must find them made
		if _, err := t.prior.basis(length); err != nil {
			return nil, err
		}
	}
	network, err := nn.New(s.shape(space.Size()))
	if err != nil {
		return nil, err
	}
	network.Init(rng.Stream(data.Seed, "train/initial"))
	t.prior.network, t.prior.packed = network, network.Pack()
	t.optimiser = nn.NewAdamW(network.Slab())
	t.optimiser.WeightDecay, t.optimiser.Retention, t.optimiser.ClipNorm = s.Training.WeightDecay, s.Training.Averaging, s.Training.Clip
	if s.Training.Averaging == 0 { // one array less to go through in every step
		t.optimiser.Average = network.Slab()
	}
	t.allocate()
	return t, nil
}

func (t *trainer) allocate() {
	s, dim, network := t.prior.Settings, t.training.dim, t.prior.network
	t.chunk = s.chunkWindows(dim)
	chunks := (s.Training.Batch + t.chunk - 1) / t.chunk
	t.losses = make([]float64, max(chunks, validationWindows/t.chunk))
	t.gradient, t.learn = nn.NewGradient(network), t.learnChunk
	for range parallel.Workers(len(t.losses)) {
		w := newWindows(s.layout(dim), s.Window, t.chunk, network.Shape(), t.prior.packed)
		w.noiseShare = s.Training.NoiseShare
		t.networks = append(t.networks, w.network)
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
	t.gradient.Clear()
	for t.first = 0; t.first < chunks; t.first += len(t.examples) {
		n := min(len(t.examples), chunks-t.first)
		parallel.Run(n, t.learn)
		t.gradient.Add(t.networks[:n])
	}
	var loss float64
	for _, l := range t.losses[:chunks] {
		loss += l
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("scoresum: the training loss is not finite at step %d; lower training.learning_rate", step)
	}
	t.loss += loss
	t.optimiser.Step(t.gradient.Values(), t.prior.Settings.Training.rate(step))
	t.prior.packed.Refresh(t.prior.network)
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
	x := t.training.draw(e.clean, e.windows, size, r.IntN)
	t.losses[chunk] = float64(e.share) * e.example(x, r)
	e.pullExample()
}

// trainingLengths lists the lengths of windows that training sees: the window
// and, if the composition subtracts overlaps, the overlap and the quarters of
// the window, so that the network learns to read any length.
func (s Settings) trainingLengths() []int {
	lengths := []int{s.Window}
	if s.Composition == "overlap" {
		lengths = append(lengths, s.Window-s.stride())
		for quarter := range 4 {
			lengths = append(lengths, s.quarters(quarter))
		}
	}
	return lengths
}

// quarters is the length of quarter+1 quarters of the window.
func (s Settings) quarters(quarter int) int { return (s.Window*(quarter+1) + 3) / 4 }

// drawLength draws the length of the windows of a chunk, one of
// trainingLengths: half are whole windows, most others overlaps.
func (t *trainer) drawLength(u float64, intN func(int) int) int {
	s := t.prior.Settings
	switch {
	case s.Composition != "overlap" || u < 0.5:
		return s.Window
	case u < 0.9:
		return s.Window - s.stride()
	}
	return s.quarters(intN(4))
}

// draw copies n random windows into padded rows of buffer.
func (s *windowSource) draw(buffer []float32, w *windows, n int, intN func(int) int) []float32 {
	padded, size := w.basis.padded, w.length*s.dim
	rows := buffer[:n*padded]
	for i := range n {
		trajectory, start := intN(s.count), intN(s.length-w.length+1)
		copy(rows[i*padded:], s.data[(trajectory*s.length+start)*s.dim:][:size])
		clear(rows[i*padded+size : (i+1)*padded])
	}
	return rows
}

// point adds a row to the training curve.
func (t *trainer) point(ctx context.Context) error {
	packed := t.averaged().Pack()
	steps := t.optimiser.Steps
	if n := len(t.curve); n > 0 {
		steps -= t.curve[n-1].Step
	}
	chunks := validationWindows / t.chunk
	err := parallel.For(ctx, chunks, func(worker, chunk int) error {
		e := t.examples[worker]
		training := e.packed
		e.packed = packed
		defer func() { e.packed = training }()
		r := e.validation.At(uint64(chunk)).Rand
		e.use(t.prior.Settings.Window, t.prior.bases[t.prior.Settings.Window])
		t.losses[chunk] = e.example(t.validation.draw(e.clean, e.windows, t.chunk, r.IntN), r)
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

func (t *trainer) progress() Progress {
	s, steps := t.prior.Settings.Training, t.optimiser.Steps
	p := Progress{Step: steps, Steps: s.Steps, Loss: math.NaN(), Validation: math.NaN()}
	p.Pace = float64((steps-t.resumedAt)*s.Batch) / time.Since(t.begun).Seconds()
	if n := len(t.curve); n > 0 {
		p.Loss, p.Validation = t.curve[n-1].Loss, t.curve[n-1].Validation
	}
	return p
}
