// The linear assignment problem: given an n x n matrix c of costs, find the
// permutation p of least sum_i c(i, p(i)). Its dual is to maximise sum u + sum v
// subject to u_i + v_j <= c(i, j); a matching whose pairs are all tight
// (u_i + v_p(i) = c(i, p(i))) is optimal.
//
// Jonker and Volgenant (1987), Computing 38, 325: column reduction gives dual
// prices v and a partial matching, augmenting row reduction improves both, and
// a shortest augmenting path (Dijkstra on the reduced costs c - u - v >= 0)
// matches each row that is left. O(n^3) at worst, mostly far less.

package verify

import (
	"math"
	"slices"
)

// assignment is a matching with the dual prices that prove it optimal.
type assignment struct {
	column     []int     // of each row
	u, v       []float64 // dual prices of rows and of columns
	columnRows []int     // the row of each column, -1 if free
}

// assign solves the problem for a row-major n x n matrix of finite costs.
func assign(cost []float64, n int) assignment {
	a := assignment{
		column: filled(n, -1), columnRows: filled(n, -1),
		u: make([]float64, n), v: make([]float64, n),
	}
	free := a.reduceColumns(cost, n)
	for range 2 { // the original's choice; more passes rarely pay
		free = a.reduceRows(cost, n, free)
	}
	path := newSearch(n)
	for _, row := range free {
		path.augment(&a, cost, row)
	}
	for i, j := range a.column {
		a.u[i] = cost[i*n+j] - a.v[j]
	}
	return a
}

// reduceColumns prices each column at its least cost and matches it to the row
// that has it, if still free. It returns the rows left free.
func (a *assignment) reduceColumns(cost []float64, n int) (free []int) {
	cheapest := make([]int, n)
	copy(a.v, cost[:n])
	for i := 1; i < n; i++ {
		for j, c := range cost[i*n : (i+1)*n] {
			if c < a.v[j] {
				a.v[j], cheapest[j] = c, i
			}
		}
	}
	for j, i := range cheapest {
		if a.column[i] < 0 {
			a.column[i], a.columnRows[j] = j, i
		}
	}
	for i, j := range a.column {
		if j < 0 {
			free = append(free, i)
		}
	}
	return free
}

// reduceRows lets each free row take its cheapest column and lowers the price
// of that column until the row's second choice is as good. A row that lost its
// column looks again at once, or, if there was a tie, is returned as free. Near
// ties start price wars of tiny steps, which the paths settle at less cost: the
// number of bids is limited.
func (a *assignment) reduceRows(cost []float64, n int, free []int) (left []int) {
	queue := slices.Clone(free) // a stack
	for bids := 0; len(queue) > 0 && bids < 8*n; bids++ {
		row := queue[len(queue)-1]
		queue = queue[:len(queue)-1]
		column, second, gap := cheapestTwo(cost[row*n:(row+1)*n], a.v)
		if gap == 0 && a.columnRows[column] >= 0 {
			column = second
		}
		loser := a.columnRows[column]
		a.v[column] -= gap
		a.column[row], a.columnRows[column] = column, row
		switch {
		case loser < 0:
			continue
		case gap > 0:
			queue = append(queue, loser)
		default:
			left = append(left, loser)
		}
		a.column[loser] = -1
	}
	return append(left, queue...)
}

// cheapestTwo finds the two columns of least reduced cost c - v of a row, and
// the difference between them. With one column, both are that one.
func cheapestTwo(row, v []float64) (first, second int, gap float64) {
	best, next := row[0]-v[0], math.Inf(1)
	for j := 1; j < len(row); j++ {
		h := row[j] - v[j]
		switch {
		case h < best:
			second, next = first, best
			first, best = j, h
		case h < next:
			second, next = j, h
		}
	}
	if math.IsInf(next, 1) {
		return first, first, 0
	}
	return first, second, next - best
}

// search is the scratch space of a shortest augmenting path.
type search struct {
	distance []float64 // of each column from the free row
	from     []int     // the row by which a column was reached
	open     []int     // columns whose distance is not final
	closed   []int     // columns whose distance is final, in order
}

func newSearch(n int) *search {
	return &search{make([]float64, n), make([]int, n), make([]int, 0, n), make([]int, 0, n)}
}

// augment matches a free row by the shortest path to a free column, and keeps
// the prices feasible.
func (s *search) augment(a *assignment, cost []float64, row int) {
	n := len(a.v)
	s.open, s.closed = s.open[:0], s.closed[:0]
	nearest := 0 // position in open
	for j := range n {
		s.distance[j] = cost[row*n+j] - a.v[j]
		s.from[j] = row
		s.open = append(s.open, j)
		if s.distance[j] < s.distance[nearest] {
			nearest = j
		}
	}
	for {
		j := s.open[nearest]
		s.open[nearest] = s.open[len(s.open)-1]
		s.open = s.open[:len(s.open)-1]
		if a.columnRows[j] < 0 {
			s.finish(a, row, j)
			return
		}
		s.closed = append(s.closed, j)
		nearest = s.relax(a, cost, j)
	}
}

// relax shortens the distances of open columns by the row matched to column j
// and returns the position of the nearest open column.
func (s *search) relax(a *assignment, cost []float64, j int) (nearest int) {
	n := len(a.v)
	row := a.columnRows[j]
	costs := cost[row*n : (row+1)*n]
	offset := costs[j] - a.v[j] - s.distance[j]
	least := math.Inf(1)
	for k, open := range s.open {
		through := costs[open] - a.v[open] - offset
		if through < s.distance[open] {
			s.distance[open], s.from[open] = through, row
		}
		if s.distance[open] < least {
			least, nearest = s.distance[open], k
		}
	}
	return nearest
}

// finish updates the prices of the closed columns and flips the matching along
// the path from row to the free column end.
func (s *search) finish(a *assignment, row, end int) {
	for _, j := range s.closed {
		a.v[j] += s.distance[j] - s.distance[end]
	}
	for j := end; ; {
		i := s.from[j]
		a.columnRows[j] = i
		j, a.column[i] = a.column[i], j
		if i == row {
			return
		}
	}
}

// total is the cost of the matching.
func (a assignment) total(cost []float64) float64 {
	n := len(a.column)
	var sum float64
	for i, j := range a.column {
		sum += cost[i*n+j]
	}
	return sum
}

// gap is an upper bound on how much the total exceeds the optimum. Lowering
// every u by the largest violation of the dual constraints makes the prices
// feasible, and the value of feasible prices is a lower bound on any matching.
func (a assignment) gap(cost []float64) float64 {
	n := len(a.column)
	var violation, dual float64
	for i, u := range a.u {
		for j, c := range cost[i*n : (i+1)*n] {
			violation = max(violation, u+a.v[j]-c)
		}
		dual += u + a.v[i]
	}
	return max(0, a.total(cost)-dual+float64(n)*violation)
}

func filled(n, value int) []int {
	s := make([]int, n)
	for i := range s {
		s[i] = value
	}
	return s
}
