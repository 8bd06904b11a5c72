package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"retrace/reanalysis"
)

// Queue holds the windows of one batch. It is a reanalysis.Source for workers and a
// reanalysis.Publisher for the coordinator.
type Queue struct {
	connection *Connection
	run        string
	stream     jetstream.Stream
	consumer   jetstream.Consumer
	directory  string
	lease      time.Duration
	attempts   int
	// Patience is how long a worker bears with a server that does not answer; 0: for
	// ever.
	Patience time.Duration

	finished     chan int
	subscription *nats.Subscription
}

// Publish implements reanalysis.Publisher. label is the name by which the server knows
// a message that it was given before.
func (q *Queue) Publish(ctx context.Context, t reanalysis.Ticket, label string) error {
	text, err := json.Marshal(t)
	if err != nil {
		return err
	}
	return persist(ctx, func(ctx context.Context) error {
		_, err := q.connection.stream.Publish(ctx, workSubject(q.run), text, jetstream.WithMsgID(label))
		return err
	})
}

// Idle implements reanalysis.Publisher.
func (q *Queue) Idle(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	info, err := q.consumer.Info(ctx)
	if err != nil {
		return false, err
	}
	return info.NumPending == 0 && info.NumAckPending == 0, nil
}

// Listen makes Finished bring what workers say from now on.
func (q *Queue) Listen() error {
	q.finished = make(chan int, 1024)
	var err error
	q.subscription, err = q.connection.nats.Subscribe(doneSubject(q.run), func(m *nats.Msg) {
		if k, err := strconv.Atoi(string(m.Data)); err == nil {
			select {
			case q.finished <- k:
			default: // a hint more or less
			}
		}
	})
	return err
}

// Finished implements reanalysis.Publisher.
func (q *Queue) Finished() <-chan int { return q.finished }

// Remove deletes the stream of a batch that has ended: its workers then end too.
func (q *Queue) Remove(ctx context.Context) error {
	err := q.connection.stream.DeleteStream(ctx, streamName(q.run))
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		return nil
	}
	return err
}

// fetchTime is how long a worker waits for a window at a time.
const fetchTime = 2 * time.Second

// Claim implements reanalysis.Source. io.EOF says that the batch has ended.
func (q *Queue) Claim(ctx context.Context) (reanalysis.Lease, error) {
	silent := time.Now()
	pause := 50 * time.Millisecond
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		message, err := q.fetch()
		switch {
		case err == nil && message != nil:
			return newLease(q, message)
		case err == nil:
			silent, pause = time.Now(), 50*time.Millisecond
			continue
		case gone(err), q.removed(ctx):
			return nil, io.EOF
		case q.Patience > 0 && time.Since(silent) > q.Patience:
			return nil, fmt.Errorf("the queue has not answered for %v: %w", q.Patience, err)
		}
		select { // an election: eager asking would spin
		case <-ctx.Done():
		case <-time.After(pause):
		}
		pause = min(2*pause, 2*time.Second)
	}
}

// fetch waits a while for a message; nil if there is none.
func (q *Queue) fetch() (jetstream.Msg, error) {
	batch, err := q.consumer.Fetch(1, jetstream.FetchMaxWait(fetchTime))
	if err != nil {
		return nil, err
	}
	for m := range batch.Messages() {
		return m, nil
	}
	err = batch.Error()
	if errors.Is(err, nats.ErrTimeout) || errors.Is(err, jetstream.ErrNoMessages) {
		err = nil
	}
	return nil, err
}

func gone(err error) bool {
	return errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrConsumerNotFound) || errors.Is(err, jetstream.ErrStreamNotFound)
}

// removed reports whether the server says that the stream is no more.
func (q *Queue) removed(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	_, err := q.connection.stream.Stream(ctx, streamName(q.run))
	return errors.Is(err, jetstream.ErrStreamNotFound)
}
