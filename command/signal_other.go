//go:build !unix

package command

// ignoreFileSizeSignal does nothing where there is no such signal.
func ignoreFileSizeSignal() {}
