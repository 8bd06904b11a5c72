package serve

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"retrace/internal/fault"
)

//go:embed page
var assets embed.FS

// Server shows a folder. It gives out files that end in .png, .pdf, .svg, .html,
// .csv, .tex, .json, .jsonl, .toml, .log or .txt, and no other.
type Server struct {
	root  *os.Root
	name  string
	batch BatchReader
	hosts []string // that requests may name; empty for any
	board *board
}

// BatchReader reads how the batch in a folder, given by its path, stands. It is
// asked for folders that hold a plan.json.
type BatchReader func(dir string) (*Batch, error)

// New opens the folder to show. batch may be nil if there are no batches. A folder
// that is not there is an input error. Close gives it back.
func New(dir string, batch BatchReader) (*Server, error) {
	info, err := os.Stat(dir)
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.IsDir() {
		return nil, fault.Inputf("%s: there is no such folder: name one that holds runs", dir)
	}
	if err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s := &Server{root: root, name: dir, batch: batch}
	s.board = newBoard(s)
	return s, nil
}

// Close ends the server's use of the folder.
func (s *Server) Close() error { return s.root.Close() }

// Handler answers requests.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	for pattern, name := range map[string]string{"/{$}": "page.html", "/page.js": "page.js", "/page.css": "page.css", "/chart.js": "chart.js", "/icon.svg": "icon.svg"} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) { s.asset(w, r, name) })
	}
	mux.HandleFunc("/events", s.events)
	mux.HandleFunc("/files/", s.file)
	return s.guard(mux)
}

// Listen serves at an address such as "localhost:8760" until ctx ends; ready is
// called with the address of the page once connections are accepted. Without a host
// in the address, or with that of the machine itself, only programs on this machine
// reach the page; any other address is open to whoever reaches it.
func (s *Server) Listen(ctx context.Context, address string, ready func(url string)) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return fault.Inputf("address %q: %w: give HOST:PORT, such as localhost:8760", address, err)
	}
	if host == "" {
		host = "localhost"
	}
	listener, err := net.Listen("tcp", net.JoinHostPort(host, port))
	if err != nil {
		return fault.Inputf("address %s: %w: give another one", address, err)
	}
	if local(host) {
		s.hosts = []string{"localhost", "127.0.0.1", "::1"}
	}
	stop, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second,
		BaseContext: func(net.Listener) context.Context { return stop },
	}
	context.AfterFunc(ctx, func() { server.Close() })
	ready("http://" + net.JoinHostPort(host, fmt.Sprint(listener.Addr().(*net.TCPAddr).Port)) + "/")
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// local reports whether a host is this machine.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// guard refuses what no page of this server asks for.
func (s *Server) guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "this server is read-only", http.StatusMethodNotAllowed)
			return
		}
		if host := hostname(r.Host); len(s.hosts) > 0 && !slices.Contains(s.hosts, host) {
			http.Error(w, "unknown host", http.StatusMisdirectedRequest)
			return
		}
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		h.Set("Cache-Control", "no-store")
		next.ServeHTTP(w, r)
	})
}

// hostname is the host of a Host header, without port and brackets.
func hostname(host string) string {
	if h, _, err := net.SplitHostPort(host); err == nil {
		return strings.ToLower(h)
	}
	return strings.ToLower(strings.Trim(host, "[]"))
}

// asset gives out a part of the page.
func (s *Server) asset(w http.ResponseWriter, r *http.Request, name string) {
	http.ServeFileFS(w, r, assets, "page/"+name)
}

// shown are the kinds of files that are given out.
var shown = map[string]string{
	".png": "image/png", ".pdf": "application/pdf", ".svg": "image/svg+xml", ".html": "text/html; charset=utf-8",
	".csv": "text/csv; charset=utf-8", ".tex": "text/plain; charset=utf-8", ".json": "application/json",
	".jsonl": "text/plain; charset=utf-8", ".toml": "text/plain; charset=utf-8", ".log": "text/plain; charset=utf-8", ".txt": "text/plain; charset=utf-8",
}

// sandbox is the policy of files: no script, and nothing from elsewhere.
const sandbox = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'; frame-ancestors 'none'"

// file gives out a file of the folder.
func (s *Server) file(w http.ResponseWriter, r *http.Request) {
	name := strings.TrimPrefix(r.URL.Path, "/files/")
	kind := shown[strings.ToLower(path.Ext(name))]
	if kind == "" || !fs.ValidPath(name) || hidden(name) {
		http.NotFound(w, r)
		return
	}
	file, err := s.root.Open(name)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil || !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("Content-Security-Policy", sandbox)
	w.Header().Set("Cache-Control", "no-cache")
	http.ServeContent(w, r, "", info.ModTime(), file)
}

// hidden reports whether a part of a path begins with a dot: unfinished files, and
// what users hide.
func hidden(name string) bool {
	return slices.ContainsFunc(strings.Split(name, "/"), func(part string) bool { return strings.HasPrefix(part, ".") })
}
