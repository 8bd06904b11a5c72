package serve

import (
	"bytes"
	"encoding/json"
	"sync"
	"time"
)

// period is how often files are looked at.
const period = time.Second

// board remembers what was read a moment ago, so that many browsers cost no more
// than one.
type board struct {
	server  *Server
	mutex   sync.Mutex
	entries map[string]*entry // by run; "" for the list
}

// entry is a state of the files as JSON, and when it was read.
type entry struct {
	mutex   sync.Mutex
	read    time.Time
	text    []byte
	version int // counts changes
}

func newBoard(s *Server) *board { return &board{server: s, entries: map[string]*entry{}} }

// get is the present state of a run, or of the list for "", and its version. A run
// that is not there gives nil.
func (b *board) get(run string) ([]byte, int) {
	b.mutex.Lock()
	e := b.entries[run]
	if e == nil {
		if run != "" && !b.server.isRun(run) {
			b.mutex.Unlock()
			return nil, 0
		}
		e = &entry{}
		b.entries[run] = e
	}
	b.mutex.Unlock()
	e.mutex.Lock()
	defer e.mutex.Unlock()
	if time.Since(e.read) < period {
		return e.text, e.version
	}
	var view any
	if run == "" {
		view = b.server.list()
	} else {
		view = b.server.run(run)
	}
	text, err := json.Marshal(view)
	if err != nil {
		text, _ = json.Marshal(map[string]string{"problem": err.Error()})
	}
	if !bytes.Equal(text, e.text) {
		e.text, e.version = text, e.version+1
	}
	e.read = time.Now()
	return e.text, e.version
}
