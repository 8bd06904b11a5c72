// Physical realism of periodic fields: does a member have as much variance at each
// scale as the truth, and the same values? An ensemble mean is too smooth; members
// must not be.

package verify

import (
	"math"

	"retrace/internal/fft"
)

// Spectrum is the isotropic power spectrum of a periodic field of ny rows of nx
// values: the variance in each ring of wavenumbers,
//
//	P_k = sum over rings k-1/2 <= |(kx, ky)| < k+1/2 of |F(kx, ky)|^2/(nx ny)^2,
//
// with k = 0 (the squared mean) to the last whole ring, min(nx, ny)/2. In squared
// units of the field; the sum over all rings would be its mean square (Parseval).
func Spectrum(field []float32, ny, nx int) []float64 {
	if len(field) != ny*nx {
		panic("verify: the field does not have ny x nx values")
	}
	plan := fft.NewPlan(ny, nx)
	values, spectrum := fft.NewPlanes(plan.Len()), fft.NewPlanes(plan.Len())
	for i, v := range field {
		values.Re[i] = float64(v)
	}
	plan.Forward(spectrum, values)
	power := make([]float64, min(nx, ny)/2+1)
	scale := 1 / float64(nx*ny)
	for kx := range nx {
		for ky := range ny {
			ring := int(math.Round(math.Hypot(float64(fft.Wavenumber(kx, nx)), float64(fft.Wavenumber(ky, ny)))))
			if ring < len(power) {
				re, im := spectrum.Re[kx*ny+ky]*scale, spectrum.Im[kx*ny+ky]*scale
				power[ring] += re*re + im*im
			}
		}
	}
	return power
}

// Band is a range of wavenumbers, both ends included.
type Band struct{ First, Last int }

// Octaves cuts wavenumbers 1 to last into bands that double: 1, 2-3, 4-7, ...
func Octaves(last int) []Band {
	var bands []Band
	for k := 1; k <= last; k *= 2 {
		bands = append(bands, Band{k, min(2*k-1, last)})
	}
	return bands
}

// BandRatios is, for each band, the variance of the members over that of the
// truth, both already averaged over cases and times (and members): 1 if the scales
// are as lively as they should be, below 1 if too smooth.
func BandRatios(members, truth []float64, bands []Band) []float64 {
	ratios := make([]float64, len(bands))
	for i, b := range bands {
		var m, t float64
		for k := b.First; k <= b.Last; k++ {
			m += members[k]
			t += truth[k]
		}
		ratios[i] = m / t
	}
	return ratios
}

// OnePoint compares the laws of single values, pooled over members, times and
// cases, in units of the standard deviation of the truth.
type OnePoint struct {
	// Transport is the 1-Wasserstein distance of the two laws over the standard
	// deviation of the truth.
	Transport float64
	// Mean is the difference of the means over that standard deviation, Sd the
	// ratio of the standard deviations.
	Mean, Sd float64
	// Skewness and Kurtosis (3 for a normal law) of the members and of the truth,
	// in this order.
	Skewness, Kurtosis [2]float64
}

// CompareValues compares pooled values of members and of truths. Values of one
// field are dependent: judge the differences beside those of two sets of truths.
func CompareValues(members, truth []float32) OnePoint {
	a, b := valueMoments(members), valueMoments(truth)
	return OnePoint{
		Transport: lineTransport(evenSteps(members), evenSteps(truth)) / b.sd,
		Mean:      (a.mean - b.mean) / b.sd, Sd: a.sd / b.sd,
		Skewness: [2]float64{a.skewness, b.skewness}, Kurtosis: [2]float64{a.kurtosis, b.kurtosis},
	}
}

type fourMoments struct{ mean, sd, skewness, kurtosis float64 }

func valueMoments(values []float32) (m fourMoments) {
	n := float64(len(values))
	for _, v := range values {
		m.mean += float64(v) / n
	}
	var second, third, fourth float64
	for _, v := range values {
		d := float64(v) - m.mean
		second += d * d / n
		third += d * d * d / n
		fourth += d * d * d * d / n
	}
	m.sd = math.Sqrt(second)
	m.skewness = third / (second * m.sd)
	m.kurtosis = fourth / (second * second)
	return m
}

func evenSteps(values []float32) []step {
	steps := make([]step, len(values))
	for i, v := range values {
		steps[i] = step{float64(v), 1 / float64(len(values))}
	}
	return steps
}
