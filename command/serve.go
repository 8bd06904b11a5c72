package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"retrace/reanalysis"
	"retrace/serve"
)

func serveCommand() *cobra.Command {
	var address string
	cmd := &cobra.Command{
		Use:   "serve DIR",
		Short: "Show the runs and batches below a folder in a browser, live",
		Long: `Show the runs and batches below a folder in a browser while they go on: progress,
training curves, the newest figures, scores, workers. The page only reads files; it
needs no network and nothing from the runs. It is for this machine alone unless
--address names another of its addresses. Ctrl-C ends it.`,
		Example: example("retrace serve runs") + "\n" + example("retrace serve runs --address localhost:9000"),
		Args:    exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			server, err := serve.New(args[0], readBatch)
			if err != nil {
				return err
			}
			defer server.Close()
			return server.Listen(cmd.Context(), address, func(url string) {
				fmt.Fprintf(cmd.OutOrStdout(), "showing %s at %s\n", args[0], url)
			})
		},
	}
	cmd.Flags().StringVar(&address, "address", "localhost:8760", "address to listen at; port 0 for any that is free")
	return cmd
}

// readBatch reads the state of a reanalysis for the page.
func readBatch(dir string) (*serve.Batch, error) {
	status, err := reanalysis.ReadStatus(dir, time.Now())
	if err != nil {
		return nil, err
	}
	b := &serve.Batch{
		Windows: status.Windows, Done: status.Done, Running: status.Running, Failed: status.Failed,
		Retrying: status.Retrying, Blocked: status.Blocked, Joined: status.Joined, PerHour: status.PerHour, Left: status.Left,
	}
	for _, w := range status.Workers {
		b.Workers = append(b.Workers, serve.Worker{Name: w.Worker, Window: w.Window, Since: w.Since, Seen: w.Seen, Done: w.Done, Failed: w.Failed})
		if w.Seen.After(b.Changed) {
			b.Changed = w.Seen
		}
	}
	for _, f := range status.Failure {
		b.Failures = append(b.Failures, fmt.Sprintf("window %d failed after %d attempts: %s", f.Window, f.Attempts, firstLine(f.Error)))
	}
	for _, a := range status.Alarms {
		b.Alarms = append(b.Alarms, fmt.Sprintf("window %d: %s", a.Window, a.Alarm))
	}
	return b, nil
}
