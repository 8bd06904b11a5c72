package scoresum

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"os"
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

// ReadCurve reads the training curve of a prior.
func ReadCurve(path string) ([]Point, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return nil, fault.Input(err)
	}
	rows, err := csv.NewReader(bytes.NewReader(content)).ReadAll()
	if err != nil {
		return nil, fault.Inputf("%s: %w", path, err)
	}
	if len(rows) == 0 || fmt.Sprint(rows[0]) != fmt.Sprint(curveHeader) {
		return nil, fault.Inputf("%s:1: the columns must be %v", path, curveHeader)
	}
	var curve []Point
	for i, row := range rows[1:] {
		var p Point
		fields := []any{&p.Step, &p.Loss, &p.Validation, &p.LearningRate}
		for j, field := range fields {
			if _, err := fmt.Sscan(row[j], field); err != nil {
				return nil, fault.Inputf("%s:%d: %s %q is not a number", path, i+2, curveHeader[j], row[j])
			}
		}
		curve = append(curve, p)
	}
	return curve, nil
}
