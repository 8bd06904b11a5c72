package queue

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"retrace/reanalysis"
)

// lease is a message that this worker holds.
type lease struct {
	queue   *Queue
	message jetstream.Msg
	ticket  reanalysis.Ticket
}

func newLease(q *Queue, m jetstream.Msg) (*lease, error) {
	l := &lease{queue: q, message: m}
	if err := json.Unmarshal(m.Data(), &l.ticket); err != nil {
		return nil, errors.Join(fmt.Errorf("a message of the queue: %w", err), m.Term())
	}
	meta, err := m.Metadata()
	if err != nil {
		return nil, fmt.Errorf("a message of the queue: %w", err)
	}
	l.ticket.Attempt = int(meta.NumDelivered)
	return l, nil
}

// Ticket implements reanalysis.Lease.
func (l *lease) Ticket() reanalysis.Ticket { return l.ticket }

// Period implements reanalysis.Lease.
func (l *lease) Period() time.Duration { return l.queue.lease }

// Extend implements reanalysis.Lease.
func (l *lease) Extend() error { return l.message.InProgress() }

// answerTime is how long an acknowledgement may take. One that is lost costs a look at
// a result that is there already.
const answerTime = 10 * time.Second

// Done implements reanalysis.Lease: it tells the coordinator, and waits until the
// server knows. If the server does not answer, as in an election, the window is given
// out once more, found done and acknowledged then: nothing to fail for.
func (l *lease) Done(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	hint := l.queue.connection.nats.Publish(doneSubject(l.queue.run), strconv.AppendInt(nil, int64(l.ticket.Window), 10))
	if l.message.DoubleAck(ctx) == nil || !errors.Is(hint, nats.ErrConnectionClosed) {
		return nil
	}
	return hint
}

// Fail implements reanalysis.Lease.
func (l *lease) Fail(_ context.Context, cause error) (last bool, err error) {
	if l.ticket.Attempt >= l.queue.attempts {
		return true, l.message.TermWithReason(cause.Error())
	}
	return false, l.message.NakWithDelay(reanalysis.Backoff(0, l.ticket.Attempt))
}

// Release implements reanalysis.Lease.
func (l *lease) Release() error { return l.message.Nak() }
