// Package assimilate recovers trajectories from observations. Every way to do
// so is a Method: a Problem in, an ensemble of whole trajectories out.
//
// This package holds the Method interface, score-based assimilation (Score) and
// the floor that any method must beat (Climatology); classical methods live in
// folders below.
package assimilate
