// SPDX-License-Identifier: MIT

package observe

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"maps"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"strings"

	"github.com/sprymq/spry/internal/sse"
)

// A Node is a process that serves [Handler], seen from another one. Its fields must not change while it is in use. Its methods are safe for
// concurrent use.
type Node struct {
	// URL is where the handler is: "http://host:port/spry", the same with https, or "unix:///path" as [Local] returns it.
	URL string

	// Client makes the requests, other than those to a Unix socket. Defaults to one that follows no redirection. Its Timeout must be 0.
	Client *http.Client

	// Header has further headers of the requests, such as Authorization.
	Header http.Header

	// After is the ID of the event after which Events begins. Defaults to none: it begins with the next event.
	After string
}

const (
	unixScheme = "unix://"
	maxReport  = 16 << 20 // bytes of a report in JSON: some 10,000 pipes have room
	maxEvent   = 64 << 10 // bytes of an event
)

// ErrNoProcess says that no process listens at a node's URL. It is wrapped in the errors of [Node].
var ErrNoProcess = errors.New("no process listens there")

// Report asks the node for its figures. A report of more than 16 MiB, 20,000 sockets, pipes or endpoints is an error.
func (n *Node) Report(ctx context.Context) (*Report, error) {
	answer, err := n.get(ctx, "stats", "application/json", "")
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxReport+1))
	switch {
	case err != nil:
		return nil, n.failed(err)
	case len(text) > maxReport:
		return nil, n.failed(fmt.Errorf("the report has more than %d bytes", maxReport))
	}
	r, err := parseReport(text)
	if err != nil {
		return nil, n.failed(err)
	}
	if r.Instance == "" {
		return nil, n.failed(errors.New("the answer is no report"))
	}
	return r, nil
}

// Events yields the node's events until ctx ends. An error ends the loop as well, and is yielded once; a Node whose After is the ID of the
// last event then goes on where the loop ended.
func (n *Node) Events(ctx context.Context) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		answer, err := n.get(ctx, "events", sse.ContentType, n.After)
		if err != nil {
			yield(Event{}, err)
			return
		}
		defer answer.Body.Close()
		p := sse.Parser{Lines: bufio.NewReader(answer.Body), Limit: maxEvent}
		for {
			raw, err := p.Next()
			if err != nil {
				yield(Event{}, n.failed(err))
				return
			}
			e := Event{ID: raw.ID}
			if raw.Data == nil { // a comment, or where the stream is
				continue
			}
			if err := json.Unmarshal(raw.Data, &e); err != nil {
				yield(Event{}, n.failed(err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
	}
}

// get asks for a path of the handler.
func (n *Node) get(ctx context.Context, path, accept, lastEvent string) (*http.Response, error) {
	client, address, err := n.resolve()
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, address+"/"+path, http.NoBody)
	if err != nil {
		return nil, n.failed(err)
	}
	maps.Copy(r.Header, n.Header)
	r.Header.Set("Accept", accept)
	if lastEvent != "" {
		r.Header.Set("Last-Event-ID", lastEvent)
	}
	answer, err := client.Do(r)
	if err != nil {
		return nil, n.failed(err)
	}
	if answer.StatusCode != http.StatusOK {
		_ = answer.Body.Close()
		return nil, n.failed(fmt.Errorf("the answer is %d %s", answer.StatusCode, http.StatusText(answer.StatusCode)))
	}
	return answer, nil
}

// resolve returns the client for the URL, and the address that it is to ask.
func (n *Node) resolve() (*http.Client, string, error) {
	if path, ok := strings.CutPrefix(n.URL, unixScheme); ok {
		path = filepath.FromSlash(path)
		// A connection for each request: none is idle, and has to be closed.
		return &http.Client{CheckRedirect: stay, Transport: &http.Transport{
			DisableKeepAlives: true,
			DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
				return new(net.Dialer).DialContext(ctx, "unix", path)
			},
		}}, "http://localhost", nil
	}
	u, err := url.Parse(n.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, "", errors.New("the URL of a node is like http://host:port/prefix or unix:///path") // which does not show a password in it
	}
	if n.Client != nil {
		return n.Client, strings.TrimSuffix(n.URL, "/"), nil
	}
	return direct, strings.TrimSuffix(n.URL, "/"), nil
}

// direct follows no redirection: it would take the headers of a Node to where the node says.
var direct = &http.Client{CheckRedirect: stay}

func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }

// failed names the node in an error.
func (n *Node) failed(err error) error {
	if wrapped, ok := errors.AsType[*url.Error](err); ok {
		err = wrapped.Err
	}
	if errors.Is(err, errConnRefused) || errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("%w: %w", ErrNoProcess, err)
	}
	return fmt.Errorf("%s: %w", n.shown(), err)
}

// shown is the URL without a password.
func (n *Node) shown() string {
	if u, err := url.Parse(n.URL); err == nil {
		return u.Redacted()
	}
	return "node"
}
