package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"

	"retrace/internal/fault"
)

func TestMarkSurvivesWrapping(t *testing.T) {
	marked := fmt.Errorf("reading: %w", fault.Inputf("x.toml:3: %w", io.ErrUnexpectedEOF))
	if !fault.IsInput(marked) {
		t.Error("a wrapped input error is not recognised")
	}
	if !errors.Is(marked, io.ErrUnexpectedEOF) {
		t.Error("the cause is lost")
	}
	if fault.IsInput(io.ErrUnexpectedEOF) || fault.IsInput(nil) || fault.Input(nil) != nil {
		t.Error("an unmarked error counts as input")
	}
	if joined := errors.Join(io.EOF, fault.Inputf("a")); !fault.IsInput(joined) {
		t.Error("a joined input error is not recognised")
	}
}

func ExampleInputf() {
	err := fault.Inputf("lorenz63.toml:4: sd = -1: must be positive")
	fmt.Println(err, fault.IsInput(err))
	// Output: lorenz63.toml:4: sd = -1: must be positive true
}
