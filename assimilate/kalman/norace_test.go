//go:build !race

package kalman_test

const raceEnabled = false
