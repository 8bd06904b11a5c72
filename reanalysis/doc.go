// Package reanalysis assimilates a long record of observations window by window, on
// many machines if need be, into one product without seams.
//
// # Windows
//
// A [Layout] cuts the states of a record into windows. Each contributes a stretch of
// states, which it keeps, and is computed on more: a few states of its neighbours, on
// which it is conditioned (the hand-over), and some that it does not keep but whose
// observations inform those it keeps (the lag). There are two ways to join them.
//
// Sequential: a window goes on from the last states that the one before it has kept.
// With z the states kept so far, which were drawn given all observations up to lag
// states beyond them, the new states are drawn from p(x | z, later observations). By
// the Markov property this is exact, so that a joined member is a draw of the whole
// posterior in which every state has seen lag states of its future: the fixed-lag
// smoother, in trajectories. Ensemble Kalman methods go on from the ensemble of the
// last analysis, as if they had never stopped.
//
// Independent: even windows, the anchors, are drawn first, each given the
// observations of its own states and of lag states on either side. Odd windows, the
// bridges, are then drawn given the kept states of both neighbours, member by member.
// All anchors can be computed at once and then all bridges. What is neglected is what
// two anchors tell of each other beyond the observations of their margins, so that a
// window has to be longer than the memory of the system given its observations.
//
// # Jobs
//
// Windows are jobs that depend on each other ([Window.Needs]). A [Batch] can compute
// any of them ([Batch.Compute]); what it writes depends on the batch and the window
// only, never on who computes it or how often. A result is a few files that appear by
// a rename, the record of the window last. Its name carries the fingerprint of all
// that the window depends on: its observations, the method, the windows it needs. So
// a job that is done twice does no harm, observations that come late make exactly
// those windows stale that they touch, and nothing has to be locked.
//
// A [Coordinator] hands out the windows that are ready and joins the results, in
// order, into stores that are readable while they grow. A [Worker] takes windows from
// a [Source]: a queue (package internal/queue), or a static share of the windows
// ([Shard]), which needs no queue at all.
package reanalysis
