package obsseq_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"retrace/dynamics"
	"retrace/internal/fault"
	"retrace/internal/obsseq"
	"retrace/observe"
)

// ring is Lorenz 96 as DART has it: 40 points, a step an hour of its calendar.
func ring() observe.Target {
	axis := dynamics.Axis{Name: "site", Units: "1", Period: 40}
	for i := range 40 {
		axis.Coordinates = append(axis.Coordinates, float64(i))
	}
	return observe.Target{
		Space:    dynamics.Space{Variable: "x", Units: "1", Axes: []dynamics.Axis{axis}},
		Timeline: observe.Timeline{Clock: dynamics.Clock{Interval: 0.05, Units: "1"}, Length: 100},
	}
}

// hourly is the unit of time for which a step is an hour.
var hourly = obsseq.Mapping{Unit: 3600 / 0.05}

func convert(f *obsseq.File) (observe.Sequence, obsseq.Tally, error) {
	return f.Convert(ring(), hourly)
}

func TestLorenz96IsConverted(t *testing.T) {
	s, tally, err := convert(read(t, "lorenz96.final"))
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Validate(100, ring().Space); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, o := range s.Observations {
		for j, label := range observe.Labels(o.Operator) {
			got = append(got, fmt.Sprint(o.Index, " ", label, " ", o.Values[j], " ", o.Sd[j]))
		}
	}
	want := []string{"1 1 -3.25 2", "1 20 12.5 2", "24 2 0.75 2", "25 8 NaN 2", "26 9 2.5 1"}
	if strings.Join(got, ", ") != strings.Join(want, ", ") {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if tally != (obsseq.Tally{Values: 4, Missing: 1}) {
		t.Errorf("tally %+v", tally)
	}
}

// text is a file of two observations of Lorenz 96.
func text(a, b string) string {
	return "obs_sequence\nobs_type_definitions\n1\n1 RAW_STATE_VARIABLE\nnum_copies: 1 num_qc: 1\nnum_obs: 2 max_num_obs: 2\nobservations\nQC\nfirst: 1 last: 2\n" +
		"OBS 1\n" + strings.ReplaceAll(a, "LINKS", "-1 2 -1") + "OBS 2\n" + strings.ReplaceAll(b, "LINKS", "1 -1 -1")
}

func one(value, control, place, variance string) string {
	return fmt.Sprintf("%s\n%s\nLINKS\nobdef\nloc1d\n%s\nkind\n1\n3600 0\n%s\n", value, control, place, variance)
}

func parse(t *testing.T, content string) *obsseq.File {
	t.Helper()
	f, err := obsseq.Read(strings.NewReader(content), "two.out")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func TestWhatBecomesOfTwoValues(t *testing.T) {
	merged, nearest, tolerant := hourly, hourly, hourly
	merged.Merge, nearest.Nearest, tolerant.Worst = true, true, 2
	first := one("2", "0", "0.1", "1")
	for name, c := range map[string]struct {
		mapping obsseq.Mapping
		second  string
		value   float64 // of site 4
		sd      float64
		tally   obsseq.Tally
		err     string
	}{
		"equal":         {hourly, first, 2, 1, obsseq.Tally{Values: 1, Repeated: 1}, ""},
		"different":     {hourly, one("5", "0", "0.1", "0.5"), 0, 0, obsseq.Tally{}, "two.out:21: 4 was observed at this time already, on line 10"},
		"merged":        {merged, one("5", "0", "0.1", "0.5"), 4, math.Sqrt(1.0 / 3), obsseq.Tally{Values: 1, Merged: 1}, ""},
		"flagged":       {hourly, one("5", "2", "0.1", "0.5"), 2, 1, obsseq.Tally{Values: 1, Flagged: 1}, ""},
		"not flagged":   {tolerant, one("2", "2", "0.1", "1"), 2, 1, obsseq.Tally{Values: 1, Repeated: 1}, ""},
		"without noise": {hourly, one("5", "0", "0.5", "0"), 0, 0, obsseq.Tally{}, "two.out:21: the variance"},
		"between":       {hourly, one("5", "0", "0.11", "1"), 0, 0, obsseq.Tally{}, "there is no component at [0.11], the nearest is 4"},
		"nearest":       {nearest, one("2", "0", "0.11", "1"), 2, 1, obsseq.Tally{Values: 1, Repeated: 1, Displaced: 1}, ""},
	} {
		s, tally, err := parse(t, text(first, c.second)).Convert(ring(), c.mapping)
		if c.err != "" {
			if !fault.IsInput(err) || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: error %v", name, err)
			}
			continue
		}
		if err != nil || tally != c.tally {
			t.Errorf("%s: %v, tally %+v, want %+v", name, err, tally, c.tally)
			continue
		}
		o := s.Observations[0]
		if o.Values[0] != c.value || math.Abs(o.Sd[0]-c.sd) > 1e-12 {
			t.Errorf("%s: %v, sd %v", name, o.Values, o.Sd)
		}
	}
}

func TestTimesMustBeThoseOfStates(t *testing.T) {
	f := parse(t, text(one("1", "0", "0", "1"), one("1", "0", "0.5", "1")))
	daily := hourly
	daily.Unit = 86400 * 20
	if _, _, err := f.Convert(ring(), daily); !fault.IsInput(err) || !strings.Contains(err.Error(), "two.out:10: no state at time") {
		t.Errorf("error %v", err)
	}
	later := hourly
	later.Seconds = 3600
	s, _, err := f.Convert(ring(), later)
	if err != nil || s.Observations[0].Index != 0 {
		t.Errorf("%v, %v", s, err)
	}
}

// Types choose the field, degrees the point.
func TestPlacesOnTheSphereAreMatched(t *testing.T) {
	target := observe.Target{
		Space: dynamics.Space{Variable: "state", Units: "1", Axes: []dynamics.Axis{
			{Name: "field", Labels: []string{"wind", "temperature"}},
			{Name: "latitude", Units: "degrees_north", Coordinates: []float64{-45, 0, 45}},
			{Name: "longitude", Units: "degrees_east", Coordinates: []float64{0, 90, 180, 270}, Period: 360},
		}},
		Timeline: observe.Timeline{Clock: dynamics.Clock{Interval: 12, Units: "h"}, Length: 3},
	}
	f := read(t, "sphere.out")
	f.Observations[0].Place.Coordinates[0] = -math.Pi / 2 // 270 degrees, the other way round
	f.Observations[1].Place.Coordinates[0] = math.Pi
	m := obsseq.Mapping{Unit: 3600, Days: 148000, Worst: 1, Labels: map[string]string{"GPSRO_REFRACTIVITY": "wind", "RADIOSONDE_TEMPERATURE": "temperature"}}
	s, _, err := f.Convert(target, m)
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(s.Observations[0].Index, observe.Labels(s.Observations[0].Operator)); got != "1 [wind/45/270 temperature/45/180]" {
		t.Errorf("observed %s", got)
	}
	m.Labels["GPSRO_REFRACTIVITY"] = "temperatur"
	if _, _, err := f.Convert(target, m); !fault.IsInput(err) || !strings.Contains(err.Error(), `did you mean "temperature"`) {
		t.Errorf("error %v", err)
	}
}

func TestMappingsAreChecked(t *testing.T) {
	f := read(t, "lorenz96.final")
	for want, m := range map[string]obsseq.Mapping{
		"unit of model time":  {},
		`there is no copy "x`: {Unit: 1, Copy: "x"},
	} {
		if _, _, err := f.Convert(ring(), m); !fault.IsInput(err) || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
