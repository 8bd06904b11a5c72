//go:build !race

package lorenz_test

const raceEnabled = false
