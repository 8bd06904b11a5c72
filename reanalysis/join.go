package reanalysis

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"

	"retrace/internal/atomicfile"
	"retrace/observe"
	"retrace/trajectory"
)

// Joiner appends the results of windows, in order, to the stores of the product:
// mean.zarr, spread.zarr, members.zarr if any are kept, and increment.zarr for
// methods that have one. All can be read while they grow. Its memory is that of one
// chunk. The lines of diagnostics.jsonl say which windows are joined; a killed joiner
// goes on from there, and one that finds other fingerprints than it joined begins
// anew with the first that differs.
type Joiner struct {
	batch *Batch
	plan  *Plan
	check Comparison
	parts []*product
	next  int // window
	unit  int // states: chunks and windows both begin at its multiples
}

// Comparison is what windows are compared with as they are joined.
type Comparison struct {
	Truth  *trajectory.Set  // the first trajectory; nil if nobody knows it
	Record observe.Sequence // all observations
}

// product is one growing store and the states of its last chunk.
type product struct {
	store  *trajectory.Growing
	rows   int         // members
	buffer [][]float32 // of each row, the states from the last multiple of the unit on
}

// chunkValues is the number of values of a chunk of the joined members.
const chunkValues = 1 << 20

// NewJoiner opens the stores of the product and finds out what they hold.
func NewJoiner(b *Batch, plan *Plan, with Comparison) (*Joiner, error) {
	chunk, unit := b.chunk()
	j := &Joiner{batch: b, plan: plan, check: with, unit: unit}
	store := func(name, title string, members int) error {
		like := &trajectory.Set{Space: b.Model.Space(), Clock: b.Model.Clock(), Start: b.Target.Timeline.Start}
		if members > 0 {
			like.Lead = []trajectory.Dimension{{Name: "member", Len: members}}
		}
		s, err := trajectory.Grow(b.file(name), like, chunk, map[string]string{"title": title})
		j.parts = append(j.parts, &product{store: s, rows: max(1, members), buffer: make([][]float32, max(1, members))})
		return err
	}
	err := errors.Join(
		store("mean.zarr", "mean of the members of a reanalysis", 0),
		store("spread.zarr", "standard deviation of the members of a reanalysis", 0))
	if err == nil && b.restarts() {
		err = store("increment.zarr", "mean of the analysis less mean of the forecast", 0)
	}
	if err == nil && b.Products.Members > 0 {
		err = store("members.zarr", "trajectories of a reanalysis", min(b.Products.Members, b.Members))
	}
	if err != nil {
		return nil, err
	}
	return j, j.resume()
}

// chunk is the number of states in a chunk of the product, a multiple or a divisor of
// what windows keep, and the larger of the two.
func (b *Batch) chunk() (chunk, unit int) {
	keep := b.Layout.Keep
	fit := max(1, chunkValues/(b.size()*max(1, min(b.Products.Members, b.Members))))
	if fit >= keep {
		return fit / keep * keep, fit / keep * keep
	}
	chunk = fit
	for keep%chunk != 0 {
		chunk--
	}
	return chunk, keep
}

// Next is the number of windows joined.
func (j *Joiner) Next() int { return j.next }

// resume finds the windows that are joined already, and begins with the one behind
// them or, if its chunk is not complete, with the first of the chunk.
func (j *Joiner) resume() error {
	lines, err := readLines[journalLine](j.batch.file(diagnosticsFile))
	if err != nil {
		return err
	}
	for j.next < len(lines) && j.next < len(j.plan.Jobs) && lines[j.next].Fingerprint == j.plan.Jobs[j.next].Fingerprint {
		j.next++
	}
	complete := j.next
	if complete > 0 {
		end := j.plan.Jobs[complete-1].Kept.End
		for _, p := range j.parts {
			end = min(end, p.store.Length())
		}
		first := end / j.unit * j.unit
		if first == j.plan.Length {
			complete = len(j.plan.Jobs)
		} else {
			complete = first / j.batch.Layout.Keep
		}
	}
	j.next = complete
	states := min(complete*j.batch.Layout.Keep, j.plan.Length)
	for _, p := range j.parts {
		if err := p.store.Truncate(states); err != nil {
			return err
		}
	}
	return errors.Join(
		keepLines(j.batch.file(diagnosticsFile), complete, func(l journalLine) int { return l.Window }),
		keepLines(j.batch.file(timingFile), complete, func(l timingLine) int { return l.Window }),
		keepLines(j.batch.file(forecastFile), complete, func(l ForecastScore) int { return l.Window }))
}

// journalLine is a line of diagnostics.jsonl, timingLine one of timing.jsonl.
type journalLine struct {
	Diagnostics
	Fingerprint string `json:"fingerprint"`
}

type timingLine struct {
	Window int `json:"window"`
	Done
}

// All joins all windows that can be joined now.
func (j *Joiner) All() error {
	for {
		n, err := j.Advance()
		if err != nil {
			return fmt.Errorf("joining window %d: %w", j.next, err)
		}
		if n == 0 {
			return nil
		}
	}
}

// Advance joins the windows that are finished and follow those joined, to the end of
// the chunk at most. It returns their number.
func (j *Joiner) Advance() (int, error) {
	var diagnostics, timings, forecasts bytes.Buffer
	first := j.next
	for j.next < len(j.plan.Jobs) {
		job := j.plan.Jobs[j.next]
		finished, err := j.batch.Finished(job)
		if err != nil {
			return 0, err
		}
		if !finished {
			break
		}
		if err := j.add(job, &diagnostics, &timings, &forecasts); err != nil {
			return 0, err
		}
		j.next++
		if job.Kept.End%j.unit == 0 { // bounds memory
			break
		}
	}
	if j.next == first {
		return 0, nil
	}
	if err := j.flush(); err != nil {
		return 0, err
	}
	return j.next - first, errors.Join(
		appendFile(j.batch.file(forecastFile), forecasts.Bytes()),
		appendFile(j.batch.file(timingFile), timings.Bytes()),
		appendFile(j.batch.file(diagnosticsFile), diagnostics.Bytes()))
}

// add takes a finished window into the buffers, and writes lines about it.
func (j *Joiner) add(job Job, diagnostics, timings, forecasts *bytes.Buffer) error {
	b := j.batch
	record, err := b.record(job)
	if err != nil || record == nil {
		return fmt.Errorf("window %d: its record is gone: %w", job.Index, err)
	}
	n := job.Kept.Len() * b.size()
	states, err := part[float32](b, job, statesPart, b.Members*n)
	if err != nil {
		return err
	}
	mean, spread := moments(states, b.Members, n)
	parts := [][]float32{mean, spread}
	if b.restarts() {
		increment, err := part[float32](b, job, incrementPart, n)
		if err != nil {
			return err
		}
		parts = append(parts, increment)
	}
	if b.Products.Members > 0 {
		parts = append(parts, states)
	}
	for i, p := range j.parts {
		for row := range p.rows {
			p.buffer[row] = append(p.buffer[row], parts[i][row*n:][:n]...)
		}
	}
	line := journalLine{record.Diagnostics, job.Fingerprint}
	if j.check.Truth != nil {
		line.RMSE = new(rmse(mean, j.check.Truth.Trajectory(0)[job.Kept.First*b.size():][:n]))
	}
	err = errors.Join(appendLine(diagnostics, line), appendLine(timings, timingLine{job.Index, record.Done}))
	if err == nil && b.Forecasts.starts(job.Window) {
		err = j.scoreForecast(job, forecasts)
	}
	if _, told := record.Files[feedbackPart]; told && err == nil {
		err = b.publishFeedback(job)
	}
	return err
}

// publishFeedback puts the feedback table of a window into the folder of all.
func (b *Batch) publishFeedback(job Job) error {
	content, err := os.ReadFile(b.file(windowFolder, partFile(job.name(), feedbackPart)))
	if err == nil {
		err = os.MkdirAll(b.file(feedbackFolder), 0o777)
	}
	if err != nil {
		return err
	}
	return atomicfile.Write(b.file(feedbackFolder, fmt.Sprintf("window-%06d.parquet", job.Index)), content)
}

func rmse(mean, truth []float32) float64 {
	var sum float64
	for i, m := range mean {
		d := float64(m) - float64(truth[i])
		sum += d * d
	}
	return math.Sqrt(sum / float64(len(mean)))
}

// flush appends what is in the buffers, and empties them where a unit is complete.
func (j *Joiner) flush() error {
	end := j.plan.Jobs[j.next-1].Kept.End
	for _, p := range j.parts {
		from := end - len(p.buffer[0])/j.batch.size()
		data := make([]float32, 0, p.rows*len(p.buffer[0]))
		for row := range p.buffer {
			data = append(data, p.buffer[row]...)
		}
		if err := p.store.Append(from, data); err != nil {
			return err
		}
		if end%j.unit == 0 {
			for row := range p.buffer {
				p.buffer[row] = p.buffer[row][:0]
			}
		}
	}
	return nil
}

func appendLine(to *bytes.Buffer, line any) error {
	text, err := json.Marshal(line)
	to.Write(append(text, '\n'))
	return err
}

// appendFile adds lines to a file and flushes it. A file without lines is not made.
func appendFile(path string, lines []byte) error {
	if len(lines) == 0 {
		return nil
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o666)
	if err != nil {
		return err
	}
	_, err = file.Write(lines)
	return errors.Join(err, file.Sync(), file.Close())
}

func readJSON(path string, value any) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, value)
}

// readLines reads a file of JSON lines up to the first that is not whole; none if there
// is no file.
func readLines[L any](path string) (lines []L, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	scanner := bufio.NewScanner(file)
	scanner.Buffer(nil, 1<<24)
	for scanner.Scan() {
		var line L
		if json.Unmarshal(scanner.Bytes(), &line) != nil {
			return lines, nil
		}
		lines = append(lines, line)
	}
	return lines, scanner.Err()
}

// keepLines drops the lines of a file that are of windows from end on.
func keepLines[L any](path string, end int, window func(L) int) error {
	lines, err := readLines[L](path)
	if err != nil || lines == nil {
		return err
	}
	var kept bytes.Buffer
	for _, line := range lines {
		if window(line) < end {
			if err := appendLine(&kept, line); err != nil {
				return err
			}
		}
	}
	if kept.Len() == 0 {
		return os.Remove(path)
	}
	return atomicfile.Write(path, kept.Bytes())
}
