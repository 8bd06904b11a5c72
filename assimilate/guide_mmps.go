package assimilate

import "math"

// Moment matching posterior sampling (Rozet et al. 2024, section 4): S is made of the
// network's own covariance,
//
//	(R + (sigma^2/mu) A' J^T A'^T) u = y - A(m) ,
//
// solved by a few Krylov iterations, each a pass backward through the prior. J^T is
// taken for J: exact denoisers have symmetric Jacobians, networks and most compositions
// of windows nearly so. The unknowns are scaled by R^1/2 (Jacobi's preconditioner for a
// system that noise dominates), so that the operator becomes K = I + R^-1/2 V R^-1/2
// with eigenvalues from 1 upwards; all scalars are float64, each row of a batch has its
// own, and floors are relative to the right-hand side.
//
// "mmps" uses GMRES, which needs no symmetry and whose residual never grows;
// "mmps-cg" conjugate gradients, which stop at a direction of negative curvature.
// Iterations truncate the solve, which regularises it: on trained networks at high
// noise, where sigma^2 multiplies the error of J, a full solve may diverge.

// krylov is the rule of one worker.
type krylov struct {
	throughPrior
	iterations int
	symmetric  bool // conjugate gradients
	linear     *tangent

	tangents []*tangent
	image    [][]float64
}

// settled is the residual, relative to the right-hand side, at which iterations stop.
const settled = 1e-10

func (k *krylov) solve(b *batch) error {
	k.tangents = k.tangents[:0]
	for r := range b.u {
		k.tangents = append(k.tangents, b.tangentOf(k.linear, r))
	}
	for len(k.image) < len(b.u) {
		k.image = append(k.image, make([]float64, b.present()))
	}
	residual := make([][]float64, len(b.u))
	for r, e := range b.e {
		residual[r] = make([]float64, len(e))
		for i, v := range e {
			residual[r][i] = v / math.Sqrt(b.noise[i])
		}
	}
	solver := k.generalised
	if k.symmetric {
		solver = k.conjugate
	}
	if err := solver(b, residual); err != nil {
		return err
	}
	for _, u := range b.u {
		for i := range u {
			u[i] /= math.Sqrt(b.noise[i])
		}
	}
	return nil
}

// apply sets dst to K v for every row.
func (k *krylov) apply(b *batch, dst, v [][]float64) error {
	image := k.image[:len(v)]
	for r := range v {
		for i, x := range v[r] {
			image[r][i] = x / math.Sqrt(b.noise[i])
		}
	}
	if err := b.pull(image); err != nil {
		return err
	}
	for r := range v {
		k.tangents[r].push(dst[r], b.row(b.pulled, r))
		for i, x := range v[r] {
			dst[r][i] = x + b.scale()*dst[r][i]/math.Sqrt(b.noise[i])
		}
	}
	return nil
}

// conjugate solves K u = residual by conjugate gradients; the residual is overwritten.
func (k *krylov) conjugate(b *batch, residual [][]float64) error {
	rows := len(residual)
	direction, image := copies(residual), copies(residual)
	square, least := make([]float64, rows), make([]float64, rows)
	for r := range residual {
		clear(b.u[r])
		square[r] = inner(residual[r], residual[r])
		least[r] = settled * settled * square[r]
	}
	for range k.iterations {
		if err := k.apply(b, image, direction); err != nil {
			return err
		}
		for r, d := range direction {
			curvature := inner(d, image[r])
			if square[r] <= least[r] || !(curvature > 0) {
				clear(d)
				continue
			}
			step := square[r] / curvature
			add(b.u[r], step, d)
			add(residual[r], -step, image[r])
			before := square[r]
			square[r] = inner(residual[r], residual[r])
			for i := range d {
				d[i] = residual[r][i] + square[r]/before*d[i]
			}
		}
	}
	return nil
}

// generalised solves K u = residual by GMRES.
func (k *krylov) generalised(b *batch, residual [][]float64) error {
	spaces := make([]*arnoldi, len(residual))
	for r, e := range residual {
		spaces[r] = newArnoldi(e, k.iterations)
	}
	image, direction := copies(residual), make([][]float64, len(residual))
	for range k.iterations {
		for r, s := range spaces {
			direction[r] = s.newest()
		}
		if err := k.apply(b, image, direction); err != nil {
			return err
		}
		for r, s := range spaces {
			s.grow(image[r])
		}
	}
	for r, s := range spaces {
		s.solution(b.u[r])
	}
	return nil
}

func copies(rows [][]float64) [][]float64 {
	list := make([][]float64, len(rows))
	for r, row := range rows {
		list[r] = append([]float64(nil), row...)
	}
	return list
}

func inner(a, b []float64) (sum float64) {
	for i, v := range a {
		sum += v * b[i]
	}
	return sum
}

// add adds factor times b to a.
func add(a []float64, factor float64, b []float64) {
	for i, v := range b {
		a[i] += factor * v
	}
}
