package figure_test

import (
	"flag"
	"path/filepath"
	"testing"
)

var samples = flag.String("samples", "", "folder to draw the sample figures and report into, to be looked at")

func TestDrawSamples(t *testing.T) {
	if *samples == "" {
		t.Skip("no folder given: -samples DIR draws the sample figures and report")
	}
	for name, f := range everyFigure(t) {
		if err := f.Save(filepath.Join(*samples, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := film(t).Save(filepath.Join(*samples, "film")); err != nil {
		t.Fatal(err)
	}
	if err := reportSample(t, *samples).Save(*samples); err != nil {
		t.Fatal(err)
	}
}
