package command_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"retrace/command"
)

// The page is there once its address is printed, and an interrupt ends it as what it
// is: done.
func TestServeShowsAFolderUntilItIsInterrupted(t *testing.T) {
	ctx, interrupt := context.WithCancel(context.Background())
	defer interrupt()
	read, write := io.Pipe()
	var stderr bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- command.Run(ctx, []string{"serve", t.TempDir(), "--address", "localhost:0"}, write, &stderr)
		write.Close()
	}()
	line := make([]byte, 1000)
	n, err := read.Read(line)
	if err != nil {
		t.Fatalf("%v, %s", err, stderr.String())
	}
	_, address, found := strings.Cut(strings.TrimSpace(string(line[:n])), " at ")
	if !found {
		t.Fatalf("printed %q", line[:n])
	}
	response, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if page, err := io.ReadAll(response.Body); err != nil || !bytes.Contains(page, []byte("<title>retrace</title>")) {
		t.Errorf("page %.100q, %v", page, err)
	}
	interrupt()
	if code := <-ended; code != 0 || stderr.Len() > 0 {
		t.Errorf("exit code %d, %s", code, stderr.String())
	}
}
