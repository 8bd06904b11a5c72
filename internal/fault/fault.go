// Package fault tells the user's mistakes from the program's: an error marked
// here means that the input (a config, a file, a flag) is wrong, which the
// command answers with exit code 2; any other error is exit code 1.
package fault

import (
	"errors"
	"fmt"
)

// input marks an error as the user's to cure; it adds no text.
type input struct{ error }

func (e input) Unwrap() error { return e.error }

// Input marks err as caused by wrong input. Input(nil) is nil.
func Input(err error) error {
	if err == nil {
		return nil
	}
	return input{err}
}

// Inputf makes an input error as fmt.Errorf does. The text should name the
// file, the key or line, what is wrong and the cure.
func Inputf(format string, args ...any) error {
	return input{fmt.Errorf(format, args...)}
}

// IsInput reports whether err, or an error it wraps, was marked by Input.
func IsInput(err error) bool {
	_, ok := errors.AsType[input](err)
	return ok
}
