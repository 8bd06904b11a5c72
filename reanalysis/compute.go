package reanalysis

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"time"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/npy"
	"retrace/internal/parallel"
	"retrace/internal/rng"
	"retrace/observe"
	"retrace/trajectory"
)

// Compute does job k of a plan, whose needs are finished, and writes its result. done
// says who does it; its Seconds, Memory and Finished are filled in.
func (b *Batch) Compute(ctx context.Context, plan *Plan, k int, done Done) error {
	start := time.Now()
	job := plan.Jobs[k]
	parts, diagnostics, err := b.result(ctx, plan, k)
	if err != nil {
		return fmt.Errorf("window %d: %w", k, err)
	}
	r := &Record{Window: k, Fingerprint: job.Fingerprint, Files: map[string]File{}, Diagnostics: *diagnostics}
	for part, content := range parts {
		r.Files[part] = File{int64(len(content)), sha(content)}
		if err := install(b.file(windowFolder, partFile(job.name(), part)), content); err != nil {
			return err
		}
	}
	done.Seconds, done.Memory = time.Since(start).Seconds(), residentMemory()
	done.Finished = time.Now().UTC().Truncate(time.Millisecond)
	r.Done = done
	return installJSON(b.file(windowFolder, job.name()+".json"), r)
}

// result computes job k: the content of its files by what they hold.
func (b *Batch) result(ctx context.Context, plan *Plan, k int) (map[string][]byte, *Diagnostics, error) {
	job := plan.Jobs[k]
	seen, err := b.observations(job)
	if err != nil {
		return nil, nil, err
	}
	given, err := b.neighbours(plan, k)
	if err != nil {
		return nil, nil, err
	}
	d := &Diagnostics{Window: k, Start: b.Target.Timeline.Time(job.Kept.First), Observed: seen.Count()}
	screened, err := b.screened(ctx, job.Window, seen, given)
	if err != nil {
		return nil, nil, err
	}
	d.Rejected = screened.Rejected
	a, err := b.analyse(ctx, job.Window, screened.Used, given)
	if err != nil {
		return nil, nil, err
	}
	if err := b.set(job.Window, a.states).CheckFinite(); err != nil {
		return nil, nil, fmt.Errorf("the method diverged: %w", err)
	}
	d.measure(b, job.Window, screened.Used, a)
	parts, err := b.parts(ctx, job, a)
	if err == nil && screened.Feedback != nil {
		parts[feedbackPart], err = screened.Feedback(b.set(job.Window, a.states))
	}
	return parts, d, err
}

// parts are the contents of the files of an analysis.
func (b *Batch) parts(ctx context.Context, job Job, a *analysis) (map[string][]byte, error) {
	parts := map[string][]byte{}
	axes := b.axes()
	kept := b.kept(job.Window, a.states)
	parts[statesPart] = npy.Encode(append([]int{b.Members, job.Kept.Len()}, axes...), kept)
	if a.handOver != nil {
		parts[handOverPart] = npy.Encode(append([]int{b.Members}, axes...), a.handOver)
		parts[incrementPart] = npy.Encode(append([]int{job.Kept.Len()}, axes...), a.increment)
	}
	if b.Forecasts.starts(job.Window) {
		states, err := b.forecast(ctx, job.Window, a.final)
		if err != nil {
			return nil, err
		}
		parts[forecastPart] = npy.Encode(append([]int{b.Members, 1 + b.Forecasts.Length}, axes...), states)
	}
	return parts, nil
}

// axes is the shape of a state.
func (b *Batch) axes() []int {
	var shape []int
	for _, a := range b.Model.Space().Axes {
		shape = append(shape, a.Len())
	}
	return shape
}

// kept cuts the states that a window keeps out of those of its span.
func (b *Batch) kept(w Window, states []float32) []float32 {
	size := b.size()
	var kept []float32
	for m := range b.Members {
		first := (m*w.Span.Len() + w.Kept.First - w.Span.First) * size
		kept = append(kept, states[first:][:w.Kept.Len()*size]...)
	}
	return kept
}

// observations reads what was seen of a window.
func (b *Batch) observations(j Job) (observe.Sequence, error) {
	if j.Observations == "" {
		return observe.Sequence{}, nil
	}
	cases, err := observe.ReadFile(b.file(observedFolder, j.Observations), b.target(j.Window))
	if err != nil {
		return observe.Sequence{}, err
	}
	return cases[0], nil
}

// ErrNotReady says that a window needs another one that is not finished.
var ErrNotReady = errors.New("it is not finished")

// neighbours reads what a window is conditioned on.
func (b *Batch) neighbours(plan *Plan, k int) (n neighbours, err error) {
	w := plan.Jobs[k].Window
	for _, i := range w.Needs {
		j := plan.Jobs[i]
		finished, err := b.Finished(j)
		if err != nil {
			return n, err
		}
		if !finished {
			return n, fault.Inputf("it needs window %d: %w; compute that first", i, ErrNotReady)
		}
		switch {
		case b.restarts():
			n.ensemble, err = part[float64](b, j, handOverPart, b.Members*b.size())
		case i < k:
			n.left, err = b.edge(j, j.Kept.Len()-(w.Kept.First-w.Span.First), j.Kept.Len())
		default:
			n.right, err = b.edge(j, 0, w.Span.End-w.Kept.End)
		}
		if err != nil {
			return n, err
		}
	}
	return n, nil
}

// edge reads the kept states first to end-1 of a finished window.
func (b *Batch) edge(j Job, first, end int) ([]float32, error) {
	size, kept := b.size(), j.Kept.Len()
	states, err := part[float32](b, j, statesPart, b.Members*kept*size)
	if err != nil {
		return nil, err
	}
	var edge []float32
	for m := range b.Members {
		edge = append(edge, states[(m*kept+first)*size:][:(end-first)*size]...)
	}
	return edge, nil
}

// screened has quality control look at the observations of a window.
func (b *Batch) screened(ctx context.Context, w Window, seen observe.Sequence, given neighbours) (Screened, error) {
	if b.Screen == nil || seen.Count() == 0 {
		return Screened{Used: seen}, nil
	}
	before, err := b.analyse(ctx, w, observe.Sequence{}, given)
	if err != nil {
		return Screened{}, fmt.Errorf("the background of quality control: %w", err)
	}
	screened, err := b.Screen(w, seen, b.set(w, before.states))
	if err != nil {
		return Screened{}, fmt.Errorf("quality control: %w", err)
	}
	return screened, nil
}

// forecast runs the model on from the last state of a window.
func (b *Batch) forecast(ctx context.Context, w Window, final []float64) ([]float32, error) {
	size, length := b.size(), 1+b.Forecasts.Length
	states := make([]float32, b.Members*length*size)
	err := parallel.For(ctx, b.Members, func(_, m int) error {
		r := rng.Stream(b.Seed, "reanalysis/forecast", uint64(w.Index), uint64(m))
		x := append([]float64{}, final[m*size:][:size]...)
		stepper := dynamics.Continue(b.Model, x)
		for t := range length {
			if t > 0 {
				if err := stepper.Advance(r); err != nil {
					return fmt.Errorf("forecast: %w", err)
				}
				stepper.State(x)
			}
			for j, v := range x {
				states[(m*length+t)*size+j] = float32(v)
			}
		}
		return ctx.Err()
	})
	if err != nil {
		return nil, err
	}
	set := &trajectory.Set{Space: b.Model.Space(), Clock: b.Model.Clock(), Start: b.Target.Timeline.Time(w.Span.End - 1),
		Lead: []trajectory.Dimension{{Name: "member", Len: b.Members}}, Length: length, Data: states}
	if err := set.CheckFinite(); err != nil {
		return nil, fmt.Errorf("forecast: %w", err)
	}
	return states, nil
}

// residentMemory is the memory of this process that is in use, in bytes; 0 where the
// system does not tell.
func residentMemory() int64 {
	text, err := os.ReadFile("/proc/self/statm")
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0
	}
	var total, resident int64
	if _, err := fmt.Sscan(string(text), &total, &resident); err != nil {
		return 0
	}
	return resident * int64(os.Getpagesize())
}
