package serve

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"
)

// largest is the size in bytes of the largest file that is read whole, and tailSize
// what is read of the end of a log.
const (
	largest  = 32 << 20
	tailSize = 64 << 10
)

// read returns the content of a file of the folder, at most the largest bytes.
func (s *Server) read(name string) ([]byte, error) {
	file, err := s.root.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, largest+1))
	if err == nil && len(text) > largest {
		err = fmt.Errorf("%s: larger than %d MiB", name, largest>>20)
	}
	return text, err
}

// readJSON reads a file into v.
func (s *Server) readJSON(name string, v any) error {
	text, err := s.read(name)
	if err != nil {
		return err
	}
	return json.Unmarshal(text, v)
}

// lines decodes the last lines of a file of JSON lines that begin within bytes of
// its end; those that are no JSON are left out, such as one that is being written.
func lines[T any](s *Server, name string, bytesFromEnd int64) []T {
	file, err := s.root.Open(name)
	if err != nil {
		return nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return nil
	}
	start := max(0, info.Size()-bytesFromEnd)
	text, err := io.ReadAll(io.NewSectionReader(file, start, bytesFromEnd))
	if err != nil {
		return nil
	}
	if start > 0 {
		_, text, _ = bytes.Cut(text, []byte("\n"))
	}
	var list []T
	for line := range bytes.Lines(text) {
		var v T
		if json.Unmarshal(line, &v) == nil {
			list = append(list, v)
		}
	}
	return list
}

// table reads a CSV file with a header, at most so many rows.
func (s *Server) table(name string, most int) (*Table, error) {
	text, err := s.read(name)
	if err != nil {
		return nil, err
	}
	r := csv.NewReader(bytes.NewReader(text))
	r.Comment = '#'
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if err != nil {
		return nil, err
	}
	t := &Table{Columns: header, Rows: [][]string{}}
	for len(t.Rows) < most {
		row, err := r.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		t.Rows = append(t.Rows, row)
	}
	return t, nil
}

// exists reports whether there is a file or a folder.
func (s *Server) exists(parts ...string) bool {
	_, err := s.root.Stat(path.Join(parts...))
	return err == nil
}

// modified is when a file was written; zero if it is not there.
func (s *Server) modified(name string) time.Time {
	info, err := s.root.Stat(name)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}

// entries lists a folder.
func (s *Server) entries(name string) []fs.DirEntry {
	list, err := fs.ReadDir(s.root.FS(), name)
	if err != nil {
		return nil
	}
	return list
}
