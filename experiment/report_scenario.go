package experiment

import (
	"fmt"
	"math"
	"path/filepath"
	"slices"
	"strings"

	"retrace/figure"
	"retrace/observe"
	"retrace/trajectory"
)

// section draws the ensembles of a scenario.
func (r *reporter) section(s *Scenario) (figure.Section, error) {
	section := figure.Section{Name: s.Name, Description: r.describe(s)}
	cases, err := r.observations(r.Config, s)
	if err != nil {
		return section, err
	}
	for i := range min(r.Report.Cases, len(cases)) {
		shown, err := r.ensembles(s, cases[i], i)
		if err != nil {
			return section, err
		}
		fields, more, err := r.fieldFigures(s, cases[i], i)
		if err != nil {
			return section, err
		}
		section.Figures, section.More = append(section.Figures, fields...), append(section.More, more...)
		if viewOf(r.model) != nil && len(r.model.Space().Axes) > 1 {
			continue // single values of a plane say little
		}
		plot, err := figure.Ensemble(shown)
		drawn, err := r.illustrate(fmt.Sprintf("%s-case%d", s.Name, i), r.caption(s, i), plot, err)
		if err != nil {
			return section, err
		}
		section.Figures = append(section.Figures, drawn...)
	}
	return section, nil
}

// describe tells in words what a scenario observes.
func (r *reporter) describe(s *Scenario) string {
	if s.File != "" {
		return "Observations from " + filepath.Base(s.File) + "; the truth is not known."
	}
	operator, err := r.operator(s)
	if err != nil {
		return ""
	}
	when := "listed states"
	if s.Every != nil {
		when = fmt.Sprintf("every %s state from state %d on", ordinal(*s.Every), *s.Offset)
	}
	var sds []string
	for _, sd := range s.Sd {
		sds = append(sds, fmt.Sprint(sd))
	}
	text := fmt.Sprintf("Observed: %s of %s, with noise of standard deviation %s.",
		r.observed(s, operator), when, strings.Join(shortened(sds, 8), ", "))
	if *s.Missing > 0 {
		text += fmt.Sprintf(" A share of %g of the values is missing.", *s.Missing)
	}
	if s.withheld() > 0 {
		text += fmt.Sprintf(" A share of %g is withheld, to score ensembles by.", s.withheld())
	}
	return text
}

// observed names what an operator sees: values or, of fields, which and how.
func (r *reporter) observed(s *Scenario, operator observe.Operator) string {
	labels := observe.Labels(operator)
	if view := viewOf(r.model); view == nil || len(view.Axes) == len(r.model.Space().Axes) {
		return strings.Join(shortened(labels, 8), ", ")
	}
	var fields []string
	for _, label := range labels {
		if field, _, _ := strings.Cut(label, "/"); !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	entry, _ := observe.Lookup(s.Operator.Kind)
	return fmt.Sprintf("%s (%s: %s)", strings.Join(fields, ", "), s.Operator.Kind, entry.Summary)
}

func ordinal(n int) string {
	if n == 1 {
		return "single"
	}
	if tens := n % 100; tens < 11 || tens > 13 {
		switch n % 10 {
		case 1:
			return fmt.Sprintf("%dst", n)
		case 2:
			return fmt.Sprintf("%dnd", n)
		case 3:
			return fmt.Sprintf("%drd", n)
		}
	}
	return fmt.Sprintf("%dth", n)
}

func shortened(list []string, most int) []string {
	if len(list) > most {
		return append(slices.Clone(list[:most]), fmt.Sprintf("and %d more", len(list)-most))
	}
	return list
}

func (r *reporter) caption(s *Scenario, i int) string {
	text := fmt.Sprintf("Scenario %s, case %d: median and central 50 and 90 %% of the members, observations with their standard deviation", s.Name, i)
	if s.File == "" {
		text += ", and the truth"
	}
	return text + "."
}

// ensembles gathers what the figure of one case shows.
func (r *reporter) ensembles(s *Scenario, seen observe.Sequence, i int) (figure.Trajectories, error) {
	space := r.model.Space()
	timeline := r.timeline(s)
	shown := figure.Trajectories{TimeUnits: r.model.Clock().Units, MemberLines: 8, Letters: true}
	for k := range timeline.Length {
		shown.Times = append(shown.Times, timeline.Time(k))
	}
	for _, label := range observe.ComponentLabels(space) {
		shown.Components = append(shown.Components, figure.Component{Name: label, Units: space.Units})
	}
	truth, err := r.truth(s)
	if err != nil {
		return shown, err
	}
	points := observedComponents(seen, shown, observe.ComponentLabels(space))
	for _, store := range r.stores() {
		ensemble, err := readCase(r.file(s.Name, store+".zarr"), i)
		if err != nil {
			return shown, err
		}
		if ensemble.CheckFinite() != nil {
			continue // the method diverged
		}
		column := figure.Column{Title: store, Members: ensemble.Data, Observations: points}
		if truth != nil {
			column.Truth = truth.Trajectory(i)
		}
		shown.Columns = append(shown.Columns, column)
	}
	return shown, nil
}

// stores names the ensembles of a scenario's folder, as many as a figure can
// show, the reference among them.
func (r *reporter) stores() []string {
	list := names(r.Methods, func(m Method) string { return m.Name })
	if r.Score.Reference == nil {
		return list[:min(len(list), figure.MaxColumns)]
	}
	return append(list[:min(len(list), figure.MaxColumns-1)], ReferenceName)
}

// observedComponents lists the observed values that are components of the
// state, told by their label.
func observedComponents(seen observe.Sequence, shown figure.Trajectories, components []string) []figure.Observation {
	var points []figure.Observation
	for _, o := range seen.Observations {
		for j, label := range observe.Labels(o.Operator) {
			if c := slices.Index(components, label); c >= 0 && !math.IsNaN(o.Values[j]) {
				points = append(points, figure.Observation{Component: c, Time: shown.Times[o.Index], Value: o.Values[j], Sd: o.Sd[j]})
			}
		}
	}
	return points
}

// readCase reads one case of a store of ensembles: not numbers if the method diverged.
func readCase(path string, i int) (*trajectory.Set, error) {
	store, err := trajectory.Open(path)
	if err != nil {
		return nil, err
	}
	store.Gaps = true
	return store.Read(i, i+1)
}
