// Package configs holds the experiments that come with the program: the TOML
// files of this folder.
package configs

import "embed"

// Files are the configs, by name.
//
//go:embed *.toml
var Files embed.FS
