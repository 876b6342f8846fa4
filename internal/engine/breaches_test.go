// SPDX-License-Identifier: MIT

package engine_test

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/engine"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/pattern"
	"github.com/sprymq/spry/internal/testcert"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ipc"
	"github.com/sprymq/spry/transport/tcp"
	"github.com/sprymq/spry/transport/tlstcp"
)

// A besieged socket is a Pull with security that bad peers come to, one after the other, while a good client works.
type besieged struct {
	t        *testing.T
	ctx      context.Context
	server   *engine.Socket
	pull     *pattern.Pull
	client   *engine.Socket
	push     *pattern.Push
	endpoint *engine.Endpoint
	tls      *tls.Config // of clients

	ended      chan engine.Event // of connections
	asked      atomic.Int64      // how often somebody had to be authenticated
	transcript transcript        // everything that was said of all this
	delivered  int
	admitted   uint64                    // pipes, of the good client and of peers that were let in
	rejected   map[reasons.Reason]uint64 // as it should be
}

// A transcript keeps what is written by several at once.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
}

func (r *transcript) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

// print notes a value in every form in which somebody might log it.
func (r *transcript) print(vs ...any) {
	for _, v := range vs {
		for _, verb := range []string{"%v\n", "%+v\n", "%#v\n"} {
			_, _ = fmt.Fprintf(r, verb, v)
		}
		if err, ok := v.(error); ok {
			_, _ = fmt.Fprintf(r, "%s %q\n", err, err)
		}
	}
}

func (r *transcript) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.String()
}

// securedOptions are those of a socket that speaks ZMTP with security.
func securedOptions(s wire.Security) engine.Options {
	return engine.Options{
		Transports: []transport.Transport{tcp.Transport{}, ipc.Transport{}, tlstcp.Transport{}},
		Dialects:   []wire.Dialect{zmtp.Dialect}, Security: s, MaxMessageSize: 1000, Linger: -1,
	}
}

// besiege starts the socket and its good client. check says who may come in.
func besiege(t *testing.T, scheme string, server, client wire.Security, check func(*wire.Question) wire.Verdict) *besieged {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	t.Cleanup(cancel)
	b := &besieged{t: t, ctx: ctx, ended: make(chan engine.Event), rejected: map[reasons.Reason]uint64{}}
	authority := testcert.NewAuthority(t)
	b.tls = authority.Client(t, "client")
	b.tls.ServerName = "127.0.0.1"

	o := securedOptions(server)
	o.Dialects = append(o.Dialects, sp.Dialect) // which the security does not cover, and which is therefore not spoken
	o.Authenticate = func(_ context.Context, q *wire.Question, _ transport.Link) wire.Verdict {
		b.asked.Add(1)
		return check(q)
	}
	o.Logger = slog.New(slog.NewJSONHandler(&b.transcript, &slog.HandlerOptions{Level: slog.LevelDebug}))
	o.Trace = func(v engine.Event) { b.transcript.print(v, v.Err) }
	b.server = engine.NewSocket(o, func(_ *engine.Socket, o engine.Options) engine.Pattern {
		b.pull = pattern.NewPull(hello(sp.Pull), o, false)
		return b.pull
	})
	trace := o.Trace
	o = securedOptions(client)
	o.Logger, o.Trace = slog.New(slog.NewTextHandler(&b.transcript, nil)), trace
	b.client = engine.NewSocket(o, func(*engine.Socket, engine.Options) engine.Pattern {
		b.push = pattern.NewPush(hello(sp.Push), false, false)
		return b.push
	})
	url := scheme + "://127.0.0.1:0"
	if scheme == "ipc" {
		dir, err := os.MkdirTemp("", "spry")
		must(t, err)
		t.Cleanup(func() { _ = os.RemoveAll(dir) })
		url = "ipc://" + filepath.Join(dir, "s")
	}
	var err error
	b.endpoint, err = b.server.Listen(ctx, url, engine.EndpointConfig{Listen: transport.ListenOptions{TLS: authority.Server(t)}})
	must(t, err)
	events := b.server.Events(ctx)
	go func() {
		defer close(b.ended)
		for v := range events {
			if v.Kind == engine.EventReject || v.Kind == engine.EventPipeDown {
				select {
				case b.ended <- v:
				case <-ctx.Done():
				}
			}
		}
	}()
	b.admitted = 1
	_, err = b.client.Dial(ctx, b.endpoint.URL(), engine.EndpointConfig{Dial: transport.DialOptions{TLS: b.tls}}, true)
	must(t, err)
	return b
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// connect makes a connection, with TLS where the listener has it.
func (b *besieged) connect() *rawPeer {
	b.t.Helper()
	network, address := "tcp", b.endpoint.Addr().String()
	if path, ok := strings.CutPrefix(b.endpoint.URL(), "ipc://"); ok {
		network, address = "unix", path
	}
	c, err := (&net.Dialer{}).DialContext(b.ctx, network, address)
	must(b.t, err)
	if strings.HasPrefix(b.endpoint.URL(), "tls") {
		c = tls.Client(c, b.tls)
	}
	b.t.Cleanup(func() { _ = c.Close() })
	deadline, _ := b.ctx.Deadline()
	must(b.t, c.SetDeadline(deadline))
	return &rawPeer{c, b.t}
}

// A breach is how a peer with security, or without, does not keep to the rules.
type breach struct {
	name   string // begins with the number of its class
	reason reasons.Reason
	down   bool // after it was let in
	asked  int  // how often somebody is asked whether it may come in
	bodies int  // messages of it that are delivered, for they were good
}

// suffer lets a peer do its worst, and checks how it ends, and that the good client is served as before.
func (b *besieged) suffer(c breach, do func(p *rawPeer)) {
	b.t.Helper()
	asked := b.asked.Load()
	p := b.connect()
	do(p)
	kind := engine.EventReject
	if c.down {
		kind = engine.EventPipeDown
	}
	v, ok := <-b.ended
	if !ok {
		b.t.Fatalf("%s: it did not end", c.name)
	}
	if v.Kind != kind || v.Reason != c.reason {
		b.t.Errorf("%s: ended with %v, %q (%v); want %v, %q", c.name, v.Kind, v.Reason, v.Err, kind, c.reason)
	}
	b.transcript.print(v, v.Err)
	if n := int(b.asked.Load() - asked); n != c.asked {
		b.t.Errorf("%s: authentication was asked for %d times, want %d", c.name, n, c.asked)
	}
	if c.down {
		b.admitted++
		<-v.Pipe.Done()
		b.transcript.print(v.Pipe.Err(), v.Pipe.Session().Metadata, v.Pipe.Stats())
	}
	if c.reason != "eof" {
		b.rejected[c.reason]++
	}
	_, _ = io.Copy(io.Discard, p) // until the listener has closed it
	b.delivered += c.bodies
	b.work(c)
}

// work sends a message by the good client, which must arrive, after those good ones of the bad peer and nothing else.
func (b *besieged) work(c breach) {
	b.t.Helper()
	good := fmt.Sprintf("good %d", b.delivered)
	m := msg.Of([]byte(good))
	must(b.t, b.push.Send(b.ctx, true, nil, &m))
	b.delivered++
	for range c.bodies + 1 {
		m, err := b.pull.Recv(b.ctx)
		must(b.t, err)
		if body := string(m.Body()); body != good && (c.bodies == 0 || body != boxed) {
			b.t.Fatalf("%s: %q was let through", c.name, body)
		}
		m.Release()
	}
}

// relief checks the sums, ends it all, and searches what was told for secrets.
func (b *besieged) relief(secrets map[string][]byte) {
	b.t.Helper()
	st := b.server.Stats()
	if fmt.Sprint(st.Rejected) != fmt.Sprint(b.rejected) {
		b.t.Errorf("rejected %v, want %v", st.Rejected, b.rejected)
	}
	if st.Recv.Arrived != uint64(b.delivered) || st.Recv.Delivered != uint64(b.delivered) || len(st.Recv.Dropped) > 0 || st.Panics > 0 {
		b.t.Errorf("arrived %d, delivered %d, dropped %v, %d panics; want %d and nothing else", st.Recv.Arrived, st.Recv.Delivered, st.Recv.Dropped, st.Panics, b.delivered)
	}
	if n := b.endpoint.Stats().Established; n != b.admitted {
		b.t.Errorf("%d pipes were made, want %d", n, b.admitted)
	}
	for _, s := range []*engine.Socket{b.client, b.server} {
		must(b.t, s.Close())
		asJSON, err := json.Marshal(s.Stats())
		must(b.t, err)
		b.transcript.print(s.Stats(), string(asJSON), s.Options())
	}
	text := b.transcript.String()
	for _, want := range []string{"authentication", "reject", "pipe_down"} {
		if !strings.Contains(text, want) {
			b.t.Errorf("nothing was told of %s: what is searched is not all", want)
		}
	}
	for name, secret := range secrets {
		for form, s := range formsOf(secret) {
			if strings.Contains(text, s) {
				b.t.Errorf("%s was told, as %s", name, form)
			}
		}
	}
}

// formsOf are the ways in which bytes may be printed.
func formsOf(secret []byte) map[string]string {
	list := fmt.Sprint(secret)
	source := fmt.Sprintf("%#v", secret)
	forms := map[string]string{
		"bytes": string(secret), "hex": fmt.Sprintf("%x", secret), "HEX": fmt.Sprintf("%X", secret), "hex with blanks": fmt.Sprintf("% x", secret),
		"numbers": list[1 : len(list)-1], "Go": source[len("[]byte{") : len(source)-1], "quoted": strings.Trim(fmt.Sprintf("%q", secret), `"`),
	}
	asJSON, _ := json.Marshal(secret)
	forms["base64"] = strings.Trim(string(asJSON), `"`)
	if len(secret)%4 == 0 {
		forms["Z85"] = z85(secret)
	}
	return forms
}

// z85 is how ZeroMQ prints keys.
func z85(b []byte) (s string) {
	const digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#"
	for ; len(b) >= 4; b = b[4:] {
		n := uint32(b[0])<<24 | uint32(b[1])<<16 | uint32(b[2])<<8 | uint32(b[3])
		for d := uint32(85 * 85 * 85 * 85); d > 0; d /= 85 {
			s += string(digits[n/d%85])
		}
	}
	return s
}
