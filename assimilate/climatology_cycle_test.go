package assimilate_test

import (
	"errors"
	"math"
	"testing"

	"retrace/assimilate"
)

func TestClimatologyCyclesThroughTheEnsembleOfAssimilate(t *testing.T) {
	p := assimilate.Problem{Training: counting(3, 9), Length: 4, Members: 5, Seed: 7, Case: 2}
	set := climatology(t, p)
	var seen int
	err := assimilate.Climatology{}.Cycle(t.Context(), p, func(e assimilate.Estimate) error {
		if e.Index != seen/2 || e.Stage != assimilate.Stage(seen%2) {
			t.Fatalf("estimate %d is the %s of state %d", seen, e.Stage, e.Index)
		}
		seen++
		for j := range 2 {
			var sum, squares float64
			for k := range p.Members {
				want := float64(set.State(k, e.Index)[j])
				if got := e.Ensemble[k*2+j]; got != want {
					t.Fatalf("member %d of state %d: %v, want %v", k, e.Index, got, want)
				}
				sum += want
			}
			mean := sum / 5
			for k := range p.Members {
				squares += math.Pow(e.Ensemble[k*2+j]-mean, 2)
			}
			if math.Abs(e.Mean[j]-mean) > 1e-9 || math.Abs(e.Variance[j]-squares/4) > 1e-6 {
				t.Fatalf("mean %v and variance %v, want %v and %v", e.Mean[j], e.Variance[j], mean, squares/4)
			}
		}
		return nil
	})
	if err != nil || seen != 8 {
		t.Errorf("%d estimates, error %v", seen, err)
	}
}

func TestClimatologyStopsWhenTheWatcherDoes(t *testing.T) {
	stop := errors.New("enough")
	p := assimilate.Problem{Training: counting(3, 9), Length: 4, Members: 5}
	if err := (assimilate.Climatology{}).Cycle(t.Context(), p, func(assimilate.Estimate) error { return stop }); !errors.Is(err, stop) {
		t.Errorf("got %v", err)
	}
	p.Training = nil
	if err := (assimilate.Climatology{}).Cycle(t.Context(), p, nil); err == nil {
		t.Error("no training trajectories: no error")
	}
}
