package diffusion_test

import (
	"math"
	"testing"

	"retrace/diffusion"
)

func near(t *testing.T, what string, got, want, tolerance float64) {
	t.Helper()
	if !(math.Abs(got-want) <= tolerance) {
		t.Errorf("%s is %.6g, want %.6g within %.2g", what, got, want, tolerance)
	}
}

func schedule(t testing.TB, name string) diffusion.Schedule {
	t.Helper()
	s, err := diffusion.ScheduleNamed(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSchedulesEndWhereTheyShould(t *testing.T) {
	for _, c := range []struct {
		name                     string
		mu0, sigma0, mu1, sigma1 float64
	}{
		{"cosine", 1, 1e-3, 1e-3, 1},
		{"rectified", 1, 1e-3, 1e-3, 1},
		{"exploding", 1, 1e-3, 1, 100},
	} {
		data, noise := schedule(t, c.name).At(0), schedule(t, c.name).At(1)
		near(t, c.name+" mu(0)", data.Mu, c.mu0, 1e-12)
		near(t, c.name+" sigma(0)", data.Sigma, c.sigma0, 1e-12)
		near(t, c.name+" mu(1)", noise.Mu, c.mu1, 1e-12)
		near(t, c.name+" sigma(1)", noise.Sigma, c.sigma1, 1e-9)
	}
}

// The authors' code has sigma^2 = 1 - mu^2 + eta^2, their text has not.
func TestCosineScheduleIsThatOfTheAuthorsCode(t *testing.T) {
	eta := 0.1
	for i := range 11 {
		at := float64(i) / 10
		l := diffusion.Cosine{Eta: eta}.At(at)
		near(t, "mu", l.Mu, math.Pow(math.Cos(math.Acos(math.Sqrt(eta))*at), 2), 1e-15)
		near(t, "mu^2 + sigma^2", l.Mu*l.Mu+l.Sigma*l.Sigma, 1+eta*eta, 1e-15)
		near(t, "T", l.T, at, 0)
	}
}

func TestNoiseRatioGrowsWithTime(t *testing.T) {
	for _, name := range diffusion.Schedules() {
		s := schedule(t, name)
		for i := range 1000 {
			if a, b := s.At(float64(i)/1000), s.At(float64(i+1)/1000); a.Ratio() >= b.Ratio() {
				t.Fatalf("%s: the ratio falls from %v to %v after t = %v", name, a.Ratio(), b.Ratio(), a.T)
			}
		}
	}
}

func TestTimeAtInvertsSchedules(t *testing.T) {
	for _, name := range diffusion.Schedules() {
		s := schedule(t, name)
		for i := range 101 {
			at := float64(i) / 100
			near(t, name+" time", diffusion.TimeAt(s, s.At(at).Ratio()), at, 1e-12)
		}
		near(t, name+" time below the range", diffusion.TimeAt(s, 1e-9), 0, 0)
		near(t, name+" time above the range", diffusion.TimeAt(s, 1e9), 1, 0)
	}
}

func TestUnknownNamesAreErrors(t *testing.T) {
	if _, err := diffusion.ScheduleNamed("sine"); err == nil {
		t.Error("there is a schedule called sine")
	}
	if _, err := diffusion.GridNamed("random", diffusion.Cosine{Eta: 1e-3}, 8, below100); err == nil {
		t.Error("there is a grid called random")
	}
}
