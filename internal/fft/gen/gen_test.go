package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestAssemblyIsWhatTheGeneratorEmits(t *testing.T) {
	for _, s := range targets() {
		have, err := os.ReadFile(filepath.Join("..", s.File()))
		if err != nil {
			t.Fatal(err)
		}
		if s.Text(generator) != string(have) {
			t.Errorf("%s is not up to date: run go generate ./internal/fft", s.File())
		}
	}
}
