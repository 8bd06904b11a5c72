package assimilate

import (
	"errors"
	"fmt"
	"slices"

	"retrace/dynamics"
	"retrace/internal/fault"
)

// Tuning holds the parameters of the rules that have any, apart from gamma. A field of
// 0 takes its default.
type Tuning struct {
	Gammas     []float64 `toml:"gammas" doc:"of guidance sda: gamma for each value of an observation, in place of gamma; 0 to 1000"`
	Zeta       float64   `toml:"zeta" doc:"of guidance dps: size of its step, up to 1000; 0: 1"`
	Lambda     float64   `toml:"lambda" doc:"of guidance diffpir: weight of the prior, up to 1000; 0: 1 (8 and 10 are the values used for images)"`
	Iterations int       `toml:"iterations" doc:"of guidance mmps and mmps-cg: Krylov iterations, each a pass backward through the prior, up to 1000; 0: 3"`
}

// Check reports, as input errors, every parameter out of range.
func (t Tuning) Check() error {
	err := errors.Join(
		dynamics.CheckBetween("zeta", t.Zeta, 0, 1000),
		dynamics.CheckBetween("lambda", t.Lambda, 0, 1000),
		dynamics.CheckBetween("iterations", t.Iterations, 0, 1000),
	)
	for _, gamma := range t.Gammas {
		err = errors.Join(err, dynamics.CheckBetween("gammas", gamma, 0, 1000))
	}
	return err
}

// withDefaults fills in what is 0.
func (t Tuning) withDefaults(gamma float64) Tuning {
	if len(t.Gammas) == 0 {
		t.Gammas = []float64{gamma}
	}
	if t.Zeta == 0 {
		t.Zeta = 1
	}
	if t.Lambda == 0 {
		t.Lambda = 1
	}
	if t.Iterations == 0 {
		t.Iterations = 3
	}
	return t
}

// Guidances lists what Score.Guidance can be.
func Guidances() []string {
	names := []string{"auto"}
	for _, g := range guidances {
		names = append(names, g.name)
	}
	slices.Sort(names[1:])
	return names
}

// GuidanceSummary describes a rule on one line.
func GuidanceSummary(name string) string {
	for _, g := range guidances {
		if g.name == name {
			return g.summary
		}
	}
	return "jfps of states of more than 16 components; else covariance, dense or banded; or else pigdm with the length of its step searched for"
}

// guidance is an entry of the list of rules.
type guidance struct {
	name, summary string
	plan          func(s *Score, p Problem, n *innovations) (*plan, error)
}

// plan is a rule for one case.
type plan struct {
	name, reason string
	// weigher is S, if it does not depend on the network, for the stability bound.
	weigher weigher
	// rule makes the rule of a worker.
	rule func(n *innovations) rule
}

var guidances = []guidance{
	{"covariance", "S = R + A V(s) A^T with the measured mean covariance V, length of the step searched for (no knob)", (*Score).planCovariance},
	{"sda", "S = R + gamma s^2 diag(A A^T) (Rozet & Louppe 2023)", (*Score).planDiagonal},
	{"sda-gaussian", "S = R + s^2 A Gamma A^T, Gamma of the prior's covariance (Rozet & Louppe 2023, appendix B)", (*Score).planGamma},
	{"dps", "a step zeta along the gradient of |y - A(m)|, whatever the noise (Chung et al. 2023)", (*Score).planStepped},
	{"dps-gaussian", "S = R: the denoised mean taken for exact (Chung et al. 2023, equation 16)", (*Score).planDiagonal},
	{"pigdm", "S = R + s^2/(1 + s^2) A A^T (Song et al. 2023)", (*Score).planIsotropic},
	{"tmpd", "S = R + diag(A V A^T 1), V of the network (Boys et al. 2023)", (*Score).planRowSums},
	{"mmps", "S = R + A V A^T, V of the network, by iterations of GMRES (Rozet et al. 2024)", (*Score).planKrylov},
	{"mmps-cg", "the same by conjugate gradients", (*Score).planKrylov},
	{"jfps", "S of covariance, carried back by V in place of the network's Jacobian", (*Score).planFree},
	{"diffpir", "least |y - A(x)|^2/R + lambda |x - m|^2/s^2, without the network's Jacobian (Zhu et al. 2023)", (*Score).planProximal},
}

// covarianceLimit is the number of values of a trajectory, and of observations,
// up to which covariances are dense: 8 MB a noise level.
const covarianceLimit = 1024

// plan chooses the rule of a case.
func (s *Score) plan(p Problem, n *innovations) (*plan, error) {
	if s.Guidance == "auto" {
		return s.planAuto(p, n)
	}
	for _, g := range guidances {
		if g.name == s.Guidance {
			chosen, err := g.plan(s, p, n)
			if err != nil {
				return nil, fmt.Errorf("guidance %s: %w", g.name, err)
			}
			chosen.name = g.name
			return chosen, nil
		}
	}
	return nil, fault.Inputf("guidance = %q: is unknown; choose one of %q", s.Guidance, Guidances())
}

// manyComponents is the number of components of a state above which the Jacobian of a
// network is not to be trusted. Along it the covariance guidance diverged on 40 components
// of Lorenz 96; on the three of Lorenz 63 it serves.
const manyComponents = 16

// planAuto takes, of fields and of states of many components, jfps, because V is measured
// and bounded whatever the network's Jacobian. Elsewhere it takes the covariance guidance
// if the prior has a covariance and sizes allow, and otherwise a white covariance that
// bounds it for values of unit variance; both search for the length of their step.
func (s *Score) planAuto(p Problem, n *innovations) (*plan, error) {
	if n.dim > manyComponents {
		if chosen, err := s.planFree(p, n); err == nil {
			chosen.name = "jfps"
			return chosen, nil
		}
	}
	chosen, err := s.planCovariance(p, n)
	if err == nil {
		chosen.name = "covariance"
		return chosen, nil
	}
	if !errors.Is(err, errors.ErrUnsupported) {
		return nil, err
	}
	reason := err
	if chosen, err = s.planIsotropic(p, n); err != nil {
		return nil, err
	}
	full := chosen.rule
	chosen.rule = func(n *innovations) rule {
		return composed{full(n).(composed).separate, throughPrior{searches: true}}
	}
	chosen.name, chosen.reason = "pigdm", fmt.Sprintf("step searched for; no covariance guidance: %v", reason)
	return chosen, nil
}

// composed is a rule whose halves do not know each other.
type composed struct {
	separate
	throughPrior
}

// small reports whether dense matrices serve.
func (s *Score) small(p Problem, n *innovations) bool {
	return p.Length*n.dim <= covarianceLimit && n.present() <= covarianceLimit
}

func (s *Score) planCovariance(p Problem, n *innovations) (*plan, error) {
	if chosen, err := s.planFields(p, n); !errors.Is(err, errors.ErrUnsupported) {
		return chosen, err
	}
	if !s.small(p, n) {
		return s.planBanded(p, n)
	}
	if _, err := s.Prior.Uncertainty(p.Length, 1); err != nil {
		return nil, err
	}
	shared := newCovariances(s.Prior, n, p.Length)
	return &plan{
		reason:  denseReason(p, n),
		weigher: newCalibrated(shared, n),
		rule:    func(n *innovations) rule { return composed{separate{newCalibrated(shared, n)}, throughPrior{true}} },
	}, nil
}

// fieldCovariances fails with errors.ErrUnsupported where the prior is none of fields.
func (s *Score) fieldCovariances(p Problem) (*fieldCovariances, error) {
	prior, ok := s.Prior.(Fields)
	if !ok {
		return nil, errors.ErrUnsupported
	}
	if _, err := prior.UncertaintyProduct(p.Length, 1); err != nil {
		return nil, err
	}
	return &fieldCovariances{prior: prior, length: p.Length}, nil
}

// planFields has no weigher for the stability bound, which would need A' as a matrix: S
// bounds the gain by 1.
func (s *Score) planFields(p Problem, n *innovations) (*plan, error) {
	shared, err := s.fieldCovariances(p)
	if err != nil {
		return nil, err
	}
	return &plan{
		reason: fieldReason(p, n),
		rule:   func(n *innovations) rule { return composed{separate{newFieldWeigher(shared, n)}, throughPrior{true}} },
	}, nil
}

func denseReason(p Problem, n *innovations) string {
	return fmt.Sprintf("dense: %d values, %d observed", p.Length*n.dim, n.present())
}

func fieldReason(p Problem, n *innovations) string {
	return fmt.Sprintf("by conjugate gradients: fields, %d values, %d observed", p.Length*n.dim, n.present())
}

func (s *Score) planBanded(p Problem, n *innovations) (*plan, error) {
	shared, reason, err := s.bandedCovariances(p, n)
	if err != nil {
		return nil, err
	}
	return &plan{
		reason:  reason,
		weigher: newBanded(shared, n),
		rule:    func(n *innovations) rule { return composed{separate{newBanded(shared, n)}, throughPrior{true}} },
	}, nil
}

// bandedCovariances fails with errors.ErrUnsupported where the prior knows no banded
// inverse, or one too large.
func (s *Score) bandedCovariances(p Problem, n *innovations) (shared *bandedCovariances, reason string, err error) {
	prior, ok := s.Prior.(Banded)
	if !ok {
		return nil, "", fmt.Errorf("the covariance of %d values is too large to be dense and the prior knows no banded inverse: %w", p.Length*n.dim, errors.ErrUnsupported)
	}
	precision, err := prior.Precision(p.Length, 1)
	if err != nil {
		return nil, "", fmt.Errorf("the covariance of %d values is too large to be dense: %w", p.Length*n.dim, err)
	}
	values, band := precision.SymBand()
	if values*(band+1) > heldFactors {
		return nil, "", fmt.Errorf("%d values with a band of %d are more than %d in all: %w", values, band, heldFactors, errors.ErrUnsupported)
	}
	return newBandedCovariances(prior, n, p.Length), fmt.Sprintf("banded: %d values of band %d, %d observed", values, band, n.present()), nil
}

func (s *Score) planDiagonal(p Problem, n *innovations) (*plan, error) {
	gamma := s.Tuning.withDefaults(s.Gamma).Gammas
	if s.Guidance == "dps-gaussian" {
		gamma = []float64{0}
	}
	shared := newDiagonal(gamma, n, p.Length)
	return &plan{
		weigher: shared, rule: func(n *innovations) rule { return composed{separate{shared.of(n)}, throughPrior{}} },
	}, nil
}

func (s *Score) planGamma(p Problem, n *innovations) (*plan, error) {
	if !s.small(p, n) {
		return nil, tooLarge(p, n)
	}
	shared := newGamma(s.Prior, n, p.Length)
	return &plan{
		weigher: newCalibrated(shared, n),
		rule:    func(n *innovations) rule { return composed{separate{newCalibrated(shared, n)}, throughPrior{}} },
	}, nil
}

func tooLarge(p Problem, n *innovations) error {
	return fault.Inputf("it needs dense matrices: %d values and %d observed are more than %d; use auto", p.Length*n.dim, n.present(), covarianceLimit)
}

func (s *Score) planStepped(Problem, *innovations) (*plan, error) {
	shared := stepped{s.Tuning.withDefaults(s.Gamma).Zeta}
	return &plan{rule: func(*innovations) rule { return composed{separate{shared}, throughPrior{}} }}, nil
}

func (s *Score) planIsotropic(p Problem, n *innovations) (*plan, error) {
	shared, err := newIsotropic(unitVariance, n, p.Length)
	if err != nil {
		return nil, err
	}
	return &plan{weigher: shared, rule: func(n *innovations) rule {
		return composed{separate{shared.of(n)}, throughPrior{}}
	}}, nil
}

func (s *Score) planProximal(p Problem, n *innovations) (*plan, error) {
	lambda := s.Tuning.withDefaults(s.Gamma).Lambda
	variance := func(s float64) float64 { return s * s / lambda }
	shared, err := newIsotropic(variance, n, p.Length)
	if err != nil {
		return nil, err
	}
	type proximal struct {
		separate
		throughWhite
	}
	return &plan{rule: func(n *innovations) rule {
		return proximal{separate{shared.of(n)}, throughWhite{variance}}
	}}, nil
}

func (s *Score) planFree(p Problem, n *innovations) (*plan, error) {
	if shared, err := s.fieldCovariances(p); err == nil {
		type free struct {
			separate
			throughProduct
		}
		return &plan{reason: fieldReason(p, n), rule: func(n *innovations) rule {
			w := newFieldWeigher(shared, n)
			return free{separate{w}, throughProduct{w}}
		}}, nil
	} else if !errors.Is(err, errors.ErrUnsupported) {
		return nil, err
	}
	if !s.small(p, n) {
		shared, reason, err := s.bandedCovariances(p, n)
		if err != nil {
			return nil, err
		}
		return &plan{reason: reason, rule: func(n *innovations) rule { return throughBand{newBanded(shared, n)} }}, nil
	}
	if _, err := s.Prior.Uncertainty(p.Length, 1); err != nil {
		return nil, err
	}
	shared := newCovariances(s.Prior, n, p.Length)
	shared.keeps = true
	type free struct {
		separate
		throughCovariance
	}
	return &plan{reason: denseReason(p, n), rule: func(n *innovations) rule {
		return free{separate{newCalibrated(shared, n)}, throughCovariance{shared}}
	}}, nil
}

func (s *Score) planRowSums(p Problem, n *innovations) (*plan, error) {
	linear := n.linear(p.Length)
	type projected struct {
		*rowSums
		throughPrior
	}
	return &plan{rule: func(*innovations) rule {
		return projected{&rowSums{linear: linear}, throughPrior{}}
	}}, nil
}

func (s *Score) planKrylov(p Problem, n *innovations) (*plan, error) {
	linear, iterations := n.linear(p.Length), s.Tuning.withDefaults(s.Gamma).Iterations
	return &plan{rule: func(*innovations) rule {
		return &krylov{iterations: iterations, symmetric: s.Guidance == "mmps-cg", linear: linear}
	}}, nil
}
