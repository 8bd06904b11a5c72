package calibrate

import (
	"bytes"
	_ "embed"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html/template"
	"math"
	"os"
	"path/filepath"

	"retrace/figure"
	"retrace/internal/atomicfile"
)

// Verdict is everything that a study found: verdict.json.
type Verdict struct {
	Title string `json:"title"`
	// Pass says that every method came out as it should: what Expected says of it
	// or, without that, that it draws from the posterior.
	Pass        bool          `json:"pass"`
	Level       float64       `json:"level"`
	Cases       int           `json:"cases"`
	Members     int           `json:"members"`
	Seed        int64         `json:"seed"`
	Power       float64       `json:"power"`
	SpreadError float64       `json:"spread_error"`
	Needed      int           `json:"cases_needed"`
	Methods     []*Assessment `json:"methods"`
	// Expected is, for methods whose quality is known, whether they must pass.
	Expected map[string]bool `json:"expected,omitempty"`
	Splits   []Split         `json:"errors_by_origin,omitempty"`
}

// Split says where the error of a method comes from: each line is its ensembles'
// spread, and their CRPS beyond that of the exact posterior, with one more part of
// the method in place.
type Split struct {
	Method string      `json:"method"`
	Lines  []SplitLine `json:"lines"`
}

// SplitLine is one line of a Split.
type SplitLine struct {
	Part   string   `json:"part"` // algorithm, composition, network
	With   string   `json:"with"` // what is in place
	Spread Interval `json:"spread_ratio"`
	Excess Number   `json:"crps_excess"`
	// Added is the excess over that of the line before: the share of this part.
	Added Number `json:"crps_excess_added"`
	Pass  bool   `json:"pass"`
}

// Judge completes the verdict once all methods are in.
func (v *Verdict) Judge() {
	v.Pass = true
	for _, a := range v.Methods {
		want, known := v.Expected[a.Method]
		v.Pass = v.Pass && a.Pass == (want || !known)
	}
}

// AsExpected reports whether a method came out as it must.
func (v *Verdict) AsExpected(a *Assessment) bool {
	want, known := v.Expected[a.Method]
	return a.Pass == (want || !known)
}

// Files that Save writes.
const (
	VerdictName = "verdict.json"
	ReportName  = "calibration.html"
	FigureName  = "calibration" // .pdf and .png
)

// Save writes verdict.json, the figure and the page to a folder, making it.
func (v *Verdict) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	text, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return fmt.Errorf("calibrate: %w", err)
	}
	if err := atomicfile.Write(filepath.Join(dir, VerdictName), append(text, '\n')); err != nil {
		return err
	}
	image, err := v.draw(dir)
	if err != nil {
		return err
	}
	var page bytes.Buffer
	if err := pageTemplate.Execute(&page, v.page(image)); err != nil {
		return fmt.Errorf("calibrate: %w", err)
	}
	return atomicfile.Write(filepath.Join(dir, ReportName), page.Bytes())
}

// draw saves the figure and returns its PNG; nil if nothing can be drawn.
func (v *Verdict) draw(dir string) ([]byte, error) {
	c := figure.Calibration{Level: v.Level}
	for _, a := range v.Methods {
		if !math.IsNaN(float64(a.Spread.Value)) {
			c.Methods = append(c.Methods, figure.Calibrated{
				Name: a.Method, Ranks: a.Ranks, Nearness: a.Nearness,
				Spread: float64(a.Spread.Value), Low: float64(a.Spread.Low), High: float64(a.Spread.High),
			})
		}
	}
	if len(c.Methods) == 0 {
		return nil, nil // every method diverged, and the page says so
	}
	f, err := figure.CalibrationPlot(c)
	if err != nil {
		return nil, err
	}
	if err := f.Save(filepath.Join(dir, FigureName)); err != nil {
		return nil, err
	}
	return f.PNG()
}

//go:embed page.tmpl
var pageSource string

var pageTemplate = template.Must(template.New(ReportName).Funcs(template.FuncMap{
	"num": significant, "threshold": threshold, "explain": explain, "percent": percent,
	"excess": func(n Number) string {
		if math.IsNaN(float64(n)) {
			return "–"
		}
		return fmt.Sprintf("%+.1f %%", 100*float64(n))
	},
}).Parse(pageSource))

// page is what the template reads.
type page struct {
	*Verdict
	Image template.URL
	Guide []Explanation
}

func (v *Verdict) page(image []byte) page {
	p := page{Verdict: v, Guide: Guide()}
	if image != nil {
		p.Image = template.URL("data:image/png;base64," + base64.StdEncoding.EncodeToString(image))
	}
	return p
}

// significant writes a number with three digits that matter.
func significant(n Number) string {
	x := float64(n)
	switch a := math.Abs(x); {
	case math.IsNaN(x) || math.IsInf(x, 0):
		return "–"
	case a != 0 && (a < 1e-3 || a >= 1e5):
		return fmt.Sprintf("%.1e", x)
	case a >= 100:
		return fmt.Sprintf("%.0f", x)
	case a >= 10:
		return fmt.Sprintf("%.1f", x)
	case a >= 1:
		return fmt.Sprintf("%.2f", x)
	}
	return fmt.Sprintf("%.3f", x)
}

// Threshold writes the range that a statistic must lie in.
func (t Test) Threshold() string { return threshold(t) }

func threshold(t Test) string {
	low, high := float64(t.Low), float64(t.High)
	switch {
	case math.IsNaN(low) || math.IsNaN(high):
		return "–"
	case math.IsInf(low, -1) && math.IsInf(high, 1):
		return "any"
	case low == 0 || math.IsInf(low, -1):
		return "below " + significant(t.High)
	}
	return significant(t.Low) + " to " + significant(t.High)
}

// Text writes a statistic as tables show it.
func (n Number) Text() string { return significant(n) }
