// Package obsseq reads the observation sequences of DART, the Data Assimilation
// Research Testbed: text files named obs_seq.in, obs_seq.out or obs_seq.final, and
// turns them into observations of a model.
//
// A file is a header and a list of observations, a number or a few words a line:
//
//	obs_sequence
//	obs_type_definitions
//	     1
//	     1 RAW_STATE_VARIABLE
//	  num_copies:   2  num_qc:   1
//	  num_obs:     40  max_num_obs:     40
//	observations                              a name for each copy: the values of
//	truth                                     an observation, whoever gave them
//	Quality Control                           and for each control
//	  first:   1  last:    40
//	 OBS   1
//	  -0.334                                  the copies
//	   0.912
//	   0.000                                  the controls
//	     -1     2     -1                      previous, next, covariance group
//	obdef
//	loc1d                                     also loc2s and loc3d
//	     0.375
//	kind
//	     1                                    a type, or minus a component of the state
//	     3600     0                           seconds and days; anything between the
//	     1.0                                  type and the time is kept as it is; the
//	                                          variance of the noise
//
// The order in time is that of the links, not of the file. The number -888888 and
// NaN stand for a value that is missing.
//
// [Read] is strict: what it does not understand, or what contradicts the header, is an
// input error with file and line. [File.Convert] then finds for each observation the
// state and the component of a model.
package obsseq
