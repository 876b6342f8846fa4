// SPDX-License-Identifier: MIT

package jupyter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/zmq"
)

// A Client is a frontend of one kernel. Its calls are made one after the other.
type Client struct {
	session        Session
	shell, control *zmq.Dealer
	stdin          *zmq.Dealer
	iopub          *zmq.Sub
	heartbeat      *zmq.Req
}

// Connect returns a client of the kernel that listens, or will, at c.
func Connect(c Connection) (*Client, error) {
	s := NewSession(c.Key)
	// A kernel takes a while to listen.
	o := zmq.Options{Backoff: spry.Backoff{Min: 10 * time.Millisecond, Max: 200 * time.Millisecond}}
	// It publishes as long as its socket has room for it, and what it publishes counts.
	iopub := zmq.NewSub(&zmq.SubOptions{Options: o, Overflow: spry.Block})
	heartbeat := zmq.NewReq(&zmq.ReqOptions{Options: o})
	o.Identity = s.ID // by which a kernel asks for input whom it got the request from
	named := &zmq.DealerOptions{Options: o}
	k := &Client{
		session: s, shell: zmq.NewDealer(named), control: zmq.NewDealer(named), stdin: zmq.NewDealer(named),
		iopub: iopub, heartbeat: heartbeat,
	}
	_, shell := k.shell.Connect(c.url(c.Shell))
	_, control := k.control.Connect(c.url(c.Control))
	_, stdin := k.stdin.Connect(c.url(c.Stdin))
	_, output := k.iopub.Connect(c.url(c.IOPub))
	_, beats := k.heartbeat.Connect(c.url(c.Heartbeat))
	return k, errors.Join(shell, control, stdin, output, beats, k.iopub.Subscribe(""))
}

// Close closes the client's sockets.
func (k *Client) Close() error {
	return errors.Join(k.shell.Close(), k.control.Close(), k.stdin.Close(), k.iopub.Close(), k.heartbeat.Close())
}

// Beat asks the kernel for a heartbeat.
func (k *Client) Beat(ctx context.Context, text string) (string, error) {
	frames, err := k.heartbeat.Do(ctx, []byte(text))
	if err != nil {
		return "", err
	}
	return string(frames[0]), nil
}

// Control asks for something on the channel that does not wait for executions, and reads the reply.
func (k *Client) Control(ctx context.Context, kind string, request, reply any) error {
	return k.call(ctx, k.control, kind, request, reply)
}

// Ready asks the kernel what it is until its output is seen to arrive: a subscription takes a moment.
func (k *Client) Ready(ctx context.Context, info any) error {
	for {
		if err := k.call(ctx, k.shell, "kernel_info_request", struct{}{}, info); err != nil {
			return err
		}
		waiting, cancel := context.WithTimeout(ctx, 100*time.Millisecond)
		_, err := k.iopub.Recv(waiting)
		cancel()
		if err == nil || !errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
			return err
		}
	}
}

// call sends a request and reads its reply.
func (k *Client) call(ctx context.Context, on *zmq.Dealer, kind string, request, reply any) error {
	m, err := k.send(ctx, on, kind, nil, request)
	if err == nil {
		err = k.reply(ctx, on, m, reply)
	}
	return err
}

func (k *Client) send(ctx context.Context, on *zmq.Dealer, kind string, parent *Message, content any) (Message, error) {
	m, err := k.session.New(kind, parent, content)
	if err != nil {
		return m, err
	}
	frames, err := k.session.Encode(m)
	if err != nil {
		return m, err
	}
	return m, on.Send(ctx, frames...)
}

func (k *Client) reply(ctx context.Context, on *zmq.Dealer, request Message, content any) error {
	for {
		m, err := k.recv(ctx, on)
		if err != nil {
			return err
		}
		if m.Parent.ID == request.Header.ID {
			return m.Unmarshal(content)
		}
	}
}

func (k *Client) recv(ctx context.Context, from interface {
	Recv(ctx context.Context) ([][]byte, error)
},
) (Message, error) {
	frames, err := from.Recv(ctx)
	if err != nil {
		return Message{}, err
	}
	return k.session.Decode(frames)
}

// Hooks are called while code is executed, where they are not nil.
type Hooks struct {
	Input  func(prompt string) string // says what the code reads
	Output func(text string)          // called with the output
}

// A Result is the result of an execution.
type Result struct {
	Status string // "ok" or "error"
	Stdout string
	Value  string // of the last expression, as text
	Error  string // its name
	Types  []string
}

// Execute has the kernel execute code and waits until it is done.
func (k *Client) Execute(ctx context.Context, code string, h Hooks) (r Result, err error) {
	m, err := k.send(ctx, k.shell, "execute_request", nil, map[string]any{
		"code": code, "silent": false, "store_history": true, "user_expressions": struct{}{}, "allow_stdin": h.Input != nil, "stop_on_error": false,
	})
	if err != nil {
		return r, err
	}
	answering, stop := context.WithCancel(ctx)
	var inputs sync.WaitGroup
	inputs.Go(func() { k.answerInputs(answering, h.Input) })
	defer inputs.Wait()
	defer stop()
	if err := k.outputs(ctx, m, h.Output, &r); err != nil {
		return r, fmt.Errorf("output: %w", err)
	}
	var reply struct{ Status, Ename string }
	if err := k.reply(ctx, k.shell, m, &reply); err != nil {
		return r, fmt.Errorf("reply: %w", err)
	}
	r.Status, r.Error = reply.Status, reply.Ename
	return r, nil
}

// answerInputs answers the kernel's questions until ctx ends.
func (k *Client) answerInputs(ctx context.Context, input func(prompt string) string) {
	for {
		question, err := k.recv(ctx, k.stdin)
		if err != nil || input == nil {
			return
		}
		var asked struct{ Prompt string }
		if question.Unmarshal(&asked) != nil {
			return
		}
		if _, err := k.send(ctx, k.stdin, "input_reply", &question, map[string]string{"value": input(asked.Prompt)}); err != nil {
			return
		}
	}
}

// outputs collects what an execution publishes, until the kernel is idle again.
func (k *Client) outputs(ctx context.Context, request Message, output func(text string), r *Result) error {
	for {
		m, err := k.recv(ctx, k.iopub)
		if err != nil {
			return err
		}
		if m.Parent.ID != request.Header.ID {
			continue
		}
		var content struct {
			State string `json:"execution_state"`
			Name  string
			Text  string
			Data  map[string]any
		}
		if err := m.Unmarshal(&content); err != nil {
			return err
		}
		r.Types = append(r.Types, m.Header.Type)
		switch m.Header.Type {
		case "stream":
			if content.Name == "stdout" {
				r.Stdout += content.Text
			}
			if output != nil {
				output(content.Text)
			}
		case "execute_result":
			r.Value, _ = content.Data["text/plain"].(string)
		case "status":
			if content.State == "idle" {
				return nil
			}
		}
	}
}
