// Package quality decides which observations may be assimilated.
//
// An instrument that is broken, a message that is garbled, a value that is there
// twice: one such number, believed with its stated standard deviation, can pull an
// analysis further from the truth than all good ones together bring it back. So
// every value is looked at before it is used, and what is refused is refused for a
// reason that can be told: a [Verdict].
//
// # Verdicts
//
// [Verdicts] holds the verdict of every value of an observe.Sequence. [Begin]
// passes every value that is present; each check then takes some of those that
// still pass. No check looks at a value that another has rejected, so the order is
// part of the result. The usual one, that of operational centres, is
//
//	[Range]       the value is physically impossible
//	[Duplicates]  the same value of the same quantity is there already
//	[Gross]       it is impossibly far from the climatology
//	[Background]  it contradicts what the prior predicts of it
//	[ThinTime], [ThinSpace], [Superob]
//	              it tells nothing that its neighbours do not
//
// [Rules] does all of it for a table [quality] of a config.
//
// # The background check
//
// The prior, an ensemble of trajectories that has not seen the observations,
// predicts of each value a mean m and a spread s ([Predict]). If prior and
// observation are right, y - m has the variance s^2 + sd^2. A value further away
// than a multiple of its root is rejected. That is the check of DART; it becomes
// sharper as the prior does, and it has two traps. An ensemble that is too
// confident rejects good data, which makes it more confident: watch the share that
// is rejected ([Counts.Rate]); Rules doubts the prior, not the data, where more
// than half of a window fails. And over a window, spread grows with the lead time
// until the check is no sharper than that against the climatology. There, assimilate
// first and check against [LeaveOneOut]: what the posterior would say of each value
// had it not seen that value.
//
// Nothing here draws a random number or changes a sequence that it is given.
package quality
