package npy

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"

	"retrace/internal/atomicfile"
	"retrace/internal/fault"
)

// Float is a type of array values.
type Float interface{ float32 | float64 }

const (
	magic = "\x93NUMPY"
	// maxHeader is numpy's own bound: longer headers are not safe to evaluate.
	maxHeader = 10000
)

// Read returns the shape (outermost first, empty for a single number) and the
// values of the file, the last axis varying fastest. Values are converted to
// T: float64 is rounded to float32, and it is an error if one is too large for
// that. NaN and infinities are let through.
func Read[T Float](path string) (shape []int, values []T, err error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil, fault.Input(err)
	}
	if err != nil {
		return nil, nil, err
	}
	defer file.Close()
	return Decode[T](file, path)
}

// Decode reads an array as Read does; name stands for the file in errors. All
// of r must be the array.
func Decode[T Float](r io.Reader, name string) (shape []int, values []T, err error) {
	h, err := readHeader(r)
	if err != nil {
		return nil, nil, mark(name, err)
	}
	count := 1
	for _, n := range h.shape {
		count *= n
	}
	want := count * h.itemSize
	// The buffer grows with what is really there, whatever the header claims.
	var raw bytes.Buffer
	n, err := io.Copy(&raw, io.LimitReader(r, int64(want)+1))
	if err == nil && n != int64(want) {
		held := "more than"
		if n < int64(want) {
			held = strconv.FormatInt(n, 10) + " of"
		}
		err = contentError{fmt.Errorf("its header says shape %v, but it holds %s the %d bytes of that: copy or write it again", h.shape, held, want)}
	}
	if err == nil {
		values = make([]T, count)
		err = convert(values, raw.Bytes(), h.itemSize)
	}
	if err != nil {
		return nil, nil, mark(name, err)
	}
	return h.shape, values, nil
}

// contentError is a fault of the content, not of the reader below.
type contentError struct{ error }

func (e contentError) Unwrap() error { return e.error }

// mark names the file and marks errors of the content as input errors.
func mark(name string, err error) error {
	err = fmt.Errorf("%s: %w", name, err)
	if _, ok := errors.AsType[contentError](err); ok {
		return fault.Input(err)
	}
	return err
}

func convert[T Float](values []T, raw []byte, itemSize int) error {
	for i := range values {
		if itemSize == 4 {
			values[i] = T(math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:])))
			continue
		}
		v := math.Float64frombits(binary.LittleEndian.Uint64(raw[8*i:]))
		values[i] = T(v)
		if math.IsInf(float64(values[i]), 0) && !math.IsInf(v, 0) {
			return contentError{fmt.Errorf("value %d is %g, too large for a 32-bit number", i, v)}
		}
	}
	return nil
}

// Write stores an array in a file of version 1.0, as float32 or float64 after
// T. It panics if the shape does not fit the values. The file appears whole or
// not at all.
func Write[T Float](path string, shape []int, values []T) error {
	if err := atomicfile.Write(path, Encode(shape, values)); err != nil {
		return fmt.Errorf("npy: writing %s: %w", path, err)
	}
	return nil
}

// Encode is the content of the file that Write makes.
func Encode[T Float](shape []int, values []T) []byte {
	count := 1
	for _, n := range shape {
		count *= n
	}
	if count != len(values) {
		panic(fmt.Sprintf("npy: shape %v for %d values", shape, len(values)))
	}
	var file []byte
	switch values := any(values).(type) {
	case []float32:
		file = appendHeader(make([]byte, 0, 128+4*count), "<f4", shape)
		for _, v := range values {
			file = binary.LittleEndian.AppendUint32(file, math.Float32bits(v))
		}
	case []float64:
		file = appendHeader(make([]byte, 0, 128+8*count), "<f8", shape)
		for _, v := range values {
			file = binary.LittleEndian.AppendUint64(file, math.Float64bits(v))
		}
	}
	return file
}

func appendHeader(file []byte, kind string, shape []int) []byte {
	var tuple strings.Builder
	for i, n := range shape {
		if i > 0 {
			tuple.WriteByte(' ')
		}
		tuple.WriteString(strconv.Itoa(n) + ",")
	}
	list := tuple.String()
	if len(shape) > 1 {
		list = strings.TrimSuffix(list, ",")
	}
	header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", kind, list)
	padding := 64 - (len(magic)+4+len(header)+1)%64
	header += strings.Repeat(" ", padding%64) + "\n"
	file = append(file, magic+"\x01\x00"...)
	file = binary.LittleEndian.AppendUint16(file, uint16(len(header)))
	return append(file, header...)
}
