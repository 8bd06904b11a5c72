package assimilate

import "math"

// arnoldi is the Krylov space of one right-hand side: an orthonormal basis q_1..q_k of
// e, K e, ... and the Hessenberg matrix H with K Q_k = Q_{k+1} H. GMRES (Saad & Schultz
// 1986) takes the u = Q_k z that makes |e - K u| = |beta e_1 - H z| least; Givens
// rotations, made as columns come, turn H into a triangle.
type arnoldi struct {
	basis   [][]float64
	columns [][]float64 // of the triangle
	cos     []float64
	sin     []float64
	goal    []float64 // the rotated right-hand side
	done    bool
}

func newArnoldi(e []float64, most int) *arnoldi {
	norm := math.Sqrt(inner(e, e))
	s := &arnoldi{goal: make([]float64, 1, most+1), done: norm == 0}
	s.goal[0] = norm
	first := make([]float64, len(e))
	if !s.done {
		add(first, 1/norm, e)
	}
	s.basis = append(s.basis, first)
	return s
}

// newest is the vector that K is to be applied to.
func (s *arnoldi) newest() []float64 { return s.basis[len(s.basis)-1] }

// grow takes K times the newest vector, which it overwrites, into the space.
func (s *arnoldi) grow(image []float64) {
	if s.done {
		return
	}
	before := math.Sqrt(inner(image, image))
	column := make([]float64, len(s.basis)+1)
	for range 2 { // the second pass repairs what rounding leaves of the first
		for i, q := range s.basis {
			along := inner(q, image)
			column[i] += along
			add(image, -along, q)
		}
	}
	rest := math.Sqrt(inner(image, image))
	s.done = rest <= settled*before
	if s.done {
		rest = 0
	}
	column[len(s.basis)] = rest
	s.rotate(column)
	if !s.done {
		next := make([]float64, len(image))
		add(next, 1/rest, image)
		s.basis = append(s.basis, next)
	}
}

// rotate makes the column part of the triangle.
func (s *arnoldi) rotate(column []float64) {
	for i := range s.cos {
		a, b := column[i], column[i+1]
		column[i], column[i+1] = s.cos[i]*a+s.sin[i]*b, s.cos[i]*b-s.sin[i]*a
	}
	k := len(column) - 2
	length := math.Hypot(column[k], column[k+1])
	if length == 0 { // K is singular along the newest vector: it adds nothing
		s.done = true
		return
	}
	c, n := column[k]/length, column[k+1]/length
	column[k] = length
	s.cos, s.sin = append(s.cos, c), append(s.sin, n)
	s.columns = append(s.columns, column[:k+1])
	last := s.goal[k]
	s.goal[k] = c * last
	s.goal = append(s.goal, -n*last)
	s.done = s.done || math.Abs(n*last) <= settled*math.Abs(s.goal[0])
}

// solution writes u.
func (s *arnoldi) solution(u []float64) {
	clear(u)
	n := len(s.columns)
	z := make([]float64, n)
	for i := n - 1; i >= 0; i-- {
		sum := s.goal[i]
		for j := i + 1; j < n; j++ {
			sum -= s.columns[j][i] * z[j]
		}
		z[i] = sum / s.columns[i][i]
		add(u, z[i], s.basis[i])
	}
}
