package twin

// The standard error of the mean of a correlated series of n values with
// variance v, taken as a first-order autoregressive process of coefficient a:
//
//	var(mean) = v/n (1 + 2c/n),  c = ((n-1) a - n a^2 + a^(n+1)) / (1-a)^2
//
// (the double sum of a^|i-j| over i < j is c). a is estimated as the geometric
// mean of the ratios of successive autocovariances at the lags 0 to 4, up to the
// first ratio that is not positive; this is how DAPPER does it.

import "math"

// Mean is a mean and its standard error.
type Mean struct {
	Value float64 `json:"value"`
	Error float64 `json:"error"`
}

// TimeMean is the mean of a correlated series, with the standard error of a
// first-order autoregressive process. The error of fewer than 6 values is 0, for
// nothing can be said of their correlation.
func TimeMean(series []float64) Mean {
	n := float64(len(series))
	m := Mean{Value: average(series)}
	variance := autocovariance(series, m.Value, 0)
	if len(series) < 6 || !(variance > 0) {
		return m
	}
	a := autocorrelation(series, m.Value)
	c := ((n-1)*a - n*a*a + math.Pow(a, n+1)) / ((1 - a) * (1 - a))
	m.Error = math.Sqrt(variance / (1 - 1/n) / n * (1 + 2*c/n))
	return m
}

// IndependentMean is the mean of independent values, with its standard error; of
// one value the error is 0.
func IndependentMean(values []float64) Mean {
	n := float64(len(values))
	m := Mean{Value: average(values)}
	if n > 1 {
		m.Error = math.Sqrt(autocovariance(values, m.Value, 0) / (n - 1))
	}
	return m
}

// autocorrelation is the coefficient of a first-order autoregressive process, in
// [0, 0.999999].
func autocorrelation(series []float64, mean float64) float64 {
	const lags = 4
	product, ratios := 1.0, 0.0
	previous := autocovariance(series, mean, 0)
	for lag := 1; lag <= lags; lag++ {
		next := autocovariance(series, mean, lag)
		if !(next > 0) {
			break
		}
		product *= next / previous
		ratios++
		previous = next
	}
	if ratios == 0 {
		return 0
	}
	return math.Min(math.Pow(product, 1/ratios), 0.999999)
}

// autocovariance is the mean of products of deviations a lag apart.
func autocovariance(series []float64, mean float64, lag int) float64 {
	var sum float64
	for i := lag; i < len(series); i++ {
		sum += (series[i] - mean) * (series[i-lag] - mean)
	}
	return sum / float64(len(series)-lag)
}

func average(values []float64) float64 {
	var sum float64
	for _, v := range values {
		sum += v
	}
	return sum / float64(len(values))
}
