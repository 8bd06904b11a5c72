package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"strings"
	"syscall"

	"retrace/internal/fault"
	_ "retrace/lorenz"   // makes the systems known by name
	_ "retrace/manifold" // likewise
	_ "retrace/qg"       // likewise
)

// Exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitInput       = 2
	exitVerdict     = 3
	exitInterrupted = 130
)

// Main runs the command line of this process and exits. The first interrupt
// ends work in an orderly way, with state kept; a second one ends it at once.
func Main() {
	ignoreFileSizeSignal()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop)
	os.Exit(Run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Run executes one command line and returns its exit code. Errors are printed
// to stderr, a line a problem.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) (code int) {
	defer func() {
		if r := recover(); r != nil {
			fmt.Fprintf(stderr, "retrace: internal error: %s; this is a bug: please report it with the config and the trace, shown with RETRACE_TRACE=1\n", firstLine(fmt.Sprint(r)))
			if os.Getenv("RETRACE_TRACE") != "" {
				// A panic of a worker brings the trace of its own goroutine.
				fmt.Fprintf(stderr, "%v\n\n%s", r, debug.Stack())
			}
			code = exitFailed
		}
	}()
	root := newRoot(stdout, stderr)
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	for line := range strings.Lines(err.Error()) {
		if line = strings.TrimSpace(line); line != "" {
			fmt.Fprintln(stderr, "retrace: "+line)
		}
	}
	return exitCode(ctx, err)
}

// errInterrupted is what a user who interrupted the work is told.
var errInterrupted = errors.New("interrupted")

func exitCode(ctx context.Context, err error) int {
	switch {
	case errors.Is(err, errInterrupted) || ctx.Err() != nil && errors.Is(err, context.Canceled):
		return exitInterrupted
	case fault.IsInput(err):
		return exitInput
	case errors.Is(err, errVerdict):
		return exitVerdict
	}
	return exitFailed
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(text, "\n")
	return line
}
