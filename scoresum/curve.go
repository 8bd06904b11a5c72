package scoresum

import (
	"bytes"
	"encoding/csv"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strconv"

	"retrace/internal/atomicfile"
	"retrace/internal/fault"
)

// CurveName is the file of a prior's folder that holds its training curve.
const CurveName = "training.csv"

var curveHeader = []string{"step", "loss", "validation_loss", "learning_rate"}

func writeCurve(path string, curve []Point) error {
	var buffer bytes.Buffer
	w := csv.NewWriter(&buffer)
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', 8, 64) }
	rows := [][]string{curveHeader}
	for _, p := range curve {
		rows = append(rows, []string{strconv.Itoa(p.Step), number(p.Loss), number(p.Validation), number(p.LearningRate)})
	}
	if err := w.WriteAll(rows); err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return atomicfile.Write(path, buffer.Bytes())
}

// ReadCurve reads the training curve of a prior. A missing file and what is
// wrong with its content are input errors.
func ReadCurve(path string) ([]Point, error) {
	content, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Input(err)
	}
	if err != nil {
		return nil, err
	}
	rows, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		return nil, fault.Inputf("%s: %w", path, err)
	}
	if len(rows) == 0 || !slices.Equal(rows[0], curveHeader) {
		return nil, fault.Inputf("%s:1: the columns must be %v", path, curveHeader)
	}
	var curve []Point
	for i, row := range rows[1:] {
		var values [4]float64
		for j, field := range row {
			if values[j], err = strconv.ParseFloat(field, 64); err != nil {
				return nil, fault.Inputf("%s:%d: %s %q is not a number", path, i+2, curveHeader[j], field)
			}
		}
		curve = append(curve, Point{int(values[0]), values[1], values[2], values[3]})
	}
	return curve, nil
}
