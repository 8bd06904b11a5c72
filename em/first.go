package em

import (
	"context"
	"errors"
	"math"
	"path/filepath"

	"gonum.org/v1/gonum/mat"

	"retrace/internal/fault"
	"retrace/internal/npy"
)

// first is the law that laps start from, in physical units.
type first interface {
	// factor is that on the standard deviations of the records.
	factor() float64
	// prior fills x with draws of trajectories.
	prior(ctx context.Context, seed int64, x []float32) error
	// posterior fills x with a draw for each record.
	posterior(ctx context.Context, records []Record, seed int64, x []float32) error
	// spread is the standard deviation of value j of a record, without noise.
	spread(r *Record, j int) float64
}

// first fits the Gaussian, in physical units, and keeps it in the folder of lap 0. It
// sets the standardisation, unless that is given.
func (l *learner) first(ctx context.Context) (first, error) {
	size := l.size()
	if l.Rank == 0 && size > dense {
		return nil, fault.Inputf("rank = 0: trajectories of %d values are too large for a full covariance, of up to %d; set rank, to 64 for instance", size, dense)
	}
	if l.Rank > 0 {
		return l.firstLowRank(ctx)
	}
	fitted, err := FitGaussian(ctx, l.Records, l.start(), l.Gaussian, l.Noise)
	if err == nil && l.Noise {
		fitted, err = fitted.released(l.Records).fit(ctx, l.Records, l.Gaussian, false)
	}
	if err != nil {
		return nil, err
	}
	variance := make([]float64, size)
	raw := make([]float64, size*size)
	for i := range size {
		variance[i] = fitted.Covariance.At(i, i)
		for j := range size {
			raw[i*size+j] = fitted.Covariance.At(i, j)
		}
	}
	l.units(fitted.Mean, variance)
	return &fitted, l.keep(fitted.Mean, "covariance.npy", []int{size, size}, raw)
}

// firstLowRank is first for large trajectories.
func (l *learner) firstLowRank(ctx context.Context) (first, error) {
	g, err := FitLowRank(ctx, l.Records, l.Rank, l.Gaussian, l.Seed)
	if err != nil {
		return nil, err
	}
	l.units(g.Mean, g.variances())
	var raw []float64
	for _, u := range g.Directions {
		raw = append(raw, u...)
	}
	return g, l.keep(g.Mean, "directions.npy", []int{len(g.Directions), len(g.Mean)}, raw)
}

// keep writes a Gaussian to the folder of lap 0.
func (l *learner) keep(mean []float64, name string, shape []int, values []float64) error {
	return errors.Join(
		npy.Write(filepath.Join(l.folder(0), "mean.npy"), []int{len(mean)}, mean),
		npy.Write(filepath.Join(l.folder(0), name), shape, values),
	)
}

// released lets a Gaussian that was kept smooth vary in all directions, by a tenth of the
// noise: now that the noise is known, the fit finds what is rough in the trajectories.
func (f Fitted) released(records []Record) Fitted {
	var noise float64
	for i := range records {
		for _, sd := range records[i].sd {
			noise += sd * sd
		}
	}
	var rows float64 // sum of squared lengths
	for i := range records {
		for _, factor := range records[i].rows.factors {
			rows += factor * factor
		}
	}
	white := 0.1 * f.Noise * f.Noise * noise / rows
	g := Gaussian{f.Mean, mat.NewSymDense(len(f.Mean), nil)}
	g.Covariance.CopySym(f.Covariance)
	for i := range g.Mean {
		g.Covariance.SetSym(i, i, g.Covariance.At(i, i)+white)
	}
	return Fitted{Gaussian: g, Noise: f.Noise}
}

// units sets the standardisation, unless it is given.
func (l *learner) units(mean, variance []float64) {
	if l.Standard == nil {
		u := standardise(mean, variance, l.Entries, l.Space.Size())
		l.Standard = &u
	}
}

// start is where the fit starts: the standardisation if it is given, or else zeros with
// the spread of the values observed.
func (l *learner) start() Gaussian {
	size := l.size()
	g := Isotropic(size, 1)
	if l.Noise && l.Length > 1 {
		g = Smooth(size, l.Length, 1, l.Smooth)
	}
	if l.Standard == nil {
		sd := spreadOf(l.Records)
		g.Covariance.ScaleSym(sd*sd, g.Covariance)
		return g
	}
	state := l.Space.Size()
	for i := range size {
		mean, a := l.Standard.At(i % state)
		g.Mean[i] = mean
		for j := range i + 1 {
			_, b := l.Standard.At(j % state)
			g.Covariance.SetSym(i, j, a*b*g.Covariance.At(i, j))
		}
	}
	return g
}

// spreadOf is the standard deviation of trajectories, all values alike, that explains
// the squares of what was seen of them.
func spreadOf(records []Record) float64 {
	var squares, factors float64
	for i := range records {
		for _, y := range records[i].y {
			squares += y * y
		}
		for _, f := range records[i].rows.factors {
			factors += f * f
		}
	}
	return math.Sqrt(squares / factors)
}

// factor implements first.
func (f *Fitted) factor() float64 { return f.Noise }

// factor implements first: the noise is as stated.
func (*LowRank) factor() float64 { return 1 }

// spread implements first.
func (f *Fitted) spread(r *Record, j int) float64 {
	row := make([]float64, len(f.Mean))
	columns, factors := r.rows.at(j)
	for k, c := range columns {
		addColumn(row, f.Covariance.RawSymmetric(), c, factors[k])
	}
	return math.Sqrt(r.rows.dot(j, row))
}

// covariance is that of the first Gaussian in standardised units, nil if it has none.
func (l *learner) covariance() *mat.SymDense {
	f, ok := l.gaussian.(*Fitted)
	if !ok {
		return nil
	}
	size, state := l.size(), l.Space.Size()
	c := mat.NewSymDense(size, nil)
	for i := range size {
		_, a := l.Standard.At(i % state)
		for j := range i + 1 {
			_, b := l.Standard.At(j % state)
			c.SetSym(i, j, f.Covariance.At(i, j)/a/b)
		}
	}
	return c
}
