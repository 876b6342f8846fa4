// SPDX-License-Identifier: MIT

package peers

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strconv"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/bench/internal/worker"
	"github.com/sprymq/spry/gateway"
)

// overHTTP is the shape of callers by HTTP/1.1. The server's modes are:
//
//	gateway       the gateway's handler has a Req ask a Rep in the process
//	net-http-req  a bare handler has it ask
//	net-http      a bare handler calls a function
const overHTTP = "http"

func spryServeAny(s worker.Settings) (io.Closer, error) {
	if s.Shape == overHTTP {
		return httpServe(s)
	}
	return spryServe(s)
}

func spryCallersAny(s worker.Settings) ([]worker.Asker, error) {
	if s.Shape == overHTTP {
		return httpCallers(s)
	}
	return spryCallers(s)
}

func httpServe(s worker.Settings) (io.Closer, error) {
	l, err := rawListener(s.URL)
	if err != nil {
		return nil, err
	}
	echo := func(_ context.Context, body []byte) ([]byte, error) { return bytes.Clone(body), nil }
	var sockets worker.Closers
	var handler http.Handler
	if s.Mode != "net-http" {
		inner := s
		inner.URL = "inproc://bench"
		rep, err := spryServe(inner)
		if err != nil {
			return nil, err
		}
		req := spry.NewReq(nil)
		if _, err := req.Dial(context.Background(), inner.URL); err != nil {
			return nil, err
		}
		sockets = worker.Closers{req, rep}
		echo, handler = req.Do, gateway.Ask(req, nil)
	}
	if s.Mode != "gateway" {
		handler = bareHandler(echo)
	}
	server := gateway.NewServer(handler)
	go func() { _ = server.Serve(l) }() // returns when it is closed
	return append(worker.Closers{server}, sockets...), nil
}

// bareHandler answers with the reply to the body, and does nothing else.
func bareHandler(call func(ctx context.Context, body []byte) ([]byte, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			body, err = call(r.Context(), body)
		}
		if err != nil {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/octet-stream")
		_, _ = w.Write(body) // to a client that is there
	})
}

// An httpAsker posts on a connection of its own. It is as small as can be, because it takes its share of the processor.
type httpAsker struct {
	net.Conn
	request []byte
	reader  *bufio.Reader
	reply   []byte
}

func httpCallers(s worker.Settings) ([]worker.Asker, error) {
	all := make([]worker.Asker, s.Calls)
	for i := range all {
		conn, err := rawDialConn(s.URL)
		if err != nil {
			return nil, err
		}
		request := fmt.Appendf(nil, "POST /ask HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", s.Size)
		all[i] = &httpAsker{conn, append(request, worker.Body(s.Size)...), bufio.NewReader(conn), make([]byte, s.Size)}
	}
	return all, nil
}

var errAnswer = errors.New("the answer is not the body with status 200")

// Ask implements [worker.Asker].
func (a *httpAsker) Ask() error {
	if _, err := a.Write(a.request); err != nil {
		return err
	}
	line, err := a.reader.ReadSlice('\n')
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(line, []byte("HTTP/1.1 200 ")) {
		return fmt.Errorf("%w: %.60q", errAnswer, line)
	}
	size := 0
	for len(line) > len("\r\n") {
		if line, err = a.reader.ReadSlice('\n'); err != nil {
			return err
		}
		if value, found := bytes.CutPrefix(line, []byte("Content-Length: ")); found {
			if size, err = strconv.Atoi(string(bytes.TrimSpace(value))); err != nil {
				return err
			}
		}
	}
	if size != len(a.reply) {
		return errAnswer
	}
	_, err = io.ReadFull(a.reader, a.reply)
	return err
}
