package scoresum

import (
	"context"
	"fmt"
	"math"

	"retrace/internal/fault"
	"retrace/internal/kernel"
	"retrace/internal/nn"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/trajectory"
)

// Sizes that decide the order of sums, and so the bytes of a trained network:
// windows of a training chunk, and windows of the validation loss.
const (
	chunkWindows      = 16
	validationWindows = 1024
)

// Progress is what training has reached.
type Progress struct {
	Step, Steps      int
	Loss, Validation float64 // means since the last point; NaN before the first
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

	workers   []*windows
	clean     [][]float32 // one buffer a worker
	gradients [][]float32 // one a chunk
	losses    []float64
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
	t.allocate()
	return t, nil
}

func (t *trainer) allocate() {
	s, dim := t.prior.Settings, t.training.dim
	chunks := (s.Training.Batch + chunkWindows - 1) / chunkWindows
	t.losses = make([]float64, max(chunks, validationWindows/chunkWindows))
	for range chunks {
		t.gradients = append(t.gradients, kernel.Slab(len(t.prior.network.Slab())))
	}
	for range parallel.Workers(len(t.losses)) {
		t.workers = append(t.workers, newWindows(s.layout(dim), s.Window, chunkWindows, t.prior.network.Shape(), t.prior.packed))
		t.clean = append(t.clean, kernel.Slab(chunkWindows*kernel.RoundUp(s.Window*dim, kernel.ColumnUnit)))
	}
}

// step makes one optimiser step.
func (t *trainer) step(ctx context.Context) error {
	settings, step := t.prior.Settings.Training, t.optimiser.Steps
	err := parallel.For(ctx, len(t.gradients), func(worker, chunk int) error {
		clear(t.gradients[chunk])
		size := min(chunkWindows, settings.Batch-chunk*chunkWindows)
		r := rng.Stream(t.seed, "train", uint64(step), uint64(chunk))
		w := t.workers[worker]
		length := t.drawLength(r.Float64(), r.IntN)
		w.use(length, t.prior.bases[length])
		w.share = float32(size) / float32(settings.Batch)
		x := t.training.draw(t.clean[worker], w, size, r.IntN)
		t.losses[chunk] = float64(w.share) * w.example(x, t.gradients[chunk], r)
		return nil
	})
	if err != nil {
		return err
	}
	gradient, loss := t.gradients[0], t.losses[0]
	for chunk := 1; chunk < len(t.gradients); chunk++ {
		kernel.Add(gradient, t.gradients[chunk])
		loss += t.losses[chunk]
	}
	if math.IsNaN(loss) || math.IsInf(loss, 0) {
		return fmt.Errorf("scoresum: the training loss is not finite at step %d; lower training.learning_rate", step)
	}
	t.loss += loss
	t.optimiser.Step(gradient, t.learningRate(step))
	t.prior.packed.Refresh(t.prior.network)
	return nil
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

// learningRate rises linearly over the first 1 % of the steps and falls to zero
// along a half cosine.
func (t *trainer) learningRate(step int) float64 {
	s := t.prior.Settings.Training
	progress := (float64(step) + 0.5) / float64(s.Steps)
	rate := s.LearningRate * (1 + math.Cos(math.Pi*progress)) / 2
	return rate * min(1, 100*progress)
}

// point adds a row to the training curve.
func (t *trainer) point(ctx context.Context) error {
	packed := t.averaged().Pack()
	steps := t.optimiser.Steps
	if n := len(t.curve); n > 0 {
		steps -= t.curve[n-1].Step
	}
	chunks := validationWindows / chunkWindows
	err := parallel.For(ctx, chunks, func(worker, chunk int) error {
		w := t.workers[worker]
		training := w.packed
		w.packed = packed
		defer func() { w.packed = training }()
		r := rng.Stream(t.seed, "validation", uint64(chunk))
		w.use(t.prior.Settings.Window, t.prior.bases[t.prior.Settings.Window])
		t.losses[chunk] = w.example(t.validation.draw(t.clean[worker], w, chunkWindows, r.IntN), nil, r)
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
	t.curve = append(t.curve, Point{t.optimiser.Steps, t.loss / float64(steps), validation, t.learningRate(t.optimiser.Steps - 1)})
	t.loss = 0
	return nil
}

func (t *trainer) progress() Progress {
	p := Progress{t.optimiser.Steps, t.prior.Settings.Training.Steps, math.NaN(), math.NaN()}
	if n := len(t.curve); n > 0 {
		p.Loss, p.Validation = t.curve[n-1].Loss, t.curve[n-1].Validation
	}
	return p
}
