package reanalysis

import (
	"math"

	"retrace/observe"
)

// Diagnostics are what is measured of a window. They depend on the batch and its
// observations only. Numbers that cannot be had are nil.
type Diagnostics struct {
	Window int     `json:"window"`
	Start  float64 `json:"start"` // time of the first state kept, in units of the clock
	// Observed counts the values seen, Rejected those that quality control did not
	// let through, by verdict, and Used the others.
	Observed int            `json:"observed"`
	Used     int            `json:"used"`
	Rejected map[string]int `json:"rejected,omitempty"`
	// Chi2 is, over the values of the window, the mean square of the innovations in
	// units of what noise and spread of the forecasts predict: about 1. Only ensemble
	// filters have forecasts.
	Chi2 *float64 `json:"chi2,omitempty"`
	// Residual is the root mean square of observations less posterior means, in
	// units of the noise, and ObservedSpread that of the posterior spread of the
	// observed values, likewise.
	Residual       *float64 `json:"residual,omitempty"`
	ObservedSpread *float64 `json:"observed_spread,omitempty"`
	// Spread is the root mean square over the kept states of the standard deviation
	// of members, RMSE that of their mean's error, where the truth is known.
	Spread float64  `json:"spread"`
	RMSE   *float64 `json:"rmse,omitempty"`
	// Alarms tell what somebody should look at.
	Alarms []string `json:"alarms,omitempty"`
}

// Bounds beyond which a window raises an alarm.
const (
	largestChi2     = 4    // the filter does not know how wrong it is
	leastSpread     = 0.01 // in units of the noise: the ensemble no longer listens
	mostRejected    = 0.2  // of the values of a window
	leastForRejects = 20   // values
)

// harmless are the verdicts that find no fault with a value: others stand for it.
var harmless = map[string]bool{"thinned": true, "merged": true}

// The alarms.
const (
	AlarmDivergence = "divergence"
	AlarmCollapse   = "spread collapse"
	AlarmRejection  = "rejection rate"
)

// measure fills in what the analysis of a window tells.
func (d *Diagnostics) measure(b *Batch, w Window, used observe.Sequence, a *analysis) {
	d.Used = used.Count()
	if a.count > 0 {
		d.Chi2 = new(a.chi2 / float64(a.count))
	}
	d.measureObserved(b, w, used, a)
	size := b.size()
	_, spread := moments(b.kept(w, a.states), b.Members, w.Kept.Len()*size)
	d.Spread = rootMeanSquare(spread)
	if d.Chi2 != nil && *d.Chi2 > largestChi2 {
		d.Alarms = append(d.Alarms, AlarmDivergence)
	}
	if d.ObservedSpread != nil && *d.ObservedSpread < leastSpread && b.Members > 1 {
		d.Alarms = append(d.Alarms, AlarmCollapse)
	}
	rejected := 0
	for verdict, n := range d.Rejected {
		if !harmless[verdict] {
			rejected += n
		}
	}
	if d.Observed >= leastForRejects && float64(rejected) > mostRejected*float64(d.Observed) {
		d.Alarms = append(d.Alarms, AlarmRejection)
	}
}

// measureObserved compares the observations of the kept states with the posterior.
func (d *Diagnostics) measureObserved(b *Batch, w Window, used observe.Sequence, a *analysis) {
	size, length := b.size(), w.Span.Len()
	var residual, spread float64
	count := 0
	for _, o := range used.Observations {
		if at := w.Span.First + o.Index; at < w.Kept.First || at >= w.Kept.End {
			continue
		}
		mean, variance := predicted(o, func(k int, x []float64) {
			for j, v := range a.states[(k*length+o.Index)*size:][:size] {
				x[j] = float64(v)
			}
		}, b.Members)
		for j, y := range o.Values {
			if !math.IsNaN(y) {
				residual += (y - mean[j]) * (y - mean[j]) / (o.Sd[j] * o.Sd[j])
				spread += variance[j] / (o.Sd[j] * o.Sd[j])
				count++
			}
		}
	}
	if count > 0 {
		d.Residual = new(math.Sqrt(residual / float64(count)))
		d.ObservedSpread = new(math.Sqrt(spread / float64(count)))
	}
}

// moments is the mean and the unbiased standard deviation over members of n values
// each.
func moments(data []float32, members, n int) (mean, sd []float32) {
	mean, sd = make([]float32, n), make([]float32, n)
	for i := range n {
		var sum, squares float64
		for m := range members {
			sum += float64(data[m*n+i])
		}
		sum /= float64(members)
		for m := range members {
			d := float64(data[m*n+i]) - sum
			squares += d * d
		}
		mean[i], sd[i] = float32(sum), float32(math.Sqrt(squares/float64(max(1, members-1))))
	}
	return mean, sd
}

func rootMeanSquare(values []float32) float64 {
	var sum float64
	for _, v := range values {
		sum += float64(v) * float64(v)
	}
	return math.Sqrt(sum / float64(max(1, len(values))))
}
