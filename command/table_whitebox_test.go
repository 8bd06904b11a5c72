package command

import (
	"bytes"
	"strings"
	"testing"
	"time"
)

func TestTableAlignsWordsLeftAndNumbersRight(t *testing.T) {
	table := table{left: 1, header: []string{"method", "σ"}}
	table.add("a", "10.5")
	table.add("longer name", "2")
	var out bytes.Buffer
	if err := table.print(&out); err != nil {
		t.Fatal(err)
	}
	want := "method          σ\na            10.5\nlonger name     2\n"
	if out.String() != want {
		t.Errorf("got\n%swant\n%s", out.String(), want)
	}
}

func TestNumbersAreWrittenForPeople(t *testing.T) {
	for want, got := range map[string]string{
		"2.9 s":     duration(2900 * time.Millisecond),
		"70 s":      duration(70 * time.Second),
		"6 min":     duration(6 * time.Minute),
		"2.5 h":     duration(150 * time.Minute),
		"999 B":     byteSize(999),
		"1.5 kB":    byteSize(1500),
		"2 GB":      byteSize(2e9),
		"0.000":     significant(0),
		"-0.125":    significant(-0.125),
		"81.70":     significant(81.7),
		"-14520":    significant(-14520.4),
		"1e-05":     significant(1e-5),
		"1.5e+07":   significant(1.5e7),
		"time 2":    shapeText([]string{"time"}, []int{2}),
		"scalar":    shapeText(nil, nil),
		"3 x 4":     shapeText(nil, []int{3, 4}),
		"first":     clipped("first\nsecond"),
		"one, line": firstLine("one, line\nmore"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}

func TestProgressWithoutTerminalIsALineNowAndThen(t *testing.T) {
	var out bytes.Buffer
	p := newProgress(&out)
	p.begin("train")
	p.advance(1, 100, "")
	if out.Len() > 0 {
		t.Errorf("impatient: %q", out.String())
	}
	p.start = p.start.Add(-10 * time.Second) // ten seconds later
	p.advance(51, 100, "loss 0.5")
	p.advance(52, 100, "loss 0.4")
	if got := out.String(); !strings.HasPrefix(got, "train: 51 %, about ") || !strings.HasSuffix(got, " s left, loss 0.5\n") {
		t.Errorf("got %q", got)
	}
	if strings.Count(out.String(), "\n") != 1 {
		t.Errorf("not one line: %q", out.String())
	}
	p.end("train", 20*time.Second, nil)
	p.close()
	if !strings.HasSuffix(out.String(), "train: done in 20 s\n") {
		t.Errorf("got %q", out.String())
	}
}
