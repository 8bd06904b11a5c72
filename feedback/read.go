package feedback

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"retrace/internal/fault"
)

// Table is a feedback table in files.
type Table struct {
	Axes    []string // names of the axes that have coordinates
	files   []string
	columns []column
}

// folderName is where a batch keeps its table, batchName where a run directory keeps
// its batch.
const (
	folderName = "feedback"
	batchName  = "reanalysis"
)

// Open finds the table at path: a Parquet file, a folder of them, or a run directory
// whose folder feedback or reanalysis/feedback holds them. All files must have the same columns. What is
// not a feedback table is an input error.
func Open(path string) (*Table, error) {
	files, err := filesAt(path)
	if err != nil {
		return nil, err
	}
	t := &Table{files: files}
	for _, file := range files {
		err := withFile(file, func(f *parquet.File) error {
			axes, err := axesOf(f.Schema())
			if err != nil {
				return err
			}
			if t.columns != nil && !slices.Equal(axes, t.Axes) {
				return fmt.Errorf("it has coordinates on the axes %q, %s on %q: query them one by one", axes, t.files[0], t.Axes)
			}
			t.Axes, t.columns = axes, columnsOf(axes)
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return t, nil
}

func filesAt(path string) ([]string, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Inputf("%s: there is no such file or folder: check the path", path)
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	for _, folder := range []string{filepath.Join(path, batchName, folderName), filepath.Join(path, folderName), path} {
		entries, err := os.ReadDir(folder)
		if err != nil && !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
		var files []string
		for _, e := range entries {
			if filepath.Ext(e.Name()) == ".parquet" && !strings.HasPrefix(e.Name(), ".") {
				files = append(files, filepath.Join(folder, e.Name()))
			}
		}
		if len(files) > 0 {
			return files, nil
		}
	}
	return nil, fault.Inputf("%s: no feedback table: neither it nor a folder %s in it holds a .parquet file", path, folderName)
}

// Columns names the columns.
func (t *Table) Columns() []string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.name
	}
	return names
}

// Scan calls visit with every row that meets all conditions, in the order of the
// names of the files and of the rows in them. The row is good until visit returns;
// an error of visit ends the scan and is returned.
func (t *Table) Scan(where []Condition, visit func(r *Row) error) error {
	tests := make([]test, len(where))
	for i, q := range where {
		c, err := t.column(q.Column)
		if err != nil {
			return err
		}
		tests[i] = test{q, c}
	}
	for _, file := range t.files {
		var failed error
		err := withFile(file, func(f *parquet.File) error {
			return t.scanFile(f, tests, func(r *Row) error {
				failed = visit(r)
				return failed
			})
		})
		if failed != nil {
			return failed
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// test is a condition and its column.
type test struct {
	Condition
	column
}

func (t *Table) scanFile(f *parquet.File, tests []test, visit func(r *Row) error) error {
	positions, err := t.positions(f.Schema())
	if err != nil {
		return err
	}
	for _, g := range f.RowGroups() {
		if slices.ContainsFunc(tests, func(q test) bool { return q.excludes(g, positions) }) {
			continue
		}
		if err := t.scanGroup(g, positions, tests, visit); err != nil {
			return err
		}
	}
	return nil
}

// scanGroup visits the rows of a row group.
func (t *Table) scanGroup(g parquet.RowGroup, positions map[string]int, tests []test, visit func(r *Row) error) error {
	rows := g.Rows()
	defer rows.Close()
	byPosition := make([]*column, len(g.ColumnChunks()))
	for i := range t.columns {
		byPosition[positions[t.columns[i].name]] = &t.columns[i]
	}
	buffer := make([]parquet.Row, 256)
	row := Row{Position: make([]float64, len(t.Axes))}
	for {
		n, err := rows.ReadRows(buffer)
		for _, values := range buffer[:n] {
			for _, v := range values {
				if c := byPosition[v.Column()]; c != nil && !row.set(*c, v) {
					return fmt.Errorf("a row has the %s %v, which this version does not know", c.name, v)
				}
			}
			if slices.ContainsFunc(tests, func(q test) bool { return !q.met(q.column, &row) }) {
				continue
			}
			if err := visit(&row); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// excludes reports whether the statistics of a row group rule the condition out.
func (q test) excludes(g parquet.RowGroup, positions map[string]int) bool {
	index, err := g.ColumnChunks()[positions[q.name]].ColumnIndex()
	if q.kind == words || err != nil || index.NumPages() == 0 {
		return false
	}
	for page := range index.NumPages() {
		if index.NullPage(page) {
			continue
		}
		low, high := q.float(index.MinValue(page)), q.float(index.MaxValue(page))
		if high >= q.Least && low <= q.Greatest {
			return false
		}
	}
	return true
}

func (q test) float(v parquet.Value) float64 {
	if q.kind == integer {
		return float64(v.Int64())
	}
	return v.Double()
}

// positions finds the columns of the table among those of a file, which may have
// more and in another order. It fails if one is missing or of another type.
func (t *Table) positions(schema *parquet.Schema) (map[string]int, error) {
	positions := map[string]int{}
	for _, c := range t.columns {
		leaf, found := schema.Lookup(c.name)
		want := c.node()
		if !found || leaf.Node.Type().Kind() != want.Type().Kind() || leaf.Node.Optional() != want.Optional() || leaf.Node.Repeated() {
			return nil, fmt.Errorf("it is no feedback table: it has no column %s of the type expected", c.name)
		}
		positions[c.name] = leaf.ColumnIndex
	}
	return positions, nil
}

// axesOf reads the axes from the columns of a file and checks all of them.
func axesOf(schema *parquet.Schema) ([]string, error) {
	axes := []string{}
	for _, f := range schema.Fields() {
		if axis, is := strings.CutPrefix(f.Name(), positionPrefix); is {
			axes = append(axes, axis)
		}
	}
	_, err := (&Table{columns: columnsOf(axes)}).positions(schema)
	return axes, err
}

// withFile opens a Parquet file. Whatever is wrong with its content, a panic of the
// decoder included, is an input error that names it.
func withFile(path string, use func(f *parquet.File) error) (err error) {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return err
	}
	defer func() {
		if r := recover(); r != nil {
			err = fault.Inputf("%s: the file is broken: %v", path, r)
		}
	}()
	f, err := parquet.OpenFile(file, info.Size())
	if err == nil {
		err = use(f)
	}
	if err != nil {
		return fault.Inputf("%s: %w", path, err)
	}
	return nil
}
