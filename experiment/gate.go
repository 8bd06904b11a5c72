package experiment

import (
	"fmt"
	"math"

	"retrace/diffusion"
)

// The gate of samplers and guidance: what they make of the smallest problem of
// data assimilation, one Gaussian number observed once (see
// diffusion.ScalarProblem), whose posterior is known. It is algebra, without a
// network, and takes about a second.

// GateRow is one sampler with one rule of guidance at one cost.
type GateRow struct {
	Sampler     string      `json:"sampler"`
	Guidance    string      `json:"guidance"`
	Evaluations int         `json:"evaluations"` // at most
	Entries     []GateEntry `json:"entries"`
}

// GateEntry is what a row does at one observation error, over what is exact.
// Ratios are nil where the combination diverges.
type GateEntry struct {
	NoiseSd   float64  `json:"noise_sd"` // the prior has 1
	SdRatio   *float64 `json:"sd_ratio"`
	GainRatio *float64 `json:"gain_ratio"`
}

// GateNoises lists the observation errors of a row's entries.
func GateNoises() []float64 { return []float64{0.05, 0.25, 1} }

// gateEvaluations are the costs at which samplers are compared.
var gateEvaluations = []int{8, 16, 32, 64, 256}

// gateSampler is a sampler under a short description.
type gateSampler struct {
	name string
	Sampler
}

// gateSamplers lists the default, every solver alone on the default's grid, and
// solvers with corrections.
func gateSamplers() []gateSampler {
	list := []gateSampler{{"default", DefaultSampler()}}
	plain := DefaultSampler()
	plain.Corrections, plain.Knee = 0, 0
	for _, name := range diffusion.Solvers() {
		plain.Solver, plain.Churn = name, 0
		list = append(list, gateSampler{name, plain})
	}
	corrected := plain
	corrected.Corrections, corrected.Tau, corrected.Quiet = 1, 0.3, 0.1
	for _, solver := range []string{"ddpm", "dpm2", "sde-dpm2"} {
		for _, corrector := range diffusion.Correctors() {
			corrected.Solver, corrected.Corrector = solver, corrector
			list = append(list, gateSampler{solver + " + " + corrector, corrected})
		}
	}
	corrected.Knee, corrected.Below, corrected.Corrections = 0.1, 0.625, 3
	for _, corrector := range []string{"ornstein", "balanced", "leimkuhler"} {
		corrected.Corrector = corrector
		list = append(list, gateSampler{"sde-dpm2 + 3 " + corrector + ", knee", corrected})
	}
	return list
}

// SamplerGate works out the row of every sampler, rule and cost. Rows of a
// sampler whose first step costs more than a row allows are left out.
func SamplerGate() ([]GateRow, error) {
	var rows []GateRow
	for _, s := range gateSamplers() {
		for _, evaluations := range gateEvaluations {
			p, err := s.Costing(evaluations)
			if err != nil {
				return nil, fmt.Errorf("sampler %s: %w", s.name, err)
			}
			if p.Evaluations() > evaluations {
				continue
			}
			for _, rule := range diffusion.ScalarRules() {
				rows = append(rows, GateRow{s.name, rule.Name, evaluations, gateEntries(p, rule)})
			}
		}
	}
	return rows, nil
}

func gateEntries(p diffusion.PredictorCorrector, rule diffusion.ScalarRule) []GateEntry {
	var entries []GateEntry
	for _, noise := range GateNoises() {
		gain, sd := diffusion.ScalarProblem{NoiseSd: noise}.Ratios(p, rule)
		e := GateEntry{NoiseSd: noise}
		if math.Abs(gain)+sd < 100 {
			e.SdRatio, e.GainRatio = &sd, &gain
		}
		entries = append(entries, e)
	}
	return entries
}
