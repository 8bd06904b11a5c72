package qg_test

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strconv"
	"testing"

	"retrace/qg"
)

// testdata/reference.json holds trajectories of an independent numpy model that
// agrees with compiled pyqg to 1.2e-14 of a layer's maximum after 1000 steps.

type fieldNumbers struct {
	L2, Max, Min float64
	Probes       []float64
}

type energyNumbers struct {
	Ke, Ens []float64
	Ape     float64
}

type referenceCase struct {
	Config  string
	N       int
	Dt      float64
	Step0   map[string][]fieldNumbers
	Energy0 energyNumbers
	Filter  map[string]float64
	Steps   map[string]struct {
		Q []fieldNumbers
		energyNumbers
	}
}

type reference struct {
	Probes [][2]int `json:"probes_jy_ix_of_32"`
	Cases  map[string]referenceCase
}

func readReference(t testing.TB) reference {
	t.Helper()
	text, err := os.ReadFile("testdata/reference.json")
	if err != nil {
		t.Fatal(err)
	}
	var r reference
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatal(err)
	}
	return r
}

// parameters are those of a case of the reference.
func (c referenceCase) parameters() *qg.TwoLayer {
	p := qg.New("eddy")
	p.Nx, p.Ny, p.Dt, p.Interval = c.N, c.N, c.Dt, c.Dt
	if c.Config == "free" {
		p.VelocityUpper, p.Drag, p.Filter = 0, 0, 0
	}
	return p
}

// referenceStart is the start of the reference on any grid.
func referenceStart(nx, ny int) []float64 {
	q := make([]float64, 2*nx*ny)
	for j := range ny {
		for i := range nx {
			a := 2 * math.Pi * (float64(i) + 0.5) / float64(nx)
			b := 2 * math.Pi * (float64(j) + 0.5) / float64(ny)
			q[j*nx+i] = 1e-6 * (4*math.Cos(3*a+2*b+0.3) + 3*math.Sin(5*a-4*b) +
				2.5*math.Cos(2*a)*math.Sin(6*b) + 2*math.Cos(7*b-0.7) + 1.5*math.Sin(8*a+b+1.1))
			q[(ny+j)*nx+i] = 1e-6 * (0.8*math.Cos(a-3*b+0.5) + 0.6*math.Sin(4*a+2*b) + 0.5*math.Cos(5*b)*math.Sin(3*a+0.2))
		}
	}
	return q
}

// compare checks a field against stored numbers, of 12 digits.
func (r reference) compare(t *testing.T, name string, field []float64, n int, want fieldNumbers, tolerance float64) {
	t.Helper()
	scale := max(math.Abs(want.Max), math.Abs(want.Min))
	// The stored digits end at 5e-12 of each number.
	check := func(what string, got, want, tolerance float64) {
		t.Helper()
		if !(math.Abs(got-want) <= tolerance+6e-12*math.Abs(want)) {
			t.Errorf("%s: %s is %.15g, want %.12g: off by %.2g of the maximum", name, what, got, want, math.Abs(got-want)/scale)
		}
	}
	squares := 0.0
	for _, v := range field {
		squares += v * v
	}
	check("l2", math.Sqrt(squares), want.L2, tolerance*scale*float64(n))
	check("maximum", slices.Max(field), want.Max, tolerance*scale)
	check("minimum", slices.Min(field), want.Min, tolerance*scale)
	for p, at := range r.Probes {
		check("probe "+strconv.Itoa(p), field[at[0]*n/32*n+at[1]*n/32], want.Probes[p], tolerance*scale)
	}
}

func TestTrajectoriesAreThoseOfTheReference(t *testing.T) {
	r := readReference(t)
	for name, c := range r.Cases {
		m := build(t, c.parameters())
		s := m.Start(referenceStart(c.N, c.N))
		q := make([]float64, 2*c.N*c.N)
		last := 0
		for stop := range c.Steps {
			n, _ := strconv.Atoi(stop)
			last = max(last, n)
		}
		for step := 0; step <= last; step++ {
			stop, listed := c.Steps[strconv.Itoa(step)]
			if listed {
				s.PV(q)
				for layer := range 2 {
					at := name + " step " + strconv.Itoa(step) + " q" + strconv.Itoa(layer+1)
					r.compare(t, at, q[layer*c.N*c.N:(layer+1)*c.N*c.N], c.N, stop.Q[layer], 1e-11)
				}
			}
			s.Step(nil)
		}
	}
}
