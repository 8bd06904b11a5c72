// Package command is the command line of retrace. A program with systems,
// operators or methods of its own gets every verb for them:
//
//	package main
//
//	import (
//		"retrace/command"
//		"retrace/dynamics"
//	)
//
//	func main() {
//		dynamics.Register(dynamics.Entry{Name: "pendulum", ...})
//		command.Main()
//	}
//
// Verbs are thin: they parse flags, call one function of a package below, and
// print. What they print as a table they print as JSON with --json. Progress
// and errors go to stderr, results to stdout.
//
// Exit codes: 0 done; 1 the work failed; 2 the input (config, file, flag) is
// wrong; 3 a verdict is FAIL; 130 interrupted, state kept.
package command
