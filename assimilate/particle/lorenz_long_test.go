package particle_test

import (
	"flag"
	"math"
	"testing"

	"retrace/assimilate/particle"
	"retrace/dynamics"
	"retrace/verify"
)

var long = flag.Bool("long", false, "run slow statistical tests")

// The numbers of Rozet & Louppe 2023, figure 2: a self-distance of 5.0 and a
// log-prior of 81.7 nats, the expectation under the model, for nine precise
// observations.
func TestLorenzReferenceAgreesWithThePaper(t *testing.T) {
	if !*long {
		t.Skip("needs -long: two filters of 65536 particles")
	}
	p := lorenzProblem(t, 8, 0.05, verify.TransportCap)
	var samples [2]*verify.Sample
	for stream := range samples {
		m := particle.New()
		m.Stream = uint64(stream)
		sample, err := verify.NewSample(assimilated(t, m, p).Ensemble)
		if err != nil {
			t.Fatal(err)
		}
		samples[stream] = sample
	}
	if floor := verify.Wasserstein(samples[0], samples[1]); floor.Distance < 4.3 || floor.Distance > 6 {
		t.Errorf("self-distance %v, the paper's median is 5.0", floor.Distance)
	}
	got, err := verify.LogTransition(samples[0], p.Model.(dynamics.TransitionDensity))
	if err != nil {
		t.Fatal(err)
	}
	if math.Abs(got-81.7) > 2 {
		t.Errorf("log p(x_2:L | x_1) is %v, want 81.7", got)
	}
}
