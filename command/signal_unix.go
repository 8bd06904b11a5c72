//go:build unix

package command

import (
	"os/signal"
	"syscall"
)

// ignoreFileSizeSignal makes a write beyond the file size limit of the process
// an ordinary error.
func ignoreFileSizeSignal() { signal.Ignore(syscall.SIGXFSZ) }
