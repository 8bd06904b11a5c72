package command

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"retrace/dynamics"
	"retrace/experiment"
	"retrace/internal/fault"
	"retrace/internal/obsseq"
	"retrace/observe"
)

// importFlags are those of import-observations.
type importFlags struct {
	output, start string
	labels        []string
	obsseq.Mapping
}

func importObservationsCommand() *cobra.Command {
	var f importFlags
	cmd := &cobra.Command{
		Use:   "import-observations FILE CONFIG",
		Short: "Turn an observation sequence of DART into a record for a model",
		Long: `Turn an observation sequence of DART (obs_seq.out or obs_seq.final, in text form)
into a record of observations of the model of a config: a CSV file or a store, which
a scenario takes as its file.

Times become those of states: --unit says how many seconds of the file are a unit of
model time (where the model's unit is a physical one, that is known), --start what
time of the file is model time 0. Places become components: a share of the axis
(loc1d), or longitude and latitude. Values that a quality control above --worst
calls bad are missing in the record.`,
		Example: example("retrace import-observations obs_seq.out configs/lorenz96.toml --unit 72000 --output record.csv") + "\n" +
			example("retrace import-observations obs_seq.final ocean.toml --start 148000,0 --label ARGO_TEMPERATURE=temperature --nearest --merge --output record.zarr"),
		Args: exactly("FILE", "CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			config, err := experiment.Load(args[1], nil)
			if err != nil {
				return err
			}
			file, err := readObservationSequence(args[0])
			if err != nil {
				return err
			}
			target, err := f.prepare(file, config.System())
			if err != nil {
				return err
			}
			sequence, tally, err := file.Convert(target, f.Mapping)
			if err != nil {
				return err
			}
			if err := observe.WriteFile(f.output, []observe.Sequence{sequence}, target); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "%s: %d values of %d states; %d missing, %d flagged, %d repeated, %d merged, %d taken for the nearest component, %d deleted in the file\n",
				f.output, tally.Values, len(sequence.Observations), tally.Missing, tally.Flagged, tally.Repeated, tally.Merged, tally.Displaced, file.Unlinked)
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.output, "output", "", "record to write: a name that ends in .csv or .zarr")
	flags.StringVar(&f.Copy, "copy", "", "copy of the file that holds the values (default the first)")
	flags.StringVar(&f.start, "start", "0,0", "days and seconds of the file at model time 0")
	flags.Float64Var(&f.Unit, "unit", 0, "seconds of the file in a unit of model time (default: from the units of the model)")
	flags.StringArrayVar(&f.labels, "label", nil, "label of the state that a type observes: TYPE=LABEL (repeatable)")
	flags.Float64Var(&f.Worst, "worst", 0, "greatest value of a quality control of a good observation")
	flags.BoolVar(&f.Nearest, "nearest", false, "take an observation between components for the nearest one")
	flags.BoolVar(&f.Merge, "merge", false, "join several values of one component at one time to their weighted mean")
	return cmd
}

func readObservationSequence(path string) (*obsseq.File, error) {
	file, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fault.Inputf("%s: there is no such file: check the path", path)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if info, err := file.Stat(); err == nil && info.IsDir() {
		return nil, fault.Inputf("%s: it is a directory: name an observation sequence", path)
	}
	return obsseq.Read(file, path)
}

// secondsIn are the seconds in units of time of models, by their UDUNITS names.
var secondsIn = map[string]float64{"s": 1, "second": 1, "seconds": 1, "min": 60, "minutes": 60, "h": 3600, "hour": 3600, "hours": 3600, "d": 86400, "day": 86400, "days": 86400}

// prepare reads the flags, and makes a timeline that reaches to the last observation.
func (f *importFlags) prepare(file *obsseq.File, model dynamics.Model) (observe.Target, error) {
	target := observe.Target{Space: model.Space(), Timeline: observe.Timeline{Clock: model.Clock(), Length: 1}}
	if f.output == "" {
		return target, fault.Inputf("--output is missing: name the record to write, such as record.csv")
	}
	days, seconds, both := strings.Cut(f.start, ",")
	var err1, err2 error
	f.Days, err1 = strconv.Atoi(days)
	f.Seconds, err2 = strconv.Atoi(seconds)
	if !both || err1 != nil || err2 != nil {
		return target, fault.Inputf("--start %q: give days and seconds, such as 148000,43200", f.start)
	}
	f.Labels = map[string]string{}
	for _, pair := range f.labels {
		kind, label, both := strings.Cut(pair, "=")
		if !both {
			return target, fault.Inputf("--label %q: give TYPE=LABEL", pair)
		}
		f.Labels[kind] = label
	}
	if f.Unit == 0 {
		f.Unit = secondsIn[model.Clock().Units]
	}
	if !(f.Unit > 0) {
		return target, fault.Inputf("--unit: give the seconds of the file in a unit of model time, which has none of its own; in DART's files of Lorenz models an hour is a step, so that it is %.6g", 3600/model.Clock().Interval)
	}
	if n := len(file.Observations); n > 0 {
		last := file.Observations[n-1]
		steps := (86400*float64(last.Days-f.Days) + float64(last.Seconds-f.Seconds)) / f.Unit / model.Clock().Interval
		if steps > 1e9 {
			return target, fault.Inputf("%s:%d: the last observation is %.3g states after the start: check --start and --unit", file.Name, last.Line, steps)
		}
		target.Timeline.Length = max(1, int(math.Ceil(steps-0.01))+1)
	}
	return target, nil
}
