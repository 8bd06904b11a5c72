//go:build !race

package dynamics_test

const raceEnabled = false
