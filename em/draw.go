package em

import (
	"context"
	"fmt"
	"math"
	"path/filepath"
	"strconv"

	"retrace/internal/fault"
	"retrace/internal/parallel"
	"retrace/scoresum"
	"retrace/trajectory"
)

// drawsName and heldOutName are the stores of a lap's folder that hold its posterior
// draws, of the records and of those held out. The latter validate the training.
const (
	drawsName   = "draws.zarr"
	heldOutName = "draws-held-out.zarr"
)

// mostDropped is the share of draws that may go astray.
const mostDropped = 0.05

// drawn returns the posterior draws of a lap, made now or before an interruption.
func (l *learner) drawn(ctx context.Context, number int) (*drawn, error) {
	dir := l.folder(number)
	if done, err := exists(filepath.Join(dir, drawsName)); err != nil || !done {
		if err == nil {
			err = l.makeDraws(ctx, number)
		}
		if err != nil {
			return nil, err
		}
	}
	d := &drawn{}
	var err error
	if d.training, err = trajectory.Load(filepath.Join(dir, drawsName)); err != nil {
		return nil, err
	}
	if d.validation, err = trajectory.Load(filepath.Join(dir, heldOutName)); err != nil {
		return nil, err
	}
	store, err := trajectory.Open(filepath.Join(dir, drawsName))
	if err != nil {
		return nil, err
	}
	attributes := store.Attributes()
	if d.residual, err = strconv.ParseFloat(attributes["residual"], 64); err == nil {
		d.dropped, err = strconv.Atoi(attributes["dropped"])
	}
	if err != nil {
		return nil, fault.Inputf("%s: %w; delete the folder and run again", filepath.Join(dir, drawsName), err)
	}
	return d, nil
}

// makeDraws draws from the posteriors of all records under the prior of the lap before.
func (l *learner) makeDraws(ctx context.Context, number int) error {
	var records []Record // in physical units
	for range l.Draws {
		records = append(records, l.Records...)
	}
	own := len(records)
	records = append(records, l.Data.HeldOut...)
	x := make([]float32, len(records)*l.size())
	if err := l.fill(ctx, number, records, x); err != nil {
		return err
	}
	dir := l.folder(number)
	if _, err := l.save(filepath.Join(dir, heldOutName), x[own*l.size():], nil); err != nil {
		return err
	}
	x = x[:own*l.size()]
	residual := residualOf(standardised(records[:own], *l.Standard, l.gaussian.factor()), x)
	_, err := l.save(filepath.Join(dir, drawsName), x, map[string]string{"residual": strconv.FormatFloat(residual, 'g', -1, 64)})
	return err
}

// standardised are records in the units of a standardiser, with noise that is factor
// times what it was.
func standardised(records []Record, units trajectory.Standardiser, factor float64) []Record {
	list := make([]Record, len(records))
	for i := range records {
		list[i] = records[i].standardised(units, factor)
	}
	return list
}

// residualOf is the root mean square of (y - A x)/sd over draws.
func residualOf(records []Record, x []float32) float64 {
	var squares, values float64
	n := records[0].size
	for _, i := range tame(x, n) {
		squares += records[i].misfit(x[i*n:(i+1)*n], 0, records[i].Count())
		values += float64(records[i].Count())
	}
	return math.Sqrt(squares / values)
}

// fill draws from the posteriors of records in physical units; the draws are in
// standardised ones.
func (l *learner) fill(ctx context.Context, number int, records []Record, x []float32) error {
	if number == 1 {
		err := l.gaussian.posterior(ctx, records, l.Seed, x)
		l.Standard.Forward(x, x)
		return err
	}
	records = standardised(records, *l.Standard, l.gaussian.factor())
	prior, err := scoresum.Load(l.folder(number - 1))
	if err != nil {
		return err
	}
	law := l.newLaw(prior, l.Sampler, l.Length, l.covariance())
	count := parallel.Counter(law.evaluations(len(records)), func(done, total int) {
		l.tell(number, 0, done, total, "drawing from the posterior of every record")
	})
	return law.draw(ctx, records, address{seed: l.Seed, purpose: "em/posterior", number: number}, x, count)
}

// save writes draws that did not go astray, in physical units, and tells how many did.
func (l *learner) save(path string, x []float32, attributes map[string]string) (dropped int, err error) {
	n := l.size()
	kept := tame(x, n)
	count := len(x) / n
	dropped = count - len(kept)
	if float64(dropped) > mostDropped*float64(count) {
		return dropped, fmt.Errorf("em: %d of %d posterior draws went astray, beyond %d standard deviations: take more steps, or another covariance", dropped, count, wild)
	}
	set := trajectory.New(l.Space, l.Clock, []trajectory.Dimension{{Name: "member", Len: len(kept)}}, l.Length)
	for k, i := range kept {
		copy(set.Trajectory(k), x[i*n:(i+1)*n])
	}
	l.Standard.Inverse(set.Data, set.Data)
	if attributes == nil {
		attributes = map[string]string{}
	}
	attributes["title"], attributes["dropped"] = "posterior draws", strconv.Itoa(dropped)
	return dropped, trajectory.Save(path, set, attributes)
}
