package command

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"retrace/experiment"
	"retrace/internal/queue"
	"retrace/reanalysis"
)

func statusCommand() *cobra.Command {
	var asJSON bool
	cmd := &cobra.Command{
		Use:   "status DIR",
		Short: "Say how a reanalysis stands",
		Long: `Say how the reanalysis in a run directory stands: windows done, running and failed,
the pace, the time left, the workers, alarms. It is read from the files of the
directory, so it can be asked from any machine that shares it. The exit code is 1
if windows have failed.`,
		Example: example("retrace status runs/reanalysis-lorenz96"),
		Args:    exactly("DIR"),
		RunE: func(cmd *cobra.Command, args []string) error {
			dir := args[0]
			if _, err := os.Stat(filepath.Join(dir, "plan.json")); err != nil {
				dir = experiment.ReanalysisDir(dir)
			}
			now := time.Now()
			s, err := reanalysis.ReadStatus(dir, now)
			if err != nil {
				return err
			}
			if asJSON {
				err = printJSON(cmd.OutOrStdout(), s)
			} else {
				err = printStatus(cmd.OutOrStdout(), dir, s, now)
			}
			if err == nil && s.Failed > 0 {
				err = fmt.Errorf("%d windows have failed: see the logs in %s", s.Failed, filepath.Join(dir, "failures"))
			}
			return err
		},
	}
	jsonFlag(cmd, &asJSON)
	return cmd
}

func printStatus(w io.Writer, dir string, s *reanalysis.Status, now time.Time) error {
	t := &table{header: []string{"windows", "done", "running", "retrying", "failed", "blocked", "joined", "per hour", "left"}}
	pace, left := "-", "-"
	if s.PerHour > 0 {
		pace = significant(s.PerHour)
	}
	if s.Left != nil {
		left = duration(time.Duration(*s.Left * float64(time.Second)))
	}
	t.add(fmt.Sprint(s.Windows), fmt.Sprint(s.Done), fmt.Sprint(s.Running), fmt.Sprint(s.Retrying), fmt.Sprint(s.Failed),
		fmt.Sprint(s.Blocked), fmt.Sprint(s.Joined), pace, left)
	if err := t.print(w); err != nil {
		return err
	}
	if address := queue.Address(filepath.Join(dir, "queue")); address != "" && s.Done < s.Windows {
		fmt.Fprintf(w, "\nqueue: %s\n", address)
	}
	if len(s.Workers) > 0 {
		fmt.Fprintln(w)
		workers := &table{left: 1, header: []string{"worker", "window", "for", "done", "failed"}}
		for _, b := range s.Workers {
			window := "-"
			if b.Window >= 0 {
				window = fmt.Sprint(b.Window)
			}
			workers.add(b.Worker, window, duration(now.Sub(b.Since)), fmt.Sprint(b.Done), fmt.Sprint(b.Failed))
		}
		if err := workers.print(w); err != nil {
			return err
		}
	}
	for _, f := range s.Failure {
		fmt.Fprintf(w, "\nwindow %d failed %d times: %s\n", f.Window, f.Attempts, firstLine(f.Error))
	}
	for i, a := range s.Alarms {
		if i == mostAlarms {
			fmt.Fprintf(w, "and %d more alarms\n", len(s.Alarms)-i)
			break
		}
		fmt.Fprintf(w, "alarm: window %d: %s\n", a.Window, a.Alarm)
	}
	return nil
}

// mostAlarms is the number of alarms that are listed.
const mostAlarms = 10
