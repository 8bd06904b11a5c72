package serve_test

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"retrace/internal/fault"
	"retrace/serve"
)

// get asks a handler, by a target that is taken as it is.
func get(h http.Handler, target string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("GET", "/", nil)
	r.URL = &url.URL{Path: target}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// stream reads events of a running server.
type stream struct {
	lines *bufio.Scanner
	close func()
}

func listen(t *testing.T, address, lastID string) *stream {
	t.Helper()
	request, err := http.NewRequest("GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	if lastID != "" {
		request.Header.Set("Last-Event-ID", lastID)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	if kind := response.Header.Get("Content-Type"); response.StatusCode != 200 || kind != "text/event-stream" {
		t.Fatalf("%s: %s, %s", address, response.Status, kind)
	}
	s := bufio.NewScanner(response.Body)
	s.Buffer(nil, 1<<20)
	return &stream{s, func() { response.Body.Close() }}
}

// next is the next event.
func (s *stream) next(t *testing.T) (id string, data []byte) {
	t.Helper()
	for s.lines.Scan() {
		line := s.lines.Text()
		if value, ok := strings.CutPrefix(line, "id: "); ok {
			id = value
		}
		if value, ok := strings.CutPrefix(line, "data: "); ok {
			return id, []byte(value)
		}
	}
	t.Fatal("the stream has ended")
	return "", nil
}

// state is what the first event about a run says.
func state[T any](t *testing.T, dir, run string) T {
	t.Helper()
	server := httptest.NewServer(newServer(t, dir).Handler())
	defer server.Close()
	s := listen(t, server.URL+"/events?run="+url.QueryEscape(run), "")
	defer s.close()
	_, data := s.next(t)
	return decode[T](t, data)
}

func TestTheListTellsWhatRunsAre(t *testing.T) {
	list := state[serve.List](t, runs(t), "")
	got := map[string]string{}
	for _, r := range list.Runs {
		got[r.Path] = fmt.Sprintf("%s, %s, %s, %d/%d, %.3f", r.Kind, r.State, r.Doing, r.Done, r.Total, r.Share)
	}
	want := map[string]string{
		"training":   "experiment, running, train, step 20 of 200, 1/4, 0.275",
		"paper/done": "experiment, done, , 1/1, 1.000",
		"twin":       "twin experiment, failed, disk full, 0/0, 0.000",
		"batch":      "reanalysis, running, 1 workers, 1 windows in hand, 1 failed, 3/10, 0.300",
		"judged":     "calibration, done, FAIL: 2 methods, oracles, 0/0, 1.000",
	}
	for path, text := range want {
		if got[path] != text {
			t.Errorf("%s: %q, want %q", path, got[path], text)
		}
	}
	if len(got) != len(want) {
		t.Errorf("runs %v", got)
	}
}

func TestARunTellsOfItsTraining(t *testing.T) {
	r := state[serve.Run](t, runs(t), "training")
	if r.Training == nil || r.Training.Steps != 200 || !slices.Equal(r.Training.Validation, []float64{1.6, 1.5}) {
		t.Errorf("training %+v", r.Training)
	}
	var stages []string
	for _, s := range r.Stages {
		for _, u := range s.Units {
			stages = append(stages, u.Name+" "+u.State)
		}
	}
	want := []string{"simulate/training done", "train running", "assimilate/A/score waiting", "score/A/score waiting"}
	if !slices.Equal(stages, want) {
		t.Errorf("stages %q", stages)
	}
	if len(r.Log) != 3 || r.Log[0].Detail != "train" || r.Log[1].Detail != "simulate/training, seconds 2" {
		t.Errorf("log %+v", r.Log)
	}
}

func TestARunTellsOfItsScoresAndFigures(t *testing.T) {
	r := state[serve.Run](t, runs(t), "paper/done")
	if got := fmt.Sprint(r.Scores.Columns, r.Scores.Rows); got != "[scenario method rmse [m]] [[A score 0.625] [A <b>bold</b> ]]" {
		t.Errorf("scores %s", got)
	}
	if len(r.Figures) != 1 || r.Figures[0].Path != "figures/a figure #1.png" || r.Figures[0].PDF != "figures/a figure #1.pdf" {
		t.Errorf("figures %+v", r.Figures)
	}
	twin := state[serve.Run](t, runs(t), "twin")
	if got := fmt.Sprint(twin.Scores.Columns, twin.Scores.Rows); got != "[scenario method rmse] [[all etkf 0.1235]]" {
		t.Errorf("the table of a twin experiment is %s", got)
	}
}

func TestABatchTellsOfItsWindows(t *testing.T) {
	r := state[serve.Run](t, runs(t), "batch")
	if r.Batch == nil || r.Batch.Workers[0].Name != "host-17" || !slices.Equal(r.Windows.Index, []int{0, 1, 2}) {
		t.Fatalf("batch %+v, windows %+v", r.Batch, r.Windows)
	}
	got := map[string]string{}
	for _, s := range r.Windows.Series {
		for _, v := range s.Values {
			if v == nil {
				got[s.Name] += "- "
				continue
			}
			got[s.Name] += fmt.Sprint(*v, " ")
		}
	}
	want := map[string]string{"rmse": "0.5 - 0.75 ", "spread": "0.4 0.25 - ", "seconds": "- 2.5 - ", "memory": "- 1e+06 - "}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("series %q", got)
	}
}

// A run whose process has died says that it is running; the page does not believe it.
func TestAKilledRunIsStopped(t *testing.T) {
	dir := runs(t)
	host, _ := os.Hostname()
	put(t, dir, "training/lock", "process 999999999 on "+host+"\n")
	if _, err := os.Stat("/proc/self"); err != nil {
		t.Skip("this system does not tell of its processes in files")
	}
	if r := state[serve.Run](t, dir, "training"); r.State != "stopped" {
		t.Errorf("state %s", r.State)
	}
}

func TestEventsFollowTheFiles(t *testing.T) {
	dir := runs(t)
	server := httptest.NewServer(newServer(t, dir).Handler())
	defer server.Close()
	s := listen(t, server.URL+"/events?run=training", "")
	defer s.close()
	id, _ := s.next(t)
	put(t, dir, "training/prior/training.csv", "step,loss,validation_loss,learning_rate\n10,1.5,1.6,0.001\n100,1,1.25,0.001\n")
	next, data := s.next(t)
	if r := decode[serve.Run](t, data); next == id || r.Doing != "train, step 100 of 200" {
		t.Errorf("event %s after %s: %s", next, id, r.Doing)
	}
	// Who comes back with the last state hears of the next only.
	again := listen(t, server.URL+"/events?run=training", next)
	defer again.close()
	put(t, dir, "training/provenance.json", `{"state": "failed", "error": "the end"}`)
	if _, data := again.next(t); decode[serve.Run](t, data).Doing != "the end" {
		t.Errorf("the first event after coming back is %s", data)
	}
}

func TestThereIsNoWayOut(t *testing.T) {
	parent := t.TempDir()
	put(t, parent, "secret.json", `"secret"`)
	dir := filepath.Join(parent, "runs")
	put(t, dir, "run/provenance.json", `{"state": "done"}`)
	put(t, dir, "run/.hidden.json", `"secret"`)
	put(t, dir, "run/key.pem", "secret")
	put(t, dir, "run/store.zarr/0.0", "secret")
	if err := os.Symlink(filepath.Join(parent, "secret.json"), filepath.Join(dir, "run", "link.json")); err != nil {
		t.Skip("no symbolic links here")
	}
	if err := os.Symlink(parent, filepath.Join(dir, "up")); err != nil {
		t.Fatal(err)
	}
	h := newServer(t, dir).Handler()
	for _, target := range []string{
		"/files/../secret.json", "/files/run/../../secret.json", "/files//" + filepath.Join(parent, "secret.json"), "/files/./../secret.json",
		"/files/run/link.json", "/files/up/secret.json", "/files/run/.hidden.json", "/files/run/key.pem", "/files/run/store.zarr/0.0",
		"/files/run", "/files/run/", "/files/", "/files/..\\secret.json", "/files/run/provenance.json/", "/files/run/nothing.json",
		"/../secret.json", "/page/page.html", "/run/provenance.json",
	} {
		w := get(h, target)
		if w.Code == http.StatusOK || strings.Contains(w.Body.String(), "secret\"") {
			t.Errorf("%s: %d %s", target, w.Code, w.Body)
		}
	}
	for _, run := range []string{"..", "../runs/run", "up", "run/..", "/", "run/", ".hidden"} {
		r := httptest.NewRequest("HEAD", "/events?run="+url.QueryEscape(run), nil)
		w := httptest.NewRecorder()
		if h.ServeHTTP(w, r); w.Code != http.StatusNotFound {
			t.Errorf("events of %q: %d", run, w.Code)
		}
	}
	if w := get(h, "/files/run/provenance.json"); w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
		t.Errorf("a file that may be seen: %d", w.Code)
	}
}

func TestNothingIsWrittenAndScriptsOfReportsDoNotRun(t *testing.T) {
	h := newServer(t, runs(t)).Handler()
	for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequest(method, "/files/training/run.toml", nil))
		if w.Code != http.StatusMethodNotAllowed {
			t.Errorf("%s: %d", method, w.Code)
		}
	}
	report := get(h, "/files/paper/done/report.html")
	if policy := report.Header().Get("Content-Security-Policy"); report.Code != 200 || !strings.HasPrefix(policy, "sandbox; default-src 'none'") {
		t.Errorf("a report: %d, policy %q", report.Code, policy)
	}
	page := get(h, "/")
	if policy := page.Header().Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'; script-src 'self'") || strings.Contains(policy, "unsafe") {
		t.Errorf("policy of the page: %q", policy)
	}
	if strings.Contains(page.Body.String(), "http://") || strings.Contains(page.Body.String(), "https://") {
		t.Error("the page asks for something from elsewhere")
	}
}

// A page elsewhere whose name resolves to this machine is not answered.
func TestOtherHostsAreRefused(t *testing.T) {
	ctx, stop := context.WithCancel(context.Background())
	ready, ended := make(chan string, 1), make(chan error, 1)
	s := newServer(t, runs(t))
	go func() { ended <- s.Listen(ctx, "localhost:0", func(url string) { ready <- url }) }()
	var address string
	select {
	case address = <-ready:
	case err := <-ended:
		t.Fatal(err)
	}
	host, port, _ := net.SplitHostPort(strings.TrimSuffix(strings.TrimPrefix(address, "http://"), "/"))
	if host != "localhost" {
		t.Errorf("address %s", address)
	}
	for name, want := range map[string]int{"localhost:" + port: 200, "127.0.0.1:" + port: 200, "LOCALHOST": 200, "[::1]:" + port: 200, "evil.example": 421, "evil.example:" + port: 421} {
		r, err := http.NewRequest("GET", address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Host = name
		response, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		io.Copy(io.Discard, response.Body)
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("host %s: %d, want %d", name, response.StatusCode, want)
		}
	}
	open := listen(t, address+"events", "") // does not keep the server
	defer open.close()
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the end: %v", err)
	}
}

func TestWrongFoldersAndAddressesAreTheUsers(t *testing.T) {
	if _, err := serve.New(filepath.Join(t.TempDir(), "nowhere"), nil); !fault.IsInput(err) {
		t.Errorf("a folder that is not there: %v", err)
	}
	s := newServer(t, t.TempDir())
	for _, address := range []string{"", "8760", "localhost:nothing", "nohost.invalid:1"} {
		if err := s.Listen(context.Background(), address, func(string) {}); !fault.IsInput(err) {
			t.Errorf("address %q: %v", address, err)
		}
	}
}

// FuzzFiles: whatever stands in the files of a run, the page has a state to show.
func FuzzFiles(f *testing.F) {
	f.Add(`{"state": "running", "units": {"a": null}}`, "step,loss,validation_loss\n1,2,3\n", `{"msg": "begin"}`)
	f.Add(`{"state": 3}`, "step,loss\n1\n\"", `{"window": 1, "rmse": "a"}`)
	f.Add(`[]`, "a,b,c\nNaN,Inf,1\n", `{"window": 1e99, "rmse": 1e999}`)
	f.Fuzz(func(t *testing.T, document, table, log string) {
		dir := t.TempDir()
		for _, name := range []string{"provenance.json", "scores.json", "run.toml", "lock", "reanalysis/scores.json"} {
			put(t, dir, "run/"+name, document)
		}
		put(t, dir, "run/prior/training.csv", table)
		put(t, dir, "run/twin.csv", table)
		put(t, dir, "run/log.jsonl", log)
		put(t, dir, "batch/plan.json", document)
		put(t, dir, "batch/diagnostics.jsonl", log)
		put(t, dir, "judged/verdict.json", document)
		for _, run := range []string{"", "run", "batch", "judged"} {
			text := newServer(t, dir).State(run)
			if v := decode[map[string]any](t, text); v["problem"] != nil {
				t.Errorf("%s: %s", run, text)
			}
		}
	})
}
