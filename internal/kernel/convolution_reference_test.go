package kernel_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"retrace/internal/kernel"
)

// A problem is a convolution on a grid.
type problem struct {
	kernel.Convolution
	batch, height, width int
}

// place is the place of the source that a tap meets, or -1.
func (p problem) place(i, tap, n int) int {
	j := p.Step*i + tap - (p.Size-1)/2
	if p.Padding == kernel.Circular {
		return ((j % n) + n) % n
	}
	if j >= n {
		return -1
	}
	return max(j, -1)
}

// visit calls f for every pair of pixels of the result and the source, counted
// over the batch, that a tap joins.
func (p problem) visit(f func(result, source, tap int)) {
	height, width := p.Grid(p.height, p.width)
	for n := range p.batch {
		for i := range height {
			for j := range width {
				for ky := range p.Size {
					for kx := range p.Size {
						y, x := p.place(i, ky, p.height), p.place(j, kx, p.width)
						if y >= 0 && x >= 0 {
							f((n*height+i)*width+j, (n*p.height+y)*p.width+x, ky*p.Size+kx)
						}
					}
				}
			}
		}
	}
}

// reference is a problem with its data and its answers in float64.
type reference struct {
	problem
	weight, bias        []float32
	source, cotangent   kernel.Image
	result, pull        []float64 // of source and of cotangent
	weightPull, biasSum []float64
}

// image returns random images, whose pixels are further apart than they need.
func image(r *rand.Rand, batch, height, width, channels int) kernel.Image {
	m := kernel.Image{Batch: batch, Height: height, Width: width, Channels: channels,
		Stride: channels + kernel.ChannelUnit*r.IntN(3)}
	m.Data = normal(r, (batch*height*width-1)*m.Stride+channels)
	return m
}

// row is pixel i of the batch.
func row(m kernel.Image, i int) []float32 { return m.Data[i*m.Stride:][:m.Channels] }

// solve draws data for a problem and computes its answers.
func solve(r *rand.Rand, p problem) *reference {
	height, width := p.Grid(p.height, p.width)
	s := &reference{problem: p,
		weight: normal(r, p.WeightSize()), bias: normal(r, p.Out),
		source:     image(r, p.batch, p.height, p.width, p.In),
		cotangent:  image(r, p.batch, height, width, p.Out),
		result:     make([]float64, p.batch*height*width*p.Out),
		pull:       make([]float64, p.batch*p.height*p.width*p.In),
		weightPull: make([]float64, p.WeightSize()),
		biasSum:    make([]float64, p.Out),
	}
	p.visit(func(result, source, tap int) {
		x, g := row(s.source, source), row(s.cotangent, result)
		y, dx := s.result[result*p.Out:][:p.Out], s.pull[source*p.In:][:p.In]
		for c := range p.In {
			w := s.weight[(tap*p.In+c)*p.Out:][:p.Out]
			dw := s.weightPull[(tap*p.In+c)*p.Out:][:p.Out]
			var sum float64
			for o := range p.Out {
				y[o] += float64(x[c]) * float64(w[o])
				sum += float64(g[o]) * float64(w[o])
				dw[o] += float64(x[c]) * float64(g[o])
			}
			dx[c] += sum
		}
	})
	for i := range p.batch * height * width {
		for o, g := range row(s.cotangent, i) {
			s.biasSum[o] += float64(g)
		}
	}
	return s
}

// convolver returns a convolver with a workspace between canaries, and their
// check.
func (p problem) convolver(workers int) (*kernel.Convolver, func(t *testing.T)) {
	v := kernel.NewConvolver(p.Convolution, p.batch, p.height, p.width)
	workspace, check := guarded(v.WorkspaceSize(workers))
	v.Bind(workspace, workers)
	return v, check
}

// guardedImage returns images like another between canaries, which also fill the
// room between its pixels, and their check.
func guardedImage(like kernel.Image) (kernel.Image, func(t *testing.T)) {
	m := like
	var check func(t *testing.T)
	m.Data, check = guarded(len(like.Data))
	pixels := m.Batch * m.Height * m.Width
	for i := range pixels - 1 {
		for k := m.Channels; k < m.Stride; k++ {
			m.Data[i*m.Stride+k] = canary
		}
	}
	return m, func(t *testing.T) {
		t.Helper()
		check(t)
		for i := range pixels - 1 {
			for k := m.Channels; k < m.Stride; k++ {
				if m.Data[i*m.Stride+k] != canary {
					t.Fatalf("value between pixels %d and %d overwritten", i, i+1)
				}
			}
		}
	}
}

// values copies the channels of all pixels.
func values(m kernel.Image) []float32 {
	var all []float32
	for i := range m.Batch * m.Height * m.Width {
		all = append(all, row(m, i)...)
	}
	return all
}

// distance is the error of got in the 2-norm, relative to want.
func distance(got []float32, want []float64) float64 {
	var e, n float64
	for i, w := range want {
		d := float64(got[i]) - w
		e += d * d
		n += w * w
	}
	return math.Sqrt(e / max(n, 1e-30))
}
