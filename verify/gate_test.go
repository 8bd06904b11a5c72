package verify_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"retrace/internal/rng"
	"retrace/verify"
)

// Null gates: a diagnostic that does not pass on exact posteriors at its nominal
// rate, or does not fail on a planted defect, is not evidence. Each gate names the
// number of cases at which the defects it is for are found in 95 % of repeats.

// world draws cases whose ensembles are exact, or have one defect.
type world func(r *rand.Rand, cases, members int, defect bool) []verify.Draws

func spoiled(spread, shift float64) world {
	return func(r *rand.Rand, cases, members int, defect bool) []verify.Draws {
		if defect {
			return bench{spread, shift}.draw(r, cases, members)
		}
		return bench{1, 0}.draw(r, cases, members)
	}
}

// doubledNoise assimilates y = x + e as if the variance of e were twice as large.
func doubledNoise(r *rand.Rand, cases, members int, defect bool) []verify.Draws {
	list := make([]verify.Draws, cases)
	claimed := 0.25
	if defect {
		claimed = 0.5
	}
	for i := range list {
		truth := r.NormFloat64()
		y := truth + 0.5*r.NormFloat64()
		d := verify.Draws{Truth: truth, Members: make([]float64, members)}
		for m := range d.Members {
			d.Members[m] = y/(1+claimed) + math.Sqrt(claimed/(1+claimed))*r.NormFloat64()
		}
		list[i] = d
	}
	return list
}

// droppedMode has a posterior of two modes, +a and -a, since the sign of x is not
// seen; the defect keeps one of them.
func droppedMode(r *rand.Rand, cases, members int, defect bool) []verify.Draws {
	list := make([]verify.Draws, cases)
	for i := range list {
		centre := 2 + r.NormFloat64()*0.3
		draw := func(both bool) float64 {
			x := centre + 0.3*r.NormFloat64()
			if both && r.IntN(2) == 0 {
				return -x
			}
			return x
		}
		d := verify.Draws{Truth: draw(true), Members: make([]float64, members)}
		for m := range d.Members {
			d.Members[m] = draw(!defect)
		}
		list[i] = d
	}
	return list
}

// shuffledTime draws from the law of an autoregression over 16 times, every value
// of which has the same law; the defect shuffles the times of the members. The
// function is the roughness, sum (x_t+1 - x_t)^2: marginals do not see it.
func shuffledTime(r *rand.Rand, cases, members int, defect bool) []verify.Draws {
	path := make([]float64, 16)
	draw := func(shuffled bool) (rough float64) {
		path[0] = r.NormFloat64()
		for t := 1; t < len(path); t++ {
			path[t] = 0.7*path[t-1] + math.Sqrt(0.51)*r.NormFloat64()
		}
		if shuffled {
			r.Shuffle(len(path), func(i, j int) { path[i], path[j] = path[j], path[i] })
		}
		for t := 1; t < len(path); t++ {
			rough += (path[t] - path[t-1]) * (path[t] - path[t-1])
		}
		return rough
	}
	list := make([]verify.Draws, cases)
	for i := range list {
		d := verify.Draws{Truth: draw(false), Members: make([]float64, members)}
		for m := range d.Members {
			d.Members[m] = draw(defect)
		}
		list[i] = d
	}
	return list
}

type diagnostic struct {
	name string
	run  func(cases []verify.Draws, r *rand.Rand) verify.Check
	// gaussian: the null is exact for normal posteriors only.
	gaussian bool
}

func onRanks(test func(ranks []float64) verify.Check) func([]verify.Draws, *rand.Rand) verify.Check {
	return func(cases []verify.Draws, r *rand.Rand) verify.Check { return test(ranksOf(cases, r)) }
}

// nearness turns cases into distances from a point that depends on the
// observations only: here on the mean of an independent half of the members, which
// does. The other half is ranked.
func nearness(cases []verify.Draws, r *rand.Rand) []float64 {
	f := make([]float64, len(cases))
	for i, d := range cases {
		half := len(d.Members) / 2
		point := verify.Draws{Members: d.Members[:half]}.Mean() + 0.5*r.NormFloat64()
		near := verify.Draws{Truth: math.Abs(d.Truth - point)}
		for _, x := range d.Members[half:] {
			near.Members = append(near.Members, math.Abs(x-point))
		}
		f[i] = near.Rank(r.Float64())
	}
	return f
}

func diagnostics() []diagnostic {
	scores := func(test func([]verify.Draws) verify.Check) func([]verify.Draws, *rand.Rand) verify.Check {
		return func(cases []verify.Draws, _ *rand.Rand) verify.Check { return test(cases) }
	}
	coverage := func(level float64) func([]verify.Draws, *rand.Rand) verify.Check {
		return onRanks(func(ranks []float64) verify.Check { return verify.Coverage(ranks, level) })
	}
	return []diagnostic{
		{"SpreadTest", scores(verify.SpreadTest), true},
		{"BiasTest", scores(verify.BiasTest), true},
		{"RankSpread", onRanks(verify.RankSpread), false},
		{"RankBias", onRanks(verify.RankBias), false},
		{"Uniform", onRanks(verify.Uniform), false},
		{"Histogram", onRanks(func(ranks []float64) verify.Check {
			_, c := verify.Histogram(ranks, 10)
			return c
		}), false},
		{"Coverage50", coverage(0.5), false},
		{"Coverage80", coverage(0.8), false},
		{"Coverage90", coverage(0.9), false},
		{"Coverage95", coverage(0.95), false},
		{"TARP", func(c []verify.Draws, r *rand.Rand) verify.Check { return verify.Uniform(nearness(c, r)) }, false},
		{"ATC", func(c []verify.Draws, r *rand.Rand) verify.Check { return verify.AreaToCurve(nearness(c, r)) }, false},
	}
}

var worlds = map[string]world{
	"spread x0.8": spoiled(0.8, 0), "spread x1.25": spoiled(1.25, 0), "shift 0.3 sd": spoiled(1, 0.3),
	"R doubled": doubledNoise, "a dropped mode": droppedMode, "time shuffled": shuffledTime,
}

// documented is the number of cases at which a diagnostic finds a defect in at
// least 95 % of repeats, at the level of 1 % with 64 members.
var documented = map[string]map[string]int{
	"spread x0.8":    {"SpreadTest": 215, "RankSpread": 260, "Uniform": 1100, "Histogram": 520, "Coverage50": 640, "Coverage80": 320, "Coverage90": 340, "Coverage95": 400, "TARP": 1000, "ATC": 660},
	"spread x1.25":   {"SpreadTest": 215, "RankSpread": 260, "Uniform": 1150, "Histogram": 700, "Coverage50": 540, "Coverage80": 360, "Coverage90": 400, "Coverage95": 600, "TARP": 900, "ATC": 620},
	"shift 0.3 sd":   {"BiasTest": 220, "RankBias": 220, "Uniform": 300, "Histogram": 500},
	"R doubled":      {"SpreadTest": 400, "RankSpread": 400},
	"a dropped mode": {"Uniform": 40, "Histogram": 40, "RankBias": 40, "Coverage50": 80, "Coverage90": 40},
	"time shuffled":  {"Uniform": 60, "Histogram": 80, "RankBias": 60},
}

func TestNullGates(t *testing.T) {
	repeats := 24
	if *long {
		repeats = 400
	}
	const level, members = 0.01, 64
	alarmsOfAll, runsOfAll := 0, 0
	for defect, counts := range documented {
		for _, d := range diagnostics() {
			cases, ok := counts[d.name]
			if !ok {
				continue
			}
			alarms, caught := 0, 0
			for k := range uint64(repeats) {
				r := rng.Stream(11, "gate/"+defect+d.name, k)
				if d.run(worlds[defect](r, cases, members, false), r).Fails(level) {
					alarms++
				}
				if d.run(worlds[defect](r, cases, members, true), r).Fails(level) {
					caught++
				}
			}
			if *long {
				t.Logf("%-15s %-11s %4d cases: false alarms %.2f %%, caught %.1f %%", defect, d.name, cases,
					100*float64(alarms)/float64(repeats), 100*float64(caught)/float64(repeats))
			}
			runsOfAll += repeats
			alarmsOfAll += alarms
			if float64(alarms) > level*float64(repeats)+4*math.Sqrt(level*float64(repeats)) {
				t.Errorf("%s, %s: %d false alarms in %d", defect, d.name, alarms, repeats)
			}
			// Quick: P(fewer than 20 of 24 at 95 %) = 0.6 %.
			if want := 0.95; *long && float64(caught) < want*float64(repeats)-0.5 || !*long && caught < 20 {
				t.Errorf("%s, %s: caught in %d of %d repeats with %d cases", defect, d.name, caught, repeats, cases)
			}
		}
	}
	rate := float64(alarmsOfAll) / float64(runsOfAll)
	t.Logf("false alarms of all diagnostics: %.2f %% of %d", 100*rate, runsOfAll)
	if *long && math.Abs(rate-level) > level/2 {
		t.Errorf("false alarms of all diagnostics: %.2f %% at the level of 1 %%", 100*rate)
	}
}
