package bench

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"runtime"
	"strings"
	"time"

	"retrace/internal/fault"
)

// Request names work for a peer: its kind and sizes; see peer.py.
type Request map[string]any

// Peer is another program that times the same work, such as peer.py, which times
// PyTorch. It runs while probes are measured and answers each line, a Request
// with the number of threads and the time to take, by a line with the seconds of
// one execution.
type Peer struct {
	Name    string // as it calls itself
	process *exec.Cmd
	in      io.WriteCloser
	out     *bufio.Scanner
	stderr  strings.Builder
}

// StartPeer starts the program that a command line of the shell names. What is
// wrong with it is an input error.
func StartPeer(ctx context.Context, command string) (*Peer, error) {
	p := &Peer{process: exec.CommandContext(ctx, "sh", "-c", command)}
	p.process.Stderr = &p.stderr
	var err error
	if p.in, err = p.process.StdinPipe(); err != nil {
		return nil, fmt.Errorf("bench: starting a peer: %w", err)
	}
	out, err := p.process.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("bench: starting a peer: %w", err)
	}
	p.out = bufio.NewScanner(out)
	if err := p.process.Start(); err != nil {
		return nil, fault.Inputf("peer %q: %w", command, err)
	}
	var hello struct{ Name string }
	if err := p.read(&hello); err != nil {
		p.Close()
		return nil, err
	}
	p.Name = hello.Name
	return p, nil
}

// Close ends the program.
func (p *Peer) Close() error {
	p.in.Close()
	return p.process.Wait()
}

// ask returns the seconds of one execution of the work.
func (p *Peer) ask(r Request) (float64, error) {
	line, err := json.Marshal(r)
	if err != nil {
		return 0, fmt.Errorf("bench: a request: %w", err)
	}
	if _, err := p.in.Write(append(line, '\n')); err != nil {
		return 0, p.failure(err)
	}
	var answer struct {
		Seconds float64
		Error   string
	}
	switch err := p.read(&answer); {
	case err != nil:
		return 0, err
	case answer.Error != "" || !(answer.Seconds > 0):
		return 0, fault.Inputf("peer %s: %s: no time but %q", p.Name, line, answer.Error)
	}
	return answer.Seconds, nil
}

// read reads one line.
func (p *Peer) read(answer any) error {
	if !p.out.Scan() {
		return p.failure(p.out.Err())
	}
	if err := json.Unmarshal(p.out.Bytes(), answer); err != nil {
		return fault.Inputf("peer %s: the answer %q is not what was asked for: %w", p.Name, p.out.Text(), err)
	}
	return nil
}

// failure is the error of a peer that has ended.
func (p *Peer) failure(err error) error {
	p.in.Close()
	p.process.Wait() // completes stderr
	return fault.Inputf("peer %s ended without an answer (%v): %s", p.Name, err, strings.TrimSpace(p.stderr.String()))
}

// peerRounds is how often a peer takes its turn with a probe; each time costs it
// the making of data.
const peerRounds = 4

// settle is how long threads of a peer may go on waiting for work before they
// leave the cores to others.
const settle = 20 * time.Millisecond

type peerTimer struct {
	peer    *Peer
	request Request
	seconds float64 // of a round
	best    float64
}

func (t *peerTimer) round(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	request := Request{"threads": runtime.GOMAXPROCS(0), "seconds": t.seconds}
	for key, value := range t.request {
		request[key] = value
	}
	seconds, err := t.peer.ask(request)
	t.best = min(t.best, seconds)
	time.Sleep(settle)
	return err
}
