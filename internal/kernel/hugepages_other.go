//go:build !linux

package kernel

// useHugePages does nothing where memory takes no advice.
func useHugePages([]float32) {}
