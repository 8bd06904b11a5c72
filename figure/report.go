package figure

import (
	"bytes"
	"cmp"
	_ "embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"image/gif"
	"image/png"
	"math"
	"net/url"
	"os"
	"path/filepath"
	"slices"
)

// Report is what report.html tells about a run. Every field but the title may
// be empty; its section is then left out. All text is escaped.
type Report struct {
	Title   string
	Summary []string // paragraphs under the title
	// Scores and Metrics make the table of results. Scores that are not finite
	// count as failed cases.
	Scores     []Score
	Metrics    []Metric
	Overview   []Illustration // beside the table, such as the score plot
	Scenarios  []Section
	Training   []Illustration
	Config     string // the resolved configuration, shown as it is
	Timings    []Timing
	Provenance []Fact
}

// Section is a scenario of a report.
type Section struct {
	Name        string
	Description string // what is observed, in words
	Figures     []Illustration
	More        []Illustration // of the same, shown on demand
	// Scores of parts of a state, such as its fields, by Metrics: Score.Scenario names
	// the part.
	Scores  []Score
	Metrics []Metric
	// Physics compares the members of methods with the truth.
	Physics Comparison
}

// Comparison is a table of numbers side by side.
type Comparison struct {
	Columns []string // such as truth and methods
	Rows    []ComparisonRow
	Notes   []Fact // what the numbers mean
}

// ComparisonRow is one quantity.
type ComparisonRow struct {
	Label, Units string
	Values       []float64 // one for each column; NaN if there is none
}

// Illustration is a figure that Figure.Save wrote into the run directory.
type Illustration struct {
	Path    string // without extension, relative to the run directory
	Caption string
	Film    bool // an Animation, of which there is a GIF in place of PDF and PNG
}

// Timing is the wall time of a stage.
type Timing struct {
	Stage   string
	Seconds float64
	Note    string // such as "unchanged"
}

// Fact is a named value of the provenance: a version, the seed, the machine.
type Fact struct{ Name, Value string }

// ReportName is the file that Report.Save writes.
const ReportName = "report.html"

// Save writes report.html into a run directory: one file that opens without a
// network. The PNG of each illustration is inlined, so it must lie in the
// directory already; its PDF is linked. Errors name the illustration that is
// missing or broken.
func (r Report) Save(runDirectory string) error {
	if r.Title == "" {
		return errors.New("figure: a report needs a title")
	}
	page, err := r.view(runDirectory)
	if err != nil {
		return fmt.Errorf("figure: report: %w", err)
	}
	var out bytes.Buffer
	if err := reportTemplate.Execute(&out, page); err != nil {
		return fmt.Errorf("figure: report: %w", err)
	}
	return writeFile(filepath.Join(runDirectory, ReportName), out.Bytes())
}

//go:embed report.tmpl
var reportSource string

var reportTemplate = template.Must(template.New(ReportName).Parse(reportSource))

// The page as the template reads it.
type (
	pageView struct {
		Report
		Table     *resultTable // nil without scores
		Notes     []Fact       // what the metrics of the table mean
		Overview  []imageView
		Scenarios []sectionView
		Training  []imageView
		Timings   []timingView
		Total     string
	}
	sectionView struct {
		Section
		ID            string
		Figures, More []imageView
		Table         *resultTable // nil without scores
		Compared      []comparedView
	}
	comparedView struct {
		Label string
		Cells []string
	}
	imageView struct {
		Caption       string
		Data          template.URL
		Width, Height int    // in CSS pixels
		Millimetres   int    // print width
		PDF, PNG, GIF string // links; empty if there is none
	}
	timingView struct {
		Stage, Time, Note string
		Share             int // of the longest stage, in per cent
	}
)

func (r Report) view(directory string) (page pageView, err error) {
	page = pageView{Report: r, Table: newResultTable(r.Scores, r.Metrics)}
	page.Notes = summaries(r.Scores, r.Metrics)
	page.Timings, page.Total = timingViews(r.Timings)
	if page.Overview, err = imageViews(directory, r.Overview); err != nil {
		return page, err
	}
	if page.Training, err = imageViews(directory, r.Training); err != nil {
		return page, err
	}
	for i, section := range r.Scenarios {
		view := sectionView{Section: section, ID: fmt.Sprintf("scenario-%d", i+1)}
		if view.Figures, err = imageViews(directory, section.Figures); err != nil {
			return page, err
		}
		if view.More, err = imageViews(directory, section.More); err != nil {
			return page, err
		}
		view.Table = newResultTable(section.Scores, section.Metrics)
		if view.Table != nil {
			view.Table.Corner = "field and method"
		}
		view.Compared = section.Physics.views()
		page.Scenarios = append(page.Scenarios, view)
	}
	return page, nil
}

func imageViews(directory string, illustrations []Illustration) ([]imageView, error) {
	var views []imageView
	for _, illustration := range illustrations {
		view, err := illustration.view(directory)
		if err != nil {
			return nil, fmt.Errorf("illustration %s: %w", illustration.Path, err)
		}
		views = append(views, view)
	}
	return views, nil
}

func (i Illustration) view(directory string) (imageView, error) {
	if !filepath.IsLocal(i.Path) {
		return imageView{}, errors.New("the path is not inside the run directory")
	}
	if i.Film {
		return i.film(directory)
	}
	data, err := os.ReadFile(filepath.Join(directory, i.Path+".png"))
	if err != nil {
		return imageView{}, err
	}
	size, err := png.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return imageView{}, fmt.Errorf("reading the PNG: %w", err)
	}
	// 60 % of the pixels: larger than print, and sharp on a dense screen.
	return imageView{
		Caption: i.Caption,
		Data:    template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(data)),
		Width:   size.Width * 6 / 10,
		Height:  size.Height * 6 / 10,
		// Rounded down, so that two figures of one column stand side by side.
		Millimetres: int(float64(size.Width) / DotsPerInch * 25.4),
		PDF:         relativeLink(i.Path + ".pdf"),
		PNG:         relativeLink(i.Path + ".png"),
	}, nil
}

// film is the view of an animation.
func (i Illustration) film(directory string) (imageView, error) {
	data, err := os.ReadFile(filepath.Join(directory, i.Path+".gif"))
	if err != nil {
		return imageView{}, err
	}
	size, err := gif.DecodeConfig(bytes.NewReader(data))
	if err != nil {
		return imageView{}, fmt.Errorf("reading the GIF: %w", err)
	}
	return imageView{
		Caption: i.Caption,
		Data:    template.URL("data:image/gif;base64," + base64.StdEncoding.EncodeToString(data)),
		Width:   size.Width, Height: size.Height,
		Millimetres: int(float64(size.Width) / filmDotsPerInch * 25.4),
		GIF:         relativeLink(i.Path + ".gif"),
	}, nil
}

// views formats the rows of a comparison.
func (c Comparison) views() []comparedView {
	var views []comparedView
	for _, r := range c.Rows {
		view := comparedView{Label: withUnits(r.Label, r.Units)}
		for _, v := range r.Values {
			text := "–"
			if finite(v) {
				text = significant(v, 3)
			}
			view.Cells = append(view.Cells, text)
		}
		views = append(views, view)
	}
	return views
}

// summaries explains the metrics that have scores.
func summaries(scores []Score, metrics []Metric) []Fact {
	var list []Fact
	for _, m := range metrics {
		shown := slices.ContainsFunc(scores, func(s Score) bool { return s.Metric == m.Name })
		if shown && m.Summary != "" {
			list = append(list, Fact{cmp.Or(m.Label, m.Name), m.Summary})
		}
	}
	return list
}

// relativeLink escapes what means something in a URL, such as # and %.
func relativeLink(path string) string {
	return (&url.URL{Path: filepath.ToSlash(path)}).String()
}

func timingViews(timings []Timing) (views []timingView, total string) {
	longest, sum := 0.0, 0.0
	for _, t := range timings {
		longest = max(longest, t.Seconds)
		sum += t.Seconds
	}
	for _, t := range timings {
		view := timingView{Stage: t.Stage, Time: duration(t.Seconds), Note: t.Note}
		if share := 100 * t.Seconds / longest; share >= 0 && share <= 100 {
			view.Share = int(math.Round(share))
		}
		views = append(views, view)
	}
	return views, duration(sum)
}
