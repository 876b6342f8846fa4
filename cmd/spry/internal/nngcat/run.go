// SPDX-License-Identifier: MIT

// Package nngcat is the personality of the spry command that takes the options of nngcat 1.5 and behaves like it.
//
// Two things differ on purpose. Sent messages have reached the peer's kernel before the program ends, however long that
// takes; nngcat waits 200 ms. And --pair means what nngcat's help says (PAIR 1, or PAIR 0 with --compat), where nngcat 1.5.2
// ignores it.
package nngcat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/format"
	"github.com/sprymq/spry/cmd/spry/internal/wait"
)

// Version is the version of nngcat whose behaviour this package has.
const Version = "1.5.2"

// errDone is returned by a socket's recv when nothing more can arrive: the request was answered, or the survey has ended.
var errDone = errors.New("nothing more will come")

// A socket has the methods that the loops need.
type socket interface {
	send(ctx context.Context, body []byte) error
	recv(ctx context.Context) ([]byte, error)
	reply(ctx context.Context, body []byte) error // to what recv returned last
}

// Run is the whole program: it returns the exit code.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	c, err := parse(args, stdin)
	switch {
	case err != nil:
	case c.help:
		io.WriteString(stdout, help)
		return 1 // as nngcat does
	case c.version:
		fmt.Fprintln(stdout, Version)
		return 0
	default:
		err = run(ctx, c, stdout)
	}
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	return 0
}

// program is a run of nngcat over an open socket.
type program struct {
	*config
	socket
	stdout io.Writer
}

// loop runs the loop of the protocol and the options.
func (p *program) loop(ctx context.Context) error {
	switch kind := protocols[p.protocol].kind; {
	case kind == sends:
		return p.sendLoop(ctx)
	case !p.hasData:
		return p.recvLoop(ctx)
	case kind == answers:
		return p.replyLoop(ctx)
	}
	return p.sendRecvLoop(ctx)
}

// done reports whether a loop has run often enough.
func (p *program) done(turns int) bool { return p.count > 0 && turns >= p.count }

func (p *program) recvLoop(ctx context.Context) error {
	for turns := 0; !p.done(turns); turns++ {
		body, err := p.recvFor(ctx, p.recvTimeout)
		if ended(ctx, err) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("Receive error: %s", errorText(err))
		}
		if err := p.print(body); err != nil {
			return err
		}
	}
	return nil
}

func (p *program) replyLoop(ctx context.Context) error {
	for turns := 0; ; {
		body, err := p.recvFor(ctx, p.recvTimeout)
		if err != nil {
			return fmt.Errorf("Receive error: %s", errorText(err))
		}
		if err := p.print(body); err != nil {
			return err
		}
		if err := p.reply(ctx, p.data); err != nil {
			return fmt.Errorf("Send error: %s", errorText(err))
		}
		if turns++; p.done(turns) {
			return nil
		}
	}
}

func (p *program) sendLoop(ctx context.Context) error {
	if err := wait.For(ctx, p.delay); err != nil {
		return err
	}
	for turns := 1; ; turns++ {
		start := time.Now()
		if err := p.sendOne(ctx); err != nil {
			return err
		}
		if p.once() || p.done(turns) {
			return nil
		}
		if err := wait.For(ctx, p.interval-time.Since(start)); err != nil {
			return err
		}
	}
}

// sendRecvLoop sends, then prints received messages until the next message is due.
func (p *program) sendRecvLoop(ctx context.Context) error {
	if err := wait.For(ctx, p.delay); err != nil {
		return err
	}
	for turns := 1; ; turns++ {
		start := time.Now()
		if err := p.sendOne(ctx); err != nil {
			return err
		}
		if p.once() {
			return p.recvLoop(ctx)
		}
		for {
			body, err := p.recvFor(ctx, p.untilNext(start))
			if ended(ctx, err) {
				break
			}
			if err != nil {
				return fmt.Errorf("Cannot receive: %s", errorText(err))
			}
			if err := p.print(body); err != nil {
				return err
			}
		}
		if p.done(turns) {
			return nil
		}
		if err := wait.For(ctx, p.interval-time.Since(start)); err != nil {
			return err
		}
	}
}

// once reports whether there is only one message to send.
func (p *program) once() bool { return p.interval < 0 && p.count == 0 }

// untilNext is how long to wait for a message when the last one was sent at start.
func (p *program) untilNext(start time.Time) time.Duration {
	if p.interval < 0 {
		return p.recvTimeout
	}
	left := max(p.interval-time.Since(start), 0)
	if p.recvTimeout >= 0 {
		left = min(left, p.recvTimeout)
	}
	return left
}

func (p *program) sendOne(ctx context.Context) error {
	if p.sendTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.sendTimeout)
		defer cancel()
	}
	if err := p.send(ctx, p.data); err != nil {
		return fmt.Errorf("Send error: %s", errorText(err))
	}
	return nil
}

// recvFor waits for a message for at most d; a negative d is for ever.
func (p *program) recvFor(ctx context.Context, d time.Duration) ([]byte, error) {
	if d >= 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, d)
		defer cancel()
	}
	return p.recv(ctx)
}

// ended reports whether an error of recv is an end and not a failure.
func ended(ctx context.Context, err error) bool {
	return errors.Is(err, errDone) || errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil
}

// print writes a body in the chosen format. Without a format nothing is printed.
func (p *program) print(body []byte) error {
	var out []byte
	switch p.format {
	case "raw":
		out = body
	case "ascii":
		out = format.AppendASCII(nil, body)
	case "quoted":
		out = append(format.AppendQuoted(nil, body), '\n')
	case "hex":
		out = append(format.AppendHexLiteral(nil, body), '\n')
	case "msgpack":
		var err error
		if out, err = format.AppendMsgpackBin(nil, body); err != nil {
			return err
		}
	}
	if len(out) == 0 {
		return nil
	}
	_, err := p.stdout.Write(out)
	return err
}
