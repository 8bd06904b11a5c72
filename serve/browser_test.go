package serve_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// browser is a headless Chromium, spoken to in the DevTools protocol over two pipes:
// JSON messages that end in a zero byte.
type browser struct {
	t        *testing.T
	out      *os.File
	in       *bufio.Reader
	id       int
	session  string
	problems []string // exceptions and refused content that the page has met
}

// message is a command's answer or an event.
type message struct {
	ID     int
	Method string
	Params json.RawMessage
	Result json.RawMessage
	Error  *struct{ Message string }
}

// startBrowser starts Chromium, if there is one.
func startBrowser(t *testing.T) *browser {
	t.Helper()
	var path string
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if found, err := exec.LookPath(name); err == nil {
			path = found
			break
		}
	}
	if path == "" {
		t.Skip("there is no Chromium")
	}
	read, out, err1 := os.Pipe()
	in, write, err2 := os.Pipe()
	if err := errors.Join(err1, err2); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-extensions",
		"--remote-debugging-pipe", "--user-data-dir="+t.TempDir(), "about:blank")
	cmd.ExtraFiles = []*os.File{read, write} // 3 and 4 of the child
	if err := cmd.Start(); err != nil {
		t.Skipf("Chromium does not start: %v", err)
	}
	read.Close()
	write.Close()
	b := &browser{t: t, out: out, in: bufio.NewReader(in)}
	t.Cleanup(func() {
		out.Close()
		cmd.Process.Kill()
		cmd.Wait()
		in.Close()
	})
	in.SetReadDeadline(time.Now().Add(2 * time.Minute))
	var target struct{ TargetID string }
	b.do("Target.createTarget", map[string]any{"url": "about:blank"}, &target)
	var attached struct{ SessionID string }
	b.do("Target.attachToTarget", map[string]any{"targetId": target.TargetID, "flatten": true}, &attached)
	b.session = attached.SessionID
	for _, domain := range []string{"Page", "Runtime", "Log"} {
		b.do(domain+".enable", nil, nil)
	}
	b.do("Emulation.setDeviceMetricsOverride", map[string]any{"width": 1280, "height": 900, "deviceScaleFactor": 1, "mobile": false}, nil)
	return b
}

// do carries a command out.
func (b *browser) do(method string, params, result any) {
	b.t.Helper()
	b.id++
	command := map[string]any{"id": b.id, "method": method}
	if params != nil {
		command["params"] = params
	}
	if b.session != "" {
		command["sessionId"] = b.session
	}
	text, err := json.Marshal(command)
	if err == nil {
		_, err = b.out.Write(append(text, 0))
	}
	if err != nil {
		b.t.Fatal(err)
	}
	for {
		text, err := b.in.ReadBytes(0)
		if err != nil {
			b.t.Fatalf("Chromium does not answer %s: %v", method, err)
		}
		m := decode[message](b.t, text[:len(text)-1])
		if m.Method == "Runtime.exceptionThrown" || m.Method == "Log.entryAdded" {
			b.problems = append(b.problems, string(m.Params))
		}
		if m.ID != b.id {
			continue
		}
		if m.Error != nil {
			b.t.Fatalf("%s: %s", method, m.Error.Message)
		}
		if result != nil {
			if err := json.Unmarshal(m.Result, result); err != nil {
				b.t.Fatal(err)
			}
		}
		return
	}
}

// value evaluates an expression on the page.
func (b *browser) value(expression string) string {
	b.t.Helper()
	var r struct{ Result struct{ Value any } }
	b.do("Runtime.evaluate", map[string]any{"expression": expression, "returnByValue": true}, &r)
	return fmt.Sprint(r.Result.Value)
}

// wait waits until an expression has a value.
func (b *browser) wait(expression, want string) {
	b.t.Helper()
	got := ""
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if got = b.value(expression); got == want {
			return
		}
	}
	b.t.Fatalf("%s is %q, want %q; problems %q", expression, got, want, b.problems)
}

func (b *browser) open(address string) {
	b.t.Helper()
	b.do("Page.navigate", map[string]any{"url": address}, nil)
}

// The page in a browser: the list, a run that changes while one looks at it, a batch,
// text that would be markup, and nothing that the policy has to refuse.
func TestThePageInABrowser(t *testing.T) {
	dir := runs(t)
	server := httptest.NewServer(newServer(t, dir).Handler())
	defer server.Close()
	b := startBrowser(t)

	b.open(server.URL)
	b.wait(`document.querySelectorAll(".run").length`, "5")
	b.wait(`document.getElementById("link").textContent`, "live")
	row := `[...document.querySelectorAll(".run")].find(r => r.querySelector(".name").textContent === "training")`
	b.wait(row+`.querySelector(".state").textContent`, "running")
	b.wait(row+`.querySelector(".doing").textContent`, "train, step 20 of 200")

	b.value(row + `.click()`)
	b.wait(`document.querySelector("h1").textContent`, "training")
	b.wait(`document.querySelectorAll(".chart path").length`, "2")
	first := b.value(`document.querySelector(".chart path").getAttribute("d")`)
	put(t, dir, "training/prior/training.csv", "step,loss,validation_loss,learning_rate\n10,1.5,1.6,0.001\n20,1.25,1.5,0.001\n150,1,1.25,0.001\n")
	b.wait(`document.querySelector(".doing").textContent`, "train, step 150 of 200")
	if next := b.value(`document.querySelector(".chart path").getAttribute("d")`); next == first || strings.Count(next, "L") != 2 {
		t.Errorf("the curve was %s and is %s", first, next)
	}

	b.open(server.URL + "/#paper%2Fdone")
	b.wait(`document.querySelector("h1").textContent`, "done")
	b.wait(`[...document.querySelectorAll("td")].map(c => c.textContent).slice(0, 6).join("|")`, "A|score|0.625|A|<b>bold</b>|")
	b.wait(`document.querySelector(".figures img").naturalWidth`, "30")

	b.open(server.URL + "/#batch")
	b.wait(`document.querySelector("h1").textContent`, "batch")
	b.wait(`document.querySelectorAll(".chart").length`, "3")
	b.wait(`document.querySelector(".alarm").textContent`, "window 5 failed: NaN")
	b.wait(`document.body.textContent.includes("host-17")`, "true")
	b.wait(`document.documentElement.scrollWidth <= innerWidth`, "true")

	b.open(server.URL + "/#nowhere")
	b.wait(`document.querySelector(".empty").textContent.startsWith("There is no run nowhere")`, "true")
	for _, problem := range b.problems {
		if !strings.Contains(problem, "404") { // the run that is not there
			t.Errorf("the page has met a problem: %s", problem)
		}
	}
}
