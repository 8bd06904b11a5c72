// Checks in the space of observations, which need no truth. With p values y,
// what an ensemble predicts of them h(x_m), and independent errors of variance R:
//
//	in sample   chi2 = mean over members of sum (y - h(x_m))^2/R. A posterior that
//	            was given these y absorbs d degrees of freedom of them, and its
//	            spread puts d back: about p on average over cases.
//	held out    z = (y - mean h)/sqrt((M+1)/M var h + R), N(0, 1) for values that
//	            the ensemble was not given. Only this reveals over-fitting.

package verify

import (
	"math"
	"math/rand/v2"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat/distuv"

	"retrace/observe"
)

// Prediction is one observed value, what an ensemble predicts of it and the
// standard deviation of its error, in its units.
type Prediction struct {
	Value     float64
	Predicted []float64 // h(x_m) of each member
	Weights   []float64 // of the members, summing to 1; nil: equal
	Sd        float64
}

// Predictions lists what an ensemble predicts of the values of a sequence that are
// present, in its order. The states observed must exist.
func Predictions(ensemble *Sample, seen observe.Sequence) []Prediction {
	state := make([]float64, ensemble.Size)
	var list []Prediction
	for _, o := range seen.Observations {
		predicted := make([][]float64, ensemble.Members)
		for m := range predicted {
			widen(state, ensemble.Member(m)[o.Index*ensemble.Size:(o.Index+1)*ensemble.Size])
			predicted[m] = make([]float64, len(o.Values))
			o.Operator.Apply(predicted[m], state)
		}
		for j, y := range o.Values {
			if math.IsNaN(y) {
				continue
			}
			p := Prediction{Value: y, Predicted: make([]float64, ensemble.Members), Weights: ensemble.Weights, Sd: o.Sd[j]}
			for m := range predicted {
				p.Predicted[m] = predicted[m][j]
			}
			list = append(list, p)
		}
	}
	return list
}

// Standardised is the prediction in units of the standard deviation of the error.
func (p Prediction) Standardised() Prediction {
	scaled := Prediction{Value: p.Value / p.Sd, Predicted: make([]float64, len(p.Predicted)), Weights: p.Weights, Sd: 1}
	for m, h := range p.Predicted {
		scaled.Predicted[m] = h / p.Sd
	}
	return scaled
}

// Draws adds errors of observation drawn from r to the members, so that the value
// is one more draw of what the ensemble predicts (Hamill 2001, Mon. Weather Rev. 129,
// 550): rank it, score it, cover it.
func (p Prediction) Draws(r *rand.Rand) Draws {
	d := Draws{Truth: p.Value, Members: make([]float64, len(p.Predicted)), Weights: p.Weights}
	for m, h := range p.Predicted {
		d.Members[m] = h + p.Sd*r.NormFloat64()
	}
	return d
}

// Innovation is the normalised innovation (y - mean h)/sqrt((M+1)/M var h + R);
// its square is 1 on average, within 10 % or so over many values. NaN for one
// member.
func (p Prediction) Innovation() float64 {
	d := Draws{Truth: p.Value, Members: p.Predicted, Weights: p.Weights}
	n := d.Size()
	return (p.Value - d.Mean()) / math.Sqrt((n+1)/n*d.Variance()+p.Sd*p.Sd)
}

// LogScore is the log density of the value under the normal law of the
// prediction, in nats (per unit of the value): larger is better (Good 1952).
func (p Prediction) LogScore() float64 {
	d := Draws{Truth: p.Value, Members: p.Predicted, Weights: p.Weights}
	n := d.Size()
	variance := (n+1)/n*d.Variance() + p.Sd*p.Sd
	e := p.Value - d.Mean()
	return -(e*e/variance + math.Log(2*math.Pi*variance)) / 2
}

// CRPS is the fair CRPS of the members with the error of observation taken in
// exactly, in units of the value: with s^2 = 2 R and A(d) = E|d + s z|, the fair
// score of the mixture of normal laws.
func (p Prediction) CRPS() float64 {
	d := Draws{Truth: p.Value, Members: p.Predicted, Weights: p.Weights}
	var skill, pairs, squares float64
	for m, x := range d.Members {
		w := d.weight(m)
		skill += w * meanAbsolute(x-p.Value, p.Sd)
		squares += w * w
		for k, other := range d.Members[:m] {
			pairs += w * d.weight(k) * meanAbsolute(x-other, math.Sqrt2*p.Sd)
		}
	}
	return skill - pairs/(1-squares)
}

// meanAbsolute is E|d + s z| of a standard normal z.
func meanAbsolute(d, s float64) float64 {
	if s == 0 {
		return math.Abs(d)
	}
	u := d / s
	return s * (u*math.Erf(u/math.Sqrt2) + math.Sqrt(2/math.Pi)*math.Exp(-u*u/2))
}

// InSample is the mean over members of sum (y - h(x_m))^2/R over the values of one
// case, to be compared with their number.
func InSample(values []Prediction) float64 {
	var sum float64
	for _, p := range values {
		d := Draws{Members: p.Predicted, Weights: p.Weights}
		for m, h := range p.Predicted {
			e := (p.Value - h) / p.Sd
			sum += d.weight(m) * e * e
		}
	}
	return sum
}

// DegreesOfFreedom is the degrees of freedom for signal of the values of one
// case, tr(H K) = sum var h / R with the posterior's variance: how many
// independent numbers the observations told, between 0 and their number for a
// linear operator (Cardinali et al. 2004, QJRMS 130, 2767).
func DegreesOfFreedom(values []Prediction) float64 {
	var sum float64
	for _, p := range values {
		sum += Draws{Members: p.Predicted, Weights: p.Weights}.Variance() / (p.Sd * p.Sd)
	}
	return sum
}

// InnovationChiSquare is d^T S^-1 d of an innovation d = y - H(background) with
// the covariance S = H P H^T + R that is claimed for it. It has the chi-square law
// with len(d) degrees of freedom: sum it over independent cycles and test by
// ChiSquare. The error is ErrNotPositive.
func InnovationChiSquare(innovation []float64, covariance *mat.SymDense) (float64, error) {
	var cholesky mat.Cholesky
	if !cholesky.Factorize(covariance) {
		return 0, ErrNotPositive
	}
	d := mat.NewVecDense(len(innovation), innovation)
	solved := mat.NewVecDense(len(innovation), nil)
	if err := ignoreCondition(cholesky.SolveVecTo(solved, d)); err != nil {
		return 0, err
	}
	return mat.Dot(d, solved), nil
}

// ChiSquare tests, to both sides, whether a sum has the chi-square law of so many
// degrees of freedom, as of values of independent cases; the statistic is sum/freedom. Above 1 covariances claimed
// are too small.
func ChiSquare(sum, freedom float64) Check {
	return Check{
		Statistic: sum / freedom, Expected: 1, P: twoSidedChiSquare(sum, freedom), Cases: int(freedom),
		accept: func(level float64) (float64, float64) {
			law := distuv.ChiSquared{K: freedom}
			return law.Quantile(level/2) / freedom, law.Quantile(1-level/2) / freedom
		},
	}
}

// Consistency compares the covariances that innovations show with those that are
// claimed, as traces over values and cycles (Desroziers et al. 2005, QJRMS 131,
// 3385). With d = y - H(background), a = y - H(analysis), b = d - a:
//
//	Noise       <a d>/tr R            Background  <b d>/tr HPH^T
//	Analysis    <b a>/tr HAH^T        Total       <d d>/tr (HPH^T + R)
//
// All are 1 if the gain is optimal and the claims are right; not otherwise, so that
// one pass is a check and not an estimate.
type Consistency struct{ Noise, Background, Analysis, Total float64 }

// Claim is one observed value of a cycle: its innovation, its residual after the
// analysis, and the variances claimed for its error, the background and the
// analysis there.
type Claim struct {
	Innovation, Residual        float64
	Noise, Background, Analysed float64 // R, HPH^T, HAH^T
}

// Desroziers sums over the values of independent cycles.
func Desroziers(claims []Claim) Consistency {
	var noise, background, analysis, total, r, p, a float64
	for _, c := range claims {
		step := c.Innovation - c.Residual
		noise += c.Residual * c.Innovation
		background += step * c.Innovation
		analysis += step * c.Residual
		total += c.Innovation * c.Innovation
		r, p, a = r+c.Noise, p+c.Background, a+c.Analysed
	}
	return Consistency{noise / r, background / p, analysis / a, total / (p + r)}
}
