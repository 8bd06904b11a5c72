package experiment

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"retrace/internal/atomicfile"
	"retrace/internal/fault"
	"retrace/reanalysis"
)

// Reanalysis is the table [reanalysis] of a config: a long record, the first case of a
// scenario, is assimilated window by window (see package reanalysis).
type Reanalysis struct {
	Scenario  string        `toml:"scenario" doc:"scenario whose first case is the record (default: the only one)"`
	Method    string        `toml:"method" doc:"method that assimilates each window (default: the only one)"`
	Join      string        `toml:"join" doc:"how windows are joined: \"sequential\", each goes on from the one before; or \"independent\", every second one is drawn first and those between are conditioned on both neighbours, in parallel"`
	Window    int           `toml:"window,required" doc:"states of a window"`
	Overlap   int           `toml:"overlap,required" doc:"states that a window shares with the next: those that it hands over, and those whose observations inform the states it keeps"`
	HandOver  int           `toml:"handover" doc:"states of a neighbour that a window is conditioned on, of the overlap (default: 1 for ensemble filters, 2 for priors)"`
	Tightness float64       `toml:"tightness" doc:"of methods that sample a prior: standard deviation of the observation by which a window knows its neighbour's states, in standardised units; above 0, at most 1"`
	Members   int           `toml:"members" doc:"trajectories to store, from the first; mean and spread are of all (default: all)"`
	Forecast  *ForecastKeys `toml:"forecast" doc:"runs of the model from the end of windows, scored by lead time"`
	Workers   int           `toml:"workers" doc:"processes to start on this machine; 0: this one does the work, without a queue (default: 1 if sequential, or else one for each core)"`
	Queue     QueueKeys     `toml:"queue" doc:"where workers take windows from"`
}

// ForecastKeys say which forecasts are made.
type ForecastKeys struct {
	Every  int `toml:"every,required" doc:"windows from one start to the next, at least 1"`
	Length int `toml:"length,required" doc:"states after the start, at least 1"`
}

// QueueKeys say which queue is used. Paths are taken from the folder of the config.
type QueueKeys struct {
	URL         string  `toml:"url" doc:"NATS server with JetStream, such as nats://host:4222, or several of a cluster separated by commas; empty: one inside this process"`
	Listen      string  `toml:"listen" doc:"address that the server inside this process listens on; 127.0.0.1 is reachable from this machine alone"`
	Replicas    int     `toml:"replicas" doc:"servers of a cluster that hold the queue, 1 to 5; 3 survives the loss of one"`
	Lease       float64 `toml:"lease" doc:"seconds after which the window of a worker that is silent goes to another, 1 to 3600"`
	Credentials string  `toml:"credentials" doc:"file of the user's credentials (.creds)"`
	CA          string  `toml:"ca" doc:"file of the authorities that vouch for the server's certificate"`
	Certificate string  `toml:"certificate" doc:"file of the client's certificate, with key"`
	Key         string  `toml:"key" doc:"file of the client's key"`
}

// defaultReanalysis is the table before it is read.
func defaultReanalysis() Reanalysis {
	return Reanalysis{
		Join: reanalysis.Sequential, HandOver: -1, Tightness: 0.02, Members: -1, Workers: -1,
		Queue: QueueKeys{Listen: "127.0.0.1", Replicas: 1, Lease: 6},
	}
}

// layout is how the record is cut.
func (r *Reanalysis) layout() reanalysis.Layout {
	return reanalysis.Layout{Join: r.Join, Keep: r.Window - r.Overlap, HandOver: r.HandOver, Lag: r.Overlap - r.HandOver}
}

// Period is the time within which a worker has to tell that it lives.
func (q QueueKeys) Period() time.Duration { return time.Duration(q.Lease * float64(time.Second)) }

// ReanalysisDir is the folder of the files of a reanalysis in a run directory.
func ReanalysisDir(dir string) string { return filepath.Join(dir, "reanalysis") }

// record is the scenario and the method of the reanalysis.
func (c *Config) record() (*Scenario, *Method) {
	var s *Scenario
	var m *Method
	for i := range c.Scenarios {
		if c.Reanalysis.Scenario == "" || c.Scenarios[i].Name == c.Reanalysis.Scenario {
			s = &c.Scenarios[i]
		}
	}
	for i := range c.Methods {
		if c.Reanalysis.Method == "" || c.Methods[i].Name == c.Reanalysis.Method {
			m = &c.Methods[i]
		}
	}
	return s, m
}

// PrepareReanalysis makes what the windows of a reanalysis have in common: the record
// of observations and the prior, in a run directory, as Run does.
func PrepareReanalysis(ctx context.Context, c *Config, o Options) (Outcome, error) {
	if c.Reanalysis == nil {
		return Outcome{}, fault.Inputf("%s: there is no [reanalysis]: add one to say how the record is cut into windows", c.File)
	}
	plan, err := c.plan()
	if err != nil {
		return Outcome{}, err
	}
	s, m := c.record()
	entry, _ := LookupMethod(m.Kind)
	return runUnits(ctx, c.origin(), required(plan, func(u *unit) bool {
		return u.name == "observe/"+s.Name || entry.NeedsPrior && u.stage == StageTrain ||
			(entry.NeedsTraining || c.needsClimatology()) && u.name == "simulate/training"
	}), o)
}

// LockReanalysis keeps other processes from joining the windows of a reanalysis.
func LockReanalysis(dir string) (release func() error, err error) {
	if err := os.MkdirAll(ReanalysisDir(dir), 0o777); err != nil {
		return nil, err
	}
	lock, err := acquire(filepath.Join(ReanalysisDir(dir), "lock"))
	if err != nil {
		return nil, err
	}
	return lock.Close, nil
}

// workerConfig is the name of the config of workers.
const workerConfig = "config.toml"

// StartReanalysis cuts the record of a prepared run directory into windows. It returns
// the batch, its plan, and what its product is compared with.
func StartReanalysis(c *Config, dir string) (*reanalysis.Batch, *reanalysis.Plan, reanalysis.Comparison, error) {
	var with reanalysis.Comparison
	b, err := c.batch(dir)
	if err != nil {
		return nil, nil, with, err
	}
	d := &directory{path: dir}
	s, _ := c.record()
	if with.Truth, err = d.truth(s); err != nil {
		return nil, nil, with, err
	}
	cases, err := d.observations(c, s)
	if err != nil {
		return nil, nil, with, err
	}
	with.Record = cases[0]
	if b.Key, err = c.reanalysisKey(); err != nil {
		return nil, nil, with, err
	}
	if err := atomicfile.Write(filepath.Join(b.Dir, workerConfig), c.forWorkers(dir)); err != nil {
		return nil, nil, with, err
	}
	// A point separates the words of a subject of the queue.
	plan, err := b.Prepare(with.Record, strings.ReplaceAll(c.Name, ".", "_")+"-"+b.Key[:8])
	return b, plan, with, err
}

// forWorkers is the config that workers read. Its observations are those of the run
// directory, for a worker may be on a machine without the user's file.
func (c *Config) forWorkers(dir string) []byte {
	here := *c
	here.Scenarios = append([]Scenario{}, c.Scenarios...)
	for i, s := range here.Scenarios {
		if s.File != "" {
			here.Scenarios[i].File = "../" + s.Name + "/observations.zarr"
			here.Scenarios[i].Withhold = new(0.0)
		}
	}
	return here.Encode(false)
}

// JoinReanalysis opens the reanalysis in a run directory, as its coordinator has
// started it, to compute windows of it.
func JoinReanalysis(dir string) (*reanalysis.Batch, *reanalysis.Plan, error) {
	folder := ReanalysisDir(dir)
	path := filepath.Join(folder, workerConfig)
	if _, err := os.Stat(path); err != nil {
		return nil, nil, fault.Inputf("%s: holds no reanalysis: there is no %s; start it with: retrace reanalyse CONFIG", dir, path)
	}
	plan, err := reanalysis.ReadPlan(folder)
	if err != nil {
		return nil, nil, err
	}
	c, err := Load(path, nil)
	if err != nil {
		return nil, nil, err
	}
	b, err := c.batch(dir)
	if err != nil {
		return nil, nil, err
	}
	b.Key = plan.Key
	return b, plan, nil
}

// batch is the reanalysis of the config, without its key.
func (c *Config) batch(dir string) (*reanalysis.Batch, error) {
	s, m := c.record()
	d := &directory{path: dir}
	entry, _ := LookupMethod(m.Kind)
	r := c.Reanalysis
	b := &reanalysis.Batch{
		Dir: ReanalysisDir(dir), Layout: r.layout(), Model: c.model, Members: m.Members, Seed: c.Seed,
		Products: reanalysis.Products{Members: r.Members},
	}
	if r.Forecast != nil {
		b.Forecasts = reanalysis.Forecasts{Every: r.Forecast.Every, Length: r.Forecast.Length}
	}
	var err error
	if b.Target, err = c.target(s); err != nil {
		return nil, err
	}
	var prior Prior
	if entry.NeedsPrior {
		if prior, err = d.loadPrior(c); err != nil {
			return nil, err
		}
		b.Tightness = tightness(prior, c.model, r.Tightness)
	}
	if b.Method, err = m.Parameters.Build(prior); err != nil {
		return nil, err
	}
	return b, c.screen(b, d, s)
}

// reanalysisKey identifies all that every window depends on.
func (c *Config) reanalysisKey() (string, error) {
	_, m := c.record()
	entry, _ := LookupMethod(m.Kind)
	p := &planner{Config: c}
	p.simulate()
	if err := p.train(); err != nil {
		return "", err
	}
	f := newFingerprint(StageAssimilate, "reanalysis")
	f.settings("model", &c.Model)
	method := *m
	method.Name = ""
	f.settings("method", &method)
	f.add("layout", fmt.Sprintf("%+v", c.Reanalysis.layout()))
	f.add("seed", fmt.Sprint(c.Seed))
	if entry.NeedsPrior {
		f.needs(p.prior)
		f.add("tightness", fmt.Sprint(c.Reanalysis.Tightness))
	}
	if c.Quality != nil {
		f.settings("quality", c.Quality)
	}
	if entry.NeedsTraining || c.needsClimatology() {
		f.needs(p.training)
	}
	return f.sum(), nil
}
