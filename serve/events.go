package serve

import (
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// quiet is after how long without a change a line is sent to keep the connection.
const quiet = 15 * time.Second

// events streams the states of a run, or of the list of runs, as server-sent events
// whose data is JSON. The id of an event is its version: a browser that comes back
// after a lost connection is told only what is new.
func (s *Server) events(w http.ResponseWriter, r *http.Request) {
	run := r.URL.Query().Get("run")
	text, version := s.board.get(run)
	if text == nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	if r.Method == http.MethodHead {
		return
	}
	out := http.NewResponseController(w)
	sent, err := strconv.Atoi(r.Header.Get("Last-Event-ID"))
	if err != nil || sent > version {
		sent = 0
	}
	last := time.Now()
	ticker := time.NewTicker(period)
	defer ticker.Stop()
	fmt.Fprint(w, "retry: 2000\n\n")
	for {
		switch {
		case version != sent:
			if _, err := fmt.Fprintf(w, "id: %d\ndata: %s\n\n", version, text); err != nil {
				return
			}
			sent, last = version, time.Now()
		case time.Since(last) >= quiet:
			if _, err := fmt.Fprint(w, ": nothing new\n\n"); err != nil {
				return
			}
			last = time.Now()
		}
		if out.Flush() != nil {
			return
		}
		select {
		case <-r.Context().Done():
			return
		case <-ticker.C:
		}
		text, version = s.board.get(run)
	}
}
