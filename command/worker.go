package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"github.com/spf13/cobra"

	"retrace/experiment"
	"retrace/internal/fault"
	"retrace/internal/queue"
	"retrace/reanalysis"
)

// workerFlags are the flags of worker.
type workerFlags struct {
	access   queue.Access
	run, dir string
	follow   bool
	patience time.Duration
}

func workerCommand() *cobra.Command {
	var f workerFlags
	cmd := &cobra.Command{
		Use:   "worker --join URL",
		Short: "Compute windows of a reanalysis that is under way",
		Long: `Take windows of a reanalysis from its queue, until it ends. A worker may run on any
machine that reaches the queue and shares the run directory; --dir says what the
directory is called here, if not as where the reanalysis was started. A worker
that is interrupted gives its window back; one that is killed loses it to another
worker after a few seconds.`,
		Example: example("retrace worker --join nats://host:4222 --dir /shared/runs/reanalysis-lorenz96"),
		Args:    exactly(),
		RunE:    func(cmd *cobra.Command, _ []string) error { return f.work(cmd) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.access.URL, "join", "", "address of the queue, nats://host:port")
	flags.StringVar(&f.run, "run", "", "name of the reanalysis, if there are several on the queue")
	flags.StringVar(&f.dir, "dir", "", "run directory on this machine (default: as where the reanalysis was started)")
	flags.StringVar(&f.access.Credentials, "credentials", "", "file of the user's credentials (.creds)")
	flags.StringVar(&f.access.CA, "ca", "", "file of the authorities that vouch for the server's certificate")
	flags.StringVar(&f.access.Certificate, "certificate", "", "file of the client's certificate")
	flags.StringVar(&f.access.Key, "key", "", "file of the client's key")
	flags.DurationVar(&f.patience, "patience", 5*time.Minute, "how long to bear with a queue that does not answer")
	flags.BoolVar(&f.follow, "follow", false, "end when standard input does")
	flags.Lookup("follow").Hidden = true
	return cmd
}

func (f *workerFlags) work(cmd *cobra.Command) error {
	if f.access.URL == "" {
		return fault.Inputf("--join is missing: give the address of the queue, which retrace status DIR prints; see: %s --help", cmd.CommandPath())
	}
	ctx, cancel := context.WithCancel(cmd.Context())
	defer cancel()
	if f.follow {
		go func() {
			_, _ = io.Copy(io.Discard, os.Stdin) // until whoever started us is gone
			cancel()
		}()
	}
	connection, err := queue.Connect(f.access)
	if err != nil {
		return err
	}
	defer connection.Close()
	q, dir, err := connection.Join(ctx, f.run)
	if err != nil {
		return err
	}
	q.Patience = f.patience
	if f.dir != "" {
		dir = f.dir
	}
	batch, _, err := experiment.JoinReanalysis(dir)
	if err != nil {
		return err
	}
	w := &reanalysis.Worker{Batch: batch, Source: q, Log: slog.New(slog.NewTextHandler(cmd.ErrOrStderr(), nil))}
	_, err = w.Run(ctx)
	if errors.Is(err, context.Canceled) {
		if cmd.Context().Err() == nil {
			return nil // the one that we follow has ended
		}
		return fmt.Errorf("%w: the window at hand goes to another worker", errInterrupted)
	}
	return err
}
