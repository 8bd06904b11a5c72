package reanalysis

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"

	"retrace/internal/atomicfile"
	"retrace/internal/fault"
	"retrace/observe"
)

// version numbers the code that makes results. Raise it when the same inputs give
// other bytes.
const version = 1

// Plan is the list of jobs of a batch, as it stands in plan.json.
type Plan struct {
	// Run names the batch, on a queue that several share.
	Run string `json:"run"`
	// Key is that of the batch: the settings that all windows have in common.
	Key     string `json:"key"`
	Length  int    `json:"length"` // states of the record
	Keep    int    `json:"keep"`
	Members int    `json:"members"`
	Jobs    []Job  `json:"jobs"`
}

// Job is a window and what its result depends on.
type Job struct {
	Window
	// Observations is the file of the observations of the window; "" if nothing was
	// seen.
	Observations string `json:"observations,omitempty"`
	Fingerprint  string `json:"fingerprint"`
}

// name begins the names of the files of a job.
func (j Job) name() string { return fmt.Sprintf("%06d-%s", j.Index, j.Fingerprint[:16]) }

// The files of a batch.
const (
	planFile        = "plan.json"
	observedFolder  = "observations"
	windowFolder    = "windows"
	failureFolder   = "failures"
	workerFolder    = "workers"
	feedbackFolder  = "feedback"
	diagnosticsFile = "diagnostics.jsonl"
	timingFile      = "timing.jsonl"
	forecastFile    = "forecasts.jsonl"
	scoresFile      = "scores.json"
)

func (b *Batch) file(parts ...string) string {
	return filepath.Join(append([]string{b.Dir}, parts...)...)
}

// Prepare cuts a record into the observations of windows, and writes the plan. Jobs
// whose fingerprint has not changed keep their results. run names the batch if it has
// no plan yet.
func (b *Batch) Prepare(record observe.Sequence, run string) (*Plan, error) {
	if err := b.Layout.Check(); err != nil {
		return nil, err
	}
	if err := record.Validate(b.Target.Timeline.Length, b.Model.Space()); err != nil {
		return nil, fault.Input(err)
	}
	for _, folder := range []string{observedFolder, windowFolder, failureFolder, workerFolder} {
		if err := os.MkdirAll(b.file(folder), 0o777); err != nil {
			return nil, err
		}
	}
	plan := &Plan{Run: run, Key: b.Key, Length: b.Target.Timeline.Length, Keep: b.Layout.Keep, Members: b.Members}
	if old, err := ReadPlan(b.Dir); err == nil {
		plan.Run = old.Run
	}
	sums := make([]string, b.Layout.Count(plan.Length))
	for _, w := range b.Layout.Windows(plan.Length) {
		file, sum, err := b.cut(record, w)
		if err != nil {
			return nil, err
		}
		sums[w.Index] = sum
		plan.Jobs = append(plan.Jobs, Job{Window: w, Observations: file})
	}
	for k := range plan.Jobs {
		b.fingerprint(plan, sums, k)
	}
	text, err := json.MarshalIndent(plan, "", " ")
	if err != nil {
		return nil, err
	}
	if err := atomicfile.Write(b.file(planFile), append(text, '\n')); err != nil {
		return nil, err
	}
	return plan, b.prune(plan)
}

// cut writes the observations of a window to a file of their own, named after its
// content, so that one of an earlier plan is never taken for it.
func (b *Batch) cut(record observe.Sequence, w Window) (file, sum string, err error) {
	all := record.Observations
	first := sort.Search(len(all), func(i int) bool { return all[i].Index >= w.Seen.First })
	end := sort.Search(len(all), func(i int) bool { return all[i].Index >= w.Seen.End })
	var part observe.Sequence
	for _, o := range all[first:end] {
		if observe.Count([]observe.Observation{o}) > 0 {
			o.Index -= w.Span.First
			part.Observations = append(part.Observations, o)
		}
	}
	if len(part.Observations) == 0 {
		return "", "", nil
	}
	var text bytes.Buffer
	if err := observe.WriteCSV(&text, []observe.Sequence{part}, b.target(w)); err != nil {
		return "", "", fault.Inputf("window %d: %w", w.Index, err)
	}
	hash := sha256.Sum256(text.Bytes())
	sum = hex.EncodeToString(hash[:])
	file = fmt.Sprintf("%06d-%s.csv", w.Index, sum[:16])
	if _, err := os.Stat(b.file(observedFolder, file)); err == nil {
		return file, sum, nil
	}
	return file, sum, install(b.file(observedFolder, file), text.Bytes())
}

// target describes the observations of a window.
func (b *Batch) target(w Window) observe.Target {
	t := b.Target
	t.Timeline.Start, t.Timeline.Length = b.Target.Timeline.Time(w.Span.First), w.Span.Len()
	return t
}

// fingerprint completes job k, after those that it needs.
func (b *Batch) fingerprint(plan *Plan, observed []string, k int) string {
	job := &plan.Jobs[k]
	if job.Fingerprint != "" {
		return job.Fingerprint
	}
	hash := sha256.New()
	fmt.Fprintf(hash, "version %d\nkey %s\n", version, b.Key)
	fmt.Fprintf(hash, "span %v kept %v seen %v index %d\n", job.Span, job.Kept, job.Seen, job.Index)
	fmt.Fprintf(hash, "observations %s\n", observed[k])
	if b.Forecasts.starts(job.Window) {
		fmt.Fprintf(hash, "forecast %d\n", b.Forecasts.Length)
	}
	for _, n := range job.Needs {
		fmt.Fprintf(hash, "needs %s\n", b.fingerprint(plan, observed, n))
	}
	job.Fingerprint = hex.EncodeToString(hash.Sum(nil))
	return job.Fingerprint
}

// ReadPlan reads the plan of a batch. A missing one is an error that is
// fs.ErrNotExist.
func ReadPlan(dir string) (*Plan, error) {
	path := filepath.Join(dir, planFile)
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	plan := &Plan{}
	if err := json.Unmarshal(text, plan); err != nil {
		return nil, fault.Inputf("%s: %w; run retrace reanalyse again, which writes it", path, err)
	}
	if err := plan.check(); err != nil {
		return nil, fault.Inputf("%s: %w; run retrace reanalyse again, which writes it", path, err)
	}
	return plan, nil
}

func (p *Plan) check() error {
	if p.Keep < 1 || p.Members < 1 || p.Length < 1 {
		return errors.New("it has no windows")
	}
	for k, j := range p.Jobs {
		if j.Index != k || len(j.Fingerprint) != sha256.Size*2 || j.Observations != filepath.Base(j.Observations) && j.Observations != "" {
			return fmt.Errorf("job %d is damaged", k)
		}
		for _, n := range j.Needs {
			if n < 0 || n >= len(p.Jobs) {
				return fmt.Errorf("job %d needs job %d, which is not there", k, n)
			}
		}
	}
	return nil
}

// ordered lists the jobs, each behind those that it needs.
func (p *Plan) ordered() []Job {
	list := make([]Job, 0, len(p.Jobs))
	listed := make([]bool, len(p.Jobs))
	var add func(k int)
	add = func(k int) {
		if listed[k] {
			return
		}
		listed[k] = true
		for _, n := range p.Jobs[k].Needs {
			add(n)
		}
		list = append(list, p.Jobs[k])
	}
	for k := range p.Jobs {
		add(k)
	}
	return list
}

// prune deletes the files of jobs that are not of the plan.
func (b *Batch) prune(plan *Plan) error {
	keep := map[string]bool{}
	for _, j := range plan.Jobs {
		keep[j.name()] = true
		keep[strings.TrimSuffix(j.Observations, ".csv")] = true
	}
	for _, folder := range []string{observedFolder, windowFolder, failureFolder} {
		entries, err := os.ReadDir(b.file(folder))
		if err != nil {
			return err
		}
		for _, e := range entries {
			name, _, _ := strings.Cut(e.Name(), ".")
			if keep[name] {
				continue
			}
			if err := os.Remove(b.file(folder, e.Name())); err != nil && !errors.Is(err, fs.ErrNotExist) {
				return err
			}
		}
	}
	return nil
}
