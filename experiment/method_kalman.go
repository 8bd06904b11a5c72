package experiment

import (
	"retrace/assimilate"
	"retrace/assimilate/kalman"
	"retrace/dynamics"
)

func init() {
	registerKalman("kf", "Kalman filter and Rauch-Tung-Striebel smoother: exact for linear-Gaussian models; members are draws of whole trajectories",
		matrixSteps(1), func() kalmanParameters { return kalman.NewKF() })
	registerKalman("ekf", "extended Kalman filter and smoother: the Kalman filter of the linearised model",
		tangentSteps, func() kalmanParameters { return kalman.NewEKF() })
	registerFilter("enkf", "ensemble Kalman filter with perturbed observations (Burgers et al. 1998)",
		func() kalman.Update { return &kalman.EnKF{} })
	registerFilter("etkf", "ensemble transform Kalman filter, symmetric square root (Hunt et al. 2007)",
		func() kalman.Update { return &kalman.ETKF{} })
	registerFilter("denkf", "deterministic ensemble Kalman filter (Sakov & Oke 2008)",
		func() kalman.Update { return &kalman.DEnKF{} })
	registerFilter("ensrf", "serial ensemble square-root filter (Whitaker & Hamill 2002)",
		func() kalman.Update { return &kalman.EnSRF{Order: kalman.OrderGiven} })
	registerFilter("enkf-n", "finite-size ensemble Kalman filter: estimates its own inflation (Bocquet 2011)",
		func() kalman.Update { return &kalman.EnKFN{XN: 1} })
	registerFilter("letkf", "local ensemble transform Kalman filter (Hunt et al. 2007), for fields",
		func() kalman.Update { return kalman.NewLETKF() })
	registerFilter("eakf", "serial ensemble adjustment Kalman filter with localisation (Anderson 2003)",
		func() kalman.Update { return kalman.NewEAKF() })
	registerKalman("enks", "ensemble Kalman smoother of fixed lag (Evensen & van Leeuwen 2000)",
		memberSteps, func() kalmanParameters {
			return &enksMethod{defaultUpdate(), kalman.NewSpread(), 4}
		})
	registerKalman("enrts", "ensemble filter followed by a Rauch-Tung-Striebel pass backward (Raanes 2016)",
		enrtsSteps, func() kalmanParameters {
			return &enrtsMethod{defaultUpdate(), kalman.NewSpread(), 1}
		})
	registerKalman("ienks", "iterative ensemble Kalman smoother (Bocquet & Sakov 2014); lag 1 is the IEnKF",
		iterativeSteps, func() kalmanParameters { return kalman.NewIEnKS() })
}

// kalmanParameters are the parameters of a method of package kalman, or the
// method itself.
type kalmanParameters interface {
	Check(model dynamics.Model) error
}

// kalmanMethod is any method of package kalman.
type kalmanMethod struct {
	Parameters kalmanParameters `toml:",inline"`
	cost       func(m kalmanParameters, model dynamics.Model, length, members int) Cost
}

type kalmanCost = func(m kalmanParameters, model dynamics.Model, length, members int) Cost

func registerKalman(name, summary string, cost kalmanCost, defaults func() kalmanParameters) {
	RegisterMethod(MethodEntry{Name: name, Summary: summary, Defaults: func() MethodBuilder {
		return &kalmanMethod{defaults(), cost}
	}})
}

func registerFilter(name, summary string, update func() kalman.Update) {
	registerKalman(name, summary, memberSteps, func() kalmanParameters { return kalman.NewFilter(update()) })
}

// Check reports a parameter out of range, or a model that the method cannot
// work with.
func (m *kalmanMethod) Check(model dynamics.Model, _ int) error { return m.Parameters.Check(model) }

// Build returns the method.
func (m *kalmanMethod) Build(Prior) (assimilate.Method, error) {
	if builder, ok := m.Parameters.(interface {
		build() (assimilate.Method, error)
	}); ok {
		return builder.build()
	}
	return m.Parameters.(assimilate.Method), nil
}

// Cost counts model steps.
func (m *kalmanMethod) Cost(model dynamics.Model, length, members int) Cost {
	return m.cost(m.Parameters, model, length, members)
}

// memberSteps is the cost of methods that run each member once.
func memberSteps(_ kalmanParameters, model dynamics.Model, length, members int) Cost {
	return Cost{ModelSteps: float64(members) * float64(model.SpinUp()+length-1)}
}

// enrtsSteps adds the ensembles kept for the way back.
func enrtsSteps(m kalmanParameters, model dynamics.Model, length, members int) Cost {
	cost := memberSteps(m, model, length, members)
	cost.Memory = 16 * int64(length) * int64(members) * int64(model.Space().Size())
	return cost
}

// iterativeSteps runs each window several times, if states are observed one by
// one.
func iterativeSteps(m kalmanParameters, model dynamics.Model, length, members int) Cost {
	s := m.(*kalman.IEnKS)
	runs := float64(s.Iterations)*float64(s.Lag) + 1
	return Cost{ModelSteps: float64(members) * (float64(model.SpinUp()) + runs*float64(length-1))}
}

// matrixSteps is the cost of a filter with full covariances, and so many steps
// a state.
func matrixSteps(steps int) kalmanCost {
	return func(_ kalmanParameters, model dynamics.Model, length, _ int) Cost {
		n := int64(model.Space().Size())
		return Cost{ModelSteps: float64(steps) * float64(length-1), Memory: 16 * int64(length) * n * n}
	}
}

// tangentSteps counts a tangent-linear step for each component.
func tangentSteps(m kalmanParameters, model dynamics.Model, length, members int) Cost {
	return matrixSteps(1+model.Space().Size())(m, model, length, members)
}

// smootherUpdate chooses the update of the filter under a smoother.
type smootherUpdate struct {
	Update string  `toml:"update" doc:"analysis of the filter: enkf, etkf, denkf, ensrf or enkf-n"`
	XN     float64 `toml:"xn" doc:"of update enkf-n: certainty of the prior of the inflation; 0.01 to 1e9"`
}

func defaultUpdate() smootherUpdate { return smootherUpdate{"etkf", 1} }

// filter returns the filter of a smoother.
func (u smootherUpdate) filter(spread kalman.Spread) (kalman.Filter, error) {
	known := map[string]kalman.Update{
		"enkf": &kalman.EnKF{}, "etkf": &kalman.ETKF{}, "denkf": &kalman.DEnKF{},
		"ensrf": &kalman.EnSRF{Order: kalman.OrderGiven}, "enkf-n": &kalman.EnKFN{XN: u.XN},
	}
	err := named("update", u.Update, []string{"enkf", "etkf", "denkf", "ensrf", "enkf-n"})
	return kalman.Filter{Update: known[u.Update], Spread: spread}, err
}

// enksMethod is the fixed-lag smoother.
type enksMethod struct {
	Analysis smootherUpdate `toml:",inline"`
	Spread   kalman.Spread  `toml:",inline"`
	Lag      int            `toml:"lag" doc:"analyses after its own that correct a state; 0 to 1000000"`
}

func (m *enksMethod) method() (*kalman.EnKS, error) {
	filter, err := m.Analysis.filter(m.Spread)
	return &kalman.EnKS{Filter: filter, Lag: m.Lag}, err
}

// Check reports the first parameter at fault.
func (m *enksMethod) Check(model dynamics.Model) error {
	method, err := m.method()
	if err != nil {
		return err
	}
	return method.Check(model)
}

func (m *enksMethod) build() (assimilate.Method, error) { return m.method() }

// enrtsMethod is the backward smoother.
type enrtsMethod struct {
	Analysis smootherUpdate `toml:",inline"`
	Spread   kalman.Spread  `toml:",inline"`
	Decay    float64        `toml:"decay" doc:"factor on the correction handed back from a state to the one before it; 0 to 1"`
}

func (m *enrtsMethod) method() (*kalman.EnRTS, error) {
	filter, err := m.Analysis.filter(m.Spread)
	return &kalman.EnRTS{Filter: filter, Decay: m.Decay}, err
}

// Check reports the first parameter at fault.
func (m *enrtsMethod) Check(model dynamics.Model) error {
	method, err := m.method()
	if err != nil {
		return err
	}
	return method.Check(model)
}

func (m *enrtsMethod) build() (assimilate.Method, error) { return m.method() }
