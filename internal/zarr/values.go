package zarr

import (
	"encoding/binary"
	"fmt"
	"math"
	"unicode/utf8"
)

// Value is a Go type that array values are read into and written from.
type Value interface {
	float32 | float64 | int32 | int64 | string
}

var little = binary.LittleEndian

// typeOf is the number type that stores T exactly; for strings only the kind
// is meaningful.
func typeOf[T Value]() Type {
	var v T
	switch any(v).(type) {
	case float32:
		return Float32
	case float64:
		return Float64
	case int32:
		return Int32
	case int64:
		return Int64
	}
	return Text(1)
}

// convertible reports whether values of type from can be read as to: text as
// text, integers as any number, floats as floats.
func convertible(from, to Type) bool {
	if from.kind == 'U' || to.kind == 'U' {
		return from.kind == to.kind
	}
	return from.kind == 'i' || to.kind == 'f'
}

// encode writes values of the Go type that belongs to t to raw.
func encode[T Value](raw []byte, t Type, values []T) error {
	switch values := any(values).(type) {
	case []float32:
		for i, v := range values {
			little.PutUint32(raw[4*i:], math.Float32bits(v))
		}
	case []float64:
		for i, v := range values {
			little.PutUint64(raw[8*i:], math.Float64bits(v))
		}
	case []int32:
		for i, v := range values {
			little.PutUint32(raw[4*i:], uint32(v))
		}
	case []int64:
		for i, v := range values {
			little.PutUint64(raw[8*i:], uint64(v))
		}
	case []string:
		for i, v := range values {
			if err := encodeText(raw[i*t.size:(i+1)*t.size], v); err != nil {
				return err
			}
		}
	}
	return nil
}

// encodeText writes v as zero-padded UTF-32.
func encodeText(raw []byte, v string) error {
	if !utf8.ValidString(v) {
		return fmt.Errorf("the text %q is not UTF-8", v)
	}
	n := 0
	for _, r := range v {
		if n+4 > len(raw) {
			return fmt.Errorf("the text %q is longer than %d characters", v, len(raw)/4)
		}
		little.PutUint32(raw[n:], uint32(r))
		n += 4
	}
	if n > 0 && v[len(v)-1] == 0 {
		return fmt.Errorf("the text %q ends in a NUL", v)
	}
	clear(raw[n:])
	return nil
}

// decode reads values of type t from raw into dst, which must be convertible.
// It is an error if a value changes in the conversion, but for the rounding of
// float64 to float32.
func decode[T Value](dst []T, raw []byte, t Type) error {
	switch dst := any(dst).(type) {
	case []float32:
		if t == Float32 {
			for i := range dst {
				dst[i] = math.Float32frombits(little.Uint32(raw[4*i:]))
			}
			return nil
		}
		return decodeFloats(dst, raw, t, 1<<24)
	case []float64:
		return decodeFloats(dst, raw, t, 1<<53)
	case []int32:
		return decodeIntegers(dst, raw, t)
	case []int64:
		return decodeIntegers(dst, raw, t)
	case []string:
		return decodeText(dst, raw, t)
	}
	return nil
}

// decodeFloats reads any numbers; integers beyond largest would be rounded.
func decodeFloats[T float32 | float64](dst []T, raw []byte, t Type, largest int64) error {
	if t.kind == 'i' {
		for i := range dst {
			n := integer(raw, t, i)
			if n > largest || n < -largest {
				return fmt.Errorf("the integer %d does not fit a floating-point number", n)
			}
			dst[i] = T(n)
		}
		return nil
	}
	for i := range dst {
		v := float(raw, t, i)
		dst[i] = T(v)
		if math.IsInf(float64(dst[i]), 0) && !math.IsInf(v, 0) {
			return fmt.Errorf("the value %g does not fit a 32-bit number", v)
		}
	}
	return nil
}

func decodeIntegers[T int32 | int64](dst []T, raw []byte, t Type) error {
	for i := range dst {
		n := integer(raw, t, i)
		dst[i] = T(n)
		if int64(dst[i]) != n {
			return fmt.Errorf("the integer %d does not fit 32 bits", n)
		}
	}
	return nil
}

func float(raw []byte, t Type, i int) float64 {
	if t == Float32 {
		return float64(math.Float32frombits(little.Uint32(raw[4*i:])))
	}
	return math.Float64frombits(little.Uint64(raw[8*i:]))
}

func integer(raw []byte, t Type, i int) int64 {
	if t == Int32 {
		return int64(int32(little.Uint32(raw[4*i:])))
	}
	return int64(little.Uint64(raw[8*i:]))
}

func decodeText(dst []string, raw []byte, t Type) error {
	runes := make([]rune, t.size/4)
	for i := range dst {
		n := 0
		for j := range runes {
			code := little.Uint32(raw[i*t.size+4*j:])
			if code > utf8.MaxRune || !utf8.ValidRune(rune(code)) {
				return fmt.Errorf("%#x is not a character", code)
			}
			runes[j] = rune(code)
			if code != 0 {
				n = j + 1
			}
		}
		dst[i] = string(runes[:n])
	}
	return nil
}

// notANumber is a NaN of a floating-point type, in numpy's bits.
func notANumber(t Type) []byte {
	raw := make([]byte, t.size)
	if t == Float32 {
		little.PutUint32(raw, 0x7fc00000)
	} else {
		little.PutUint64(raw, 0x7ff8000000000000)
	}
	return raw
}
