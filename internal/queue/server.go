package queue

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/nats-io/nats-server/v2/server"

	"retrace/internal/atomicfile"
)

// Server is an embedded NATS server with JetStream.
type Server struct{ server *server.Server }

// addressFile remembers the address of a server in its folder, so that workers find it
// again after a restart.
const addressFile = "address.json"

type address struct {
	URL string `json:"url"`
}

// startTime is how long a server may take to be ready.
const startTime = 30 * time.Second

// Start starts a server that keeps its messages in dir. It listens on host, at the port
// it had there before or, the first time, at a free one. host "" is the loopback
// interface: reachable from this machine alone.
func Start(dir, host string) (*Server, error) {
	if host == "" {
		host = "127.0.0.1"
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	s, err := start(dir, host, before(dir))
	if err != nil { // the port may be another's by now
		s, err = start(dir, host, server.RANDOM_PORT)
	}
	if err != nil {
		return nil, fmt.Errorf("the queue's server: %w", err)
	}
	text, err := json.Marshal(address{s.URL()})
	if err == nil {
		err = atomicfile.Write(filepath.Join(dir, addressFile), append(text, '\n'))
	}
	if err != nil {
		s.Stop()
		return nil, err
	}
	return s, nil
}

func start(dir, host string, port int) (*Server, error) {
	s, err := server.NewServer(&server.Options{
		Host: host, Port: port, JetStream: true, StoreDir: dir, NoSigs: true, NoLog: true, SyncAlways: true,
	})
	if err != nil {
		return nil, err
	}
	s.Start()
	if !s.ReadyForConnections(startTime) {
		s.Shutdown()
		return nil, errors.New("it did not get ready: is the port taken?")
	}
	return &Server{s}, nil
}

// before is the port of the last server in a folder; any free one if there was none.
func before(dir string) int {
	u, err := url.Parse(Address(dir))
	if err != nil {
		return server.RANDOM_PORT
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		return server.RANDOM_PORT
	}
	free, err := net.Listen("tcp", u.Host)
	if err != nil {
		return server.RANDOM_PORT
	}
	free.Close()
	return port
}

// Address is the address of the server that has its messages in a folder, or had when
// it ended; "" if there was none.
func Address(dir string) string {
	var a address
	text, err := os.ReadFile(filepath.Join(dir, addressFile))
	if err != nil || json.Unmarshal(text, &a) != nil {
		return ""
	}
	return a.URL
}

// URL is the address of the server.
func (s *Server) URL() string { return s.server.ClientURL() }

// Stop ends the server. Its messages stay in its folder.
func (s *Server) Stop() {
	s.server.Shutdown()
	s.server.WaitForShutdown()
}
