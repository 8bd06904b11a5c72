// Package bench measures what the machine reaches and how near the engine comes
// to it: the peak of multiply-adds, the rate of reading memory, matrix products,
// convolutions, networks, the quasi-geostrophic model, and learnt priors; and how a
// peer, another program, does on the same work.
//
// # How it measures
//
// A Probe is work in equal pieces. Its pieces are timed on one core, by one
// goroutine, and on all cores, by as many goroutines as GOMAXPROCS, each with
// memory of its own and the same number of pieces: the rate is that of all of
// them together, by the wall clock from the start to the last end. That is
// throughput, as in sampling, which gives each core its own part. Pieces of work
// that the engine shares among the cores (Probe.Whole) run with GOMAXPROCS=1, and
// then with all of them.
//
// Probes of a group, and the peak, take turns, round by round, and the shortest
// time of a piece over the rounds counts: other programs and interrupts can only
// slow a piece down. A Peer takes its turn in every fourth round. The
// clock of a processor drifts over minutes and with the instructions in use, so
// rates of two runs differ by 10 % and more; compare only rates of one run, as
// their share of the peak does, which is measured in the same rounds.
//
// # What is counted
//
// A multiply-add is two floating-point operations. Of networks only the
// products with their weights are counted, once forward, once more for the input
// VJP, and once more each for the gradients of activations and weights in
// training: neither padding nor activations, normalisation, sums of columns and
// copies, whose time is in the rate. Nothing is derived from the rate of another
// shape.
package bench
