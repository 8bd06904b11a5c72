package dynamics_test

import (
	"testing"

	"retrace/dynamics"
)

func TestBuiltInSystemsAreRegisteredByName(t *testing.T) {
	for _, name := range []string{"ar1", "damped-spring", "advection"} {
		entry, ok := dynamics.Lookup(name)
		if !ok || entry.Name != name || entry.Summary == "" {
			t.Errorf("%s is not registered with a summary", name)
			continue
		}
		if _, err := entry.Defaults().Build(); err != nil {
			t.Errorf("%s: defaults do not build: %v", name, err)
		}
	}
	if _, ok := dynamics.Lookup("lorenz-63"); ok {
		t.Error("an unknown name is found")
	}
}

func TestDefaultsAreIndependent(t *testing.T) {
	entry, _ := dynamics.Lookup("ar1")
	entry.Defaults().(*dynamics.AR1).Rho = 0
	if entry.Defaults().(*dynamics.AR1).Rho != 0.9 {
		t.Error("changing one builder changes the defaults")
	}
}

func TestEntriesAreSortedAndOwnedByTheCaller(t *testing.T) {
	entries := dynamics.Entries()
	for i := 1; i < len(entries); i++ {
		if entries[i-1].Name >= entries[i].Name {
			t.Errorf("%q before %q", entries[i-1].Name, entries[i].Name)
		}
	}
	first := entries[0].Name
	entries[0].Name = "changed"
	if dynamics.Entries()[0].Name != first {
		t.Error("the registry changed with the caller's slice")
	}
}

func TestANameIsRegisteredOnce(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic for a name that is taken")
		}
	}()
	dynamics.Register(dynamics.Entry{Name: "ar1"})
}
