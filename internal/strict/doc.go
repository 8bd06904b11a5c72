// Package strict reads TOML into tagged structs and forgives nothing: an
// unknown key, a wrong type, a NaN, a value out of range each becomes a
// Problem with file, line, column and the nearest valid name, and all problems
// of a file are reported together.
//
// A struct describes one table. Its exported fields carry
//
//	Sd float64 `toml:"sd,required" doc:"standard deviation of the noise"`
//
// The options after the name are "required" (no default) and "inline" (the
// fields of a struct, or of the pointer in an interface, belong to the same
// table). Fields keep the value they have before Bind unless the file gives
// another: fill in defaults first. Supported types are bool, the integers,
// float64, string, slices and pointers of these, structs (tables), slices of
// structs (arrays of tables), and types that are a Decoder.
//
// The same structs are written back by Encode with every default spelled out,
// so that the output read again gives equal structs.
//
// Values given on a command line enter through Override before binding, and
// are checked exactly as those of the file.
package strict
