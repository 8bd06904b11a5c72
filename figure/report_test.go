package figure_test

import (
	"bytes"
	"encoding/base64"
	"errors"
	"html"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"retrace/figure"
)

func savedReport(t *testing.T, directory string, r figure.Report) string {
	t.Helper()
	if err := r.Save(directory); err != nil {
		t.Fatal(err)
	}
	page, err := os.ReadFile(filepath.Join(directory, figure.ReportName))
	if err != nil {
		t.Fatal(err)
	}
	return string(page)
}

func TestReportIsOneFileThatNeedsNoNetwork(t *testing.T) {
	directory := t.TempDir()
	report := reportSample(t, directory)
	page := savedReport(t, directory, report)
	if again := savedReport(t, directory, report); again != page {
		t.Error("the same report gave other bytes")
	}
	for _, reference := range regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		link := reference[1]
		if strings.HasPrefix(link, "#") || strings.HasPrefix(link, "data:image/png;base64,") {
			continue
		}
		path := strings.ReplaceAll(link, "%20", " ")
		if _, err := os.Stat(filepath.Join(directory, path)); err != nil {
			t.Errorf("link %q leads nowhere: %v", link, err)
		}
	}
	for _, unwanted := range []string{"<script", "http://", "https://", "ZgotmplZ", "url("} {
		if strings.Contains(page, unwanted) {
			t.Errorf("the page contains %q", unwanted)
		}
	}
	picture, err := os.ReadFile(filepath.Join(directory, "figures", "a case 1.png"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(html.UnescapeString(page), base64.StdEncoding.EncodeToString(picture)) {
		t.Error("a figure is not inlined")
	}
	for _, want := range []string{
		"Noisy Lorenz 63", "at every 8th state", "seen at every state", `id="training"`, "5 min 12 s", "6 min 47 s",
		"unchanged, from an earlier run", "[model]", "2 cores, amd64", "color-scheme", "@media print",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
}

func TestReportEscapesEverything(t *testing.T) {
	directory := t.TempDir()
	drawn, err := figure.Training(lossSample())
	if err != nil {
		t.Fatal(err)
	}
	const evil = `<script>alert("x")</script>'&`
	path := `figures/a&b "c" #1%`
	if err := drawn.Save(filepath.Join(directory, path)); err != nil {
		t.Fatal(err)
	}
	page := savedReport(t, directory, figure.Report{
		Title: evil, Summary: []string{evil}, Config: evil,
		Scores:     []figure.Score{{Scenario: evil, Method: evil, Metric: "m", Value: 1}},
		Metrics:    []figure.Metric{{Name: "m", Label: evil, Units: evil}},
		Scenarios:  []figure.Section{{Name: evil, Description: evil, Figures: []figure.Illustration{{Path: path, Caption: evil}}}},
		Timings:    []figure.Timing{{Stage: evil, Seconds: 1, Note: evil}},
		Provenance: []figure.Fact{{Name: evil, Value: evil}},
	})
	if strings.Contains(page, "<script") || strings.Contains(page, `"x"`) {
		t.Error("text of the user reached the page unescaped")
	}
	if count := strings.Count(page, "&lt;script&gt;"); count < 14 {
		t.Errorf("the text appears %d times only", count)
	}
	if !strings.Contains(page, `href="figures/a&amp;b%20%22c%22%20%231%25.pdf"`) {
		t.Error("the link to the PDF is not escaped as a URL")
	}
}

func TestReportNamesABrokenIllustration(t *testing.T) {
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "torn.png"), []byte("\x89PNG\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, is := range map[string]error{"absent": fs.ErrNotExist, "torn": nil, "../outside": nil, "/etc/x": nil} {
		err := figure.Report{Title: "x", Training: []figure.Illustration{{Path: path}}}.Save(directory)
		if err == nil || !strings.Contains(err.Error(), path) || is != nil && !errors.Is(err, is) {
			t.Errorf("illustration %q gave %v", path, err)
		}
	}
	if err := (figure.Report{}).Save(directory); err == nil {
		t.Error("a report without a title was written")
	}
	if _, err := os.Stat(filepath.Join(directory, figure.ReportName)); err == nil {
		t.Error("a report that failed left a file")
	}
}

func TestReportLeavesOutEmptySections(t *testing.T) {
	page := savedReport(t, t.TempDir(), figure.Report{Title: "only this"})
	if strings.Contains(page, "<section") || strings.Contains(page, "<table") || strings.Contains(page, `href="#`) {
		t.Error("an empty section is shown")
	}
}

// cells returns the table of results as rows of cells, tags replaced: <b> marks
// the best.
func cells(t *testing.T, scores []figure.Score, metrics []figure.Metric) map[string][]string {
	t.Helper()
	page := savedReport(t, t.TempDir(), figure.Report{Title: "x", Scores: scores, Metrics: metrics})
	rows := map[string][]string{}
	for _, row := range regexp.MustCompile(`(?s)<tr class="row[^"]*"><th>(.*?)</th>(.*?)</tr>`).FindAllStringSubmatch(page, -1) {
		for _, cell := range regexp.MustCompile(`(?s)<td[^>]*>(.*?)</td>`).FindAllStringSubmatch(row[2], -1) {
			text := regexp.MustCompile(`</?span[^>]*>`).ReplaceAllString(cell[1], " ")
			rows[row[1]] = append(rows[row[1]], strings.Join(strings.Fields(text), " "))
		}
	}
	return rows
}

func scoresOf(method, metric string, values ...float64) []figure.Score {
	var scores []figure.Score
	for i, v := range values {
		scores = append(scores, figure.Score{Scenario: "A", Method: method, Case: i, Metric: metric, Value: v})
	}
	return scores
}

func TestTableShowsQuartilesFloorAndAnHonestBest(t *testing.T) {
	nan := math.NaN()
	var scores []figure.Score
	for _, more := range [][]figure.Score{
		scoresOf("a", "w1", 4, 5, 6, 7, 8), scoresOf("b", "w1", 5, 6, 6.5, 7, 8), scoresOf("c", "w1", 9, 10, 11, 12, 13),
		scoresOf("d", "w1", 5, 5, 5, 5, nan),
		scoresOf("a", "floor of w1", 5.8, 5.9, 6, 6.1, 6.2),
		scoresOf("a", "ratio", 0.5), scoresOf("b", "ratio", 1.2), scoresOf("c", "ratio", 0.9),
		scoresOf("a", "logp", -10), scoresOf("b", "logp", -20),
		scoresOf("a", "cost", 1), scoresOf("b", "cost", 2),
		scoresOf("c", "alone", 3), scoresOf("d", "alone", nan),
	} {
		scores = append(scores, more...)
	}
	rows := cells(t, scores, []figure.Metric{
		{Name: "w1", Better: figure.Lower, Floor: "floor of w1"},
		{Name: "ratio", Target: new(1.0)},
		{Name: "logp", Better: figure.Higher},
		{Name: "cost"},
		{Name: "alone", Better: figure.Lower},
		{Name: "unknown", Better: figure.Lower},
	})
	for method, want := range map[string][]string{
		"a":     {"<b>6.00</b> [5.00, 7.00] at the floor", "0.500", "<b>−10.0</b>", "1.00", "–"},
		"b":     {"<b>6.50</b> [6.00, 7.00]", "1.20", "−20.0", "2.00", "–"},
		"c":     {"11.0 [10.0, 12.0]", "<b>0.900</b>", "–", "–", "<b>3.00</b>"},
		"d":     {"5.00 [5.00, 5.00] 1 of 5 cases failed", "–", "–", "–", "– 1 of 1 cases failed"},
		"floor": {"6.00 [5.90, 6.10]", "–", "–", "–", "–"},
	} {
		if got := strings.Join(rows[method], " | "); got != strings.Join(want, " | ") {
			t.Errorf("row %s:\n got %s\nwant %s", method, got, strings.Join(want, " | "))
		}
	}
	if len(rows) != 5 {
		t.Errorf("rows %v", rows)
	}
}

func TestASingleMethodIsNotTheBest(t *testing.T) {
	rows := cells(t, scoresOf("a", "crps", 1, 2, 3), []figure.Metric{{Name: "crps", Better: figure.Lower}})
	if got := rows["a"][0]; got != "2.00 [1.50, 2.50]" {
		t.Errorf("the cell is %q", got)
	}
}

func TestReportSurvivesNumbersOutOfRange(t *testing.T) {
	page := savedReport(t, t.TempDir(), figure.Report{
		Title:   "x",
		Scores:  append(scoresOf("a", "m", math.MaxFloat64, math.Inf(-1)), scoresOf("b", "m", 5e-324)...),
		Metrics: []figure.Metric{{Name: "m", Better: figure.Lower}},
		Timings: []figure.Timing{{Stage: "s", Seconds: math.NaN()}, {Stage: "t", Seconds: math.Inf(1)}, {Stage: "u", Seconds: 1e300}},
	})
	if bytes.Contains([]byte(page), []byte("NaN")) {
		t.Error("NaN reached the page")
	}
}
