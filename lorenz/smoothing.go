package lorenz

// The advection of Lorenz (2005), eq. 9, on a ring,
//
//	[X, Y]_{K,i} = sum'_j sum'_l (-X_{i-2K-l} Y_{i-K-j} + X_{i-K+j-l} Y_{i+K+j}) / K^2 ,
//
// j and l from -J to J. For even K, J = K/2 and the primes halve the first and the last
// term; for odd K, J = (K-1)/2 and they do nothing. With means over K sites,
// W_i = sum'_l X_{i-l}/K and V likewise of Y, it takes one sum instead of two,
//
//	[X, Y]_{K,i} = -W_{i-2K} V_{i-K} + sum'_j W_{i-K+j} Y_{i+K+j} / K .
//
// [X, X]_K conserves sum X^2, and K = 1 is the advection of Lorenz 96.

// smoothing is the mean over K sites.
type smoothing struct {
	k       int
	weights []float64 // of j from -J to J; they sum to 1
}

func newSmoothing(k int) smoothing {
	half := k / 2
	s := smoothing{k, make([]float64, 2*half+1)}
	for i := range s.weights {
		s.weights[i] = 1 / float64(k)
	}
	if k%2 == 0 {
		s.weights[0] /= 2
		s.weights[2*half] /= 2
	}
	return s
}

// smooth writes sum_j weights_j x_{i+j}, j from -(len(weights)-1)/2. The weights being
// symmetric, it is its own transpose.
func smooth(dst, x, weights []float64) {
	n, half := len(x), len(weights)/2
	for i := range dst {
		at := wrapped(i-half, n)
		var sum float64
		for _, w := range weights {
			sum += w * x[at]
			if at++; at == n {
				at = 0
			}
		}
		dst[i] = sum
	}
}

// wrapped is a site of a ring of n, for i above -2 n.
func wrapped(i, n int) int { return (i + 2*n) % n }

// advect adds factor [x, y]_K to dst; w and v are scratch.
func (s smoothing) advect(dst []float64, factor float64, x, y, w, v []float64) {
	n, half := len(x), len(s.weights)/2
	smooth(w, x, s.weights)
	smooth(v, y, s.weights)
	for i := range dst {
		before, after := wrapped(i-s.k-half, n), wrapped(i+s.k-half, n)
		var sum float64
		for _, c := range s.weights {
			sum += c * w[before] * y[after]
			if before++; before == n {
				before = 0
			}
			if after++; after == n {
				after = 0
			}
		}
		dst[i] += factor * (sum - w[wrapped(i-2*s.k, n)]*v[wrapped(i-s.k, n)])
	}
}

// pull adds to gx and gy, which may be the same, the derivatives of factor g^T [x, y]_K by
// x and y; w and gw are scratch.
func (s smoothing) pull(gx, gy []float64, factor float64, x, y, g, w, gw []float64) {
	n, half := len(x), len(s.weights)/2
	// What y meets, itself or averaged: the mean of x.
	smooth(w, x, s.weights)
	clear(gw)
	for i, cotangent := range g {
		gw[wrapped(i-s.k, n)] -= factor * cotangent * w[wrapped(i-2*s.k, n)]
	}
	addSmoothed(gy, gw, s.weights)
	for i, cotangent := range g {
		for j, c := range s.weights {
			gy[wrapped(i+s.k-half+j, n)] += factor * cotangent * c * w[wrapped(i-s.k-half+j, n)]
		}
	}
	// What the mean of x meets.
	smooth(w, y, s.weights)
	clear(gw)
	for i, cotangent := range g {
		gw[wrapped(i-2*s.k, n)] -= factor * cotangent * w[wrapped(i-s.k, n)]
		for j, c := range s.weights {
			gw[wrapped(i-s.k-half+j, n)] += factor * cotangent * c * y[wrapped(i+s.k-half+j, n)]
		}
	}
	addSmoothed(gx, gw, s.weights)
}

// addSmoothed adds x smoothed to dst.
func addSmoothed(dst, x, weights []float64) {
	n, half := len(x), len(weights)/2
	for i := range dst {
		for j, w := range weights {
			dst[i] += w * x[wrapped(i-half+j, n)]
		}
	}
}
