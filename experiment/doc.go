// Package experiment turns a TOML file into a run directory: it reads and
// checks the config, carries the stages out, and records where every file came
// from.
//
// # Config
//
// [Load] reads a [Config]: one [model], one [trajectories], at most one
// [prior], scenarios (what is observed), methods (how it is assimilated),
// [score] and [report]. It is strict: everything that is wrong is reported at
// once, each with file, line, column, key and cure. Models, operators and
// methods are known by name through the registries of dynamics and observe and
// through [RegisterMethod], which a program extends before it loads a config.
//
// # Stages
//
// [Run] carries out
//
//	simulate    training, validation and test trajectories
//	train       the prior
//	observe     observations of the test trajectories, or a file of them
//	assimilate  an ensemble for every scenario, method and case
//	score       metrics, against the truth and a reference posterior
//	report      figures and report.html
//
// A stage is made of units, one for each set of trajectories, scenario or pair
// of scenario and method. A unit has a fingerprint: the SHA-256 of its part of
// the config, of the fingerprints of the units it needs, of its input files and
// of the version of its code. A unit whose recorded fingerprint still holds is
// skipped; one that was cut off goes on where it stopped (training from its
// checkpoint, assimilation at the next case); one whose fingerprint has changed
// is done again, and so is what needs it. Nothing depends on file times.
//
// # Run directory
//
//	run.toml            the config with every default spelled out
//	provenance.json     versions, machine, fingerprints, times, how it ended
//	log.jsonl           what happened when
//	data/*.zarr         simulated trajectories
//	prior/              weights.safetensors, training.csv
//	SCENARIO/           truth.zarr, observations.zarr and, for each method,
//	                    METHOD.zarr              its ensembles
//	                    METHOD.diagnostics.json  what it tells of each case
//	                    METHOD.scores.json       its records of scores.json
//	                    METHOD.scores.zarr       scores by time
//	                    and the same for the reference posterior
//	scores.json, .csv   one record for each scenario, method, case and metric
//	figures/            PDF and PNG
//	report.html         all of it on one page
//
// # Twin experiments
//
// A config with a table [twin] (a [TwinConfig], read by [LoadTwin], carried out by
// [RunTwin]) compares methods by the errors of long runs, as package twin
// describes. A list where a method or a scenario takes one value is a sweep. Its
// run directory has run.toml, provenance.json, log.jsonl, figures and report.html
// as any other, and
//
//	twin.json        the table (see [TwinResult]), and what every run reached
//	twin.csv, .tex   the table, for programs and for papers
//	pairs/           a record for each run of a method, written when it ends
//	SCENARIO/        truth and observations, if asked for
//
// # Reproducibility
//
// The same config gives the same bytes in every file but provenance.json,
// log.jsonl and report.html, which tell of the machine and the clock, however
// often the work was interrupted and on however many cores it ran. One process
// at a time works in a run directory; the others are told by [ErrBusy].
package experiment
