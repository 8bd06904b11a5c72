package command

import (
	"fmt"
	"io"
	"math"

	"retrace/calibrate"
	"retrace/internal/fault"
	"retrace/internal/strict"
)

// printVerdicts prints what was found.
func (f *calibrateFlags) printVerdicts(w io.Writer, verdicts []*calibrate.Verdict) error {
	if f.json {
		return printJSON(w, verdicts)
	}
	for i, v := range verdicts {
		if i > 0 {
			fmt.Fprintln(w)
		}
		if err := printVerdict(w, v); err != nil {
			return err
		}
	}
	return nil
}

func printVerdict(w io.Writer, v *calibrate.Verdict) error {
	for _, a := range v.Methods {
		fmt.Fprintf(w, "%s\n", a.Method)
		t := &table{left: 2, header: []string{"test", "of", "statistic", "threshold", "p", "corrected", "verdict"}}
		for _, test := range a.Tests {
			t.add(test.Name, test.Subject, test.Statistic.Text(), test.Threshold(), test.P.Text(), test.Adjusted.Text(), passOrFail(test.Pass))
		}
		if err := t.print(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	for _, s := range v.Splits {
		fmt.Fprintf(w, "%s: where the error comes from\n", s.Method)
		t := &table{left: 2, header: []string{"part", "with", "spread", "crps beyond exact", "of which new", "verdict"}}
		for _, l := range s.Lines {
			t.add(l.Part, l.With, l.Spread.Value.Text(), excess(l.Excess), excess(l.Added), passOrFail(l.Pass))
		}
		if err := t.print(w); err != nil {
			return err
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%s: %s\n", v.Title, passOrFail(v.Pass))
	t := &table{left: 2, header: []string{"method", "verdict", "spread", "95 % interval", "crps beyond exact", "energy score", "variogram score", "withheld innovation^2", "s"}}
	for _, a := range v.Methods {
		verdict, aside := passOrFail(a.Pass), "-"
		if want, known := v.Expected[a.Method]; known && !want {
			verdict += ", known to be wrong"
		}
		if a.Withheld != nil {
			aside = a.Withheld.Innovation.Text()
		}
		t.add(a.Method, verdict, a.Spread.Value.Text(), a.Spread.Low.Text()+" to "+a.Spread.High.Text(), excess(a.Excess), a.EnergyScore.Text(), a.VariogramScore.Text(), aside, significant(a.Seconds))
	}
	if err := t.print(w); err != nil {
		return err
	}
	for _, a := range v.Methods {
		fmt.Fprintf(w, "%s: %s: %s\n", a.Method, passOrFail(a.Pass), a.Reason)
	}
	return nil
}

func passOrFail(pass bool) string {
	if pass {
		return "PASS"
	}
	return "FAIL"
}

func excess(n calibrate.Number) string {
	if math.IsNaN(float64(n)) {
		return "-"
	}
	return fmt.Sprintf("%+.1f %%", 100*float64(n))
}

func unknownName(flag, name string, known []string) error {
	return fault.Inputf("%s %s: is unknown; %s", flag, name, strict.Suggestion(name, known))
}
