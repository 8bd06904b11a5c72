package em

import (
	"context"
	"math"

	"retrace/internal/parallel"
	"retrace/internal/rng"
)

// The evidence of held-out records, log p(y) = log of the mean of N(y; A x, R) over
// draws x of the prior, tells which of two priors is better without any truth. Two
// changes make it computable from a few thousand draws. Records are cut into blocks of
// a few consecutive values, and the logarithms of the evidence of blocks are added up: a
// composite likelihood (Lindsay 1988), which is largest for the true law as the whole
// one is. And the held-out values get extra noise, a share of the spread that the first
// Gaussian gives them: the likelihood of noisier observations, which many draws explain.
// Values and noise are the same in every lap.

const (
	blockValues = 4
	extraNoise  = 0.1
	// drawGroups of equal size tell the error that is due to the number of draws.
	drawGroups = 8
)

// evidence measures priors on held-out records.
type evidence struct {
	records []Record // in standardised units, with the extra noise
	size    int
}

// newEvidence adds noise to standardised records. spread is the standard deviation of
// value j of record i under the first Gaussian.
func newEvidence(records []Record, spread func(i, j int) float64, seed int64) *evidence {
	e := &evidence{records: make([]Record, len(records))}
	for i, r := range records {
		e.size = r.size
		noisy := r
		noisy.y, noisy.sd = make([]float64, len(r.y)), make([]float64, len(r.y))
		normal := rng.Stream(seed, "em/evidence", uint64(i))
		for j, y := range r.y {
			extra := extraNoise * spread(i, j)
			noisy.y[j] = y + extra*normal.NormFloat64()
			noisy.sd[j] = math.Hypot(r.sd[j], extra)
		}
		e.records[i] = noisy
	}
	return e
}

// score is the evidence of a prior.
type score struct {
	// Records holds the log evidence of each record, a value of a block on average.
	Records []float64
	// Sampling is the standard error of their mean due to the number of draws.
	Sampling float64
}

// of measures a prior by its draws, in standardised units.
func (e *evidence) of(ctx context.Context, draws []float32) (score, error) {
	s := score{Records: make([]float64, len(e.records))}
	groups := make([][drawGroups]float64, len(e.records))
	err := parallel.For(ctx, len(e.records), func(_, i int) error {
		s.Records[i], groups[i] = e.record(&e.records[i], draws)
		return nil
	})
	var means [drawGroups]float64
	for _, g := range groups {
		for k, v := range g {
			means[k] += v / float64(len(groups))
		}
	}
	_, deviation := moments(means[:])
	s.Sampling = deviation / math.Sqrt(drawGroups)
	return s, err
}

// record is the composite log evidence of a record, over the number of its values: by
// all draws, and by each group of them.
func (e *evidence) record(r *Record, draws []float32) (all float64, groups [drawGroups]float64) {
	values := r.Count()
	if values == 0 {
		return 0, groups
	}
	count := len(draws) / e.size
	logs := make([]float64, count)
	for first := 0; first < values; first += blockValues {
		last := min(first+blockValues, values)
		var constant float64
		for _, sd := range r.sd[first:last] {
			constant -= math.Log(sd) + math.Log(2*math.Pi)/2
		}
		for k := range logs {
			logs[k] = constant - r.misfit(draws[k*e.size:(k+1)*e.size], first, last)/2
		}
		all += logMean(logs) / float64(values)
		for g := range groups {
			groups[g] += logMean(logs[g*count/drawGroups:(g+1)*count/drawGroups]) / float64(values)
		}
	}
	return all, groups
}

// misfit is the sum of ((y - A x)/sd)^2 over some of the values.
func (r *Record) misfit(x []float32, first, last int) (sum float64) {
	for j := first; j < last; j++ {
		columns, factors := r.rows.at(j)
		e := r.y[j]
		for k, c := range columns {
			e -= factors[k] * float64(x[c])
		}
		e /= r.sd[j]
		sum += e * e
	}
	return sum
}

// logMean is log of the mean of exp.
func logMean(logs []float64) float64 {
	most := math.Inf(-1)
	for _, l := range logs {
		most = max(most, l)
	}
	var sum float64
	for _, l := range logs {
		sum += math.Exp(l - most)
	}
	return most + math.Log(sum/float64(len(logs)))
}

// moments are mean and standard deviation.
func moments(x []float64) (mean, deviation float64) {
	for _, v := range x {
		mean += v / float64(len(x))
	}
	for _, v := range x {
		deviation += (v - mean) * (v - mean)
	}
	return mean, math.Sqrt(deviation / float64(max(1, len(x)-1)))
}

// gain is how much more evidence a has than b, and the standard error of that.
func gain(a, b score) (difference, noise float64) {
	differences := make([]float64, len(a.Records))
	for i, v := range a.Records {
		differences[i] = v - b.Records[i]
	}
	mean, deviation := moments(differences)
	return mean, math.Sqrt(deviation*deviation/float64(len(differences)) + a.Sampling*a.Sampling + b.Sampling*b.Sampling)
}
