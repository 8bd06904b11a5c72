package feedback

import (
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"

	"retrace/internal/atomicfile"
)

// groupRows is the number of rows of a row group: what is held in memory while
// writing, and what a reader can pass over.
const groupRows = 1 << 14

// version of the format, in the metadata of a file.
const version = "1"

// Writer takes the rows of one file.
type Writer struct {
	columns []column
	axes    int
	parquet *parquet.GenericWriter[any]
	pending int // rows of the present row group
	row     parquet.Row
}

// WriteFile writes a table with coordinates on these axes (Axes) to path, which
// appears when write has returned without error and everything is on the disk; an
// older file of that name is replaced. write may call Writer.Write as often as it
// likes: rows leave memory in groups of 16,384.
func WriteFile(path string, axes []string, write func(w *Writer) error) error {
	err := atomicfile.WriteFunc(path, func(out io.Writer) error { return Encode(out, axes, write) })
	if err != nil {
		return fmt.Errorf("writing the feedback table %s: %w", path, err)
	}
	return nil
}

// Encode writes to out what WriteFile writes to a file: the same rows, written in
// the same calls or not, give the same bytes.
func Encode(out io.Writer, axes []string, write func(w *Writer) error) error {
	w := newWriter(out, axes)
	if err := write(w); err != nil {
		return err
	}
	return w.parquet.Close()
}

func newWriter(out io.Writer, axes []string) *Writer {
	columns := columnsOf(axes)
	schema := parquet.NewSchema("feedback", newGroup(columns))
	return &Writer{
		columns: columns, axes: len(axes), row: make(parquet.Row, len(columns)),
		parquet: parquet.NewGenericWriter[any](out, schema, parquet.Compression(&parquet.Zstd),
			parquet.CreatedBy("retrace", version, ""), parquet.KeyValueMetadata("retrace.feedback", version)),
	}
}

// Write appends rows. It panics if a row has coordinates on another number of axes.
func (w *Writer) Write(rows []Row) error {
	for i := range rows {
		if p := rows[i].Position; p != nil && len(p) != w.axes {
			panic("feedback: a row with coordinates on other axes than the table's")
		}
		for c, column := range w.columns {
			w.row[c] = column.value(&rows[i], c)
		}
		if _, err := w.parquet.WriteRows([]parquet.Row{w.row}); err != nil {
			return err
		}
		if w.pending++; w.pending == groupRows {
			w.pending = 0
			if err := w.parquet.Flush(); err != nil {
				return err
			}
		}
	}
	return nil
}
