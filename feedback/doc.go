// Package feedback writes and reads the feedback table of an assimilation: one row
// for each value that was observed, assimilated or not, with what the prior and the
// posterior say of it and why it was refused.
//
// Every statistic of observations is a query of that table: the bias of an
// instrument, the share that quality control takes, whether spread and noise
// together explain the departures. The columns are
//
//	window           number of the window, from 0
//	frame            state of the record that was observed, from 0
//	time             its physical time
//	operator         what observed it: a name from the config
//	component        the quantity: a component of the state, or a label of the operator
//	position_AXIS    where, for each axis of coordinates, in its units
//	value, sd        what was observed, and the standard deviation of its noise
//	prior_mean, prior_sd          what was expected before any value of the window
//	posterior_mean, posterior_sd  what is believed after it
//	verdict, verdict_code         name and number of a quality.Verdict
//
// Numbers are in physical units, moments those of the observed quantity without the
// noise of the observation. What is not known is null.
//
// # Files
//
// A table is a Parquet file, or a folder of them, as wide tables usually are: each
// window writes a file of its own ([WriteFile]), which appears when it is complete,
// so that windows can be computed at the same time, in any order, and again.
// pandas, polars, DuckDB and Arrow read both:
//
//	import pandas
//	table = pandas.read_parquet("runs/reanalysis/feedback")
//	good = table[table.verdict == "accepted"]
//	((good.value - good.prior_mean)**2).mean() / (good.prior_sd**2 + good.sd**2).mean()
//
// [Open] reads them here, a row at a time: files larger than memory are no trouble,
// and row groups that a [Condition] rules out are not read.
package feedback
