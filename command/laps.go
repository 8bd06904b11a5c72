package command

import (
	"fmt"
	"io"

	"retrace/experiment"
)

// printLaps prints how a prior was learnt from observations, a lap a row; nothing if it
// was not, or if JSON is asked for, which is of the scores alone.
func printLaps(w io.Writer, dir string, asJSON bool) error {
	laps, err := experiment.Laps(dir)
	if err != nil || len(laps) == 0 || asJSON {
		return err
	}
	t := &table{left: 1, header: []string{"lap", "log evidence", "gain", "noise", "sd factor", "residual", "dropped", "divergence", "floor"}}
	for _, lap := range laps {
		name := lap.Name
		if lap.Chosen {
			name += " (chosen)"
		}
		cells := []string{name, significant(lap.Evidence), significant(lap.Gain), significant(lap.Noise), significant(lap.Sd), "-", fmt.Sprint(lap.Dropped), "-", "-"}
		if lap.Residual > 0 {
			cells[5] = significant(lap.Residual)
		}
		if lap.Divergence != nil {
			cells[7], cells[8] = significant(*lap.Divergence), significant(*lap.Floor)
		}
		t.add(cells...)
	}
	if _, err := fmt.Fprintln(w, "prior learnt from observations"); err != nil {
		return err
	}
	if err := t.print(w); err != nil {
		return err
	}
	for _, lap := range laps {
		if lap.Stopped != "" {
			if _, err := fmt.Fprintf(w, "stopped: %s\n", lap.Stopped); err != nil {
				return err
			}
		}
	}
	return nil
}
