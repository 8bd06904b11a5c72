package twolayer

import (
	"retrace/internal/fft"
	"retrace/internal/kernel"
)

// Stepper makes the steps of a trajectory. It is not safe for concurrent use.
type Stepper struct {
	tables    *Tables
	fluxes    *Fluxes
	loop      *fft.Loop
	state     []float64 // records of recordLen
	last      int       // vector at which a record has the last tendency
	rows      []int     // where strips have the rows of a half spectrum
	opposites []int     // and those of opposite sign
	spans     []span
	weights   [3]float64
	point     point // in the hands of the portable twin
	level     string
	exchange  fft.Visit
	product   func(out, in []fft.Planes)
}

// A record of the state holds, of a row of a strip, real and imaginary parts of
// q1 and of q2, and two past tendencies likewise.
const (
	recordVectors = 12
	recordLen     = recordVectors * lanes
	tendencyA     = 4
	tendencyB     = 8
)

// State is a state: half spectra of potential vorticity, 1/s, and its tendencies
// one and two steps ago, 1/s2, of both layers.
type State struct {
	Q, Last, Previous [2]fft.Planes
}

// NewStepper returns a stepper that uses the scratch space of a plan, and f at
// points of the grid.
func NewStepper(plan *fft.Plan, t *Tables, f *Fluxes) *Stepper {
	s := &Stepper{
		tables: t, fluxes: f, loop: plan.NewLoop(3, 2), level: kernel.Level(),
		state: make([]float64, len(t.pairing)*t.rows*2*recordLen), last: tendencyA,
	}
	for row := range t.rows {
		s.rows = append(s.rows, s.loop.Row(row))
		s.opposites = append(s.opposites, s.loop.Row(fft.Partner(row, t.Nx)))
	}
	s.spans = spansOf(t.Nx)
	s.exchange, s.product = s.visit, f.Multiply
	return s
}

// Load sets the state.
func (s *Stepper) Load(state State) {
	halves := s.vectors(state)
	s.records(func(record []float64, row int, columns *[lanes]int) {
		for n := range halves {
			half, vector := halves[n][row:], record[n*lanes:]
			for column, ky := range columns {
				if ky >= 0 {
					vector[column] = half[ky]
				}
			}
		}
	})
	s.loop.Fill(s.exchange)
}

// Store writes the state to state.
func (s *Stepper) Store(state State) {
	halves := s.vectors(state)
	s.records(func(record []float64, row int, columns *[lanes]int) {
		for n := range halves {
			half, vector := halves[n][row:], record[n*lanes:]
			for column, ky := range columns {
				if ky >= 0 {
					half[ky] = vector[column]
				}
			}
		}
	})
}

// vectors lists the planes of a state in the order of the vectors of a record.
func (s *Stepper) vectors(state State) [recordVectors][]float64 {
	var halves [recordVectors][]float64
	for layer := range 2 {
		set := func(first int, planes fft.Planes) {
			halves[first+2*layer], halves[first+2*layer+1] = planes.Re, planes.Im
		}
		set(0, state.Q[layer])
		set(s.last, state.Last[layer])
		set(s.oldest(), state.Previous[layer])
	}
	return halves
}

// oldest is the vector at which a record has the tendency of two steps ago.
func (s *Stepper) oldest() int { return tendencyA + tendencyB - s.last }

// records goes through the records of the state, with the start of their row in
// a half spectrum and the wavenumbers ky of their columns, -1 for padding.
func (s *Stepper) records(visit func(record []float64, row int, columns *[lanes]int)) {
	t := s.tables
	for pair := range t.pairing {
		for row := range t.rows {
			for side := range 2 {
				at := t.record(pair, row, side) * recordLen
				visit(s.state[at:at+recordLen], row*len(t.Ky), &t.pairing[pair][side])
			}
		}
	}
}

// Step moves on by one step, with the weights of the present tendency and of the
// two before, in s, and sets Fastest of its
// fluxes to that of the flow before the step.
func (s *Stepper) Step(weights [3]float64) {
	s.weights, s.fluxes.Fastest = weights, [2]float64{}
	s.loop.Products(s.product)
	s.loop.Exchange(s.exchange)
	s.last = s.oldest()
}

// visit makes the step at a pair of strips; without products it only sets the
// fields.
func (s *Stepper) visit(pair int, in, out []fft.Planes) {
	if s.level == kernel.Generic {
		for row := range s.tables.rows {
			s.visitRow(strips{s, pair, row, in, out})
		}
		return
	}
	args := s.arguments(pair, in, out)
	for _, span := range s.spans {
		s.visitSpan(&args, pair, span)
	}
}

// A span is the rows first to end-1 of half spectra: all of them are their own
// opposites, or none.
type span struct {
	first, end int
	alone      bool
}

// spansOf divides the rows of half spectra of nx columns on the grid.
func spansOf(nx int) []span {
	middle, rows := (nx+1)/2, nx/2+1
	spans := []span{{0, 1, true}}
	if middle > 1 {
		spans = append(spans, span{1, middle, false})
	}
	if rows > middle {
		spans = append(spans, span{middle, rows, true})
	}
	return spans
}

// visitSpan is visit for some rows.
func (s *Stepper) visitSpan(args *stepArgs, pair int, span span) {
	t := s.tables
	record := t.record(pair, span.first, 0)
	args.state, args.tables = &s.state[record*recordLen], &t.factors[record*tableLen]
	args.k, args.rows, args.opposites = &t.Kx[span.first], &s.rows[span.first], &s.opposites[span.first]
	args.count = span.end - span.first
	if span.alone {
		s.assemblyAlone(args)
	} else {
		s.assembly(args)
	}
}

// arguments are those of the assembly, but for the rows.
func (s *Stepper) arguments(pair int, in, out []fft.Planes) stepArgs {
	t := s.tables
	args := stepArgs{
		l: &t.l[2*pair*lanes], masks: &t.masks[pair][0][0],
		last: 8 * s.last * lanes, oldest: 8 * s.oldest() * lanes,
		delta: t.Delta, drag: t.Drag, gradient: t.Gradient,
		now: s.weights[0], lastWeight: s.weights[1], oldestWeight: s.weights[2], half: 0.5,
	}
	for i, strip := range out {
		args.out[2*i], args.out[2*i+1] = &strip.Re[0], &strip.Im[0]
	}
	for i, strip := range in {
		args.in[2*i], args.in[2*i+1] = &strip.Re[0], &strip.Im[0]
	}
	for column, mask := range t.masks[pair][0] {
		args.self |= int(mask & 1 << column)
	}
	return args
}
