package experiment

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"retrace/internal/atomicfile"
	"retrace/internal/fault"
)

// kitchen is a plan of fake units: soup needs stock and salt; each unit writes
// its name and what it read.
type kitchen struct {
	stock, salt, soup *unit
	ran               []string
	fail              map[string]error
}

func newKitchen() *kitchen {
	k := &kitchen{fail: map[string]error{}}
	k.stock = k.unit("stock", StageSimulate)
	k.salt = k.unit("salt", StageSimulate)
	k.soup = k.unit("soup", StageTrain, k.stock, k.salt)
	return k
}

func (k *kitchen) unit(name string, stage Stage, needs ...*unit) *unit {
	u := &unit{name: name, stage: stage, fingerprint: name + "-1", needs: needs, outputs: []string{name}, partial: name + ".partial", resumes: true}
	u.run = func(ctx context.Context, t *task) error {
		k.ran = append(k.ran, name)
		if err := k.fail[name]; err != nil {
			os.WriteFile(t.file(u.partial), []byte("half of "+u.fingerprint), 0o666)
			return err
		}
		text := name
		if half, err := os.ReadFile(t.file(u.partial)); err == nil {
			text += " after " + string(half)
		}
		for _, n := range needs {
			read, err := os.ReadFile(t.file(n.outputs[0]))
			if err != nil {
				return err
			}
			text += " of " + string(read)
		}
		return atomicfile.Write(t.file(name), []byte(text))
	}
	return u
}

func (k *kitchen) plan() []*unit { return []*unit{k.stock, k.salt, k.soup} }

// cook runs the plan in dir as a new process would, and returns what ran.
func (k *kitchen) cook(t *testing.T, dir string) ([]string, error) {
	t.Helper()
	d, err := openDirectory(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	k.ran = nil
	_, err = d.execute(t.Context(), k.plan(), &Watcher{})
	return k.ran, err
}

func (k *kitchen) mustCook(t *testing.T, dir string, want ...string) {
	t.Helper()
	ran, err := k.cook(t, dir)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(ran, want) {
		t.Errorf("ran %q, want %q", ran, want)
	}
}

func TestSecondRunDoesNothing(t *testing.T) {
	k, dir := newKitchen(), t.TempDir()
	k.mustCook(t, dir, "stock", "salt", "soup")
	k.mustCook(t, dir)
}

func TestEditRedoesWhatDependsOnIt(t *testing.T) {
	k, dir := newKitchen(), t.TempDir()
	k.mustCook(t, dir, "stock", "salt", "soup")
	k.salt.fingerprint, k.soup.fingerprint = "salt-2", "soup-2"
	k.mustCook(t, dir, "salt", "soup")
}

func TestLostOutputIsMadeAgain(t *testing.T) {
	k, dir := newKitchen(), t.TempDir()
	k.mustCook(t, dir, "stock", "salt", "soup")
	if err := os.Remove(filepath.Join(dir, "salt")); err != nil {
		t.Fatal(err)
	}
	k.mustCook(t, dir, "salt")
}

func TestChangedOutputIsNotOverwritten(t *testing.T) {
	k, dir := newKitchen(), t.TempDir()
	k.mustCook(t, dir, "stock", "salt", "soup")
	soup := filepath.Join(dir, "soup")
	if err := os.Truncate(soup, 2); err != nil {
		t.Fatal(err)
	}
	ran, err := k.cook(t, dir)
	if len(ran) > 0 || !fault.IsInput(err) || !strings.HasPrefix(err.Error(), soup+": is damaged or was changed") {
		t.Errorf("ran %q, error %v", ran, err)
	}
}

func TestFailureKeepsWorkInProgress(t *testing.T) {
	k, dir := newKitchen(), t.TempDir()
	broken := errors.New("the pot boils over")
	k.fail["soup"] = broken
	if _, err := k.cook(t, dir); !errors.Is(err, broken) {
		t.Fatalf("got %v", err)
	}
	k.fail = nil
	k.mustCook(t, dir, "soup")
	if text, _ := os.ReadFile(filepath.Join(dir, "soup")); string(text) != "soup after half of soup-1 of stock of salt" {
		t.Errorf("the soup is %q", text)
	}
	if _, err := os.Stat(filepath.Join(dir, "soup.partial")); err == nil {
		t.Error("work in progress outlives its unit")
	}
}

func TestLeftoversOfAKilledRunAreSweptAway(t *testing.T) {
	k, dir := newKitchen(), t.TempDir()
	k.soup.resumes = false
	k.fail["soup"] = errors.New("killed")
	k.cook(t, dir)
	k.fail = nil
	for _, name := range []string{".soup-123", ".soup.tmp456"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o666); err != nil {
			t.Fatal(err)
		}
	}
	k.mustCook(t, dir, "soup")
	entries, _ := os.ReadDir(dir)
	for _, e := range entries {
		if strings.Contains(e.Name(), "soup") && e.Name() != "soup" {
			t.Errorf("%s is left", e.Name())
		}
	}
	if text, _ := os.ReadFile(filepath.Join(dir, "soup")); strings.Contains(string(text), "half") {
		t.Errorf("a unit that does not resume has used work in progress: %q", text)
	}
}

func TestWorkInProgressOfOtherSettingsIsThrownAway(t *testing.T) {
	k, dir := newKitchen(), t.TempDir()
	k.fail["soup"] = errors.New("interrupted")
	k.cook(t, dir)
	k.fail = nil
	k.soup.fingerprint = "soup-2"
	k.mustCook(t, dir, "soup")
	if text, _ := os.ReadFile(filepath.Join(dir, "soup")); strings.Contains(string(text), "half") {
		t.Errorf("the soup is %q", text)
	}
}

func TestCancelledRunStopsBeforeTheNextUnit(t *testing.T) {
	k := newKitchen()
	d, err := openDirectory(t.TempDir(), false)
	if err != nil {
		t.Fatal(err)
	}
	defer d.close()
	ctx, cancel := context.WithCancel(t.Context())
	ran, err := d.execute(ctx, k.plan(), &Watcher{End: func(string, time.Duration, error) { cancel() }})
	if ran != 1 || !errors.Is(err, context.Canceled) {
		t.Errorf("ran %d units, error %v", ran, err)
	}
}

func TestUnitWithoutResultIsAnError(t *testing.T) {
	k, dir := newKitchen(), t.TempDir()
	k.stock.run = func(context.Context, *task) error { return nil }
	if _, err := k.cook(t, dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
}

func TestRequiredFollowsNeeds(t *testing.T) {
	k := newKitchen()
	other := k.unit("bread", StageTrain)
	plan := append(k.plan(), other)
	got := required(plan, func(u *unit) bool { return u == k.soup })
	if !slices.Equal(got, k.plan()) {
		t.Errorf("got %d units", len(got))
	}
}

func TestDirectoryIsLocked(t *testing.T) {
	dir := t.TempDir()
	first, err := openDirectory(dir, false)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := openDirectory(dir, false); !errors.Is(err, ErrBusy) {
		t.Errorf("got %v", err)
	}
	first.close()
	again, err := openDirectory(dir, false)
	if err != nil {
		t.Fatalf("the lock outlives its holder: %v", err)
	}
	again.close()
}

func TestFreshDeletesOnlyResults(t *testing.T) {
	k, dir := newKitchen(), t.TempDir()
	k.mustCook(t, dir, "stock", "salt", "soup")
	note := filepath.Join(dir, "note.txt")
	if err := os.WriteFile(note, nil, 0o666); err != nil {
		t.Fatal(err)
	}
	d, err := openDirectory(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	d.close()
	if _, err := os.Stat(note); err != nil {
		t.Error("a file of the user is gone")
	}
	if _, err := os.Stat(filepath.Join(dir, "soup")); err == nil {
		t.Error("a result is left")
	}
	k.mustCook(t, dir, "stock", "salt", "soup")
}

func TestForeignFolderIsRefused(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "thesis.tex"), nil, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{dir, filepath.Join(dir, "thesis.tex")} {
		if _, err := openDirectory(path, true); err == nil {
			t.Errorf("%s: accepted", path)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("something was written: %v", entries)
	}
}

func TestFingerprintSeparatesTexts(t *testing.T) {
	sum := func(label, text string) string {
		f := newFingerprint(StageTrain, "u")
		f.add(label, text)
		return f.sum()
	}
	seen := map[string]string{}
	for _, text := range [][2]string{{"a", "b"}, {"a", "b=1"}, {"a", "bc"}, {"ab", "c"}, {"", "abc"}} {
		first, again := sum(text[0], text[1]), sum(text[0], text[1])
		if first != again {
			t.Errorf("%q: not a function of its inputs", text)
		}
		if other, taken := seen[first]; taken {
			t.Errorf("%q and %s give one fingerprint", text, other)
		}
		seen[first] = text[0] + "=" + text[1]
	}
}

func TestHashInputSeesContentAndNames(t *testing.T) {
	hash := func(files map[string]string) string {
		dir := t.TempDir()
		for name, text := range files {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		sum, err := hashInput(dir)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	first, again := hash(map[string]string{"a": "1"}), hash(map[string]string{"a": "1"})
	if first != again {
		t.Error("depends on the folder")
	}
	for _, other := range []map[string]string{{"a": "2"}, {"b": "1"}, {"a": "1", "b": ""}} {
		if hash(other) == first {
			t.Errorf("%v has the hash of another folder", other)
		}
	}
}

func TestBrokenProvenanceIsAnInputError(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "provenance.json"), []byte("{"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := openDirectory(dir, false); err == nil || !strings.Contains(err.Error(), "--fresh") {
		t.Errorf("got %v", err)
	}
	d, err := openDirectory(dir, true)
	if err != nil {
		t.Fatal(err)
	}
	d.close()
}
