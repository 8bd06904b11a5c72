package queue

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"retrace/internal/fault"
)

// Access says where a server is, and how it knows us. Files that are not needed are "".
type Access struct {
	URL         string // nats://host:4222, or several separated by commas
	Credentials string // file of a user's JWT and key (.creds)
	CA          string // PEM file of the authorities that vouch for the server
	Certificate string // PEM files of our own certificate and its key
	Key         string
}

// Connection is a connection to a server, or to one of a cluster. It comes back by
// itself when it was lost.
type Connection struct {
	nats   *nats.Conn
	stream jetstream.JetStream
}

// Connect connects to a server. An address that cannot be reached is an input error.
func Connect(a Access) (*Connection, error) {
	options := []nats.Option{
		nats.Name("retrace"), nats.MaxReconnects(-1), nats.ReconnectWait(500 * time.Millisecond),
		nats.Timeout(5 * time.Second), nats.RetryOnFailedConnect(false),
	}
	if a.Credentials != "" {
		options = append(options, nats.UserCredentials(a.Credentials))
	}
	if a.CA != "" {
		options = append(options, nats.RootCAs(a.CA))
	}
	if a.Certificate != "" {
		options = append(options, nats.ClientCert(a.Certificate, a.Key))
	}
	c, err := nats.Connect(a.URL, options...)
	if err != nil {
		return nil, fault.Inputf("%s: cannot connect to the queue: %w", a.URL, err)
	}
	stream, err := jetstream.New(c)
	if err != nil {
		c.Close()
		return nil, fmt.Errorf("%s: %w", a.URL, err)
	}
	return &Connection{c, stream}, nil
}

// Close ends the connection.
func (c *Connection) Close() { c.nats.Close() }

// Batch is what workers have to know of a batch before they can read its files.
type Batch struct {
	Run string
	// Dir is the folder of the batch, as the coordinator calls it.
	Dir string
	// Lease is the time within which a lease has to be extended.
	Lease time.Duration
	// Attempts is the number of times that a window is given out.
	Attempts int
	// Replicas is the number of servers of a cluster that hold the stream.
	Replicas int
}

// The names of a run on a server.
func streamName(run string) string  { return streamPrefix + run }
func workSubject(run string) string { return "retrace." + run + ".window" }
func doneSubject(run string) string { return "retrace." + run + ".done" }

const (
	streamPrefix = "RETRACE-"
	consumerName = "workers"
	directoryKey = "retrace-directory"
)

// sameMessage is the time within which a window that is offered again is known to be
// the same.
const sameMessage = time.Hour

// Open makes the stream of a batch, or goes on with the one it has.
func (c *Connection) Open(ctx context.Context, b Batch) (q *Queue, err error) {
	err = persist(ctx, func(ctx context.Context) error {
		q, err = c.open(ctx, b)
		return err
	})
	return q, err
}

// electionTime is how long a cluster may take to elect a leader, and oneTry how long to
// wait for an answer: while there is no leader some requests are never answered.
const (
	electionTime = 60 * time.Second
	oneTry       = 5 * time.Second
)

// persist tries again and again until a cluster must have a leader.
func persist(ctx context.Context, work func(ctx context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, electionTime)
	defer cancel()
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 2*time.Second) {
		try, done := context.WithTimeout(ctx, oneTry)
		err := work(try)
		done()
		if err == nil || ctx.Err() != nil || errors.Is(err, nats.ErrAuthorization) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(pause):
		}
	}
}

func (c *Connection) open(ctx context.Context, b Batch) (*Queue, error) {
	stream, err := c.stream.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name: streamName(b.Run), Subjects: []string{workSubject(b.Run)}, Retention: jetstream.WorkQueuePolicy,
		Duplicates: sameMessage, Replicas: max(1, b.Replicas), Metadata: map[string]string{directoryKey: b.Dir},
	})
	if err != nil {
		return nil, fmt.Errorf("the stream of the queue: %w", err)
	}
	_, err = stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable: consumerName, AckPolicy: jetstream.AckExplicitPolicy, AckWait: b.Lease, MaxDeliver: b.Attempts, MaxAckPending: 100_000,
	})
	if err != nil {
		return nil, fmt.Errorf("the consumer of the queue: %w", err)
	}
	return c.join(ctx, b.Run)
}

// Join finds the batch of a run on the server; run "" is the only one there is. It
// returns the folder of the batch, as its coordinator calls it.
func (c *Connection) Join(ctx context.Context, run string) (q *Queue, dir string, err error) {
	if run == "" {
		if run, err = c.only(ctx); err != nil {
			return nil, "", err
		}
	}
	if q, err = c.join(ctx, run); err != nil {
		return nil, "", fault.Inputf("%s: there is no reanalysis %q on this queue: %w; is it running?", c.nats.ConnectedUrlRedacted(), run, err)
	}
	return q, q.directory, nil
}

// only is the run of the only batch on the server.
func (c *Connection) only(ctx context.Context) (string, error) {
	var runs []string
	names := c.stream.StreamNames(ctx)
	for name := range names.Name() {
		if run, ours := strings.CutPrefix(name, streamPrefix); ours {
			runs = append(runs, run)
		}
	}
	if err := names.Err(); err != nil {
		return "", fmt.Errorf("listing the queue: %w", err)
	}
	switch len(runs) {
	case 0:
		return "", fault.Inputf("%s: there is no reanalysis on this queue: start it with: retrace reanalyse CONFIG", c.nats.ConnectedUrlRedacted())
	case 1:
		return runs[0], nil
	}
	return "", fault.Inputf("%s: there are several reanalyses on this queue (%s): choose one with --run", c.nats.ConnectedUrlRedacted(), strings.Join(runs, ", "))
}

func (c *Connection) join(ctx context.Context, run string) (*Queue, error) {
	stream, err := c.stream.Stream(ctx, streamName(run))
	if err != nil {
		return nil, err
	}
	consumer, err := stream.Consumer(ctx, consumerName)
	if err != nil {
		return nil, err
	}
	info := consumer.CachedInfo()
	return &Queue{
		connection: c, run: run, stream: stream, consumer: consumer,
		directory: stream.CachedInfo().Config.Metadata[directoryKey],
		lease:     info.Config.AckWait, attempts: info.Config.MaxDeliver,
	}, nil
}
