package figure

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// Losses is what a training curve shows.
type Losses struct {
	Training   Curve // every recorded step
	Validation Curve // may be empty
	// Label names the loss on the axis; empty means "loss".
	Label string
}

// Curve is a loss against the training step. Both slices have one length.
type Curve struct{ Steps, Loss []float64 }

// Training draws losses against the step, on a logarithmic axis when all of
// them are positive. The training loss is noisy: it is drawn as recorded, thin
// and light, under a centred running mean whose width the legend states. The
// validation loss is drawn as recorded, its lowest value marked.
//
// Errors are ErrEmpty (no training loss) and ErrNotFinite. Steps and losses of
// different number panic.
func Training(l Losses) (*Figure, error) {
	if len(l.Training.Loss) == 0 {
		return nil, fmt.Errorf("figure: a training curve without training loss: %w", ErrEmpty)
	}
	if err := l.Training.check(); err != nil {
		return nil, fmt.Errorf("figure: training loss: %w", err)
	}
	if err := l.Validation.check(); err != nil {
		return nil, fmt.Errorf("figure: validation loss: %w", err)
	}
	if l.Label == "" {
		l.Label = "loss"
	}
	steps := emptySpan().with(l.Training.Steps...).with(l.Validation.Steps...)
	losses := emptySpan().with(l.Training.Loss...).with(l.Validation.Loss...)
	t := trainingLayout{Losses: l, width: runningWidth(len(l.Training.Loss)), steps: steps, losses: losses}
	return t.figure(), nil
}

func (c Curve) check() error {
	if len(c.Steps) != len(c.Loss) {
		panic("figure: steps and losses differ in number")
	}
	for i := range c.Steps {
		if !finite(c.Steps[i]) || !finite(c.Loss[i]) {
			return fmt.Errorf("record %d (step %v): %w", i, c.Steps[i], ErrNotFinite)
		}
	}
	return nil
}

// lowest returns the index of the smallest loss, the first of equals.
func (c Curve) lowest() int {
	return slices.Index(c.Loss, slices.Min(c.Loss))
}

// runningWidth is an odd number of records, a fiftieth of them: narrow enough
// to keep the shape of the curve. A short curve is not smoothed (1).
func runningWidth(records int) int { return records/50/2*2 + 1 }

// runningMean averages over width records centred on a record; near the ends
// over as many as there are on the shorter side, so that it stays centred. It
// is evaluated every quarter of its width: between, a mean hardly moves.
func (c Curve) runningMean(width int) Curve {
	var mean Curve
	last := len(c.Loss) - 1
	for i := 0; i <= last; i += max(1, width/4) {
		reach := min(width/2, i, last-i)
		sum := 0.0
		for _, v := range c.Loss[i-reach : i+reach+1] {
			sum += v
		}
		mean.Steps = append(mean.Steps, c.Steps[i])
		mean.Loss = append(mean.Loss, sum/float64(2*reach+1))
	}
	return mean
}

// envelope thins a curve to the extremes of about that many bins, which looks
// the same in print and keeps a PDF of a long training small.
func (c Curve) envelope(bins int) Curve {
	width := len(c.Loss) / bins
	if width <= 2 {
		return c
	}
	var thin Curve
	for start := 0; start < len(c.Loss); start += width {
		bin := c.Loss[start:min(start+width, len(c.Loss))]
		low, high := slices.Index(bin, slices.Min(bin)), slices.Index(bin, slices.Max(bin))
		for _, i := range []int{start + min(low, high), start + max(low, high)} {
			thin.Steps = append(thin.Steps, c.Steps[i])
			thin.Loss = append(thin.Loss, c.Loss[i])
		}
	}
	return thin
}

type trainingLayout struct {
	Losses
	width         int // of the running mean, in records
	steps, losses span
}

// rawBins gives the raw loss two points every 0.2 pt of the figure's width.
const rawBins = 1000

// Styles of the training curve: in grey the validation is told apart by its
// dashes and its marker.
var (
	rawLine        = draw.LineStyle{Color: tint(blue, 0.4), Width: 0.35}
	smoothLine     = draw.LineStyle{Color: blue, Width: 1.2}
	validationLine = draw.LineStyle{Color: vermillion, Width: 1, Dashes: []vg.Length{3, 1.5}}
	bestMarker     = marker{colour: vermillion, shape: polygon(4, 0)}
)

func (t trainingLayout) figure() *Figure {
	width, plotHeight := OneColumn*vg.Millimeter, 45*vg.Millimeter
	y := newAxis(t.losses, t.losses.min > 0).alongY(plotHeight)
	left := margin + lineHeight*labelText + beside(y)
	right := margin + 8 // half of a long step label
	legend := newLegend(t.legend(), width-left-margin)
	top := margin + legend.height() + gap
	x := newAxis(t.steps, false).alongX(width-left-right, right-1)

	height := top + plotHeight + below + margin
	return &Figure{width: width, height: height, draw: func(c draw.Canvas) {
		legend.draw(c, vg.Point{X: left, Y: c.Max.Y - margin})
		p := &panel{Canvas: draw.Crop(c, left, -right, below+margin, -top), x: x, y: y}
		t.drawCurves(p)
		p.drawX(true)
		p.drawY(true)
		p.labelX("training step", 0)
		p.labelY(titleLines(t.Label, "", plotHeight), beside(y))
	}}
}

func (t trainingLayout) drawCurves(p *panel) {
	if t.width > 1 {
		raw := t.Training.envelope(rawBins)
		p.line(rawLine, raw.Steps, raw.Loss)
	}
	mean := t.Training.runningMean(t.width)
	p.line(smoothLine, mean.Steps, mean.Loss)
	if len(t.Validation.Loss) > 0 {
		p.line(validationLine, t.Validation.Steps, t.Validation.Loss)
		best := t.Validation.lowest()
		bestMarker.draw(p.Canvas, p.point(t.Validation.Steps[best], t.Validation.Loss[best]), 2.2)
	}
}

func (t trainingLayout) legend() []entry {
	entries := []entry{{"training", lineKey(smoothLine)}}
	if t.width > 1 {
		entries = []entry{
			{"training", lineKey(rawLine)},
			{fmt.Sprintf("its mean over %s", t.smoothing()), lineKey(smoothLine)},
		}
	}
	if len(t.Validation.Loss) == 0 {
		return entries
	}
	best := t.Validation.lowest()
	lowest := fmt.Sprintf("lowest, %s at step %s",
		significant(t.Validation.Loss[best], 3), number(t.Validation.Steps[best], 0))
	return append(entries,
		entry{"validation", lineKey(validationLine)},
		entry{lowest, markerKey(bestMarker, 2.2, draw.LineStyle{})})
}

// smoothing states the width of the running mean in steps where the records
// are evenly spaced.
func (t trainingLayout) smoothing() string {
	steps := t.Training.Steps
	spacing := steps[1] - steps[0]
	for i := 2; i < len(steps); i++ {
		if math.Abs(steps[i]-steps[i-1]-spacing) > 1e-6*math.Abs(spacing) {
			return fmt.Sprintf("%d records", t.width)
		}
	}
	return number(float64(t.width)*spacing, 0) + " steps"
}
