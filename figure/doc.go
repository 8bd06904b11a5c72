// Package figure draws the figures of an experiment as they would stand in a
// paper, and writes the HTML report of a run.
//
// # Figures
//
// Functions take plain data and return a [Figure]:
//
//   - [Ensemble]: posterior trajectories, a row a component and a column a
//     method: median, 50 % and 90 % bands, truth, observations with error bars;
//   - [Training]: training and validation loss against the step;
//   - [ScorePlot]: scores of every method, a panel a metric: the cases, their
//     median and interquartile range, beside the floor no method can beat;
//   - [Fields]: pictures of fields, a row for truth, observations, mean, members and
//     spread, a column a time, one bar of colours a quantity; [Film] animates them;
//   - [SpectraPlot]: spectra of truth, members and mean, a panel a field;
//   - [SweepPlot]: a statistic against a parameter, a line a method, with bars of
//     one standard error.
//
// [Figure.Save] writes NAME.pdf and NAME.png. A figure has the print width of
// one or two journal columns (89 or 183 mm), no text is smaller than 7 pt, and
// the PNG has 200 dots per inch, so neither needs scaling. Colours are those of
// Okabe and Ito, told apart under every common colour blindness; line styles,
// markers and luminance differ as well, so a grey print can be read. Fields have the
// diverging colours of Moreland (2009) if they are signed, and colours of linearly rising
// lightness if they are positive.
//
// # What is refused
//
// A value that is not finite is an error ([ErrNotFinite]) and so is a figure
// without data ([ErrEmpty]): a plot that silently leaves a point out cannot be
// trusted. A character that the font lacks is an error when the figure is
// rendered ([ErrGlyph]), because a dropped superscript minus would print
// another unit. Data whose length contradicts its description is a
// programmer's error and panics.
//
// # Quantiles
//
// Bands and tables use the quantile of Hyndman and Fan's type 7, the default of
// numpy and R; see [Quantile].
//
// # Reproducibility
//
// The same data give the same bytes, in both formats. A PDF holds no date, and
// its text is drawn as glyph outlines: it needs no font to be installed, and
// shows every character of the figure, where the PDF fonts of gonum/plot would
// be limited to the Windows-1252 alphabet.
//
// # Report
//
// [Report.Save] writes report.html into a run directory: one file that opens
// without a network, with the figures inlined.
package figure
