// SPDX-License-Identifier: MIT

package run

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"

	"github.com/sprymq/spry/bench/internal/worker"
)

// A process is a worker that runs.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *bufio.Reader
	errors bytes.Buffer
	calls  string // the file of the count of its system calls, if they are counted
}

// start runs a worker; ctx kills it.
func start(ctx context.Context, c command) (*process, error) {
	p := &process{cmd: exec.CommandContext(ctx, c.line[0], c.line[1:]...)}
	p.cmd.Env = append(os.Environ(), c.env...)
	if p.calls = c.calls; p.calls != "" {
		interruptible(p.cmd)
	}
	p.cmd.Stderr = &p.errors
	in, err := p.cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.in, p.out = in, bufio.NewReader(out)
	return p, p.cmd.Start()
}

// ready waits until a server can be dialed.
func (p *process) ready() error { return p.says("ready") }

// says waits until a server says a word.
func (p *process) says(word string) error {
	line, err := p.out.ReadString('\n')
	if err == nil && strings.TrimSpace(line) != word {
		err = fmt.Errorf("worker said %q instead of %s", line, word)
	}
	if err != nil {
		_, why := p.finish()
		return errors.Join(why, ignoreEOF(err))
	}
	return nil
}

// ignoreEOF drops the end of output, which only follows from the worker's own end.
func ignoreEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

// ask writes a line to the worker and returns its answer.
func (p *process) ask(line string) (string, error) {
	if _, err := fmt.Fprintln(p.in, line); err != nil {
		return "", err
	}
	return p.out.ReadString('\n')
}

// stop ends a server that does not end by itself, and returns its result.
func (p *process) stop() (worker.Result, error) {
	if err := p.in.Close(); err != nil {
		return worker.Result{}, err
	}
	return p.finish()
}

// finish waits for the worker's end.
func (p *process) finish() (r worker.Result, err error) {
	rest, readErr := io.ReadAll(p.out)
	if err := p.cmd.Wait(); err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.ExitCode() == worker.ExitNotApplicable {
			return r, worker.ErrNotApplicable
		}
		return r, fmt.Errorf("%s: %w: %s", strings.Join(p.cmd.Args, " "), err, strings.TrimSpace(p.errors.String()))
	}
	if readErr != nil {
		return r, readErr
	}
	lines := bytes.Split(bytes.TrimSpace(rest), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], &r); err != nil {
		return r, fmt.Errorf("%s: result: %w", strings.Join(p.cmd.Args, " "), err)
	}
	if p.calls != "" {
		r.Calls, err = readCalls(p.calls)
	}
	return r, err
}

// both runs a server and its client. A server that ends by itself does so when it has received everything. Another one answers
// requests: it learns when its client is warm, and is stopped when its client has ended. Each gets a message when the other has
// ended.
func both(ctx context.Context, server, client command, endsItself bool) (s, c worker.Result, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // what still runs after a failure is killed
	at, err := start(ctx, server)
	if err != nil {
		return s, c, err
	}
	if err := at.ready(); err != nil {
		return s, c, err
	}
	by, err := start(ctx, client)
	if err != nil {
		cancel()
		_, _ = at.finish()
		return s, c, err
	}
	var clientErr error
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if !endsItself {
			clientErr = relayWarm(by, at)
		}
		if clientErr == nil {
			c, clientErr = by.finish()
		}
		if clientErr != nil {
			cancel() // the server would wait for ever
		}
		at.sendEnd()
	}()
	if endsItself {
		s, err = at.finish()
		by.sendEnd()
		<-ended
	} else {
		<-ended
		s, err = at.stop()
	}
	if clientErr != nil {
		err = clientErr
	}
	return s, c, err
}

// relayWarm waits until a client is warm, and lets its server know.
func relayWarm(client, server *process) error {
	if err := client.says(worker.WarmLine); err != nil {
		return err
	}
	_, err := fmt.Fprintln(server.in, worker.WarmLine)
	return err
}

// A command is a command line and what its environment has in addition.
type command struct {
	line, env []string
	calls     string // a file for the count of its system calls
}

// sendEnd informs a worker that the other side has ended. A worker that has ended too does not read it.
func (p *process) sendEnd() { _, _ = fmt.Fprintln(p.in, "ended") }
