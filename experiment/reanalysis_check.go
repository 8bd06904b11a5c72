package experiment

import (
	"errors"
	"fmt"
	"path/filepath"

	"retrace/assimilate/kalman"
	"retrace/dynamics"
	"retrace/internal/strict"
	"retrace/reanalysis"
)

// tightness is the standard deviation of each value of a state by which windows are
// joined, in physical units.
func tightness(prior Prior, model dynamics.Model, share float64) []float64 {
	_, _, standard := prior.Describe()
	sd := make([]float64, model.Space().Size())
	for i := range sd {
		_, scale := standard.At(i)
		sd[i] = share * scale
	}
	return sd
}

// goesOn is a MethodBuilder whose method can go on from an ensemble.
type goesOn interface{ GoesOn() bool }

// GoesOn reports whether the method has members that a later window can go on from.
func (m *kalmanMethod) GoesOn() bool {
	switch m.Parameters.(type) {
	case *kalman.KF, *kalman.EKF:
		return false
	}
	return true
}

func (c checker) checkReanalysis() {
	t, given := c.root.Table("reanalysis")
	if !given {
		c.Reanalysis = nil
		return
	}
	r := c.Reanalysis
	c.chooseRecord(t)
	s, m := c.record()
	if s == nil || m == nil || m.Parameters == nil || c.model == nil || !t.Has("window") || !t.Has("overlap") {
		return
	}
	entry, _ := LookupMethod(m.Kind)
	if err := named("join", r.Join, reanalysis.Joins()); err != nil {
		t.Failed(err)
		return
	}
	chains, _ := m.Parameters.(goesOn)
	filter := chains != nil && chains.GoesOn()
	switch {
	case !entry.NeedsPrior && !filter:
		t.Failed(fmt.Errorf("method %q can neither go on from an earlier window nor be conditioned on it: choose an ensemble Kalman filter or smoother, or a method that samples a prior", m.Name))
		return
	case r.Join == reanalysis.Independent && !entry.NeedsPrior:
		t.Problemf("join", "%q needs a method that samples a prior over trajectories, such as score; %s goes forward only: use %q", r.Join, m.Name, reanalysis.Sequential)
		return
	}
	if r.HandOver < 0 && filter {
		r.HandOver = 1
	} else if r.HandOver < 0 {
		r.HandOver = min(2, max(1, r.Overlap))
	}
	if filter && r.HandOver != 1 {
		t.Problemf("handover", "must be 1 with an ensemble filter, which goes on from a single state")
	}
	if err := r.layout().Check(); err != nil {
		t.Failed(err)
	}
	if r.Members < 0 {
		r.Members = m.Members
	}
	c.checkReanalysisNumbers(t)
}

// chooseRecord reports a scenario or method that is not there, or not clear.
func (c checker) chooseRecord(t strict.Table) {
	pick := func(key, name string, all []string) {
		switch {
		case name == "" && len(all) == 0:
			t.Failed(fmt.Errorf("there is no [[%s]]: add one", key))
		case name == "" && len(all) > 1:
			t.Missing(key, "there are several: name the one to use")
		case name == "":
		default:
			if err := named(key, name, all); err != nil {
				t.Failed(err)
			}
		}
	}
	pick("scenario", c.Reanalysis.Scenario, names(c.Scenarios, func(s Scenario) string { return s.Name }))
	pick("method", c.Reanalysis.Method, names(c.Methods, func(m Method) string { return m.Name }))
}

func (c checker) checkReanalysisNumbers(t strict.Table) {
	r := c.Reanalysis
	if !(r.Tightness > 0 && r.Tightness <= 1) {
		t.Problemf("tightness", "must be above 0 and at most 1")
	}
	if r.Workers < -1 || r.Workers > 1024 {
		t.Problemf("workers", "must be between 0 and 1024")
	}
	if f, ok := t.Table("forecast"); ok && r.Forecast != nil {
		if f.Has("every") && r.Forecast.Every < 1 {
			f.Problemf("every", "must be at least 1")
		}
		if f.Has("length") && r.Forecast.Length < 1 {
			f.Problemf("length", "must be at least 1")
		}
	}
	q, ok := t.Table("queue")
	if !ok {
		return
	}
	if !(r.Queue.Lease >= 1 && r.Queue.Lease <= 3600) {
		q.Problemf("lease", "must be between 1 and 3600")
	}
	if r.Queue.Replicas < 1 || r.Queue.Replicas > 5 {
		q.Problemf("replicas", "must be between 1 and 5")
	}
	if (r.Queue.Certificate == "") != (r.Queue.Key == "") {
		q.Failed(errors.New("certificate and key go together: give both files or none"))
	}
	for key, path := range map[string]*string{"credentials": &r.Queue.Credentials, "ca": &r.Queue.CA, "certificate": &r.Queue.Certificate, "key": &r.Queue.Key} {
		if *path != "" && !filepath.IsAbs(*path) && !q.Value(key).Overridden() {
			*path = filepath.Join(filepath.Dir(c.File), *path)
		}
	}
}
