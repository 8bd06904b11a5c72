package calibrate

import (
	"context"
	"errors"
	"fmt"
	"math"

	"gonum.org/v1/gonum/mat"

	"retrace/assimilate"
	"retrace/internal/fault"
	"retrace/internal/rng"
	"retrace/observe"
	"retrace/trajectory"
)

// Exact draws from the exact posterior of a linear-Gaussian system under linear
// observations, by dense algebra: with the prior N(m, C) of whole trajectories and
// y = H x + e, e ~ N(0, R),
//
//	x | y ~ N(m + K (y - H m), C - K H C),  K = C H^T (H C H^T + R)^-1 ,
//
// and a draw is made of a draw x' from the prior with observations y' of its
// own, x' + K (y - y') (Matheron's rule). It implements assimilate.Method.
type Exact struct{}

// moments is a model that knows the law of whole trajectories.
type moments interface {
	Moments(length int) (mean []float64, covariance *mat.SymDense)
}

// Assimilate implements assimilate.Method. Member k does not depend on how many
// are drawn. Another model, or an operator that is not linear, is an input error.
func (Exact) Assimilate(ctx context.Context, p assimilate.Problem, progress func(done, total int)) (*assimilate.Result, error) {
	model, ok := p.Model.(moments)
	if !ok {
		return nil, fault.Inputf("exact: the posterior is known for linear-Gaussian systems only")
	}
	mean, covariance := model.Moments(p.Length)
	size := p.Model.Space().Size()
	h, y, noise, err := linearise(p.Observations, p.Length, size)
	if err != nil {
		return nil, err
	}
	var root mat.Cholesky
	if !root.Factorize(covariance) {
		return nil, errors.New("exact: the covariance of trajectories is not positive")
	}
	var lower mat.TriDense
	root.LTo(&lower)
	gain, err := kalmanGain(covariance, h, noise)
	if err != nil {
		return nil, err
	}
	set := trajectory.New(p.Model.Space(), p.Model.Clock(), []trajectory.Dimension{{Name: "member", Len: p.Members}}, p.Length)
	n := len(mean)
	for m := range p.Members {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		r := rng.Stream(p.Seed, "exact", uint64(p.Case), uint64(m))
		x := matheron(mean, &lower, h, gain, y, noise, r.NormFloat64)
		for i := range n {
			set.Data[m*n+i] = float32(x.AtVec(i))
		}
		if progress != nil {
			progress(m+1, p.Members)
		}
	}
	return &assimilate.Result{Ensemble: set}, nil
}

// matheron makes one draw.
func matheron(mean []float64, lower *mat.TriDense, h, gain *mat.Dense, y, noise []float64, normal func() float64) *mat.VecDense {
	n := len(mean)
	z, x := mat.NewVecDense(n, nil), mat.NewVecDense(n, nil)
	for i := range n {
		z.SetVec(i, normal())
	}
	x.MulVec(lower, z)
	x.AddVec(x, mat.NewVecDense(n, mean))
	if len(y) == 0 {
		return x
	}
	innovation, shift := mat.NewVecDense(len(y), nil), mat.NewVecDense(n, nil)
	innovation.MulVec(h, x)
	for i, v := range y {
		innovation.SetVec(i, v-innovation.AtVec(i)-math.Sqrt(noise[i])*normal())
	}
	shift.MulVec(gain, innovation)
	x.AddVec(x, shift)
	return x
}

// kalmanGain is C H^T (H C H^T + R)^-1; nil without observations.
func kalmanGain(covariance *mat.SymDense, h *mat.Dense, noise []float64) (*mat.Dense, error) {
	if len(noise) == 0 {
		return nil, nil
	}
	var cross, full mat.Dense
	cross.Mul(h, covariance)
	full.Mul(&cross, h.T())
	s := mat.NewSymDense(len(noise), nil)
	for i := range noise {
		for j := range i + 1 {
			s.SetSym(i, j, (full.At(i, j)+full.At(j, i))/2)
		}
		s.SetSym(i, i, full.At(i, i)+noise[i])
	}
	var cholesky mat.Cholesky
	if !cholesky.Factorize(s) {
		return nil, errors.New("exact: the covariance of the innovations is not positive")
	}
	var solved mat.Dense
	var condition mat.Condition
	if err := cholesky.SolveTo(&solved, &cross); err != nil && !errors.As(err, &condition) {
		return nil, fmt.Errorf("exact: %w", err)
	}
	gain := mat.DenseCopyOf(solved.T())
	return gain, nil
}

// linearise lists the values present, the rows of H and the variances of the
// errors. Operators that are not linear, and those with an offset, are input
// errors.
func linearise(seen observe.Sequence, length, size int) (h *mat.Dense, y, noise []float64, err error) {
	var rows []float64
	zero, probe := make([]float64, size), make([]float64, size)
	for j := range probe {
		probe[j] = 1 + float64(j%5)/3
	}
	for _, o := range seen.Observations {
		at, offset := make([]float64, len(o.Values)), make([]float64, len(o.Values))
		o.Operator.Apply(at, probe)
		o.Operator.Apply(offset, zero)
		unit := make([]float64, len(o.Values))
		for j, value := range o.Values {
			if math.IsNaN(value) {
				continue
			}
			unit[j] = 1
			gradient := make([]float64, size)
			o.Operator.VJP(gradient, zero, unit)
			unit[j] = 0
			var image float64
			for k, g := range gradient {
				image += g * probe[k]
			}
			if offset[j] != 0 || math.Abs(image-at[j]) > 1e-9*(1+math.Abs(at[j])) {
				return nil, nil, nil, fault.Inputf("exact: the posterior is known for linear operators only")
			}
			row := make([]float64, length*size)
			copy(row[o.Index*size:], gradient)
			rows = append(rows, row...)
			y, noise = append(y, value), append(noise, o.Sd[j]*o.Sd[j])
		}
	}
	if len(y) > 0 {
		h = mat.NewDense(len(y), length*size, rows)
	}
	return h, y, noise, nil
}
