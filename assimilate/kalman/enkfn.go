package kalman

// The finite-size ensemble Kalman filter (Bocquet 2011, Nonlin. Processes
// Geophys. 18, 735; Bocquet, Raanes & Hannart 2015, ibid. 22, 645) does not
// trust the covariance of N members. Integrating over the covariances that they
// could have come from replaces N-1 in the analysis by a number z that the
// innovations decide: with l the spectrum of Y Y^T and q = V^T Y d, it solves
//
//	sum_k q_k^2/(l_k + z)^2 + e - c (N-1)/z = 0
//
// which is the stationary point of the dual cost function
//
//	sum_k u_k^2/(r^2 l_k + N-1) + e/r^2 + c log r^2,   r^2 = (N-1)/z ,
//
// r being an inflation of the prior. The constants e = (N+1)/N and c = N/(N-1)
// are corrected so that r is 1 where the observations tell nothing, and
// multiplied by the certainty xn (Raanes, Bocquet & Carrassi 2019, Q. J. R.
// Meteorol. Soc. 145, 53): with m = sqrt((e/c)^k), k the mean of (N-1)/(l + N-1),
//
//	e <- xn e/m,   c <- xn c m .

import (
	"math"

	"retrace/dynamics"
)

// EnKFN is the ETKF that estimates its inflation in each cycle, from the
// innovations: the EnKF-N in its dual form. It needs no tuned inflation.
type EnKFN struct {
	XN float64 `toml:"xn" doc:"certainty of the prior of the inflation: 1 is agnostic, 2 suits systems that are less chaotic; 0.01 to 1e9"`
}

func (*EnKFN) kind() string { return "enkf-n" }

func (u *EnKFN) check(_ dynamics.Model) error {
	return dynamics.CheckBetween("xn", u.XN, 0.01, 1e9)
}

func (u *EnKFN) begin(c *cycle) (analysis, error) {
	return newGlobal(c, finiteSize{newSpectrum(c.members, c.most), u.XN}, min(c.members, c.most)), nil
}

type finiteSize struct {
	*spectrum
	xn float64
}

func (f finiteSize) weigh(t *transform, c *cycle) error {
	if !f.decompose(c.seen.anomalies, c.seen.residual, c.seen.count) {
		return c.diverged()
	}
	z := newHyperprior(f.spectrum, f.xn).size(f.spectrum)
	f.squareRoot(t, c.seen.anomalies, z)
	return nil
}

// hyperprior holds the constants e and c of an ensemble of N members.
type hyperprior struct{ n, e, c float64 }

// newHyperprior corrects the constants for the anomalies whose spectrum is
// given.
func newHyperprior(s *spectrum, xn float64) hyperprior {
	n := float64(s.members)
	e, c := (n+1)/n, n/(n-1)
	k := n - float64(s.order) // the values that a smaller Gram matrix leaves out are 0
	for _, l := range s.values {
		k += (n - 1) / (l + n - 1)
	}
	m := math.Sqrt(math.Pow(e/c, k/n))
	return hyperprior{n, xn * e / m, xn * c * m}
}

// given is z for known weights of the mean, of squared length w2.
func (h hyperprior) given(w2 float64) float64 { return (h.n - 1) * h.c / (h.e + w2) }

// size solves for z by Newton steps, safeguarded by bisection: the left-hand
// side is -infinity at 0 and not negative where the sum is left out.
func (h hyperprior) size(s *spectrum) float64 {
	low, high := 0., h.given(0)
	z := math.Min(h.n-1, high)
	for range 100 {
		value, slope := h.stationarity(s, z)
		if value > 0 {
			high = z
		} else {
			low = z
		}
		next := z - value/slope
		if !(next > low && next < high) {
			next = (low + high) / 2
		}
		if math.Abs(next-z) <= 1e-12*z {
			break
		}
		z = next
	}
	return z
}

// stationarity is the left-hand side of the equation for z, and its derivative.
func (h hyperprior) stationarity(s *spectrum, z float64) (value, slope float64) {
	value = h.e - h.c*(h.n-1)/z
	slope = h.c * (h.n - 1) / (z * z)
	for k, l := range s.values {
		q := s.projected[k] * s.projected[k]
		if s.dual {
			q *= l
		}
		value += q / square(l+z)
		slope -= 2 * q / (square(l+z) * (l + z))
	}
	return value, slope
}
