// Package serve shows runs and batches of a folder in a browser while they go on:
// how far each has come, training curves, the newest figures, tables of scores, the
// workers of a batch and what they have in hand.
//
// The page reads the files that runs write anyway (package experiment and package
// reanalysis describe them), so it needs nothing from a run and can be started,
// stopped and pointed at the results of another machine at will. It is one page
// without a single asset from elsewhere: it works where there is no network.
//
// # What a browser gets
//
//	/             the page
//	/events       server-sent events: the list of runs, whenever it changes
//	/events?run=  and those of one run
//	/files/       figures, reports, tables and logs, by their path
//
// # What it must not do
//
// The server never writes, and answers GET and HEAD only. All files are opened
// through an os.Root: neither ".." nor a symbolic link leads out of the folder, and
// of what is inside, only kinds of files that a run shows are given out (see
// [Server]). A report, which is a page of its own, is sandboxed. Requests that name
// another host than the one listened on are refused, so that a web page elsewhere
// cannot read results through the browser of somebody who runs the server (DNS
// rebinding).
package serve
