package kernel_test

import (
	"fmt"

	"retrace/internal/kernel"
)

// A linear layer y = SiLU(W x + b) for three rows: the transposed weights are
// packed once and padded to 32 columns.
func ExampleMultiply() {
	const in, out, rows = 2, 1, 3
	weights := []float32{10, -10} // (out, in)
	panels := kernel.NewPanels(in, out)
	panels.Pack(0, kernel.Block{Data: weights, Rows: in, Columns: out, RowStep: 1, ColumnStep: in})
	bias := make([]float32, kernel.ColumnUnit)
	bias[0] = 1

	x := kernel.Matrix{Data: []float32{1, 1, 2, 1, 1, 1.2}, Rows: rows, Columns: in, Stride: in}
	y := kernel.Slab(rows * kernel.ColumnUnit)
	kernel.Multiply(kernel.Matrix{Data: y, Rows: rows, Columns: kernel.ColumnUnit, Stride: kernel.ColumnUnit}, x, panels, bias, false)
	kernel.SiLU(y, y)
	for i := range rows {
		fmt.Printf("%.3f\n", y[i*kernel.ColumnUnit])
	}
	// Output:
	// 0.731
	// 11.000
	// -0.269
}
