//go:build amd64 || arm64

package parallel

// pause tells the processor that its thread is waiting in a loop.
func pause()
