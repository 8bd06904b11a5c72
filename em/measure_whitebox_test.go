package em

import (
	"math"
	"testing"

	"retrace/dynamics"
	"retrace/internal/rng"
	"retrace/trajectory"
	"retrace/verify"
)

// normals are count draws of N(shift, sd^2) in two values.
func normals(count int, shift, sd float64, seed int64) []float32 {
	r := rng.Stream(seed, "test")
	x := make([]float32, 2*count)
	for i := range x {
		x[i] = float32(shift + sd*r.NormFloat64())
	}
	return x
}

func heldOut(count int) []Record {
	truth := normals(count, 0, 1, 7)
	r := rng.Stream(8, "test")
	records := make([]Record, count)
	for i := range records {
		a, b := math.Sincos(2 * math.Pi * r.Float64())
		y := a*float64(truth[2*i]) + b*float64(truth[2*i+1]) + 0.1*r.NormFloat64()
		records[i] = Record{size: 2, y: []float64{y}, sd: []float64{0.1}, rows: rows{[]int{0, 2}, []int{0, 1}, []float64{a, b}}}
	}
	return records
}

// The evidence is that of the closed form, it is higher for the true law than for
// others, and two samples of one law differ by no more than their noise.
func TestEvidenceTellsTheTrueLaw(t *testing.T) {
	e := newEvidence(heldOut(400), func(int, int) float64 { return 1 }, 1)
	of := func(x []float32) score {
		s, err := e.of(t.Context(), x)
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	truth := of(normals(4000, 0, 1, 1))
	var closed float64
	variance := 1 + 0.01 + extraNoise*extraNoise
	for _, r := range e.records {
		closed -= (r.y[0]*r.y[0]/variance + math.Log(2*math.Pi*variance)) / 2 / float64(len(e.records))
	}
	if mean, _ := moments(truth.Records); math.Abs(mean-closed) > 0.02 {
		t.Errorf("the evidence is %v, in closed form %v", mean, closed)
	}
	if difference, noise := gain(of(normals(4000, 0, 1, 2)), truth); math.Abs(difference) > 4*noise || noise > 0.02 {
		t.Errorf("two samples of one law differ by %v +- %v", difference, noise)
	}
	for name, other := range map[string][]float32{"shifted": normals(4000, 0.7, 1, 3), "narrow": normals(4000, 0, 0.6, 3), "wide": normals(4000, 0, 1.7, 3)} {
		if difference, noise := gain(of(other), truth); difference > -3*noise {
			t.Errorf("a %s law differs by %v +- %v from the true one", name, difference, noise)
		}
	}
}

func setOf(x []float32) *trajectory.Set {
	space := dynamics.Space{Variable: "state", Units: "1", Axes: []dynamics.Axis{{Name: "variable", Labels: []string{"a", "b"}}}}
	return &trajectory.Set{Space: space, Clock: dynamics.Clock{Interval: 1, Units: "1"}, Lead: []trajectory.Dimension{{Name: "member", Len: len(x) / 2}}, Length: 1, Data: x}
}

// The cost of entropic transport at a small regularisation is that of the best matching,
// up to what the regularisation blurs.
func TestEntropicTransportIsNearTheBestMatching(t *testing.T) {
	const n = 60
	a, b := setOf(normals(n, 0, 1, 1)), setOf(normals(n, 0.5, 1, 2))
	got, err := entropic(t.Context(), a, b)
	if err != nil {
		t.Fatal(err)
	}
	// A matching that is best for squared distances: improve the one for distances by
	// exchanges, which from there ends at or very near the best.
	from, _ := verify.NewSample(a)
	to, _ := verify.NewSample(b)
	match := verify.Wasserstein(from, to).Match
	cost := func(i, j int) float64 {
		dx, dy := float64(a.Data[2*i]-b.Data[2*j]), float64(a.Data[2*i+1]-b.Data[2*j+1])
		return dx*dx + dy*dy
	}
	for changed := true; changed; {
		changed = false
		for i := range n {
			for j := range i {
				if cost(i, match[j])+cost(j, match[i]) < cost(i, match[i])+cost(j, match[j])-1e-12 {
					match[i], match[j] = match[j], match[i]
					changed = true
				}
			}
		}
	}
	var best float64
	for i, j := range match {
		best += cost(i, j) / n
	}
	// The dual value exceeds the cost by the regularisation times a relative entropy, of
	// log n at most.
	if got < 0.97*best || got > 1.05*best+entropicCost*math.Log(n) {
		t.Errorf("entropic transport costs %v, the best matching found %v", got, best)
	}
}

func TestDivergenceVanishesForTheTruthAlone(t *testing.T) {
	for _, kind := range Divergences() {
		c, err := newComparison(t.Context(), kind, setOf(normals(400, 0, 1, 1)))
		if err != nil {
			t.Fatal(err)
		}
		of := func(shift float64) float64 {
			d, err := c.of(t.Context(), setOf(normals(200, shift, 1, 9)))
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		same, small, large := of(0), of(0.5), of(2)
		if !(same < small && small < large) {
			t.Errorf("%s: %v for the truth, %v and %v for shifted laws", kind, same, small, large)
		}
		// Shifted by d along both axes, the squared cost is 2 d^2, the distance sqrt 2 d.
		want := map[string]float64{"sinkhorn": 8, "w1": 2 * math.Sqrt2}[kind]
		if math.Abs(large-want) > 0.15*want {
			t.Errorf("%s: a shift by (2, 2) costs %v, not %v", kind, large, want)
		}
	}
}

func TestStandardiserIsThatOfTheGaussian(t *testing.T) {
	// Two states of two values; means over states, variances with the spread of means.
	u := standardise([]float64{1, 10, 3, 10}, []float64{3, 4, 3, 4}, 2, 2)
	if u.Mean[0] != 2 || u.Mean[1] != 10 || u.Scale[0] != 2 || u.Scale[1] != 2 {
		t.Errorf("the units are %+v", u)
	}
}
