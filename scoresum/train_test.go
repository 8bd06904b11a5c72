package scoresum

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/internal/safetensors"
	"retrace/lorenz"
	"retrace/trajectory"
)

// quick settings train in a moment.
func quick(network string) Settings {
	s := small(network, 5)
	s.Training.Steps, s.Training.Batch, s.Training.Checkpoint = 24, 40, 8
	return s
}

func springData(t testing.TB) Data {
	t.Helper()
	return newData(t, dynamics.NewDampedSpring(), 20, 40)
}

func newData(t testing.TB, builder dynamics.Builder, count, length int) Data {
	t.Helper()
	d := Data{Training: simulate(t, builder, count, length, "train"), Validation: simulate(t, builder, count, length, "validation"), Seed: 5}
	var err error
	if d.Standard, err = trajectory.FitStandardiser(d.Training, d.Training.Space.Size()); err != nil {
		t.Fatal(err)
	}
	return d
}

func train(t testing.TB, s Settings, d Data, dir string) *Prior {
	t.Helper()
	p, err := Train(context.Background(), s, d, dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func read(t testing.TB, names ...string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(names...))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// trainInterrupted stops training after every stop steps until it ends.
func trainInterrupted(t *testing.T, s Settings, d Data, dir string, stop int) (interruptions int) {
	t.Helper()
	for {
		ctx, cancel := context.WithCancel(context.Background())
		steps := 0
		_, err := Train(ctx, s, d, dir, func(Progress) {
			if steps++; steps == stop {
				cancel()
			}
		})
		cancel()
		if err == nil {
			return interruptions
		}
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		interruptions++
	}
}

func TestInterruptedTrainingGivesTheSameBytes(t *testing.T) {
	d := springData(t)
	for _, averaging := range []float64{0.999, 0} { // without averaging the average is the weights
		s, whole, parts := quick("mlp"), t.TempDir(), t.TempDir()
		s.Training.Averaging = averaging
		train(t, s, d, whole)
		if n := trainInterrupted(t, s, d, parts, 11); n != 2 {
			t.Errorf("%d interruptions, want 2", n)
		}
		for _, name := range []string{WeightsName, CurveName} {
			if read(t, whole, name) != read(t, parts, name) {
				t.Errorf("averaging %v: %s differs after interruptions", averaging, name)
			}
		}
		if _, err := os.Stat(filepath.Join(parts, CheckpointName)); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the checkpoint is left behind: %v", err)
		}
	}
}

func TestTrainingDoesNotDependOnTheNumberOfProcessors(t *testing.T) {
	d := springData(t)
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	for _, network := range []string{"temporal", "mlp"} {
		runtime.GOMAXPROCS(1)
		one, three := t.TempDir(), t.TempDir()
		train(t, quick(network), d, one)
		runtime.GOMAXPROCS(3)
		train(t, quick(network), d, three)
		if read(t, one, WeightsName) != read(t, three, WeightsName) || read(t, one, CurveName) != read(t, three, CurveName) {
			t.Errorf("%s: bytes differ", network)
		}
	}
}

// Whoever waits sees how fast it goes.
func TestProgressTellsThePace(t *testing.T) {
	s := quick("mlp")
	last := 0
	if _, err := Train(context.Background(), s, springData(t), t.TempDir(), func(p Progress) {
		if last++; p.Step != last || p.Steps != s.Training.Steps || !(p.Pace > 0) || math.IsNaN(p.Loss) != (p.Step < s.Training.Checkpoint) {
			t.Errorf("%+v", p)
		}
	}); err != nil {
		t.Fatal(err)
	}
}

// leaveCheckpoint trains until after the first checkpoint.
func leaveCheckpoint(t *testing.T, s Settings, d Data, dir string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	if _, err := Train(ctx, s, d, dir, func(p Progress) {
		if p.Step == s.Training.Checkpoint {
			cancel()
		}
	}); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
}

// resumed returns the step that training would go on from.
func resumed(t *testing.T, s Settings, d Data, dir string) (int, error) {
	t.Helper()
	tr, err := newTrainer(s, d)
	if err != nil {
		t.Fatal(err)
	}
	err = tr.resume(dir)
	return tr.optimiser.Steps, err
}

func TestCheckpointsOfOtherRunsAreIgnored(t *testing.T) {
	d, s := springData(t), quick("temporal")
	for name, c := range map[string]struct {
		change func(*Settings, *Data)
		want   int
	}{
		"the same":      {func(s *Settings, d *Data) {}, s.Training.Checkpoint},
		"learning rate": {func(s *Settings, d *Data) { s.Training.LearningRate *= 2 }, 0},
		"width":         {func(s *Settings, d *Data) { s.Width *= 2 }, 0},
		"seed":          {func(s *Settings, d *Data) { d.Seed++ }, 0},
		"scale":         {func(s *Settings, d *Data) { d.Standard.Scale = []float64{1, 2} }, 0},
		"training":      {func(s *Settings, d *Data) { d.Training = d.Validation }, 0},
		"validation":    {func(s *Settings, d *Data) { d.Validation = d.Training }, 0},
	} {
		dir, otherS, otherD := t.TempDir(), s, d
		c.change(&otherS, &otherD)
		leaveCheckpoint(t, otherS, otherD, dir)
		if step, err := resumed(t, s, d, dir); step != c.want || err != nil {
			t.Errorf("%s: goes on from step %d, want %d; error %v", name, step, c.want, err)
		}
	}
}

func TestBrokenCheckpoints(t *testing.T) {
	d, s := springData(t), quick("temporal")
	dir := t.TempDir()
	path := filepath.Join(dir, CheckpointName)
	leaveCheckpoint(t, s, d, dir)
	whole := read(t, path)
	for name, content := range map[string]string{"truncated": whole[:len(whole)/2], "no checkpoint": "nothing", "empty": ""} {
		if err := os.WriteFile(path, []byte(content), 0o666); err != nil {
			t.Fatal(err)
		}
		if step, err := resumed(t, s, d, dir); step != 0 || err != nil {
			t.Errorf("%s: goes on from step %d; error %v", name, step, err)
		}
	}
	for name, damage := range map[string]func(*safetensors.File){
		"average": func(f *safetensors.File) { f.Tensors = f.Tensors[1:] },
		"first":   func(f *safetensors.File) { f.Tensors[1].Data[3] = float32(math.NaN()) },
		"integer": func(f *safetensors.File) { f.Metadata["step"] = "soon" },
		"JSON":    func(f *safetensors.File) { f.Metadata["curve"] = "[" },
	} {
		file, err := safetensors.Decode(path, []byte(whole))
		if err != nil {
			t.Fatal(err)
		}
		damage(file)
		if err := safetensors.Write(path, file); err != nil {
			t.Fatal(err)
		}
		_, err = resumed(t, s, d, dir)
		if !fault.IsInput(err) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: error %v", name, err)
		}
	}
}

func TestTrainingThatDivergesIsAnError(t *testing.T) {
	tr, err := newTrainer(quick("temporal"), springData(t))
	if err != nil {
		t.Fatal(err)
	}
	slab := tr.prior.network.weights()
	slab[len(slab)-1] = float32(math.Inf(1))
	tr.prior.network.refresh()
	if err := tr.step(context.Background()); err == nil || !strings.Contains(err.Error(), "step 0") {
		t.Errorf("training loss: %v", err)
	}
	d := springData(t)
	d.Validation.Data[17] = float32(math.NaN())
	if _, err := Train(context.Background(), quick("temporal"), d, t.TempDir(), nil); err == nil || !strings.Contains(err.Error(), "validation") {
		t.Errorf("validation loss: %v", err)
	}
	d.Training.Data[17] = float32(math.NaN())
	if _, err := Train(context.Background(), quick("temporal"), d, t.TempDir(), nil); err == nil {
		t.Error("training data that are not finite are no error")
	}
}

func TestTrajectoriesShorterThanTheWindowAreInputErrors(t *testing.T) {
	d, s := springData(t), quick("temporal")
	s.Window = 41
	for _, shorten := range []func(*Data){
		func(d *Data) {},
		func(d *Data) { d.Training = simulate(t, dynamics.NewDampedSpring(), 2, 60, "train") },
	} {
		shorten(&d)
		if _, err := Train(context.Background(), s, d, t.TempDir(), nil); !fault.IsInput(err) || !strings.Contains(err.Error(), "window = 41") {
			t.Errorf("error %v", err)
		}
	}
}

// On a linear system there is nothing to learn beyond the Gaussian, on Lorenz
// 63 there is.
func TestNetworkLearnsWhatIsNotGaussian(t *testing.T) {
	model := lorenz.NewLorenz63()
	model.NoiseVariance = 0
	d := newData(t, model, 200, 100)
	for _, network := range []string{"mlp", "temporal"} {
		s, dir := small(network, 9), t.TempDir()
		s.Width, s.Blocks = 32, 2
		s.Training.Steps, s.Training.Batch, s.Training.Checkpoint, s.Training.Averaging = 300, 64, 150, 0.98
		train(t, s, d, dir)
		curve, err := ReadCurve(filepath.Join(dir, CurveName))
		if err != nil {
			t.Fatal(err)
		}
		last := curve[len(curve)-1]
		if len(curve) != 2 || last.Step != 300 {
			t.Errorf("%s: training curve %+v", network, curve)
		}
		if !(last.Validation < 0.8 && last.Loss < 0.9) { // without a network: 1
			t.Errorf("%s: loss %v, validation loss %v", network, last.Loss, last.Validation)
		}
	}
}

// Both losses of every point are means: without learning they are one.
func TestCurveWithoutLearningIsOne(t *testing.T) {
	s, dir := quick("temporal"), t.TempDir()
	s.Training.LearningRate, s.Training.Steps = 1e-9, 20 // points at 8, 16 and 20
	train(t, s, springData(t), dir)
	curve, err := ReadCurve(filepath.Join(dir, CurveName))
	if err != nil {
		t.Fatal(err)
	}
	for i, step := range []int{8, 16, 20} {
		if curve[i].Step != step {
			t.Errorf("point %d is of step %d", i, curve[i].Step)
		}
		near(t, fmt.Sprintf("loss at step %d", step), curve[i].Loss, 1, 0.1)
		near(t, fmt.Sprintf("validation loss at step %d", step), curve[i].Validation, 1, 0.1)
	}
}

func TestLearningRateFollowsItsSchedule(t *testing.T) {
	for _, c := range []struct {
		schedule string
		warmup   float64
		step     int
		want     float64
	}{
		{"cosine", 0.01, 0, 0.1}, {"cosine", 0.01, 4, 0.9}, {"cosine", 0.01, 9, 1.9}, {"cosine", 0.01, 20, 2},
		{"cosine", 0.01, 499, 1}, {"cosine", 0.01, 999, 0}, {"cosine", 0, 0, 2},
		{"linear", 0, 0, 2}, {"linear", 0, 249, 1.5}, {"linear", 0.5, 249, 0.75}, {"linear", 0, 999, 0},
		{"constant", 0, 0, 2}, {"constant", 0.1, 49, 0.99}, {"constant", 0.1, 999, 2},
	} {
		training := Training{Steps: 1000, LearningRate: 2, Schedule: c.schedule, Warmup: c.warmup}
		near(t, fmt.Sprintf("%s, warm-up %v: rate of step %d", c.schedule, c.warmup, c.step), training.rate(c.step), c.want, 0.01)
	}
}

// The composition decides which lengths the network must know.
func TestLengthsOfTrainingWindows(t *testing.T) {
	tr, err := newTrainer(quick("temporal"), springData(t))
	if err != nil {
		t.Fatal(err)
	}
	tr.prior.Settings.Window, tr.prior.Settings.Stride = 9, 4
	for _, rule := range Compositions() {
		tr.prior.Settings.Composition = rule
		count := map[int]float64{}
		r := rng.Stream(1, "lengths")
		const n = 20000
		for range n {
			count[tr.drawLength(r.Float64(), r.IntN)] += 1.0 / n
		}
		want := map[int]float64{9: 1}
		if rule == "overlap" {
			want = map[int]float64{3: 0.025, 5: 0.425, 7: 0.025, 9: 0.525}
		}
		for length, share := range want {
			near(t, fmt.Sprintf("%s: share of %d states", rule, length), count[length], share, 0.015)
		}
	}
}

// A batch that does not fill its last chunk counts every window once.
func TestWindowsOfAShortChunkCountLikeOthers(t *testing.T) {
	settings := quick("temporal")
	settings.Training.Batch = 17
	tr, err := newTrainer(settings, springData(t))
	if err != nil {
		t.Fatal(err)
	}
	var want float64
	for chunk, size := range []int{16, 1} {
		r := rng.Stream(tr.seed, "train", 0, uint64(chunk))
		e := tr.examples[0]
		length := tr.drawLength(r.Float64(), r.IntN)
		e.use(length, tr.prior.bases[length])
		loss := e.example(tr.training.draw(e.clean, e.windows, size, r), r)
		want += float64(size) / 17 * loss
	}
	if err := tr.step(t.Context()); err != nil {
		t.Fatal(err)
	}
	near(t, "loss of the step", tr.loss, want, 1e-6)
}

// The number of windows that go through a network at once follows from the
// settings alone.
func TestChunksFollowFromTheSettings(t *testing.T) {
	for _, c := range []struct {
		network                    string
		window, width, batch, want int
	}{
		{"mlp", 5, 256, 64, 32},      // the paper's perceptron: two chunks
		{"mlp", 5, 256, 1024, 64},    // sixteen chunks, which also fill the cache
		{"mlp", 5, 64, 65536, 256},   // as the cache holds
		{"mlp", 5, 1024, 65536, 32},  // as the kernels need
		{"temporal", 33, 32, 32, 16}, // the default
	} {
		s := small(c.network, c.window)
		s.Width, s.Training.Batch = c.width, c.batch
		if got := s.chunkWindows(plane(3)); got != c.want {
			t.Errorf("%+v: %d windows", c, got)
		}
	}
}

func TestAStepDoesNotAllocate(t *testing.T) {
	for _, network := range []string{"mlp", "temporal"} {
		s := quick(network)
		tr, err := newTrainer(s, springData(t))
		if err != nil {
			t.Fatal(err)
		}
		// AllocsPerRun uses one core; internal/parallel tests that more add nothing.
		if n := testing.AllocsPerRun(20, func() {
			if err := tr.step(context.Background()); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %g allocations a step", network, n)
		}
	}
}
