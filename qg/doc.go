// Package qg is the two-layer quasi-geostrophic model: eddies that a sheared
// background flow feeds and bottom drag and small scales eat, on a doubly
// periodic plane. It is the system of the two-layer experiment of Rozet &
// Louppe (2023, arXiv 2310.01853), whose simulator is pyqg; trajectories agree
// with pyqg's to rounding.
//
// # Equations
//
// Layer 1 is the upper one. Potential vorticity q and stream function psi are
// anomalies about the uniform flow U, with f the small-scale loss:
//
//	q1 = lap psi1 + F1 (psi2 - psi1)        u = -dpsi/dy
//	q2 = lap psi2 + F2 (psi1 - psi2)        v =  dpsi/dx
//	dq1/dt + div[(u1+U1, v1) q1] + B1 dpsi1/dx =                   f
//	dq2/dt + div[(u2+U2, v2) q2] + B2 dpsi2/dx = - drag lap psi2 + f
//
//	F1 = 1/(rd^2 (1+delta)),  F2 = delta F1,  delta = H1/H2
//	B1 = beta + F1 (U1-U2),   B2 = beta - F2 (U1-U2)
//
// Wind stress, other constant tendencies, bottom topography and random forcing
// at a ring of wavenumbers can be added; see [TwoLayer].
//
// # A step
//
//  1. psi follows from q wavenumber by wavenumber, by a 2 x 2 matrix.
//  2. u, v and q go to the grid, the fluxes (u+U) q and v q come back.
//  3. The divergence of the fluxes, the background gradients and drag make the
//     tendency; third-order Adams-Bashforth moves q on.
//  4. An exponential filter takes the smallest scales: it is the small-scale
//     loss, and keeps aliasing at bay. Exact truncation to 2/3 of the
//     wavenumbers is an option.
//
// Two real fields make one complex field, so a step takes five complex
// transforms for both layers (package internal/fft), and one pass over the
// wavenumbers does all the rest. Everything is in double precision.
//
// # States and trajectories
//
// What a state shows is chosen: q1 and q2, and any of psi, u and v of the layers
// beside them, on the grid or as means over blocks of its cells. A trajectory
// carries more than that, which is why [Model] is a [dynamics.Stateful]: its
// past tendencies and its grid live in a [Simulation]. Trajectories that are
// simulated, and `retrace simulate --initial`, are Simulations, from an Euler
// start as pyqg's; so is every set of trajectories. Model.Step, which
// assimilation methods use, knows one state only and starts anew each time, by
// a start that keeps the third order; ten daily Steps end some 1e-4 of the
// maximum from the Simulation. Its derivative and the transpose of that are
// [Model.TangentLinear] and [Model.Adjoint].
//
// A [Checkpoint] holds all that a Simulation needs to go on to the same bits.
//
// # Cost
//
// The time step is chosen from the resolution unless it is given: 0.3 cells at
// 0.375 m/s. A flow that turns out too fast is an error that names a time step
// that works. The preset "sda", which makes the published data set of 512 x 512
// (five years of spin-up, then 32 days as 2 x 2 means), takes 178,000 steps for
// each of 1,024 trajectories; `retrace check` says how long that is on a
// machine. Windows cut from a few long runs (trajectories.windows and gap), on
// 64 x 64 or 128 x 128 cells, have the same statistics for a thousandth of that:
// after 128 days a flow has forgotten where it was.
//
// # Looking at a flow
//
// [Model.Fields] gives the fields of a moment, with their energies and fluxes,
// [Simulation.Budget] where energy came from and went, [Isotropic] spectra, and
// [Model.Waves] the growth of baroclinic waves. [Symmetry] multiplies
// trajectories for free.
package qg
