package kernel

import (
	"os"
	"slices"
	"strings"

	"retrace/internal/fault"
)

// Levels of instruction sets, from the slowest.
const (
	Generic = "generic" // portable Go
	AVX2    = "avx2"    // AVX2 with FMA, 8 lanes
	AVX512  = "avx512"  // AVX-512 F, BW, DQ and VL, 16 lanes
)

// Variable is the environment variable that overrides the choice of a level.
const Variable = "RETRACE_CPU"

const (
	portable = iota
	wide256
	wide512
)

var (
	active       int
	startupFault error
)

func init() {
	levels := supported()
	active = len(levels) - 1
	if wanted := os.Getenv(Variable); wanted != "" {
		startupFault = Use(wanted)
	}
}

// Level names the instruction set in use: Generic, AVX2 or AVX512. Results of
// two levels agree to rounding, not to the last bit.
func Level() string { return supported()[active] }

// Check returns the fault of the environment variable RETRACE_CPU, if it names
// a level that does not exist or that this processor cannot run. The best level
// is used in that case.
func Check() error { return startupFault }

// Use switches to a level for all later calls; tests and benchmarks use it. It
// must not run concurrently with any other function of this package. The
// error is an input error if the level is unknown or not supported.
func Use(level string) error {
	levels := supported()
	i := slices.Index(levels, level)
	if i < 0 {
		return fault.Inputf("%s: unknown or unsupported level %q; this processor runs %s", Variable, level, strings.Join(levels, ", "))
	}
	active = i
	return nil
}
