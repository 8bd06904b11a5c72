package scoresum

import (
	"fmt"
	"slices"
)

// A composition writes the denoised mean of a trajectory of L states as a
// weighted sum of the denoised means of pieces, runs of consecutive states seen
// by the window denoiser alone:
//
//	E[x_i | x_t] ~ sum over pieces p containing i of  w_p(i) E[x_i | x_t restricted to p],
//
// with weights that add up to one for every state, so that scores add up with
// the same weights. The rules differ in pieces and weights:
//
//   - "centre" (Rozet & Louppe 2023, algorithm 2): a window around every
//     state gives that state alone; the first and last windows also give the
//     states before and after their centre.
//   - "overlap": windows every stride states count +1 and what neighbouring
//     windows share counts -1. Exact when the noised sequence is Markov of the
//     order of the overlap, p(x) = prod p(window) / prod p(overlap), and the
//     gradient of a function, which the centre rule is not.
//   - "average": windows every stride states, each state the mean over the
//     windows that contain it.

// Piece is a run of consecutive states and the weight its denoised mean has in
// each of them.
type Piece struct {
	Start   int
	Weights []float32 // one for each state of the piece
}

// Compositions lists the names that Compose knows.
func Compositions() []string { return []string{"centre", "overlap", "average"} }

// Compose returns the pieces of a rule for a trajectory of length states and
// windows of at most window states. stride is the distance between windows for
// "overlap" and "average"; the last window ends with the trajectory whatever
// the stride. A trajectory no longer than the window is one piece; windows of one
// state share nothing, so that every rule makes a piece of every state.
func Compose(rule string, length, window, stride int) ([]Piece, error) {
	if length <= window {
		return []Piece{{0, constant(length, 1)}}, nil
	}
	switch {
	case rule == "centre", window == 1 && slices.Contains(Compositions(), rule):
		return centre(length, window), nil
	case stride < 1 || stride >= window:
		return nil, fmt.Errorf("scoresum: stride %d: must be at least 1 and below the window of %d states", stride, window)
	case rule == "overlap":
		return overlap(length, window, stride), nil
	case rule == "average":
		return average(length, window, stride), nil
	}
	return nil, fmt.Errorf("scoresum: unknown composition %q; known are %q", rule, Compositions())
}

// centre uses windows of odd length 2k+1; an even window looks one state
// further ahead than back.
func centre(length, window int) []Piece {
	k := (window - 1) / 2
	pieces := make([]Piece, length-window+1)
	for start := range pieces {
		weights := make([]float32, window)
		weights[k] = 1
		pieces[start] = Piece{start, weights}
	}
	first, last := pieces[0].Weights, pieces[len(pieces)-1].Weights
	for i := range k {
		first[i] = 1
	}
	for i := k + 1; i < window; i++ {
		last[i] = 1
	}
	return pieces
}

func overlap(length, window, stride int) []Piece {
	var pieces []Piece
	starts := windowStarts(length, window, stride)
	for i, start := range starts {
		pieces = append(pieces, Piece{start, constant(window, 1)})
		if i > 0 {
			shared := starts[i-1] + window - start
			pieces = append(pieces, Piece{start, constant(shared, -1)})
		}
	}
	return pieces
}

func average(length, window, stride int) []Piece {
	count := make([]float32, length)
	starts := windowStarts(length, window, stride)
	for _, start := range starts {
		for i := range window {
			count[start+i]++
		}
	}
	var pieces []Piece
	for _, start := range starts {
		weights := make([]float32, window)
		for i := range weights {
			weights[i] = 1 / count[start+i]
		}
		pieces = append(pieces, Piece{start, weights})
	}
	return pieces
}

// windowStarts places windows every stride states, the last one at the end.
func windowStarts(length, window, stride int) []int {
	var starts []int
	for start := 0; start < length-window; start += stride {
		starts = append(starts, start)
	}
	return append(starts, length-window)
}

func constant(n int, value float32) []float32 {
	weights := make([]float32, n)
	for i := range weights {
		weights[i] = value
	}
	return weights
}
