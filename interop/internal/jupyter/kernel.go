// SPDX-License-Identifier: MIT

package jupyter

import (
	"context"
	"errors"
	"sync"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/zmq"
)

// Evaluate executes code. It prints by show and reads by input, and returns the value as text.
type Evaluate func(code string, input func(prompt string) (string, error), show func(text string) error) (value string, err error)

// A Kernel serves frontends.
type Kernel struct {
	session               Session
	evaluate              Evaluate
	shell, control, stdin *zmq.Router
	iopub                 *zmq.Pub
	heartbeat             *zmq.Rep
	count                 int // of executions
}

// Listen returns a kernel that listens at c.
func Listen(ctx context.Context, c Connection, evaluate Evaluate) (*Kernel, error) {
	k := &Kernel{
		session: NewSession(c.Key), evaluate: evaluate,
		shell: zmq.NewRouter(nil), control: zmq.NewRouter(nil), stdin: zmq.NewRouter(nil), iopub: zmq.NewPub(nil), heartbeat: zmq.NewRep(nil),
	}
	_, shell := k.shell.Listen(ctx, c.url(c.Shell))
	_, control := k.control.Listen(ctx, c.url(c.Control))
	_, stdin := k.stdin.Listen(ctx, c.url(c.Stdin))
	_, iopub := k.iopub.Listen(ctx, c.url(c.IOPub))
	_, heartbeat := k.heartbeat.Listen(ctx, c.url(c.Heartbeat))
	return k, errors.Join(shell, control, stdin, iopub, heartbeat)
}

// Serve serves until a frontend says that the kernel shall end, or ctx ends. It closes the kernel's sockets.
func (k *Kernel) Serve(ctx context.Context) error {
	serving, stop := context.WithCancel(ctx)
	defer stop()
	var all sync.WaitGroup
	all.Go(func() {
		_ = k.heartbeat.Serve(serving, 1, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, r.Bytes()) }))
	})
	var failures [2]error
	for i, from := range []*zmq.Router{k.shell, k.control} {
		all.Go(func() {
			defer stop()
			failures[i] = k.serve(serving, from)
		})
	}
	all.Wait()
	closed := errors.Join(k.shell.Close(), k.control.Close(), k.stdin.Close(), k.iopub.Close(), k.heartbeat.Close())
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return errors.Join(failures[0], failures[1], closed)
}

// serve answers the requests of a channel.
func (k *Kernel) serve(ctx context.Context, from *zmq.Router) error {
	for {
		frames, err := from.Recv(ctx)
		if errors.Is(err, context.Canceled) {
			return nil
		}
		if err != nil {
			return err
		}
		m, err := k.session.Decode(frames)
		if err != nil {
			continue // by another process
		}
		ended, err := k.handle(ctx, from, m)
		if ended || err != nil {
			return err
		}
	}
}

// handle answers a request, while frontends see the kernel as busy.
func (k *Kernel) handle(ctx context.Context, from *zmq.Router, m Message) (ended bool, err error) {
	if err := k.publish(ctx, m, "status", map[string]string{"execution_state": "busy"}); err != nil {
		return false, err
	}
	switch m.Header.Type {
	case "kernel_info_request":
		err = k.send(ctx, from, m, "kernel_info_reply", map[string]any{
			"status": "ok", "protocol_version": "5.3", "implementation": "spry", "implementation_version": "1", "banner": "a kernel of Spry's tests",
			"language_info": map[string]string{"name": "upper", "version": "1", "mimetype": "text/plain", "file_extension": ".txt"},
		})
	case "execute_request":
		err = k.execute(ctx, from, m)
	case "shutdown_request":
		ended = true
		err = k.send(ctx, from, m, "shutdown_reply", map[string]any{"status": "ok", "restart": false})
	}
	return ended, errors.Join(err, k.publish(ctx, m, "status", map[string]string{"execution_state": "idle"}))
}

func (k *Kernel) execute(ctx context.Context, from *zmq.Router, m Message) error {
	var request struct{ Code string }
	if err := m.Unmarshal(&request); err != nil {
		return err
	}
	k.count++
	if err := k.publish(ctx, m, "execute_input", map[string]any{"code": request.Code, "execution_count": k.count}); err != nil {
		return err
	}
	input := func(prompt string) (string, error) { return k.input(ctx, m, prompt) }
	show := func(text string) error {
		return k.publish(ctx, m, "stream", map[string]string{"name": "stdout", "text": text})
	}
	value, err := k.evaluate(request.Code, input, show)
	if err != nil {
		failure := map[string]any{"status": "error", "execution_count": k.count, "ename": "Error", "evalue": err.Error(), "traceback": []string{}}
		return errors.Join(k.publish(ctx, m, "error", failure), k.send(ctx, from, m, "execute_reply", failure))
	}
	result := map[string]any{"execution_count": k.count, "data": map[string]string{"text/plain": value}, "metadata": struct{}{}}
	reply := map[string]any{"status": "ok", "execution_count": k.count, "payload": []any{}, "user_expressions": struct{}{}}
	return errors.Join(k.publish(ctx, m, "execute_result", result), k.send(ctx, from, m, "execute_reply", reply))
}

// input asks the frontend that a request came from, which has the same identity on this channel.
func (k *Kernel) input(ctx context.Context, m Message, prompt string) (string, error) {
	if err := k.send(ctx, k.stdin, m, "input_request", map[string]any{"prompt": prompt, "password": false}); err != nil {
		return "", err
	}
	frames, err := k.stdin.Recv(ctx)
	if err != nil {
		return "", err
	}
	answer, err := k.session.Decode(frames)
	if err != nil {
		return "", err
	}
	var content struct{ Value string }
	err = answer.Unmarshal(&content)
	return content.Value, err
}

// publish sends the result of a request to all frontends.
func (k *Kernel) publish(ctx context.Context, request Message, kind string, content any) error {
	request.Route = [][]byte{[]byte(kind)} // the topic
	return k.transmit(ctx, k.iopub.Send, request, kind, content)
}

// send sends to the frontend that a request came from.
func (k *Kernel) send(ctx context.Context, to *zmq.Router, request Message, kind string, content any) error {
	return k.transmit(ctx, to.Send, request, kind, content)
}

func (k *Kernel) transmit(ctx context.Context, send func(context.Context, ...[]byte) error, request Message, kind string, content any) error {
	m, err := k.session.New(kind, &request, content)
	if err != nil {
		return err
	}
	frames, err := k.session.Encode(m)
	if err != nil {
		return err
	}
	return send(ctx, frames...)
}
