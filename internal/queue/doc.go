// Package queue hands the windows of a reanalysis to workers on any number of machines
// through NATS JetStream: an embedded server (Start) or any server or cluster whose
// address is given (Connect).
//
// A stream holds the windows that are offered, small messages each; results never pass
// through it. A worker holds a window as a lease: it has to extend it again and again
// within its period, or the window goes to another worker. It gives the window back
// when the result is in its place on the shared disk. So a window is done at least
// once, and package reanalysis sees to it that doing it twice does no harm.
//
// The server and its client are large. They are linked into programs that import this
// package, which is the command alone.
package queue
