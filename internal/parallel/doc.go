// Package parallel runs independent pieces of work on all cores.
//
// Pieces must be cut by the problem alone, never by the number of workers, and
// each must write only what is its own: then the result is the same bytes for
// any GOMAXPROCS.
//
// # Which call
//
// For is for pieces of a millisecond and more that may fail or be cancelled:
// files, trajectories, ensembles. Run is for the pieces of a network's layer,
// down to a few microseconds: it starts and ends in well under a microsecond and
// does not allocate, provided that its function does not: make the function once
// and keep it, as a closure made for a call is allocated by the caller. Hot holds
// the helpers awake over a sequence of Runs with serial work between them, such
// as an evaluation of a network:
//
//	parallel.Hot(func() {
//		for _, l := range layers {
//			parallel.Run(l.pieces, l.work)
//		}
//	})
//
// All three may be nested and called from several goroutines: a call takes the
// helpers that are free at its start, and does without where none are.
//
// # Helpers
//
// GOMAXPROCS-1 goroutines help the caller, which works too. A goroutine that
// sleeps takes some 50 to 100 microseconds to wake, often longer than the work.
// So a helper that has nothing to do watches for work for a while, 50
// microseconds after the last piece or some milliseconds in a Hot section, before
// it sleeps; and a caller that finds all pieces taken by helpers that are still
// asleep does not wait for them. Where other programs want the processors,
// watching takes time from them and from the pieces: whoever notices that it was
// stopped while it watched puts an end to watching for the next 20 milliseconds.
// GOMAXPROCS=1 has no helpers.
package parallel
