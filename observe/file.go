package observe

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"retrace/internal/atomicfile"
	"retrace/internal/fault"
)

// ReadFile reads the observations of one or more cases from a CSV file
// (ReadCSV), if the name ends in .csv, or from a store (ReadStore), if it ends
// in .zarr. A file that does not exist, or of another name, is an input error.
func ReadFile(path string, target Target) ([]Sequence, error) {
	switch filepath.Ext(path) {
	case ".csv":
		return readCSVFile(path, target)
	case ".zarr":
		return ReadStore(path, target)
	}
	return nil, unknownFormat(path)
}

// WriteFile writes observations to a CSV file (WriteCSV) or a store
// (WriteStore), told apart as by ReadFile. The file appears under its name when
// it is complete.
func WriteFile(path string, cases []Sequence, target Target) error {
	switch filepath.Ext(path) {
	case ".csv":
		return writeCSVFile(path, cases, target)
	case ".zarr":
		return WriteStore(path, cases, target)
	}
	return unknownFormat(path)
}

func unknownFormat(path string) error {
	return fault.Inputf("%s: not a file of observations: the name must end in .csv or .zarr", path)
}

func readCSVFile(path string, target Target) ([]Sequence, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Inputf("%s: there is no such file: check the path", path)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, fault.Inputf("%s: it is a directory: name a CSV file", path)
	}
	return ReadCSV(file, path, target)
}

func writeCSVFile(path string, cases []Sequence, target Target) error {
	err := atomicfile.WriteFunc(path, func(w io.Writer) error { return WriteCSV(w, cases, target) })
	if err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return nil
}
