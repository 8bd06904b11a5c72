// Package configs holds the experiments that come with the program: the TOML
// files of this folder, and in reference twin experiments of the literature whose
// errors are known.
package configs

import "embed"

// Files are the configs, by name.
//
//go:embed *.toml reference/*.toml
var Files embed.FS
