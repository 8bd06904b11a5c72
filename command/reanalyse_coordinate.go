package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"time"

	"retrace/experiment"
	"retrace/internal/queue"
	"retrace/reanalysis"
)

func lookPath(name string) (string, error) { return exec.LookPath(name) }

// coordination is a reanalysis carried out by worker processes.
type coordination struct {
	config   *experiment.Config
	batch    *reanalysis.Batch
	plan     *reanalysis.Plan
	joiner   *reanalysis.Joiner
	workers  int
	progress func(done, total int)
	log      *slog.Logger
}

func access(k experiment.QueueKeys) queue.Access {
	return queue.Access{URL: k.URL, Credentials: k.Credentials, CA: k.CA, Certificate: k.Certificate, Key: k.Key}
}

// run starts the queue and the workers, and coordinates them to the end.
func (c *coordination) run(ctx context.Context) error {
	keys := c.config.Reanalysis.Queue
	to := access(keys)
	if to.URL == "" {
		server, err := queue.Start(filepath.Join(c.batch.Dir, "queue"), keys.Listen)
		if err != nil {
			return err
		}
		defer server.Stop()
		to.URL = server.URL()
	}
	connection, err := queue.Connect(to)
	if err != nil {
		return err
	}
	defer connection.Close()
	dir, err := filepath.Abs(filepath.Dir(c.batch.Dir))
	if err != nil {
		return err
	}
	q, err := connection.Open(ctx, queue.Batch{
		Run: c.plan.Run, Dir: dir, Lease: keys.Period(), Attempts: reanalysis.Attempts, Replicas: keys.Replicas,
	})
	if err == nil {
		err = q.Listen()
	}
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	crew := &crew{dir: dir, run: c.plan.Run, access: to, fail: cancel, log: c.log}
	if err := crew.start(c.workers); err != nil {
		return errors.Join(err, crew.stop())
	}
	coordinator := &reanalysis.Coordinator{Batch: c.batch, Plan: c.plan, Joiner: c.joiner, Queue: q, Log: c.log, Progress: c.progress}
	err = coordinator.Run(ctx)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if ctx.Err() == nil { // the batch has ended: workers elsewhere end with it
		removing, done := context.WithTimeout(context.Background(), 10*time.Second)
		if failure := q.Remove(removing); failure != nil {
			c.log.Warn("removing the queue", "error", failure.Error())
		}
		done()
	}
	cancel(nil)
	return errors.Join(err, crew.stop())
}

// crew is the worker processes of this machine. One that ends is started again.
type crew struct {
	dir, run string
	access   queue.Access
	fail     context.CancelCauseFunc
	log      *slog.Logger

	mutex   sync.Mutex
	ended   bool
	pipes   map[int]io.Closer
	output  *os.File
	waiting sync.WaitGroup
	size    int
}

// shortLife is how long a worker lives at least that was not started in vain, and
// mostVain how many in a row may be.
const (
	shortLife = 5 * time.Second
	mostVain  = 10
)

func (c *crew) start(n int) error {
	var err error
	c.output, err = os.OpenFile(filepath.Join(experiment.ReanalysisDir(c.dir), "workers.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o666)
	if err != nil {
		return err
	}
	c.size, c.pipes = n, map[int]io.Closer{}
	for i := range n {
		c.waiting.Add(1)
		go c.keep(i)
	}
	return nil
}

// keep runs one worker after another.
func (c *crew) keep(i int) {
	defer c.waiting.Done()
	vain := 0
	for {
		began := time.Now()
		cmd, err := c.launch(i)
		if err == nil && cmd == nil {
			return
		}
		if err == nil {
			err = cmd.Wait()
		}
		if c.over() || err == nil {
			return
		}
		if vain++; time.Since(began) > shortLife {
			vain = 0
		}
		if vain >= mostVain {
			c.fail(fmt.Errorf("workers end as soon as they are started: %w; see %s", err, c.output.Name()))
			return
		}
		c.log.Warn("a worker ended and is started again", "error", err.Error())
		time.Sleep(200 * time.Millisecond)
	}
}

func (c *crew) over() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	return c.ended
}

// launch starts a worker that ends when its standard input does: with this process, in
// whatever way that ends. It returns nil if the crew is stopped.
func (c *crew) launch(i int) (*exec.Cmd, error) {
	path, err := program()
	if err != nil {
		return nil, err
	}
	args := []string{"worker", "--join", c.access.URL, "--run", c.run, "--dir", c.dir, "--follow"}
	for flag, value := range map[string]string{
		"--credentials": c.access.Credentials, "--ca": c.access.CA, "--certificate": c.access.Certificate, "--key": c.access.Key,
	} {
		if value != "" {
			args = append(args, flag, value)
		}
	}
	cmd := exec.Command(path, args...)
	cmd.Stdout, cmd.Stderr, cmd.Env = c.output, c.output, os.Environ()
	if os.Getenv("GOMAXPROCS") == "" {
		cmd.Env = append(cmd.Env, fmt.Sprintf("GOMAXPROCS=%d", max(1, runtime.NumCPU()/c.size)))
	}
	pipe, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.ended {
		return nil, pipe.Close()
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	c.pipes[i] = pipe
	return cmd, nil
}

// stop tells the workers to end, and waits for them.
func (c *crew) stop() error {
	c.mutex.Lock()
	c.ended = true
	for _, pipe := range c.pipes {
		pipe.Close()
	}
	c.mutex.Unlock()
	c.waiting.Wait()
	if c.output == nil {
		return nil
	}
	return c.output.Close()
}
