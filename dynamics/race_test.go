//go:build race

package dynamics_test

// raceEnabled: under the race detector sync.Pool drops buffers at random, so
// that counts of allocations mean nothing.
const raceEnabled = true
