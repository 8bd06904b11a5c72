package safetensors

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"slices"
	"unicode/utf8"

	"retrace/internal/fault"
)

// Read reads a file. A missing file and any fault of its content are input
// errors; a failure of the system is not.
func Read(path string) (*File, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Inputf("weights: %w", err)
	}
	if err != nil {
		return nil, fmt.Errorf("weights: %w", err)
	}
	return Decode(path, content)
}

// Decode reads the content of a file; path only names it in errors. All errors
// are input errors.
func Decode(path string, content []byte) (*File, error) {
	f, err := decode(content)
	if err != nil {
		return nil, fault.Inputf("%s: %w", path, err)
	}
	return f, nil
}

// entry is a tensor of the header: its bytes are data[begin:end].
type entry struct {
	name       string
	shape      []int
	begin, end int
}

func decode(content []byte) (*File, error) {
	if len(content) < lengthSize {
		return nil, fmt.Errorf("no safetensors file: %d bytes, even the length of the header is missing", len(content))
	}
	length := binary.LittleEndian.Uint64(content)
	rest := content[lengthSize:]
	if length > headerLimit {
		return nil, fmt.Errorf("no safetensors file: header of %d bytes, at most %d are allowed", length, headerLimit)
	}
	if length > uint64(len(rest)) {
		return nil, fmt.Errorf("truncated: header of %d bytes, the file has %d more", length, len(rest))
	}
	f, entries, err := decodeHeader(rest[:length])
	if err != nil {
		return nil, err
	}
	data := rest[length:]
	if err := checkTiling(entries, len(data)); err != nil {
		return nil, err
	}
	for _, e := range entries {
		f.Tensors = append(f.Tensors, Tensor{e.name, e.shape, values(data[e.begin:e.end])})
	}
	slices.SortFunc(f.Tensors, func(a, b Tensor) int { return cmp.Compare(a.Name, b.Name) })
	return f, nil
}

func values(data []byte) []float32 {
	x := make([]float32, len(data)/4)
	for i := range x {
		x[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
	}
	return x
}

// checkTiling sorts the entries by place and checks that they cover the data
// once.
func checkTiling(entries []entry, size int) error {
	slices.SortFunc(entries, func(a, b entry) int {
		return cmp.Or(cmp.Compare(a.begin, b.begin), cmp.Compare(a.end, b.end), cmp.Compare(a.name, b.name))
	})
	at := 0
	for _, e := range entries {
		switch {
		case e.end > size:
			return fmt.Errorf("tensor %q: truncated: its data ends at byte %d, the file has %d", e.name, e.end, size)
		case e.begin < at:
			return fmt.Errorf("tensor %q: its data starts at byte %d, inside another tensor", e.name, e.begin)
		case e.begin > at:
			return fmt.Errorf("tensor %q: unused bytes %d to %d before its data", e.name, at, e.begin)
		}
		at = e.end
	}
	if at < size {
		return fmt.Errorf("%d bytes after the last tensor", size-at)
	}
	return nil
}

func decodeHeader(header []byte) (*File, []entry, error) {
	if !utf8.Valid(header) {
		return nil, nil, errors.New("header is not UTF-8 text")
	}
	if len(header) == 0 || header[0] != '{' {
		return nil, nil, errors.New("header does not start with {")
	}
	f := &File{Metadata: map[string]string{}}
	var entries []entry
	err := object(header, func(key string, value json.RawMessage) error {
		if key == metadataKey {
			return decodeMetadata(f.Metadata, value)
		}
		e, err := decodeEntry(key, value)
		if err != nil {
			return fmt.Errorf("tensor %q: %w", key, err)
		}
		entries = append(entries, e)
		return nil
	})
	if err != nil {
		return nil, nil, err
	}
	return f, entries, nil
}

func decodeMetadata(metadata map[string]string, value json.RawMessage) error {
	err := object(value, func(key string, value json.RawMessage) error {
		s, err := scalar[string](value)
		metadata[key] = s
		return wrap(err, "%q is not a string", key)
	})
	return wrap(err, metadataKey)
}

// decodeEntry reads {"dtype": "F32", "shape": [...], "data_offsets": [b, e]}.
func decodeEntry(name string, value json.RawMessage) (entry, error) {
	e := entry{name: name}
	var dtype string
	var offsets []int
	seen := 0
	err := object(value, func(key string, value json.RawMessage) (err error) {
		seen++
		switch key {
		case "dtype":
			dtype, err = scalar[string](value)
		case "shape":
			e.shape, err = scalar[[]int](value)
		case "data_offsets":
			offsets, err = scalar[[]int](value)
		default:
			return fmt.Errorf("unknown key %q", key)
		}
		return wrap(err, "%q", key)
	})
	switch {
	case err != nil:
		return e, err
	case seen != 3:
		return e, errors.New("needs dtype, shape and data_offsets")
	case dtype != dtypeF32:
		return e, fmt.Errorf("dtype %q, only %q is read: convert the weights to float32", dtype, dtypeF32)
	case len(offsets) != 2 || offsets[0] < 0 || offsets[1] < offsets[0]:
		return e, fmt.Errorf("bad data_offsets %v", offsets)
	}
	e.begin, e.end = offsets[0], offsets[1]
	if n, ok := elements(e.shape, math.MaxInt/4); !ok || 4*n != e.end-e.begin {
		return e, fmt.Errorf("shape %v does not match its %d bytes of data", e.shape, e.end-e.begin)
	}
	return e, nil
}

// wrap puts a text before an error, if there is one.
func wrap(err error, format string, args ...any) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", fmt.Sprintf(format, args...), err)
}

// scalar decodes a value that must not be null.
func scalar[T any](value json.RawMessage) (T, error) {
	var v *T
	if err := json.Unmarshal(value, &v); err != nil {
		return *new(T), err
	}
	if v == nil {
		return *new(T), errors.New("is null")
	}
	return *v, nil
}

// object visits the members of a JSON object, which must be the whole text and
// have no member twice.
func object(text []byte, visit func(key string, value json.RawMessage) error) error {
	d := json.NewDecoder(bytes.NewReader(text))
	if start, err := d.Token(); err != nil || start != json.Delim('{') {
		return errors.New("is not a JSON object")
	}
	seen := map[string]bool{}
	for d.More() {
		token, err := d.Token()
		if err != nil {
			return wrap(err, "broken JSON")
		}
		key, ok := token.(string)
		if !ok || seen[key] {
			return fmt.Errorf("%v is given twice or is no name", token)
		}
		seen[key] = true
		var value json.RawMessage
		if err := d.Decode(&value); err != nil {
			return wrap(err, "broken JSON at %q", key)
		}
		if err := visit(key, value); err != nil {
			return err
		}
	}
	if _, err := d.Token(); err != nil {
		return wrap(err, "broken JSON")
	}
	if _, err := d.Token(); err != io.EOF {
		return errors.New("text after the JSON object")
	}
	return nil
}
