package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
)

// header is what the dictionary of a file says.
type header struct {
	itemSize int
	shape    []int
}

func readHeader(r io.Reader) (header, error) {
	var start [8]byte
	if err := readFull(r, start[:]); err != nil {
		return header{}, err
	}
	if string(start[:6]) != magic {
		return header{}, contentError{errors.New("it is not a .npy file: write it with numpy.save")}
	}
	var length int
	switch {
	case start[6] == 1 && start[7] == 0:
		var size [2]byte
		if err := readFull(r, size[:]); err != nil {
			return header{}, err
		}
		length = int(binary.LittleEndian.Uint16(size[:]))
	case start[6] == 2 && start[7] == 0:
		var size [4]byte
		if err := readFull(r, size[:]); err != nil {
			return header{}, err
		}
		length = int(min(binary.LittleEndian.Uint32(size[:]), math.MaxInt32))
	default:
		return header{}, contentError{fmt.Errorf("its .npy version %d.%d is neither 1.0 nor 2.0", start[6], start[7])}
	}
	if length > maxHeader {
		return header{}, contentError{fmt.Errorf("its header of %d bytes is longer than %d", length, maxHeader)}
	}
	text := make([]byte, length)
	if err := readFull(r, text); err != nil {
		return header{}, err
	}
	h, err := parseHeader(string(text))
	if err != nil {
		return header{}, contentError{err}
	}
	return h, nil
}

// readFull tells a file that ends too early from a reader that fails.
func readFull(r io.Reader, dst []byte) error {
	_, err := io.ReadFull(r, dst)
	if err == io.EOF || err == io.ErrUnexpectedEOF {
		return contentError{errors.New("it ends within the header: it is not a .npy file or was cut off")}
	}
	return err
}

// parseHeader reads the dictionary literal
//
//	{'descr': '<f8', 'fortran_order': False, 'shape': (3, 4), }
//
// with its three keys in any order.
func parseHeader(text string) (header, error) {
	p := parser{rest: text}
	var h header
	seen := map[string]bool{}
	p.expect("{")
	for p.err == nil && !p.accept("}") {
		key := p.quoted()
		p.expect(":")
		if p.err == nil && seen[key] {
			p.fail("key %q stands twice", key)
		}
		seen[key] = true
		switch key {
		case "descr":
			h.itemSize = p.itemSize()
		case "fortran_order":
			p.order()
		case "shape":
			h.shape = p.shape()
		default:
			p.fail("key %q is unknown", key)
		}
		if !p.accept(",") {
			p.expect("}")
			break
		}
	}
	if p.err == nil && strings.TrimSpace(p.rest) != "" {
		p.fail("%.20q follows the dictionary", p.rest)
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if p.err == nil && !seen[key] {
			p.fail("key %q is missing", key)
		}
	}
	if p.err == nil && !fits(h) {
		p.fail("shape %v is too large", h.shape)
	}
	return h, p.err
}

// fits reports whether the size of the values in bytes is far from overflow,
// even if an axis is empty.
func fits(h header) bool {
	size := h.itemSize
	for _, n := range h.shape {
		if size > (1<<56)/max(n, 1) {
			return false
		}
		size *= max(n, 1)
	}
	return true
}

// parser takes tokens from the front of rest until the first error.
type parser struct {
	rest string
	err  error
}

func (p *parser) fail(format string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("its header cannot be read: "+format, args...)
	}
}

func (p *parser) accept(token string) bool {
	p.rest = strings.TrimLeft(p.rest, " \t\r\n")
	rest, found := strings.CutPrefix(p.rest, token)
	if p.err != nil || !found {
		return false
	}
	p.rest = rest
	return true
}

func (p *parser) expect(token string) {
	if !p.accept(token) {
		p.fail("%q is expected at %.20q", token, p.rest)
	}
}

// quoted reads a string in single or double quotes, without escapes.
func (p *parser) quoted() string {
	for _, quote := range []string{"'", `"`} {
		if !p.accept(quote) {
			continue
		}
		text, rest, found := strings.Cut(p.rest, quote)
		if !found || strings.Contains(text, `\`) {
			p.fail("a string does not end at %.20q", p.rest)
			return ""
		}
		p.rest = rest
		return text
	}
	p.fail("a string is expected at %.20q", p.rest)
	return ""
}

func (p *parser) itemSize() int {
	if strings.HasPrefix(strings.TrimSpace(p.rest), "[") {
		p.fail("a structured array is not an array of numbers")
		return 0
	}
	switch kind := p.quoted(); kind {
	case "<f4":
		return 4
	case "<f8":
		return 8
	case ">f4", ">f8":
		p.fail("its values are big-endian (%s): write a.astype('<f8')", kind)
	default:
		p.fail("its values are of type %q, not <f4 or <f8: write a.astype('<f8')", kind)
	}
	return 0
}

func (p *parser) order() {
	if p.accept("True") {
		p.fail("it is in Fortran order: write numpy.ascontiguousarray(a)")
	}
	p.expect("False")
}

// shape reads a tuple: (), (3,) or (3, 4).
func (p *parser) shape() []int {
	shape := []int{}
	p.expect("(")
	for p.err == nil && !p.accept(")") {
		shape = append(shape, p.integer())
		if p.accept(",") {
			continue
		}
		p.expect(")")
		if len(shape) == 1 {
			p.fail("the shape is a number, not a tuple")
		}
		break
	}
	if len(shape) > 32 {
		p.fail("it has %d axes, more than 32", len(shape))
	}
	return shape
}

func (p *parser) integer() int {
	p.accept("") // skips space
	end := strings.IndexFunc(p.rest, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(p.rest)
	}
	n, err := strconv.Atoi(p.rest[:end])
	if err != nil {
		p.fail("a size is expected at %.20q", p.rest)
		return 0
	}
	p.rest = p.rest[end:]
	return n
}
