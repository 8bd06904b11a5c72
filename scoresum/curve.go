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
		var p Point
		if p.Step, err = strconv.Atoi(row[0]); err != nil {
			return nil, fault.Inputf("%s:%d: %s %q is not an integer", path, i+2, curveHeader[0], row[0])
		}
		for j, value := range []*float64{&p.Loss, &p.Validation, &p.LearningRate} {
			if *value, err = strconv.ParseFloat(row[j+1], 64); err != nil {
				return nil, fault.Inputf("%s:%d: %s %q is not a number", path, i+2, curveHeader[j+1], row[j+1])
			}
		}
		curve = append(curve, p)
	}
	return curve, nil
}
