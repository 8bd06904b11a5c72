//go:build unix

package experiment

import (
	"os"
	"syscall"
)

// lockFile takes the lock of an open file without waiting. The system drops it
// when the process ends in whatever way, so no lock is ever stale.
func lockFile(file *os.File) error {
	return syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}
