package kernel_test

import (
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unsafe"

	"retrace/internal/fault"
	"retrace/internal/kernel"
)

// levels lists what this processor runs, portable code first.
func levels() []string {
	var found []string
	before := kernel.Level()
	for _, level := range []string{kernel.Generic, kernel.AVX2, kernel.AVX512} {
		if kernel.Use(level) == nil {
			found = append(found, level)
		}
	}
	kernel.Use(before)
	return found
}

// eachLevel runs a test once a level and restores the level in use.
func eachLevel(t *testing.T, test func(t *testing.T)) {
	before := kernel.Level()
	defer kernel.Use(before)
	for _, level := range levels() {
		t.Run(level, func(t *testing.T) {
			if err := kernel.Use(level); err != nil {
				t.Fatal(err)
			}
			test(t)
		})
	}
}

func normal(r *rand.Rand, n int) []float32 {
	x := kernel.Slab(n)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	return x
}

// canary marks memory that a kernel must not touch.
const canary = float32(12345.678)

// guarded returns n values in the middle of canaries, and a check of them.
func guarded(n int) (inside []float32, check func(t *testing.T)) {
	const margin = 64
	all := kernel.Slab(n + 2*margin)
	for i := range all {
		all[i] = canary
	}
	inside = all[margin : margin+n]
	clear(inside)
	return inside, func(t *testing.T) {
		t.Helper()
		for i, x := range all {
			if (i < margin || i >= margin+n) && x != canary {
				t.Fatalf("value %d of %d overwritten with %g", i-margin, n, x)
			}
		}
	}
}

func TestSlabStartsOnACacheLine(t *testing.T) {
	for n := range 40 {
		x := kernel.Slab(n)
		if len(x) != n || cap(x) != n {
			t.Fatalf("length %d, capacity %d, want %d", len(x), cap(x), n)
		}
		if n > 0 && uintptr(unsafe.Pointer(&x[0]))%64 != 0 {
			t.Errorf("slab of %d values is not aligned", n)
		}
	}
}

func TestUnknownLevelIsAnInputErrorAndChangesNothing(t *testing.T) {
	before := kernel.Level()
	err := kernel.Use("sse9")
	if !fault.IsInput(err) || !strings.Contains(err.Error(), "sse9") || !strings.Contains(err.Error(), before) {
		t.Errorf("error %v", err)
	}
	if kernel.Level() != before {
		t.Errorf("level changed to %s", kernel.Level())
	}
}

// TestEnvironmentChoosesTheLevel runs this test's binary again with the
// variable set; the child prints what it got.
func TestEnvironmentChoosesTheLevel(t *testing.T) {
	const child = "KERNEL_TEST_CHILD"
	if os.Getenv(child) != "" {
		os.Stdout.WriteString("level=" + kernel.Level())
		if err := kernel.Check(); err != nil {
			os.Stdout.WriteString(" fault=" + err.Error())
		}
		os.Stdout.WriteString("\n")
		return
	}
	best := levels()[len(levels())-1]
	for value, want := range map[string]string{
		kernel.Generic: "level=generic\n",
		best:           "level=" + best + "\n",
		"":             "level=" + best + "\n",
		"turbo":        "level=" + best + " fault=RETRACE_CPU: ",
	} {
		command := exec.Command(os.Args[0], "-test.run=^TestEnvironmentChoosesTheLevel$")
		command.Env = append(os.Environ(), child+"=1", kernel.Variable+"="+value)
		out, err := command.CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Errorf("%s=%q: %v, got %q, want %q", kernel.Variable, value, err, out, want)
		}
	}
}

// matrix views x as rows of n columns without gaps.
func matrix(x []float32, n int) kernel.Matrix {
	return kernel.Matrix{Data: x, Rows: len(x) / n, Columns: n, Stride: n}
}

func TestShapeMistakesPanic(t *testing.T) {
	m := func(rows, columns int) kernel.Matrix { return matrix(make([]float32, rows*columns), columns) }
	short := m(4, 32)
	short.Data = short.Data[:127]
	x := make([]float32, 32)
	for name, call := range map[string]func(){
		"matrix leaves data": func() { kernel.Multiply(short, m(4, 3), kernel.NewPanels(3, 32), nil, false) },
		"depth":              func() { kernel.Multiply(m(4, 32), m(4, 2), kernel.NewPanels(3, 32), nil, false) },
		"rows":               func() { kernel.Multiply(m(4, 32), m(5, 3), kernel.NewPanels(3, 32), nil, false) },
		"columns":            func() { kernel.Multiply(m(4, 64), m(4, 3), kernel.NewPanels(3, 32), nil, false) },
		"bias":               func() { kernel.Multiply(m(4, 32), m(4, 3), kernel.NewPanels(3, 32), x[:31], false) },
		"transposed rows":    func() { kernel.MultiplyTransposed(m(8, 32), m(3, 8), m(4, 32)) },
		"transposed padding": func() { kernel.MultiplyTransposed(m(8, 31), m(3, 8), m(3, 31)) },
		"panels too small": func() {
			kernel.NewPanels(3, 32).Pack(2, kernel.Block{Data: x, Rows: 2, Columns: 1, RowStep: 1, ColumnStep: 1})
		},
		"no panels":         func() { kernel.NewPanels(0, 32) },
		"silu":              func() { kernel.SiLU(x, x[1:]) },
		"silu slope":        func() { kernel.SiLUSlope(x, x[1:], x) },
		"scale":             func() { kernel.Scale(x, x, x[1:]) },
		"silu pull":         func() { kernel.SiLUPull(x, x, x[1:]) },
		"add":               func() { kernel.Add(x, x[1:]) },
		"column sums":       func() { kernel.AddColumnSums(x[:31], m(2, 31)) },
		"one channel":       func() { kernel.LayerNorm(m(2, 1), x, m(2, 1), m(2, 1)) },
		"scales":            func() { kernel.LayerNorm(m(2, 4), x[:1], m(2, 4), m(2, 4)) },
		"layer norm shapes": func() { kernel.LayerNorm(m(2, 4), x, m(2, 5), m(2, 4)) },
		"pull shapes":       func() { kernel.LayerNormPull(m(2, 4), m(3, 4), x, m(2, 4)) },
		"moments": func() {
			kernel.AdamW(kernel.Moments{Parameters: x, First: x, Second: x, Average: x[1:]}, x, kernel.AdamStep{})
		},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if reason, ok := recover().(string); !ok || !strings.HasPrefix(reason, "kernel: ") {
					t.Errorf("recovered %v", reason)
				}
			}()
			call()
		})
	}
}
