package assimilate_test

import (
	"math"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"gonum.org/v1/gonum/mat"

	"retrace/assimilate"
	"retrace/diffusion"
	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/internal/safetensors"
	"retrace/observe"
	"retrace/scoresum"
	"retrace/trajectory"
)

// sea is a space of two fields on a doubly periodic grid.
func sea(side int) dynamics.Space {
	axis := func(name string) dynamics.Axis {
		a := dynamics.Axis{Name: name, Coordinates: make([]float64, side), Period: float64(side)}
		for i := range side {
			a.Coordinates[i] = float64(i)
		}
		return a
	}
	return dynamics.Space{Variable: "q", Units: "1", Axes: []dynamics.Axis{
		{Name: "layer", Labels: []string{"upper", "lower"}}, axis("y"), axis("x"),
	}}
}

// waves are trajectories of random waves that travel and are renewed: their upper field
// drives the lower one.
func waves(count, length, side int) *trajectory.Set {
	set := trajectory.New(sea(side), dynamics.Clock{Interval: 1, Units: "1"}, []trajectory.Dimension{{Name: "trajectory", Len: count}}, length)
	r := rng.Stream(1, "waves")
	cells := side * side
	for i := range count {
		x := set.Trajectory(i)
		for range 12 {
			kx, ky, phase := float64(r.IntN(4)), float64(r.IntN(4)), 2*math.Pi*r.Float64()
			height := 1 / (0.5 + math.Hypot(kx, ky))
			a, b := height*r.NormFloat64(), height*r.NormFloat64()
			for t := range length {
				for c := range cells {
					angle := 2*math.Pi*(kx*float64(c%side)+ky*float64(c/side))/float64(side) + phase - 0.4*kx*float64(t)
					x[2*t*cells+c] += float32(a*math.Cos(angle) + b*math.Sin(angle))
					x[(2*t+1)*cells+c] += float32(a*math.Sin(angle) + 0.5*b*math.Cos(angle))
				}
				a, b = 0.8*a+0.6*height*r.NormFloat64(), 0.8*b+0.6*height*r.NormFloat64()
			}
		}
		for j := range x {
			x[j] += 0.2 * float32(r.NormFloat64())
		}
	}
	return set
}

// gaussianFields is a prior whose network returns zero: windows are exactly Gaussian, and
// the errors it was saved with are those of that Gaussian.
func gaussianFields(tb testing.TB, side, window int) *scoresum.Prior {
	tb.Helper()
	set := waves(24, window+2, side)
	standard, err := trajectory.FitStandardiser(set, 2)
	if err != nil {
		tb.Fatal(err)
	}
	s := scoresum.FieldSettings()
	s.Window, s.Widths, s.Blocks, s.Embedding = window, []int{4}, 1, 4
	s.Training.Steps, s.Training.Batch, s.Training.LearningRate, s.Training.WeightDecay = 1, 1, 1e-30, 0
	dir := tb.TempDir()
	if _, err := scoresum.Train(tb.Context(), s, scoresum.Data{Training: set, Validation: set, Standard: standard, Seed: 1}, dir, nil); err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(dir, scoresum.WeightsName)
	file, err := safetensors.Read(path)
	if err != nil {
		tb.Fatal(err)
	}
	fractions, _ := file.Tensor("uncertainty.fractions")
	for i := range fractions.Data {
		fractions.Data[i] = 1
	}
	if err := safetensors.Write(path, file); err != nil {
		tb.Fatal(err)
	}
	prior, err := scoresum.Load(dir)
	if err != nil {
		tb.Fatal(err)
	}
	return prior
}

// gappy observes block means of the upper field and some cells of both, every other
// state without the cells, and one value is missing.
func gappy(tb testing.TB, length, side int, sd float64) assimilate.Problem {
	tb.Helper()
	p := assimilate.Problem{Length: length, Members: 1, Seed: 1}
	add := func(state int, builder observe.Builder, see func(op observe.Operator) observe.Operator) {
		op, err := builder.Build(sea(side))
		if err != nil {
			tb.Fatal(err)
		}
		op = see(op)
		_, n := op.Size()
		o := observe.Observation{Index: state, Operator: op}
		for j := range n {
			o.Values, o.Sd = append(o.Values, math.Sin(float64(3*state+2*j))), append(o.Sd, sd*(1+float64(j%3)))
		}
		o.Values[1] = math.NaN()
		p.Observations.Observations = append(p.Observations.Observations, o)
	}
	for i := range length {
		add(i, observe.Blocks{Fields: observe.Fields{Channels: []string{"upper"}}, Factor: 4}, func(op observe.Operator) observe.Operator { return op })
		if i%2 == 0 {
			add(i, observe.Cells{Count: 9, Together: true}, func(op observe.Operator) observe.Operator {
				return observe.Restrict(op, op.(observe.Moving).Sees(observe.Address{Seed: 1, Scenario: "test"}, i))
			})
		}
	}
	return p
}

// denseFields is the posterior of a prior of fields, in standardised units, by dense
// algebra: its covariance follows from its denoiser W at noise ratio 1, W = C (C + 1)^-1.
func denseFields(tb testing.TB, prior *scoresum.Prior, p assimilate.Problem) (*mat.VecDense, *mat.Dense) {
	tb.Helper()
	d, err := prior.Denoiser(p.Length, 4, 8)
	if err != nil {
		tb.Fatal(err)
	}
	n := d.Dim()
	unit, w := make([]float32, n*n), make([]float32, n*n)
	level := diffusion.Level{T: 0.5, Mu: math.Sqrt(0.5), Sigma: math.Sqrt(0.5)}
	for i := range n {
		unit[i*n+i] = float32(level.Mu)
	}
	if err := d.Denoise(w, unit, level); err != nil {
		tb.Fatal(err)
	}
	smooth, rest := mat.NewDense(n, n, nil), mat.NewDense(n, n, nil)
	for i := range n {
		for j := range n {
			v := (float64(w[i*n+j]) + float64(w[j*n+i])) / 2
			smooth.Set(i, j, v)
			rest.Set(i, j, -v)
		}
		rest.Set(i, i, rest.At(i, i)+1)
	}
	c := new(mat.Dense)
	if err := c.Solve(rest, smooth); err != nil {
		tb.Fatal(err)
	}
	h, y, noise := tangents(p, prior.Standard, make([]float32, n))
	var hc, s, gain, explained mat.Dense
	hc.Mul(h, c)
	s.Mul(&hc, h.T())
	for i, r := range noise {
		s.Set(i, i, s.At(i, i)+r)
	}
	if err := gain.Solve(&s, &hc); err != nil {
		tb.Fatal(err)
	}
	mean := mat.NewVecDense(n, nil)
	mean.MulVec(gain.T(), y)
	explained.Mul(gain.T(), &hc)
	c.Sub(c, &explained)
	return mean, c
}

// An exact Gaussian prior of fields, observed by blocks and cells, must be sampled from
// its exact posterior: products by Fourier transforms and iterations in place of matrices
// change nothing that counts.
func TestGaussianFieldsGiveTheExactPosterior(t *testing.T) {
	const side = 8
	length := 1
	if *long {
		length = 2
	}
	prior := gaussianFields(t, side, 2)
	p := gappy(t, length, side, 0.1)
	mean, covariance := denseFields(t, prior, p)
	method := &assimilate.Score{Prior: prior, Sampler: second(32), Guidance: "auto"}
	d, err := method.Denoiser(p)
	if err != nil {
		t.Fatal(err)
	}
	n := mean.Len()
	x := make([]float32, (n+1)*n)
	if err := method.Sampler.Sample(t.Context(), d, x, 0, responses{}, nil); err != nil {
		t.Fatal(err)
	}
	fit(t, "auto", x, mean, covariance, n/length)
}

func TestAutoTakesTheProductOfFields(t *testing.T) {
	prior := gaussianFields(t, 8, 2)
	method := &assimilate.Score{Prior: prior, Sampler: second(4), Guidance: "auto"}
	result, err := method.Assimilate(t.Context(), gappy(t, 5, 8, 0.1), nil)
	if err != nil {
		t.Fatal(err)
	}
	if note := result.Notes["guidance"]; !strings.HasPrefix(note, "jfps, by conjugate gradients: fields, 640 values, 66 observed") {
		t.Errorf("guidance %q", note)
	}
	if result.Diagnostics[assimilate.UsesCovariance] != 1 {
		t.Error("the diagnostics do not tell of the covariance")
	}
}

// One evaluation must be the equation with matrices, also for operators that saturate:
// their tangent map is then a difference, and their transposed one exact.
func TestGuidanceOfFieldsIsItsEquation(t *testing.T) {
	const side, length = 8, 3
	prior := gaussianFields(t, side, 2)
	level := diffusion.Cosine{Eta: 1e-3}.At(diffusion.TimeAt(diffusion.Cosine{Eta: 1e-3}, 0.6))
	multiply, err := prior.UncertaintyProduct(length, level.Ratio())
	if err != nil {
		t.Fatal(err)
	}
	for name, saturation := range map[string][]float64{"linear": nil, "saturating": {0.4}} {
		p := gappy(t, length, side, 0.1)
		if saturation != nil {
			for i := range p.Observations.Observations {
				o := &p.Observations.Observations[i]
				op, err := observe.Pixels{Fields: observe.Fields{Saturation: saturation}, Every: 2}.Build(sea(side))
				if err != nil {
					t.Fatal(err)
				}
				_, n := op.Size()
				o.Operator, o.Values, o.Sd = op, make([]float64, n), make([]float64, n)
				for j := range n {
					o.Values[j], o.Sd[j] = 0.3*math.Sin(float64(i+3*j)), 0.1
				}
			}
		}
		plain, err := prior.Denoiser(length, 1, 8)
		if err != nil {
			t.Fatal(err)
		}
		n := plain.Dim()
		xt, mean, got, pulled := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
		r := rng.Stream(1, "noised")
		for i := range xt {
			xt[i] = float32(r.NormFloat64())
		}
		if err := plain.Denoise(mean, xt, level); err != nil {
			t.Fatal(err)
		}
		h, e, noise := tangents(p, prior.Standard, mean)
		v := mat.NewDense(n, n, nil)
		for i := range n {
			row := v.RawRowView(i)
			row[i] = 1
			multiply(row, row)
		}
		var hv, s mat.Dense
		hv.Mul(h, v)
		s.Mul(&hv, h.T())
		for i, r := range noise {
			s.Set(i, i, s.At(i, i)+r)
		}
		var u, back mat.VecDense
		if err := u.SolveVec(&s, e); err != nil {
			t.Fatal(err)
		}
		back.MulVec(h.T(), &u)
		cotangent := make([]float32, n)
		for i := range cotangent {
			cotangent[i] = float32(back.AtVec(i))
		}
		if err := plain.Pull(pulled, cotangent); err != nil {
			t.Fatal(err)
		}
		// The prior is a composition of windows, and its V that of a Markov process: the
		// length of the step tells them apart.
		var variance float64
		for i, g := range pulled {
			variance += level.Sigma * level.Sigma / level.Mu * float64(cotangent[i]) * float64(g)
		}
		for i, r := range noise {
			variance += r * u.AtVec(i) * u.AtVec(i)
		}
		step := mat.Dot(&u, e) / variance * level.Sigma * level.Sigma / level.Mu
		want := map[string][]float64{"covariance": make([]float64, n), "jfps": make([]float64, n)}
		for i, g := range pulled {
			want["covariance"][i] = step * float64(g)
		}
		multiply(want["jfps"], back.RawVector().Data)
		for guidance, shift := range want {
			guided, err := (&assimilate.Score{Prior: prior, Sampler: second(8), Guidance: guidance}).Denoiser(p)
			if err != nil {
				t.Fatal(err)
			}
			if err := guided.Denoise(got, xt, level); err != nil {
				t.Fatal(err)
			}
			var size, wrong float64
			for i, w := range shift {
				size += w * w
				wrong += math.Pow(float64(got[i]-mean[i])-w, 2)
			}
			if relative := math.Sqrt(wrong / size); relative > 2e-3 {
				t.Errorf("%s, %s: the step is off by %.2g of itself", name, guidance, relative)
			}
		}
	}
}

// tangents are A', y - A(x) and R at a standardised trajectory x.
func tangents(p assimilate.Problem, standard trajectory.Standardiser, x []float32) (h *mat.Dense, e *mat.VecDense, noise []float64) {
	dim := standard.Size()
	var rows, values []float64
	for _, o := range p.Observations.Observations {
		state := make([]float64, dim)
		for i := range state {
			mean, scale := standard.At(i)
			state[i] = mean + scale*float64(x[o.Index*dim+i])
		}
		predicted, weights, gradient := make([]float64, len(o.Values)), make([]float64, len(o.Values)), make([]float64, dim)
		o.Operator.Apply(predicted, state)
		for j, y := range o.Values {
			if math.IsNaN(y) {
				continue
			}
			clear(weights)
			weights[j] = 1
			o.Operator.VJP(gradient, state, weights)
			row := make([]float64, len(x))
			for i, g := range gradient {
				_, scale := standard.At(i)
				row[o.Index*dim+i] = g * scale
			}
			rows, values, noise = append(rows, row...), append(values, y-predicted[j]), append(noise, o.Sd[j]*o.Sd[j])
		}
	}
	return mat.NewDense(len(values), len(x), rows), mat.NewVecDense(len(values), values), noise
}

// chunked sends few windows through the network together.
type chunked struct{ *scoresum.Prior }

func (c chunked) Differentiable(length, rows, _ int) (diffusion.Differentiable, error) {
	return c.Prior.Differentiable(length, rows, 4)
}

// Memory must be that of a chunk of windows and some copies of the trajectory: the
// activations of a trajectory of 127 frames, were they kept, would take hundreds.
func TestMemoryOfFieldsDoesNotGrowWithTheLength(t *testing.T) {
	const side, copies = 8, 40
	prior := gaussianFields(t, side, 3)
	live := func(length int) (highest int64) {
		var before, now runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		method := &assimilate.Score{Prior: chunked{prior}, Sampler: second(2), Guidance: "auto"}
		result, err := method.Assimilate(t.Context(), gappy(t, length, side, 0.1), func(int, int) {
			runtime.GC()
			runtime.ReadMemStats(&now)
			highest = max(highest, int64(now.HeapAlloc)-int64(before.HeapAlloc))
		})
		if err != nil {
			t.Fatal(err)
		}
		if result.Diagnostics[assimilate.UsesCovariance] != 1 {
			t.Error("guidance has no part in it")
		}
		return highest
	}
	live(3) // what is made once
	short, long := live(16), live(127)
	frame := int64(prior.Dim() * 4)
	t.Logf("%d bytes at 16 frames, %d at 127, %.1f copies of what was added", short, long, float64(long-short)/float64(111*frame))
	if long-short > copies*111*frame {
		t.Errorf("%d bytes at 16 frames and %d at 127, which is %d copies of those added", short, long, (long-short)/(111*frame))
	}
}
