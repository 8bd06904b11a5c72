// Package verify scores ensembles of trajectories: how far from the truth, how
// honest about their own uncertainty, how plausible under the model and the
// observations, and how far from a reference posterior.
//
// # Samples
//
// Every score reads a Sample: M trajectories of L states of D values, in
// physical units. NewSample makes one of a trajectory.Set and rejects NaN and
// infinities once, naming the member, the state and the component, so that the
// scores themselves cannot meet one. The truth is a sample of one trajectory.
//
// # Against the truth
//
// With members x_m, ensemble mean xb, unbiased variance s2 = sum (x_m-xb)^2 /
// (M-1) and truth y, means being over states and components:
//
//	RMSE         sqrt(mean (xb-y)^2)                        units of the state
//	Spread       sqrt(mean s2)                              units of the state
//	SpreadSkill  sqrt((M+1)/M mean s2 / mean (xb-y)^2)      1; below: too sure
//	CRPS         (1/M) sum |x_m-y|
//	             - 1/(2M(M-1)) sum |x_m-x_n|                units of the state
//
// Mean squares are pooled before the root is taken, as WeatherBench does; the
// root of each time, averaged, is another number. The factor (M+1)/M makes the
// ratio 1 when truth and members are exchangeable: E(xb-y)^2 = (1+1/M) sigma^2
// (Fortin et al. 2014, J. Hydrometeorol. 15, 1708). The CRPS is the fair one
// (Ferro 2014, QJRMS 140, 1917): its expectation does not depend on M, so that
// ensembles of different sizes can be compared. The functions whose names end
// in ByTime give the same means for each state; to pool several cases, average
// those before taking roots or ratios.
//
// Spread, SpreadSkill and CRPS are NaN for a single member: they have no
// meaning there.
//
// # Without a truth
//
// LogTransition is the mean over members of log p(x_2:L | x_1): are the members
// trajectories of the model? Its expectation under the model is minus the
// entropy of the noise, for instance +81.7 nats for 64 transitions of the noisy
// Lorenz 63 system. LogLikelihood is the mean over members of log p(y | x): do
// they fit the observations? Both in nats.
//
// # Against a reference posterior
//
// Wasserstein is the exact 1-Wasserstein distance between two samples of equal
// size, with the Euclidean distance of whole trajectories (flattened, physical
// units) as the ground cost. It carries a certificate of optimality. Two
// samples of one law are a positive distance apart: report a distance only
// beside this floor, the distance between two independent reference samples.
//
// # Fields
//
// FieldsOf finds the fields in a state; Fields.Channel makes a sample of one, to which
// every score applies, and Correlation and AnomalyCorrelation are for them. A Spectrometer
// measures spectra, and Physics what states of a model obey: energies, channels that
// follow from others, the model's own forecast of the next state.
//
// # Calibration
//
// Draws holds a scalar function at the truth and at the members of one case, from
// which all tests of calibration follow: SpreadTest and BiasTest for Gaussian
// posteriors, and on ranks, for any posterior, RankSpread, RankBias, Uniform (SBC),
// Coverage, Histogram and, of Nearness, AreaToCurve (TARP). Each returns a Check:
// statistic, p-value and the range that a posterior stays in; Holm corrects a family
// of them. SpreadCases and ShiftCases tell how many cases a wanted power takes.
// Prediction scores ensembles by observations that they were not given. MMD, PQMass,
// Sinkhorn and SlicedWasserstein compare two samples; Spectrum, BandRatios and
// CompareValues judge fields.
package verify
