package scoresum

import (
	"fmt"
	"testing"
)

// eachComposition visits rules, lengths, windows and strides.
func eachComposition(t *testing.T, visit func(t *testing.T, name string, pieces []Piece, length int)) {
	t.Helper()
	for _, rule := range Compositions() {
		for _, length := range []int{1, 2, 5, 16, 17, 18, 33, 65} {
			for _, window := range []int{2, 3, 4, 9, 17} {
				for _, stride := range []int{1, 2, (window - 1) / 2, window - 1} {
					if stride < 1 || stride >= window {
						continue
					}
					name := fmt.Sprintf("%s of %d states, window %d, stride %d", rule, length, window, stride)
					pieces, err := Compose(rule, length, window, stride)
					if err != nil {
						t.Fatalf("%s: %v", name, err)
					}
					visit(t, name, pieces, length)
				}
			}
		}
	}
}

func TestWeightsOfEveryStateAddUpToOne(t *testing.T) {
	eachComposition(t, func(t *testing.T, name string, pieces []Piece, length int) {
		sum := make([]float64, length)
		for _, p := range pieces {
			if p.Start < 0 || p.Start+len(p.Weights) > length {
				t.Fatalf("%s: a piece of %d states at %d", name, len(p.Weights), p.Start)
			}
			for i, w := range p.Weights {
				sum[p.Start+i] += float64(w)
			}
		}
		for i, s := range sum {
			near(t, fmt.Sprintf("%s: weight of state %d", name, i), s, 1, 1e-6)
		}
	})
}

func TestShortTrajectoriesAreOnePiece(t *testing.T) {
	eachComposition(t, func(t *testing.T, name string, pieces []Piece, length int) {
		if len(pieces) == 1 && len(pieces[0].Weights) != length {
			t.Errorf("%s: one piece of %d states", name, len(pieces[0].Weights))
		}
	})
	pieces, err := Compose("overlap", 9, 9, 4)
	if err != nil || len(pieces) != 1 {
		t.Errorf("%d pieces, error %v", len(pieces), err)
	}
}

// The formula of Rozet & Louppe, counted from 1: with windows j..j+2k, state i
// is state i of the first window for i <= k, the centre of window i-k for k < i
// <= L-k, and state i-(L-2k)+1 of the last window beyond.
func TestCentreRuleIsThatOfThePaper(t *testing.T) {
	for _, k := range []int{1, 2, 8} {
		const L = 33
		pieces, err := Compose("centre", L, 2*k+1, 1)
		if err != nil || len(pieces) != L-2*k {
			t.Fatalf("k = %d: %d windows, error %v", k, len(pieces), err)
		}
		for i := 1; i <= L; i++ {
			window, place := i-k, k+1
			if i <= k {
				window, place = 1, i
			} else if i > L-k {
				window, place = L-2*k, i-(L-2*k)+1
			}
			for j, p := range pieces {
				for a, weight := range p.Weights {
					if p.Start+a != i-1 {
						continue
					}
					want := float32(0)
					if j == window-1 && a == place-1 {
						want = 1
					}
					if weight != want {
						t.Errorf("k = %d: state %d has the weight %v in place %d of window %d", k, i, weight, a+1, j+1)
					}
				}
			}
		}
	}
}

// The counting numbers of windows minus overlaps: each run of states shared by
// two neighbouring windows is subtracted once.
func TestOverlapRuleSubtractsWhatNeighboursShare(t *testing.T) {
	eachComposition(t, func(t *testing.T, name string, pieces []Piece, length int) {
		if name[:7] != "overlap" || len(pieces) == 1 {
			return
		}
		var windows, overlaps []Piece
		for _, p := range pieces {
			if p.Weights[0] > 0 {
				windows = append(windows, p)
			} else {
				overlaps = append(overlaps, p)
			}
		}
		if len(overlaps) != len(windows)-1 {
			t.Fatalf("%s: %d windows and %d overlaps", name, len(windows), len(overlaps))
		}
		for i, o := range overlaps {
			end := windows[i].Start + len(windows[i].Weights)
			if o.Start != windows[i+1].Start || o.Start+len(o.Weights) != end {
				t.Errorf("%s: overlap %d is %d states from %d", name, i, len(o.Weights), o.Start)
			}
		}
	})
}

func TestImpossibleCompositionsAreErrors(t *testing.T) {
	for _, c := range []struct {
		rule   string
		stride int
	}{{"sum", 4}, {"", 4}, {"overlap", 0}, {"overlap", 9}, {"average", -1}, {"average", 10}} {
		if _, err := Compose(c.rule, 65, 9, c.stride); err == nil {
			t.Errorf("%q with stride %d is no error", c.rule, c.stride)
		}
	}
}
