package assimilate_test

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"

	"retrace/assimilate"
	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/observe"
	"retrace/qg"
	"retrace/trajectory"
)

// plane is a still field on two axes, the last of them periodic.
type plane struct{ space dynamics.Space }

func newPlane(ny, nx int) plane {
	axis := func(name string, n int, period float64) dynamics.Axis {
		a := dynamics.Axis{Name: name, Units: "m", Period: period}
		for i := range n {
			a.Coordinates = append(a.Coordinates, float64(i)+0.5)
		}
		return a
	}
	return plane{dynamics.Space{Variable: "field", Units: "1", Axes: []dynamics.Axis{axis("y", ny, 0), axis("x", nx, float64(nx))}}}
}

func (p plane) Space() dynamics.Space        { return p.space }
func (plane) Clock() dynamics.Clock          { return dynamics.Clock{Interval: 1, Units: "days"} }
func (plane) SpinUp() int                    { return 0 }
func (plane) Initial([]float64, *rand.Rand)  {}
func (plane) Step(_ []float64, _ *rand.Rand) {}

// training are trajectories of smooth random waves, which drift slowly.
func (p plane) training(count, length int) *trajectory.Set {
	set := trajectory.New(p.space, p.Clock(), []trajectory.Dimension{{Name: "trajectory", Len: count}}, length)
	for i := range count {
		p.waves(set.Trajectory(i), length, uint64(i+100))
	}
	return set
}

func (p plane) waves(dst []float32, length int, seed uint64) {
	ny, nx := p.space.Axes[0].Len(), p.space.Axes[1].Len()
	r := rand.New(rand.NewPCG(seed, 1))
	clear(dst)
	for range 20 {
		kx, ky := float64(r.IntN(5)-2), float64(r.IntN(5)-2)
		a, phase := r.NormFloat64(), 2*math.Pi*r.Float64()
		for i := range dst {
			x, y, t := float64(i%nx), float64(i/nx%ny), float64(i/nx/ny)
			dst[i] += float32(a * math.Cos(2*math.Pi*(kx*x/float64(nx)+ky*y/float64(ny))+phase+0.1*kx*t))
		}
	}
	if len(dst) != length*ny*nx {
		panic("wrong length")
	}
}

// seen observes a trajectory through an operator at some states, without noise but
// with the sd claimed.
func seen(t testing.TB, space dynamics.Space, b observe.Builder, truth []float32, states []int, sd float64) observe.Sequence {
	t.Helper()
	op, err := b.Build(space)
	if err != nil {
		t.Fatal(err)
	}
	layout, err := observe.Layout(op, states, sd)
	if err != nil {
		t.Fatal(err)
	}
	// Moving operators are placed by Simulate, whose noise is then taken out.
	s, err := layout.Simulate(truth, observe.Address{Seed: 1, Scenario: "test"})
	if err != nil {
		t.Fatal(err)
	}
	size := space.Size()
	x := make([]float64, size)
	for k, o := range s.Observations {
		for i := range x {
			x[i] = float64(truth[o.Index*size+i])
		}
		o.Operator.Apply(s.Observations[k].Values, x)
	}
	return s
}

func interpolated(t testing.TB, p assimilate.Problem) (*trajectory.Set, string) {
	t.Helper()
	if p.Members == 0 {
		p.Members = 2
	}
	result, err := assimilate.Interpolation{}.Assimilate(context.Background(), p, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := result.Ensemble.CheckFinite(); err != nil {
		t.Fatal(err)
	}
	return result.Ensemble, result.Notes["interpolation"]
}

func TestInterpolationOfALatticeIsExactForLinearFields(t *testing.T) {
	model := newPlane(8, 12)
	const length = 7
	truth := make([]float32, length*96)
	for i := range truth {
		y, time := float64(i/12%8), float64(i/96)
		truth[i] = float32(3 + 2*y - 0.5*time*y + time)
	}
	p := assimilate.Problem{Model: model, Length: length, Training: model.training(4, 7)}
	p.Observations = seen(t, model.space, &observe.Blocks{Factor: 2}, truth, []int{0, 2, 6}, 1)
	set, note := interpolated(t, p)
	if !strings.Contains(note, "lattice") {
		t.Errorf("note %q", note)
	}
	for i, v := range set.Trajectory(1) {
		// Half a block from the ends of y nothing is known beyond: there it is flat.
		if y := i / 12 % 8; y >= 1 && y <= 6 && math.Abs(float64(v-truth[i])) > 1e-4 {
			t.Fatalf("value %d is %v, want %v", i, v, truth[i])
		}
	}
	// Along the periodic axis interpolation goes round the end.
	for i := range truth {
		truth[i] = float32(math.Cos(2 * math.Pi * float64(i%12) / 12))
	}
	p.Observations = seen(t, model.space, &observe.Pixels{Every: 4}, truth, []int{3}, 1)
	set, _ = interpolated(t, p)
	for _, c := range []struct {
		x    int
		want float64
	}{{0, 1}, {4, -0.5}, {8, -0.5}, {10, 0.25}, {11, 0.625}, {2, 0.25}} {
		if got := float64(set.State(0, 5)[12+c.x]); math.Abs(got-c.want) > 1e-6 {
			t.Errorf("x = %d: %v, want %v", c.x, got, c.want)
		}
	}
}

func TestInterpolationOfScatteredValuesIsNearTheTruth(t *testing.T) {
	model := newPlane(16, 16)
	const length = 6
	truth := make([]float32, length*256)
	model.waves(truth, length, 7)
	p := assimilate.Problem{Model: model, Length: length, Training: model.training(24, length)}
	all := []int{0, 1, 2, 3, 4, 5}
	var errors []float64
	for _, count := range []int{6, 24, 80} {
		p.Observations = seen(t, model.space, &observe.Cells{Count: count}, truth, all, 1e-3)
		set, note := interpolated(t, p)
		if !strings.Contains(note, "Gaussian process") {
			t.Errorf("note %q", note)
		}
		var sum, variance float64
		for i, v := range set.Trajectory(0) {
			d := float64(v - truth[i])
			sum, variance = sum+d*d, variance+float64(truth[i])*float64(truth[i])
		}
		errors = append(errors, math.Sqrt(sum/variance))
		for _, o := range p.Observations.Observations {
			y := make([]float64, len(o.Values))
			x := make([]float64, 256)
			for i, v := range set.State(0, o.Index) {
				x[i] = float64(v)
			}
			o.Operator.Apply(y, x)
			for j, v := range o.Values {
				if math.Abs(y[j]-v) > 0.1 {
					t.Errorf("%d cells: a value of %v became %v", count, v, y[j])
				}
			}
		}
	}
	t.Logf("relative errors with 6, 24, 80 cells a state: %.3f", errors)
	if errors[0] > 0.85 || errors[1] > 0.4 || errors[2] > 0.12 {
		t.Errorf("relative errors %.3f", errors)
	}
}

func TestInterpolationTrustsNoisyValuesLess(t *testing.T) {
	model := newPlane(16, 16)
	truth := make([]float32, 256)
	for i := range truth {
		truth[i] = 2
	}
	p := assimilate.Problem{Model: model, Length: 1, Training: model.training(24, 3)}
	at := func(sd float64) float64 {
		p.Observations = seen(t, model.space, &observe.Stations{Points: [][]float64{{5.5, 5.5}, {11, 9.2}}}, truth, []int{0}, sd)
		set, _ := interpolated(t, p)
		return float64(set.State(0, 0)[5*16+5])
	}
	sharp, blunt := at(1e-4), at(30)
	p.Observations = observe.Sequence{}
	set, _ := interpolated(t, p)
	nothing := float64(set.State(0, 0)[5*16+5])
	if math.Abs(sharp-2) > 0.01 || math.Abs(blunt-nothing) > 0.1*math.Abs(2-nothing) {
		t.Errorf("values of 2 with small and with large errors give %v and %v, none gives %v", sharp, blunt, nothing)
	}
}

func TestInterpolationLeavesOutWhatIsNotTheField(t *testing.T) {
	model := newPlane(8, 8)
	truth := make([]float32, 64)
	model.waves(truth, 1, 3)
	p := assimilate.Problem{Model: model, Length: 1, Training: model.training(4, 2)}
	p.Observations = seen(t, model.space, &observe.Pixels{Fields: observe.Fields{Saturation: []float64{0.5}}, Every: 2}, truth, []int{0}, 1)
	if _, note := interpolated(t, p); !strings.Contains(note, "climatological mean") {
		t.Errorf("note %q", note)
	}
}

func TestInterpolationOfVorticityGivesTheFlow(t *testing.T) {
	parameters := qg.New("eddy")
	parameters.Nx, parameters.Ny, parameters.SpinUp = 16, 16, 20
	parameters.Channels = []string{"q1", "u1", "q2", "v2"}
	model, err := parameters.Build()
	if err != nil {
		t.Fatal(err)
	}
	set, err := trajectory.Simulate(t.Context(), model, trajectory.Plan{Count: 3, Length: 4, SpinUp: 20, Seed: 1, Purpose: "test"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := assimilate.Problem{Model: model, Length: 4, Training: set}
	fields := func(names ...string) observe.Fields { return observe.Fields{Channels: names} }
	p.Observations = seen(t, model.Space(), &observe.Pixels{Fields: fields("q1", "q2"), Every: 1}, set.Trajectory(0), []int{0, 1, 2, 3}, 1e-9)
	got, note := interpolated(t, p)
	if !strings.Contains(note, "u1 from q1, q2") {
		t.Errorf("note %q", note)
	}
	var worst, largest float64
	for i, v := range got.Trajectory(0) {
		want := set.Trajectory(0)[i]
		if channel := i / 256 % 4; channel == 1 || channel == 3 {
			worst, largest = max(worst, math.Abs(float64(v-want))), max(largest, math.Abs(float64(want)))
		}
	}
	if worst > 1e-5*largest {
		t.Errorf("velocities are wrong by %.2g of %.2g", worst, largest)
	}
	p.Observations = seen(t, model.Space(), &observe.Tracks{Fields: fields("psi1"), Count: 2}, set.Trajectory(0), []int{0, 2}, 1)
	if _, note := interpolated(t, p); strings.Count(note, "climatological mean") != 4 {
		t.Errorf("note %q", note)
	}
}

func TestInterpolationDoesNotDependOnCores(t *testing.T) {
	model := newPlane(16, 16)
	truth := make([]float32, 3*256)
	model.waves(truth, 3, 5)
	p := assimilate.Problem{Model: model, Length: 3, Training: model.training(4, 3)}
	p.Observations = seen(t, model.space, &observe.Cells{Count: 60}, truth, []int{0, 1, 2}, 0.1)
	var results []string
	for _, cores := range []int{1, 3} {
		before := runtime.GOMAXPROCS(cores)
		set, _ := interpolated(t, p)
		runtime.GOMAXPROCS(before)
		results = append(results, fmt.Sprint(set.Data))
	}
	if results[0] != results[1] {
		t.Error("the result depends on the number of cores")
	}
}

func TestInterpolationRefusesWhatItCannotUse(t *testing.T) {
	model := newPlane(8, 8)
	ok := assimilate.Problem{Model: model, Length: 2, Members: 1, Training: model.training(2, 2)}
	for name, change := range map[string]func(*assimilate.Problem){
		"no training": func(p *assimilate.Problem) { p.Training = nil },
		"no members":  func(p *assimilate.Problem) { p.Members = 0 },
		"no place": func(p *assimilate.Problem) {
			p.Observations = observe.Sequence{Observations: []observe.Observation{{Operator: nowhere{64}, Values: []float64{1}, Sd: []float64{1}}}}
		},
	} {
		p := ok
		change(&p)
		if _, err := (assimilate.Interpolation{}).Assimilate(t.Context(), p, nil); !fault.IsInput(err) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

// nowhere is an operator that does not tell where it looks.
type nowhere struct{ size int }

func (n nowhere) Size() (state, values int) { return n.size, 1 }
func (nowhere) Apply(y, x []float64)        { y[0] = x[0] }
func (nowhere) VJP(dst, _, v []float64)     { clear(dst); dst[0] = v[0] }
