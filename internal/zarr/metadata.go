package zarr

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// The documents of a store, as the Zarr v2 specification and xarray name them.
const (
	groupFile        = ".zgroup"
	arrayFile        = ".zarray"
	attributeFile    = ".zattrs"
	consolidatedFile = ".zmetadata"
	dimensionsKey    = "_ARRAY_DIMENSIONS"
)

type groupDocument struct {
	Format int `json:"zarr_format"`
}

type arrayDocument struct {
	Format     int             `json:"zarr_format"`
	Shape      []int           `json:"shape"`
	Chunks     []int           `json:"chunks"`
	Type       json.RawMessage `json:"dtype"`
	Fill       json.RawMessage `json:"fill_value"`
	Order      string          `json:"order"`
	Separator  string          `json:"dimension_separator,omitempty"`
	Compressor *codecDocument  `json:"compressor"`
	Filters    []codecDocument `json:"filters"`
}

type codecDocument struct {
	ID          string `json:"id"`
	Level       int    `json:"level,omitempty"`
	ElementSize int    `json:"elementsize,omitempty"`
}

type consolidatedDocument struct {
	Format   int                        `json:"zarr_consolidated_format"`
	Metadata map[string]json.RawMessage `json:"metadata"`
}

// documents renders all metadata of a group by file name, but for the
// consolidated document. The bytes depend on the content only.
func documents(attributes map[string]any, arrays map[string]*Array) (map[string][]byte, error) {
	all := map[string]any{groupFile: groupDocument{2}, attributeFile: notNil(attributes)}
	for name, a := range arrays {
		withDimensions := maps.Clone(notNil(a.Attributes))
		withDimensions[dimensionsKey] = append([]string{}, a.Dimensions...)
		all[name+"/"+attributeFile] = withDimensions
		all[name+"/"+arrayFile] = a.document()
	}
	rendered := map[string][]byte{}
	for key, content := range all {
		text, err := render(content)
		if err != nil {
			return nil, fmt.Errorf("zarr: %s: %w", key, err)
		}
		rendered[key] = text
	}
	return rendered, nil
}

func notNil(attributes map[string]any) map[string]any {
	if attributes == nil {
		return map[string]any{}
	}
	return attributes
}

func (a *Array) document() arrayDocument {
	fill := json.RawMessage("null") // xarray would mask an integer equal to the fill value
	if a.Type.kind == 'f' {
		fill = json.RawMessage(`"NaN"`)
	}
	shuffles := make([]codecDocument, len(a.format.shuffles))
	for i, size := range a.format.shuffles {
		shuffles[i] = codecDocument{ID: "shuffle", ElementSize: size}
	}
	return arrayDocument{
		Format: 2, Shape: append([]int{}, a.Shape...), Chunks: append([]int{}, a.Chunks...),
		Type: json.RawMessage(`"` + a.Type.String() + `"`), Fill: fill, Order: "C",
		Separator:  a.format.separator,
		Compressor: &codecDocument{ID: "zstd", Level: compressionLevel}, Filters: shuffles,
	}
}

func consolidate(documents map[string][]byte) ([]byte, error) {
	raw := map[string]json.RawMessage{}
	for key, text := range documents {
		raw[key] = text
	}
	return render(consolidatedDocument{1, raw})
}

// render writes JSON with sorted keys and characters as they are.
func render(content any) ([]byte, error) {
	var text bytes.Buffer
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false)
	encoder.SetIndent("", "    ")
	err := encoder.Encode(content)
	return text.Bytes(), err
}

// parse reads a consolidated document: the group's attributes and its arrays.
func parse(text []byte) (map[string]any, map[string]*Array, error) {
	var document consolidatedDocument
	if err := json.Unmarshal(text, &document); err != nil {
		return nil, nil, explainJSON(text, err)
	}
	if document.Format != 1 || document.Metadata == nil {
		return nil, nil, errors.New("it is not a consolidated Zarr v2 document (zarr_consolidated_format 1)")
	}
	attributes := map[string]any{}
	if raw, present := document.Metadata[attributeFile]; present {
		if err := json.Unmarshal(raw, &attributes); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", attributeFile, err)
		}
	}
	arrays := map[string]*Array{}
	for _, key := range slices.Sorted(maps.Keys(document.Metadata)) {
		name, isArray := strings.CutSuffix(key, "/"+arrayFile)
		if !isArray {
			continue
		}
		a, err := parseArray(name, document.Metadata[key], document.Metadata[name+"/"+attributeFile])
		if err != nil {
			return nil, nil, fmt.Errorf("array %q: %w", name, err)
		}
		arrays[name] = a
	}
	return attributes, arrays, nil
}

// explainJSON adds the line to a syntax error.
func explainJSON(text []byte, err error) error {
	if at, ok := errors.AsType[*json.SyntaxError](err); ok {
		line := 1 + bytes.Count(text[:min(int(at.Offset), len(text))], []byte("\n"))
		return fmt.Errorf("line %d: %w", line, err)
	}
	return err
}

func parseArray(name string, raw, rawAttributes json.RawMessage) (*Array, error) {
	var document arrayDocument
	if err := json.Unmarshal(raw, &document); err != nil {
		return nil, err
	}
	if document.Format != 2 {
		return nil, fmt.Errorf("zarr_format is %d, not 2", document.Format)
	}
	a := &Array{Name: name, Shape: document.Shape, Chunks: document.Chunks, Attributes: map[string]any{}}
	if len(rawAttributes) > 0 {
		if err := json.Unmarshal(rawAttributes, &a.Attributes); err != nil {
			return nil, fmt.Errorf("%s: %w", attributeFile, err)
		}
	}
	if err := a.takeDimensions(); err != nil {
		return nil, err
	}
	a.takeFormat(document)
	return a, a.check()
}

// takeDimensions moves the dimension names from the attributes to their field.
func (a *Array) takeDimensions() error {
	value, present := a.Attributes[dimensionsKey]
	if !present {
		return nil
	}
	delete(a.Attributes, dimensionsKey)
	list, ok := value.([]any)
	if !ok {
		return fmt.Errorf("%s is not a list of names", dimensionsKey)
	}
	for _, item := range list {
		dimension, ok := item.(string)
		if !ok {
			return fmt.Errorf("%s is not a list of names", dimensionsKey)
		}
		a.Dimensions = append(a.Dimensions, dimension)
	}
	if len(a.Dimensions) != len(a.Shape) {
		return fmt.Errorf("%s has %d names for shape %v", dimensionsKey, len(a.Dimensions), a.Shape)
	}
	return nil
}

// takeFormat reads how chunks are stored. What this package cannot read makes
// the array unsupported, not the store wrong.
func (a *Array) takeFormat(document arrayDocument) {
	a.format.separator = "."
	if document.Separator != "" {
		a.format.separator = document.Separator
	}
	problem := func(format string, args ...any) {
		if a.format.unsupported == "" {
			a.format.unsupported = fmt.Sprintf(format, args...)
		}
	}
	var name string
	known := false
	if json.Unmarshal(document.Type, &name) == nil {
		a.Type, known = parseType(name)
	}
	if !known {
		a.Type = Type{'?', 1}
		problem("its type %.40s is not <f4, <f8, <i4, <i8 or <U", document.Type)
	}
	if a.format.separator != "." && a.format.separator != "/" {
		problem("its dimension_separator %q is neither . nor /", a.format.separator)
	}
	if document.Order != "C" {
		problem("its order %q is not C: write it from a C-ordered array", document.Order)
	}
	if c := document.Compressor; c != nil {
		a.format.compressed = true
		if c.ID != "zstd" {
			problem("its compressor %q is not zstd: in xarray's to_zarr give encoding={%q: {\"compressor\": numcodecs.Zstd()}}, or \"compressors\" since zarr 3",
				c.ID, a.Name)
		}
	}
	for _, filter := range document.Filters {
		size := filter.ElementSize
		if size == 0 {
			size = 4 // the default of numcodecs
		}
		if filter.ID != "shuffle" || size < 1 || size > 256 {
			problem("its filter %q is not a shuffle: write it with filters=None", filter.ID)
		}
		a.format.shuffles = append(a.format.shuffles, size)
	}
	if known {
		a.takeFill(document.Fill, problem)
	}
}

// takeFill encodes the fill value as one value of the array; null stays nil.
func (a *Array) takeFill(raw json.RawMessage, problem func(string, ...any)) {
	var value any
	if len(raw) > 0 && json.Unmarshal(raw, &value) != nil || value == nil {
		return
	}
	fill := make([]byte, a.Type.size)
	if text, isText := value.(string); isText && a.Type.kind == 'U' {
		if encodeText(fill, text) == nil {
			a.format.fill = fill
		}
		return
	}
	number, ok := fillNumber(value)
	switch a.Type {
	case Float32:
		little.PutUint32(fill, math.Float32bits(float32(number)))
	case Float64:
		little.PutUint64(fill, math.Float64bits(number))
	case Int32:
		ok = ok && float64(int32(number)) == number
		little.PutUint32(fill, uint32(int32(number)))
	case Int64:
		ok = ok && math.Abs(number) <= 1<<53 && float64(int64(number)) == number
		little.PutUint64(fill, uint64(int64(number)))
	default:
		ok = false
	}
	if !ok {
		problem("its fill_value %.40s is not of type %s", raw, a.Type)
		return
	}
	a.format.fill = fill
}

// fillNumber reads a number or one of the names that Zarr gives to values
// JSON has no number for.
func fillNumber(value any) (float64, bool) {
	switch value {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	number, ok := value.(float64)
	return number, ok
}
