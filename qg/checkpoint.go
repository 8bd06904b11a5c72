package qg

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"

	"retrace/internal/fault"
)

// Checkpoint is all that a trajectory needs to go on to the same bits: the
// spectra of its potential vorticity and of the tendencies of the last two
// steps, and the number of steps made. A trajectory with random forcing also
// needs its generator at the same place.
type Checkpoint struct {
	nx, ny, steps int
	// values are the real and imaginary parts of both layers of the state, the
	// last tendency and the one before.
	values []float64
}

// ErrCheckpoint is the cause if bytes are not those of a checkpoint.
var ErrCheckpoint = errors.New("not a checkpoint of a two-layer simulation")

// Steps is the number of time steps made.
func (c *Checkpoint) Steps() int { return c.steps }

// Checkpoint copies all that the trajectory needs to go on.
func (s *Simulation) Checkpoint() *Checkpoint {
	s.settle()
	c := &Checkpoint{nx: s.model.grid.nx, ny: s.model.grid.ny, steps: s.steps}
	for _, part := range s.parts() {
		c.values = append(c.values, part...)
	}
	return c
}

func (s *Simulation) parts() [][]float64 {
	var parts [][]float64
	for _, p := range []pair{s.q, s.last, s.previous} {
		for _, layer := range p {
			parts = append(parts, layer.Re, layer.Im)
		}
	}
	return parts
}

// Restore starts a trajectory where a checkpoint left it. It is an input error
// if the checkpoint is of another grid.
func (m *Model) Restore(c *Checkpoint) (*Simulation, error) {
	if c.nx != m.grid.nx || c.ny != m.grid.ny {
		return nil, fault.Inputf("qg: the checkpoint is of a grid of %d x %d cells, the model has %d x %d", c.nx, c.ny, m.grid.nx, m.grid.ny)
	}
	s := m.newSimulation(func(*workspace, pair) {})
	s.steps = c.steps
	values := c.values
	for _, part := range s.parts() {
		values = values[copy(part, values):]
	}
	s.prepare()
	return s, nil
}

// The binary form is magic, nx, ny, steps, the values, and a CRC-32 of it all,
// little-endian.
var checkpointMagic = []byte("retrace two-layer checkpoint 1\n")

// values is the number of values of a checkpoint of a grid.
func checkpointValues(nx, ny int) int { return 3 * 2 * 2 * (nx/2 + 1) * ny }

// MarshalBinary writes the checkpoint; it does not fail.
func (c *Checkpoint) MarshalBinary() ([]byte, error) {
	b := bytes.Clone(checkpointMagic)
	for _, n := range []int{c.nx, c.ny, c.steps} {
		b = binary.LittleEndian.AppendUint64(b, uint64(n))
	}
	for _, v := range c.values {
		b = binary.LittleEndian.AppendUint64(b, math.Float64bits(v))
	}
	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

// UnmarshalBinary reads what MarshalBinary wrote. Other bytes are an input error
// with the cause ErrCheckpoint.
func (c *Checkpoint) UnmarshalBinary(b []byte) error {
	rest, found := bytes.CutPrefix(b, checkpointMagic)
	if !found || len(rest) < 3*8+4 {
		return fault.Input(ErrCheckpoint)
	}
	end := len(b) - 4
	if binary.LittleEndian.Uint32(b[end:]) != crc32.ChecksumIEEE(b[:end]) {
		return fault.Input(fmt.Errorf("%w: its check sum is wrong: it was damaged or cut short", ErrCheckpoint))
	}
	var header [3]uint64
	for i := range header {
		header[i] = binary.LittleEndian.Uint64(rest[8*i:])
	}
	body := rest[3*8 : len(rest)-4]
	const most = 1 << 20
	if header[0] > most || header[1] > most || header[2] > math.MaxInt64 ||
		len(body) != 8*checkpointValues(int(header[0]), int(header[1])) {
		return fault.Input(fmt.Errorf("%w: its size is not that of a grid of %d x %d", ErrCheckpoint, header[0], header[1]))
	}
	c.nx, c.ny, c.steps = int(header[0]), int(header[1]), int(header[2])
	c.values = make([]float64, len(body)/8)
	for i := range c.values {
		c.values[i] = math.Float64frombits(binary.LittleEndian.Uint64(body[8*i:]))
	}
	return nil
}
