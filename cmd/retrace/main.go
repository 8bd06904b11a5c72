// Retrace recovers the trajectory of a dynamical system from sparse, coarse or
// noisy observations. Run "retrace help" for its verbs.
package main

import "retrace/command"

func main() { command.Main() }
