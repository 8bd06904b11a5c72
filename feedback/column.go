package feedback

// A column is a name, a type and the place of its value in a Row. The list of
// columns is the format: what is written, read, compared and printed follows it.

import (
	"math"

	"github.com/parquet-go/parquet-go"

	"retrace/quality"
)

// kind is the type of a column.
type kind int

const (
	integer kind = iota // never null
	number              // null for NaN
	words               // never null, from a dictionary
)

// column of a table. One of the three functions is given; it points to the value in
// a row.
type column struct {
	name    string
	kind    kind
	integer func(r *Row) int
	number  func(r *Row) *float64
	text    func(r *Row) string
}

// positionPrefix begins the names of the columns of coordinates.
const positionPrefix = "position_"

// columnsOf lists the columns of a table with these axes.
func columnsOf(axes []string) []column {
	list := []column{
		{name: "window", kind: integer, integer: func(r *Row) int { return r.Window }},
		{name: "frame", kind: integer, integer: func(r *Row) int { return r.Frame }},
		{name: "time", kind: number, number: func(r *Row) *float64 { return &r.Time }},
		{name: "operator", kind: words, text: func(r *Row) string { return r.Operator }},
		{name: "component", kind: words, text: func(r *Row) string { return r.Component }},
	}
	for a, axis := range axes {
		list = append(list, column{name: positionPrefix + axis, kind: number, number: func(r *Row) *float64 {
			if r.Position == nil {
				return new(math.NaN())
			}
			return &r.Position[a]
		}})
	}
	return append(list,
		column{name: "value", kind: number, number: func(r *Row) *float64 { return &r.Value }},
		column{name: "sd", kind: number, number: func(r *Row) *float64 { return &r.Sd }},
		column{name: "prior_mean", kind: number, number: func(r *Row) *float64 { return &r.PriorMean }},
		column{name: "prior_sd", kind: number, number: func(r *Row) *float64 { return &r.PriorSd }},
		column{name: "posterior_mean", kind: number, number: func(r *Row) *float64 { return &r.PosteriorMean }},
		column{name: "posterior_sd", kind: number, number: func(r *Row) *float64 { return &r.PosteriorSd }},
		column{name: "verdict", kind: words, text: func(r *Row) string { return r.Verdict.String() }},
		column{name: "verdict_code", kind: integer, integer: func(r *Row) int { return int(r.Verdict) }},
	)
}

// node is the Parquet type of a column.
func (c column) node() parquet.Node {
	switch c.kind {
	case integer:
		return parquet.Leaf(parquet.Int64Type)
	case number:
		return parquet.Optional(parquet.Leaf(parquet.DoubleType))
	}
	return parquet.Encoded(parquet.String(), &parquet.RLEDictionary)
}

// value is that of a row, at the position of the column.
func (c column) value(r *Row, position int) parquet.Value {
	switch c.kind {
	case integer:
		return parquet.Int64Value(int64(c.integer(r))).Level(0, 0, position)
	case number:
		if x := *c.number(r); !math.IsNaN(x) {
			return parquet.DoubleValue(x).Level(0, 1, position)
		}
		return parquet.NullValue().Level(0, 0, position)
	}
	return parquet.ByteArrayValue([]byte(c.text(r))).Level(0, 0, position)
}

// group is a Parquet group whose columns keep the order given.
type group struct {
	parquet.Group
	columns []column
}

func newGroup(columns []column) group {
	g := group{parquet.Group{}, columns}
	for _, c := range columns {
		g.Group[c.name] = c.node()
	}
	return g
}

// Fields lists the columns in their order; parquet.Group would sort them by name.
func (g group) Fields() []parquet.Field {
	byName := map[string]parquet.Field{}
	for _, f := range g.Group.Fields() {
		byName[f.Name()] = f
	}
	fields := make([]parquet.Field, len(g.columns))
	for i, c := range g.columns {
		fields[i] = byName[c.name]
	}
	return fields
}

// set puts a value into the row by the name of its column, and reports whether it
// fits: integers, numbers and texts that Row has a place for. Coordinates go to
// Position, which must have its length.
func (r *Row) set(c column, v parquet.Value) bool {
	switch c.name {
	case "window":
		r.Window = int(v.Int64())
	case "frame":
		r.Frame = int(v.Int64())
	case "operator":
		r.Operator = string(v.ByteArray())
	case "component":
		r.Component = string(v.ByteArray())
	case "verdict_code":
		code := v.Int64()
		r.Verdict = quality.Verdict(code)
		return code >= 0 && code < int64(len(quality.All()))
	case "verdict": // told by its code
	default:
		*c.number(r) = math.NaN()
		if !v.IsNull() {
			*c.number(r) = v.Double()
		}
	}
	return true
}
