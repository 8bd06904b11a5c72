package queue_test

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"retrace/internal/fault"
	"retrace/internal/queue"
	"retrace/reanalysis"
)

var long = flag.Bool("long", false, "run slow tests")

func connect(t *testing.T, url string) *queue.Connection {
	t.Helper()
	c, err := queue.Connect(queue.Access{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

func embedded(t *testing.T) *queue.Server {
	t.Helper()
	s, err := queue.Start(t.TempDir(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Stop)
	return s
}

func open(t *testing.T, c *queue.Connection, b queue.Batch) *queue.Queue {
	t.Helper()
	q, err := c.Open(t.Context(), b)
	if err != nil {
		t.Fatal(err)
	}
	return q
}

func publish(t *testing.T, q *queue.Queue, windows ...int) {
	t.Helper()
	for _, k := range windows {
		if err := q.Publish(t.Context(), reanalysis.Ticket{Window: k, Fingerprint: fmt.Sprint(k)}, fmt.Sprint("label ", k)); err != nil {
			t.Fatal(err)
		}
	}
}

func claim(t *testing.T, q *queue.Queue) reanalysis.Lease {
	t.Helper()
	l, err := q.Claim(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return l
}

func TestWindowsComeOnceInOrderAndAreForgottenWhenDone(t *testing.T) {
	t.Parallel()
	q := open(t, connect(t, embedded(t).URL()), queue.Batch{Run: "a", Dir: "/x", Lease: 10 * time.Second, Attempts: 3})
	if err := q.Listen(); err != nil {
		t.Fatal(err)
	}
	publish(t, q, 4, 7, 4) // the server knows the second 4
	for _, want := range []int{4, 7} {
		l := claim(t, q)
		if got := l.Ticket(); got.Window != want || got.Attempt != 1 || got.Fingerprint != fmt.Sprint(want) {
			t.Errorf("got %+v, want window %d", got, want)
		}
		if idle, err := q.Idle(t.Context()); err != nil || idle {
			t.Errorf("idle while a window is held: %v, %v", idle, err)
		}
		if err := l.Done(t.Context()); err != nil {
			t.Fatal(err)
		}
		if k := <-q.Finished(); k != want {
			t.Errorf("heard of window %d, want %d", k, want)
		}
	}
	if idle, err := q.Idle(t.Context()); err != nil || !idle {
		t.Errorf("not idle: %v, %v", idle, err)
	}
	if err := q.Remove(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := q.Claim(t.Context()); !errors.Is(err, io.EOF) {
		t.Errorf("after the end: %v", err)
	}
}

// A window whose worker is silent goes to another; one that is extended does not.
func TestSilentLeaseIsLost(t *testing.T) {
	t.Parallel()
	q := open(t, connect(t, embedded(t).URL()), queue.Batch{Run: "a", Dir: "/x", Lease: time.Second, Attempts: 3})
	publish(t, q, 1, 2)
	extended, silent := claim(t, q), claim(t, q)
	stop := make(chan struct{})
	var beating sync.WaitGroup
	beating.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(extended.Period() / 4):
				_ = extended.Extend()
			}
		}
	})
	again := claim(t, q)
	if got := again.Ticket(); got.Window != silent.Ticket().Window || got.Attempt != 2 {
		t.Errorf("got %+v, want the second attempt of window %d", got, silent.Ticket().Window)
	}
	close(stop)
	beating.Wait()
	if err := errors.Join(extended.Done(t.Context()), again.Done(t.Context())); err != nil {
		t.Error(err)
	}
}

func TestFailuresComeBackUntilTheLast(t *testing.T) {
	t.Parallel()
	q := open(t, connect(t, embedded(t).URL()), queue.Batch{Run: "a", Dir: "/x", Lease: 5 * time.Second, Attempts: 2})
	publish(t, q, 1)
	for attempt, want := range []bool{false, true} {
		last, err := claim(t, q).Fail(t.Context(), errors.New("no"))
		if err != nil || last != want {
			t.Fatalf("attempt %d: last %v, error %v", attempt+1, last, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
	defer cancel()
	if l, err := q.Claim(ctx); err == nil {
		t.Errorf("a third attempt: %+v", l.Ticket())
	}
	if idle, err := q.Idle(t.Context()); err != nil || !idle {
		t.Errorf("a window given up is still there: %v, %v", idle, err)
	}
}

func TestServerComesBackWithItsWindows(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := queue.Start(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	url := s.URL()
	publish(t, open(t, connect(t, url), queue.Batch{Run: "a", Dir: "/x", Lease: time.Second, Attempts: 3}), 5)
	s.Stop()
	if s, err = queue.Start(dir, ""); err != nil {
		t.Fatal(err)
	}
	defer s.Stop()
	if s.URL() != url || queue.Address(dir) != url {
		t.Errorf("at %s and %s before", s.URL(), url)
	}
	q, at, err := connect(t, url).Join(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	if l := claim(t, q); l.Ticket().Window != 5 || at != "/x" {
		t.Errorf("window %d of %s", l.Ticket().Window, at)
	}
}

func TestMistakesAreInputErrors(t *testing.T) {
	t.Parallel()
	if _, err := queue.Connect(queue.Access{URL: "nats://127.0.0.1:1"}); !fault.IsInput(err) {
		t.Errorf("no server: %v", err)
	}
	if _, err := queue.Connect(queue.Access{URL: "nats://127.0.0.1:1", Credentials: "none.creds"}); !fault.IsInput(err) {
		t.Errorf("no credentials: %v", err)
	}
	c := connect(t, embedded(t).URL())
	if _, _, err := c.Join(t.Context(), ""); !fault.IsInput(err) {
		t.Errorf("no batch: %v", err)
	}
	open(t, c, queue.Batch{Run: "a", Dir: "/x", Lease: time.Second, Attempts: 1})
	open(t, c, queue.Batch{Run: "b", Dir: "/y", Lease: time.Second, Attempts: 1})
	for _, run := range []string{"", "c"} {
		if _, _, err := c.Join(t.Context(), run); !fault.IsInput(err) {
			t.Errorf("run %q of two: %v", run, err)
		}
	}
}

// freePorts lists ports of loopback that nobody listens on.
func freePorts(t *testing.T, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		ports = append(ports, l.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

// cluster starts three servers on loopback that hold streams in common.
func cluster(t *testing.T) (nodes []*server.Server, url string) {
	t.Helper()
	var routes, urls []string
	ports := freePorts(t, 3)
	for _, port := range ports {
		routes = append(routes, fmt.Sprintf("nats://127.0.0.1:%d", port))
	}
	for i, port := range ports {
		s, err := server.NewServer(&server.Options{
			ServerName: fmt.Sprint("node", i), Host: "127.0.0.1", Port: server.RANDOM_PORT, JetStream: true, StoreDir: t.TempDir(),
			NoSigs: true, NoLog: true, Cluster: server.ClusterOpts{Name: "c", Host: "127.0.0.1", Port: port},
			Routes: server.RoutesFromStr(strings.Join(routes, ",")),
		})
		if err != nil {
			t.Fatal(err)
		}
		s.Start()
		t.Cleanup(func() {
			s.Shutdown()
			s.WaitForShutdown()
		})
		nodes = append(nodes, s)
	}
	for _, s := range nodes {
		if !s.ReadyForConnections(30 * time.Second) {
			t.Fatal("a node is not ready")
		}
		urls = append(urls, s.ClientURL())
	}
	return nodes, strings.Join(urls, ",")
}

// leader is the node that leads the stream of a run.
func leader(t *testing.T, url, run string) string {
	t.Helper()
	c, err := nats.Connect(url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	js, err := jetstream.New(c)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), "RETRACE-"+run)
	if err != nil {
		t.Fatal(err)
	}
	info, err := stream.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return info.Cluster.Leader
}

// The node that leads the queue is lost half-way: every window is done, and the election
// makes none be done twice.
func TestClusterLosesItsLeaderAndNoWindow(t *testing.T) {
	t.Parallel()
	windows := 60
	if *long {
		windows = 300
	}
	nodes, url := cluster(t)
	q := open(t, connect(t, url), queue.Batch{Run: "a", Dir: "/x", Lease: 20 * time.Second, Attempts: 5, Replicas: 3})
	var mutex sync.Mutex
	times := map[int]int{}
	half := make(chan struct{})
	var workers sync.WaitGroup
	ctx, stop := context.WithCancel(t.Context())
	for range 2 {
		w, _, err := connect(t, url).Join(t.Context(), "a")
		if err != nil {
			t.Fatal(err)
		}
		workers.Go(func() {
			for {
				l, err := w.Claim(ctx)
				if err != nil {
					return
				}
				time.Sleep(10 * time.Millisecond) // the work
				mutex.Lock()
				if times[l.Ticket().Window]++; len(times) == windows/2 && times[l.Ticket().Window] == 1 {
					close(half)
				}
				mutex.Unlock()
				_ = l.Done(ctx)
			}
		})
	}
	for k := range windows {
		publish(t, q, k)
	}
	<-half
	name := leader(t, url, "a")
	for _, n := range nodes {
		if n.Name() == name {
			n.Shutdown()
		}
	}
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		mutex.Lock()
		done := len(times)
		mutex.Unlock()
		if done == windows {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d windows are done", done, windows)
		}
	}
	stop()
	workers.Wait()
	twice := 0
	for _, n := range times {
		twice += n - 1
	}
	if twice > 2 { // one each, whose acknowledgement was under way as the leader fell
		t.Errorf("%d windows were given out twice", twice)
	}
}

// What the queue adds to a window: offering it, taking it, giving it back.
func BenchmarkTicket(b *testing.B) {
	s, err := queue.Start(b.TempDir(), "")
	if err != nil {
		b.Fatal(err)
	}
	defer s.Stop()
	c, err := queue.Connect(queue.Access{URL: s.URL()})
	if err != nil {
		b.Fatal(err)
	}
	defer c.Close()
	q, err := c.Open(b.Context(), queue.Batch{Run: "a", Dir: "/x", Lease: time.Minute, Attempts: 3})
	if err != nil {
		b.Fatal(err)
	}
	for k := 0; b.Loop(); k++ {
		if err := q.Publish(b.Context(), reanalysis.Ticket{Window: k}, fmt.Sprint(k)); err != nil {
			b.Fatal(err)
		}
		l, err := q.Claim(b.Context())
		if err == nil {
			err = errors.Join(l.Extend(), l.Done(b.Context()))
		}
		if err != nil {
			b.Fatal(err)
		}
	}
}
