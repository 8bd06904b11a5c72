//go:build !linux

package zarr

import "errors"

// exchange would swap two names in one step; only Linux is known to.
var exchange = func(a, b string) error { return errors.ErrUnsupported }
