// Package twolayer holds the inner loops of the two-layer quasi-geostrophic
// model of package qg: fluxes at points of the grid, and time steps at
// wavenumbers.
//
// # Step
//
// With potential vorticity q of the layers, K2 = kx^2 + ky^2, the inverse P of
// the matrix that takes stream functions to potential vorticity, flux spectra F
// of (u+U) q + i v q and their values F* at the wavenumber of opposite sign, a
// step at a wavenumber is
//
//	psi = P q
//	T   = -[(kx - i ky) F + (kx + i ky) conj F*] i/2 - i B kx psi  [+ r K2 psi in layer 2]
//	q  <- E (q + a T + b T' + c T'')
//
// with the tendencies T', T” of the two steps before. From the new q follow the
// spectra of the fields that the next fluxes are made of: w = u + iv of each
// layer, -(kx + i ky) psi, and z = q1 + i q2. All of that is one pass over the
// wavenumbers, in the pairs of strips of [fft.Loop], while they are in the
// cache.
//
// # Half spectra
//
// Half spectra have the layout of package fft, [kx][ky] with kx = 0..nx/2. As in
// pyqg, of the rows kx = 0 and nx/2, which hold the partners of their own
// wavenumbers, the Hermitian part counts when fields are made.
//
// # Speed
//
// A step on n x n points takes, on one core of an Intel Emerald Rapids, the best
// of many in microseconds:
//
//	n                            64     128     256
//	AVX-512                      39     206    1061
//	AVX2                         60     285    1380
//	pyqg, the same equations    230     910    4200
//
// which is 1.2 times what the five complex transforms in it take when they go
// from memory to memory. Trajectories on different cores do not disturb each
// other: 1.9 to 2.0 times as many steps on two cores, from 64 to 256 points.
//
// # Levels
//
// The assembly is emitted by the program in gen; the level is that of package
// kernel when a stepper is made. Every kernel has a portable twin, which also
// serves the rows kx = 0 and nx/2.
package twolayer

//go:generate go run ./gen
