package experiment

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"retrace/dynamics"
	"retrace/figure"
	"retrace/observe"
	"retrace/trajectory"
	"retrace/verify"
)

// fieldCase is what the figures of fields of one case show.
type fieldCase struct {
	*fieldView
	system   dynamics.Model
	scenario *Scenario
	timeline observe.Timeline
	seen     observe.Sequence
	space    dynamics.Space
	truth    []float32 // nil if nobody knows it
	main     string    // the method of which members are shown
	ensemble *trajectory.Set
	others   []fieldMean // of all methods, the main one among them
}

// fieldMean is the ensemble mean of a method.
type fieldMean struct {
	method, kind string
	mean         []float32
	set          *trajectory.Set
}

// fieldFigures draws what a case of fields shows: first the figures that tell most, then
// the rest.
func (r *reporter) fieldFigures(s *Scenario, seen observe.Sequence, i int) (shown, more []figure.Illustration, err error) {
	c, err := r.fieldCase(s, seen, i)
	if c == nil || err != nil {
		return nil, nil, err
	}
	name := fmt.Sprintf("%s-case%d", s.Name, i)
	draw := func(list *[]figure.Illustration, part, caption string, f *figure.Figure, err error) error {
		drawn, err := r.illustrate(name+"-"+part, caption, f, err)
		*list = append(*list, drawn...)
		return err
	}
	first := c.first()
	for channel, label := range c.Channels {
		list := &more
		if channel == first {
			list = &shown
		}
		f, err := figure.Fields(c.sheet(channel))
		if err := draw(list, fileLabel(label), c.sheetCaption(label, i), f, err); err != nil {
			return nil, nil, err
		}
	}
	if len(c.others) > 1 {
		f, err := figure.Fields(c.means(first))
		caption := fmt.Sprintf("Scenario %s, case %d, %s: the truth and the mean of every method.", s.Name, i, c.Channels[first])
		if err := draw(&shown, "means", caption, f, err); err != nil {
			return nil, nil, err
		}
	}
	f, err := figure.SpectraPlot(c.spectra())
	caption := "Spectra: variance at each scale, mean over times. A sample of the posterior is as rough as the truth; the ensemble mean is smoother where little is known."
	if err := draw(&shown, "spectra", caption, f, err); err != nil {
		return nil, nil, err
	}
	film, err := r.film(c, first, name)
	return append(shown, film...), more, err
}

// film saves the animation of a field of two axes.
func (r *reporter) film(c *fieldCase, channel int, name string) ([]figure.Illustration, error) {
	if len(c.Axes) != 2 || c.timeline.Length < 2 {
		return nil, nil
	}
	film, err := figure.Film(c.frames(channel))
	if err != nil {
		return nil, fmt.Errorf("animation %s: %w", name, err)
	}
	path := "figures/" + name + "-film"
	if err := film.Save(r.file(path)); err != nil {
		return nil, err
	}
	caption := fmt.Sprintf("%s of %s beside the truth.", c.Channels[channel], c.main)
	if c.truth == nil {
		caption = fmt.Sprintf("%s of two members of %s.", c.Channels[channel], c.main)
	}
	return []figure.Illustration{{Path: path, Caption: caption, Film: true}}, nil
}

// fileLabel makes a label good for a file name.
func fileLabel(label string) string {
	return strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' || r == '_' {
			return r
		}
		return '_'
	}, label)
}

// fieldCase gathers a case; nil if states are no fields, or every method diverged.
func (r *reporter) fieldCase(s *Scenario, seen observe.Sequence, i int) (*fieldCase, error) {
	view := viewOf(r.model)
	if view == nil {
		return nil, nil
	}
	c := &fieldCase{fieldView: view, system: r.model, scenario: s, timeline: r.timeline(s), seen: seen, space: r.model.Space()}
	truth, err := r.truth(s)
	if err != nil {
		return nil, err
	}
	if truth != nil {
		c.truth = truth.Trajectory(i)
	}
	for _, m := range r.Methods {
		set, err := readCase(r.file(s.Name, m.Name+".zarr"), i)
		if err != nil {
			return nil, err
		}
		if set.CheckFinite() != nil {
			continue // the method diverged
		}
		set.Lead = set.Lead[1:]
		c.others = append(c.others, fieldMean{m.Name, m.Kind, meanOf(set), set})
	}
	if len(c.others) == 0 {
		return nil, nil
	}
	c.main, c.ensemble = c.others[0].method, c.others[0].set
	return c, nil
}

// meanOf is the mean of the trajectories of a set.
func meanOf(set *trajectory.Set) []float32 {
	n := set.Count()
	sum := make([]float64, len(set.Data)/n)
	for m := range n {
		for k, v := range set.Trajectory(m) {
			sum[k] += float64(v)
		}
	}
	mean := make([]float32, len(sum))
	for k, v := range sum {
		mean[k] = float32(v / float64(n))
	}
	return mean
}

// spreadOf is the standard deviation of the trajectories of a set; nil for one.
func spreadOf(set *trajectory.Set, mean []float32) []float32 {
	n := set.Count()
	if n < 2 {
		return nil
	}
	sum := make([]float64, len(mean))
	for m := range n {
		for k, v := range set.Trajectory(m) {
			d := float64(v) - float64(mean[k])
			sum[k] += d * d
		}
	}
	spread := make([]float32, len(mean))
	for k, v := range sum {
		spread[k] = float32(math.Sqrt(v / float64(n-1)))
	}
	return spread
}

// first is the channel that figures begin with: one that is observed, or the first.
func (c *fieldCase) first() int {
	for _, source := range c.sources() {
		if k := slices.Index(c.Channels, source); k >= 0 {
			return k
		}
	}
	return 0
}

// series is a trajectory shown as rows of a sheet.
type series struct {
	title  string
	bar    int
	states []float32 // nil if there is nothing to show
}

// sheet shows a channel of the main method.
func (c *fieldCase) sheet(channel int) figure.Sheet {
	mean := c.others[0].mean
	rows := []series{{"mean", 0, mean}}
	for m := range min(2, c.ensemble.Count()) {
		rows = append(rows, series{fmt.Sprintf("member %d", m+1), 0, c.ensemble.Trajectory(m)})
	}
	rows = append(rows, series{"spread", 1, spreadOf(c.ensemble, mean)})
	s := c.blank(channel)
	s.Bars = append(s.Bars, figure.Bar{Label: "spread", Units: c.units[channel], Positive: true})
	c.addRows(&s, channel, series{"truth", 0, c.truth})
	c.addObservations(&s, channel)
	c.addRows(&s, channel, rows...)
	return s
}

// means shows a channel of the means of all methods.
func (c *fieldCase) means(channel int) figure.Sheet {
	s := c.blank(channel)
	c.addRows(&s, channel, series{"truth", 0, c.truth})
	c.addObservations(&s, channel)
	for _, m := range c.others[:min(len(c.others), figure.MaxSheetRows-2)] {
		c.addRows(&s, channel, series{m.method, 0, m.mean})
	}
	return s
}

// frames shows a channel of a member beside the truth, a sheet a state.
func (c *fieldCase) frames(channel int) []figure.Sheet {
	every := (c.timeline.Length + figure.MostFrames - 1) / figure.MostFrames
	pair := []series{{"truth", 0, c.truth}, {c.main + ", member 1", 0, c.ensemble.Trajectory(0)}}
	if c.truth == nil && c.ensemble.Count() > 1 {
		pair[0] = series{c.main + ", member 2", 0, c.ensemble.Trajectory(1)}
	} else if c.truth == nil {
		pair = pair[1:]
	}
	var sheets []figure.Sheet
	for t := 0; t < c.timeline.Length; t += every {
		s := c.blank(channel)
		s.Columns = nil
		row := figure.SheetRow{Title: c.moment(t)}
		for _, p := range pair {
			s.Columns = append(s.Columns, p.title)
			row.Tiles = append(row.Tiles, c.tile(p.states, channel, t))
		}
		s.Rows = []figure.SheetRow{row}
		sheets = append(sheets, s)
	}
	return sheets
}

// wide reports whether fields of one axis are shown against time.
func (c *fieldCase) wide() bool { return len(c.Axes) == 1 }

// blank is a sheet of a channel without rows: of some times, or of all in one diagram.
func (c *fieldCase) blank(channel int) figure.Sheet {
	last := len(c.Axes) - 1
	s := figure.Sheet{
		Horizontal: extentOf(c.Axes[last]), Vertical: extentOf(c.Axes[0]),
		Bars: []figure.Bar{{Label: c.Channels[channel], Units: c.units[channel], Positive: c.positive(channel)}},
	}
	if c.wide() {
		half := c.timeline.Clock.Interval / 2
		s.Wide, s.Columns = true, []string{""}
		s.Horizontal = figure.Extent{
			Name: "time", Units: c.timeline.Clock.Units,
			Low: c.timeline.Time(0) - half, High: c.timeline.Time(c.timeline.Length-1) + half,
		}
		return s
	}
	for _, t := range c.times() {
		s.Columns = append(s.Columns, c.moment(t))
	}
	return s
}

// positive reports whether a channel never goes below 0.
func (c *fieldCase) positive(channel int) bool {
	n := c.Cells()
	least := float32(math.Inf(1))
	for _, states := range [][]float32{c.truth, c.others[0].mean} {
		for at := channel * n; at < len(states); at += n * len(c.Channels) {
			least = min(least, slices.Min(states[at:at+n]))
		}
	}
	return least >= 0
}

// times lists the states that a sheet shows: five at most, evenly spread.
func (c *fieldCase) times() []int {
	const most = 5
	n := min(most, c.timeline.Length)
	list := []int{0}
	for k := 1; k < n; k++ {
		list = append(list, (k*(c.timeline.Length-1)+(n-1)/2)/(n-1))
	}
	return list
}

// moment names the time of a state.
func (c *fieldCase) moment(t int) string {
	text := strings.ReplaceAll(fmt.Sprintf("%.6g", c.timeline.Time(t)), "-", "−")
	switch units := c.timeline.Clock.Units; units {
	case "days":
		return "day " + text
	case "1", "":
		return "t = " + text
	default:
		return text + " " + units
	}
}

// addRows adds rows of pictures of a channel.
func (c *fieldCase) addRows(s *figure.Sheet, channel int, list ...series) {
	for _, one := range list {
		if one.states == nil {
			continue
		}
		row := figure.SheetRow{Title: one.title, Bar: one.bar}
		if c.wide() {
			row.Tiles = []figure.Tile{c.diagram(one.states, channel)}
		} else {
			for _, t := range c.times() {
				row.Tiles = append(row.Tiles, c.tile(one.states, channel, t))
			}
		}
		s.Rows = append(s.Rows, row)
	}
}

// tile is a channel of a state.
func (c *fieldCase) tile(states []float32, channel, t int) figure.Tile {
	ny, nx := c.Shape()
	at := (t*len(c.Channels) + channel) * ny * nx
	return figure.Tile{Values: states[at : at+ny*nx], Ny: ny, Nx: nx}
}

// diagram is a channel of one axis against time.
func (c *fieldCase) diagram(states []float32, channel int) figure.Tile {
	_, n := c.Shape()
	length := c.timeline.Length
	tile := figure.Tile{Values: make([]float32, n*length), Ny: n, Nx: length}
	for t := range length {
		for x := range n {
			tile.Values[x*length+t] = states[(t*len(c.Channels)+channel)*n+x]
		}
	}
	return tile
}

// extentOf is an axis from edge to edge of its cells, metres in kilometres where there
// are many.
func extentOf(a dynamics.Axis) figure.Extent {
	c := a.Coordinates
	n := len(c)
	half := math.Abs(c[n-1]-c[0]) / float64(n-1) / 2
	if a.Period > 0 {
		half = a.Period / float64(n) / 2
	}
	e := figure.Extent{Name: a.Name, Units: a.Units, Low: min(c[0], c[n-1]) - half, High: max(c[0], c[n-1]) + half}
	scale := lengthScale(a)
	if scale != 1 {
		e.Units = "km"
	}
	e.Low, e.High = e.Low*scale, e.High*scale
	return e
}

// lengthScale is the factor from the units of an axis to those of figures.
func lengthScale(a dynamics.Axis) float64 {
	if a.Units == "m" && math.Abs(a.Coordinates[a.Len()-1]-a.Coordinates[0]) > 5e3 {
		return 1e-3
	}
	return 1
}

func (c *fieldCase) sheetCaption(label string, i int) string {
	text := fmt.Sprintf("Scenario %s, case %d, %s: ", c.scenario.Name, i, label)
	if c.truth != nil {
		text += "truth, "
	}
	text += "observations, mean, members and spread of " + c.main
	if c.wide() {
		return text + "; grey where nothing was seen."
	}
	return text + " at some times; grey where nothing was seen. Colours saturate for the outermost 0.2 % of the values."
}

// spectra gathers the spectra of all channels.
func (c *fieldCase) spectra() figure.Spectra {
	s := verify.NewSpectrometer(c.Axes)
	scale := lengthScale(c.Axes[len(c.Axes)-1])
	low, _ := s.Bands()
	plot := figure.Spectra{Resolved: s.Wavenumber(low.Last) / scale}
	switch units := extentOf(c.Axes[len(c.Axes)-1]).Units; units {
	case "", "1":
	default:
		plot.Units = units + "-1"
	}
	for ring := 1; ring <= s.Nyquist(); ring++ {
		plot.Wavenumbers = append(plot.Wavenumbers, s.Wavenumber(ring)/scale)
	}
	var members [][][]float64
	for m := range c.ensemble.Count() {
		members = append(members, c.Spectra(c.ensemble.Trajectory(m)))
	}
	mean := c.Spectra(c.others[0].mean)
	var truth, climate, rival [][]float64
	if c.truth != nil {
		truth = c.Spectra(c.truth)
	}
	for _, other := range c.others[1:] {
		switch other.kind {
		case "climatology":
			climate = c.meanSpectra(other.set)
		case "interpolation":
			rival = c.Spectra(other.mean)
		}
	}
	at := func(spectra [][]float64, k int) []float64 {
		if spectra == nil {
			return nil
		}
		return spectra[k][1:]
	}
	for k := range min(len(c.Channels), figure.MaxSpectra) {
		panel := figure.SpectraPanel{
			Title: c.Channels[k], Units: squared(c.units[k]), RivalName: "interpolation",
			Truth: at(truth, k), Mean: at(mean, k), Climatology: at(climate, k), Rival: at(rival, k),
		}
		for _, m := range members {
			panel.Members = append(panel.Members, m[k][1:])
		}
		plot.Panels = append(plot.Panels, panel)
	}
	return plot
}

// meanSpectra is the mean over the trajectories of a set.
func (c *fieldCase) meanSpectra(set *trajectory.Set) [][]float64 {
	var sum [][]float64
	for m := range set.Count() {
		for k, power := range c.Spectra(set.Trajectory(m)) {
			if m == 0 {
				sum = append(sum, make([]float64, len(power)))
			}
			for i, p := range power {
				sum[k][i] += p / float64(set.Count())
			}
		}
	}
	return sum
}

// squared is the unit of a square.
func squared(units string) string {
	if units == "" || units == "1" {
		return units
	}
	words := strings.Fields(units)
	for i, word := range words {
		base := strings.TrimRight(word, "-0123456789")
		power := 1
		if rest := word[len(base):]; rest != "" {
			if _, err := fmt.Sscan(rest, &power); err != nil {
				return "(" + units + ")²"
			}
		}
		words[i] = fmt.Sprintf("%s%d", base, 2*power)
	}
	return strings.Join(words, " ")
}
