package em

import (
	"context"
	"errors"
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"

	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/internal/triangular"
)

// Expectation maximisation of a Gaussian N(m, C) given records y_i = A_i x_i + noise of
// covariance R_i. With S = A C A^T + R = L L^T, the posterior of a record has
//
//	mean m + d,  d = C A^T S^-1 (y - A m),   covariance C - W^T W,  W = L^-1 A C ,
//
// and the next Gaussian is that of a mixture of all posteriors:
//
//	m' = m + mean(d),   C' = C + mean(d d^T - W^T W) - mean(d) mean(d)^T .
//
// Likewise, if R = f^2 R0 with f wanted, f'^2 is the mean over all values of
// ((y - A x)^2 + (A P A^T)_jj)/R0, x being the posterior mean and P its covariance; with
// z = S^-1 (y - A m) that is
//
//	f^2 (f^2 R0 z^2 + 1 - f^2 R0 (S^-1)_jj) .
//
// The log evidence, sum of -(z^T (y - A m) + log det S + M log 2 pi)/2, rises with every
// iteration (Dempster, Laird & Rubin 1977).

// Gaussian is a law of flat trajectories.
type Gaussian struct {
	Mean       []float64
	Covariance *mat.SymDense
}

// Fitted is a Gaussian learnt from records.
type Fitted struct {
	Gaussian
	// Noise is the factor on the standard deviations of the records: 1 if it was not
	// estimated.
	Noise float64
	// Evidence is the mean log-likelihood of a record before each iteration and after
	// the last.
	Evidence []float64
}

// Isotropic is N(0, sd^2 I).
func Isotropic(size int, sd float64) Gaussian {
	g := Gaussian{make([]float64, size), mat.NewSymDense(size, nil)}
	for i := range size {
		g.Covariance.SetSym(i, i, sd*sd)
	}
	return g
}

// Smooth is N(0, sd^2 K) of trajectories of length states, K being smooth in time: its
// correlations are exp(-(t - s)^2/(2 states^2)). Directions that have no variance in it,
// those that vary within fewer states, get none from the fit. What is rough in the
// records is then explained by noise, whose size could not be told otherwise: a white
// part of the trajectories looks like noise.
func Smooth(size, length int, sd, states float64) Gaussian {
	g := Isotropic(size, sd)
	dim := size / length
	for t := range length {
		for s := range t {
			d := float64(t-s) / states
			for i := range dim {
				g.Covariance.SetSym(t*dim+i, s*dim+i, sd*sd*math.Exp(-d*d/2))
			}
		}
	}
	return g
}

// FitGaussian makes iterations of expectation maximisation from a Gaussian, and
// estimates the factor of the noise if asked to. Memory and work grow with the square
// of the size of a trajectory; see FitLowRank for large ones.
func FitGaussian(ctx context.Context, records []Record, start Gaussian, iterations int, noise bool) (Fitted, error) {
	return Fitted{Gaussian: start, Noise: 1}.fit(ctx, records, iterations, noise)
}

// fit goes on from a Gaussian and a factor of the noise.
func (f Fitted) fit(ctx context.Context, records []Record, iterations int, noise bool) (Fitted, error) {
	f.Evidence = nil
	for range iterations {
		s, err := expect(ctx, records, &f)
		if err != nil {
			return f, err
		}
		f.Evidence = append(f.Evidence, s.evidence/float64(len(records)))
		f.maximise(s, len(records), noise)
	}
	s, err := expect(ctx, records, &f)
	if err != nil {
		return f, err
	}
	f.Evidence = append(f.Evidence, s.evidence/float64(len(records)))
	return f, nil
}

// maximise takes in the sums of an expectation step.
func (f *Fitted) maximise(s *sums, records int, noise bool) {
	n, size := float64(records), len(f.Mean)
	next := Gaussian{make([]float64, size), mat.NewSymDense(size, nil)}
	for i := range size {
		d := s.shift[i] / n
		next.Mean[i] = f.Mean[i] + d
		for j := range i + 1 {
			next.Covariance.SetSym(i, j, f.Covariance.At(i, j)+s.square[i*size+j]/n-d*s.shift[j]/n)
		}
	}
	f.Gaussian = next
	if noise {
		f.Noise *= math.Sqrt(s.noise / s.values)
	}
}

// sums are what an expectation step adds up over records.
type sums struct {
	shift, square []float64 // of d, and of d d^T - W^T W
	evidence      float64
	noise, values float64 // of f'^2/f^2, and their number
}

func newSums(size int) *sums {
	return &sums{shift: make([]float64, size), square: make([]float64, size*size)}
}

func (s *sums) add(o *sums) {
	floats.Add(s.shift, o.shift)
	floats.Add(s.square, o.square)
	s.evidence, s.noise, s.values = s.evidence+o.evidence, s.noise+o.noise, s.values+o.values
}

// sumPieces is the number of parts that records are cut into: it decides the order of
// sums.
const sumPieces = 16

// expect makes one expectation step.
func expect(ctx context.Context, records []Record, f *Fitted) (*sums, error) {
	size := len(f.Mean)
	parts := make([]*sums, sumPieces)
	err := parallel.For(ctx, sumPieces, func(_, piece int) error {
		first, last := piece*len(records)/sumPieces, (piece+1)*len(records)/sumPieces
		parts[piece] = newSums(size)
		c := newConditioner(&f.Gaussian, f.Noise)
		for i := first; i < last; i++ {
			if err := errors.Join(ctx.Err(), c.condition(&records[i])); err != nil {
				return err
			}
			c.addTo(parts[piece])
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	for _, p := range parts[1:] {
		parts[0].add(p)
	}
	return parts[0], nil
}

// conditioner conditions a Gaussian on one record after the other; it is for one
// goroutine.
type conditioner struct {
	*Gaussian
	noise  float64
	record *Record
	w      []float64 // A C, then L^-1 A C, a row for each value
	s      []float64 // A C A^T + R, then L
	e, z   []float64 // y - A m, and L^-1 (y - A m)
	unit   []float64
	d      []float64 // shift of the mean
}

func newConditioner(g *Gaussian, noise float64) *conditioner {
	return &conditioner{Gaussian: g, noise: noise, d: make([]float64, len(g.Mean))}
}

// variance is that of the noise of a value.
func (c *conditioner) variance(j int) float64 {
	sd := c.noise * c.record.sd[j]
	return sd * sd
}

// condition makes the posterior of a record.
func (c *conditioner) condition(r *Record) error {
	c.record = r
	m, n := r.Count(), len(c.Mean)
	if len(c.e) < m {
		c.w, c.s = make([]float64, m*n), make([]float64, m*m)
		c.e, c.z, c.unit = make([]float64, m), make([]float64, m), make([]float64, m)
	}
	raw := c.Covariance.RawSymmetric()
	for j := range m {
		row := c.w[j*n : (j+1)*n]
		clear(row)
		columns, factors := r.rows.at(j)
		for k, column := range columns {
			addColumn(row, raw, column, factors[k])
		}
	}
	for i := range m {
		for j := range i + 1 {
			c.s[i*m+j] = r.rows.dot(j, c.w[i*n:(i+1)*n])
		}
		c.s[i*m+i] += c.variance(i)
		c.e[i] = r.y[i] - r.rows.dot(i, c.Mean)
	}
	triangular.Factorise(c.s[:m*m], m)
	for i := range m {
		if !(c.s[i*m+i] > 0) {
			return errors.New("em: the covariance of a record is not positive: is the noise 0?")
		}
	}
	c.solve(m, n)
	return nil
}

// addColumn adds factor times a column of a symmetric matrix, of which gonum keeps the
// upper triangle.
func addColumn(dst []float64, raw blas64.Symmetric, column int, factor float64) {
	for i := range column {
		dst[i] += factor * raw.Data[i*raw.Stride+column]
	}
	floats.AddScaled(dst[column:], factor, raw.Data[column*raw.Stride+column:][:raw.N-column])
}

// solve applies L^-1 and makes the shift.
func (c *conditioner) solve(m, n int) {
	copy(c.z, c.e[:m])
	triangular.Solve(c.s[:m*m], c.z[:m])
	for i := range m {
		row := c.w[i*n : (i+1)*n]
		for k := range i {
			floats.AddScaled(row, -c.s[i*m+k], c.w[k*n:(k+1)*n])
		}
		floats.Scale(1/c.s[i*m+i], row)
	}
	clear(c.d)
	for i := range m {
		floats.AddScaled(c.d, c.z[i], c.w[i*n:(i+1)*n])
	}
}

// addTo adds the posterior to sums.
func (c *conditioner) addTo(s *sums) {
	m, n := c.record.Count(), len(c.Mean)
	floats.Add(s.shift, c.d)
	square := blas64.Symmetric{N: n, Stride: n, Data: s.square, Uplo: blas.Lower}
	blas64.Syr(1, blas64.Vector{N: n, Inc: 1, Data: c.d}, square)
	if m > 0 {
		blas64.Syrk(blas.Trans, -1, blas64.General{Rows: m, Cols: n, Stride: n, Data: c.w[:m*n]}, 1, square)
	}
	s.evidence += c.evidence()
	s.values += float64(m)
	for j := range m {
		clear(c.unit[:m])
		c.unit[j] = 1
		triangular.Solve(c.s[:m*m], c.unit[:m])
		inverse := floats.Dot(c.unit[:m], c.unit[:m]) // (S^-1)_jj
		s.noise += 1 - c.variance(j)*inverse
	}
	triangular.SolveTransposed(c.s[:m*m], c.z[:m])
	for j := range m {
		s.noise += c.variance(j) * c.z[j] * c.z[j]
	}
}

// evidence is the log-likelihood of the record.
func (c *conditioner) evidence() float64 {
	m := c.record.Count()
	sum := floats.Dot(c.z[:m], c.z[:m]) + float64(m)*math.Log(2*math.Pi)
	for j := range m {
		sum += 2 * math.Log(c.s[j*m+j])
	}
	return -sum / 2
}

// root is the Cholesky factor of the covariance, row-major.
func (g *Gaussian) root() []float64 {
	n := len(g.Mean)
	l := make([]float64, n*n)
	for i := range n {
		for j := range i + 1 {
			l[i*n+j] = g.Covariance.At(i, j)
		}
	}
	triangular.Factorise(l, n)
	return l
}

// draw writes a draw of the Gaussian with the given factor of its covariance.
func (g *Gaussian) draw(dst, root []float64, r *rand.Rand) {
	n := len(dst)
	normal := make([]float64, n)
	for i := range normal {
		normal[i] = r.NormFloat64()
		dst[i] = g.Mean[i] + floats.Dot(root[i*n:i*n+i+1], normal[:i+1])
	}
}

// posterior draws one trajectory for each record, exactly: a draw x of the Gaussian and
// one of the noise are moved by C A^T S^-1 (y + noise - A x). They are the rows of x.
func (f *Fitted) posterior(ctx context.Context, records []Record, seed int64, x []float32) error {
	root := f.root()
	n := len(f.Mean)
	return parallel.For(ctx, len(records), func(_, i int) error {
		r := rng.Stream(seed, "em/gaussian", uint64(i))
		prior := make([]float64, n)
		f.draw(prior, root, r)
		record := &records[i]
		moved := *record
		moved.y = make([]float64, len(record.y))
		for j, y := range record.y {
			moved.y[j] = y + f.Noise*record.sd[j]*r.NormFloat64() - record.rows.dot(j, prior) + record.rows.dot(j, f.Mean)
		}
		c := newConditioner(&f.Gaussian, f.Noise)
		if err := c.condition(&moved); err != nil {
			return err
		}
		for k, d := range c.d {
			x[i*n+k] = float32(prior[k] + d)
		}
		return nil
	})
}

// prior fills x with draws of the Gaussian.
func (f *Fitted) prior(ctx context.Context, seed int64, x []float32) error {
	root := f.root()
	n := len(f.Mean)
	return parallel.For(ctx, len(x)/n, func(_, i int) error {
		row := make([]float64, n)
		f.draw(row, root, rng.Stream(seed, "em/draw", uint64(i)))
		for k, v := range row {
			x[i*n+k] = float32(v)
		}
		return nil
	})
}
