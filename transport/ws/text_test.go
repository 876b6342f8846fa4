// SPDX-License-Identifier: MIT

package ws_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/internal/wsframe"
	"github.com/sprymq/spry/transport"
	"github.com/sprymq/spry/transport/ws"
)

// page is a hand-written page: it connects to a path without a subprotocol.
func page(t *testing.T, e *spry.Endpoint, path string) *browser {
	t.Helper()
	lines := request(path, "")
	b := visit(t, e, lines[:len(lines)-1]...)
	r := b.answer(t) //nolint:bodyclose // answer closes it
	if _, named := r.Header["Sec-Websocket-Protocol"]; r.StatusCode != http.StatusSwitchingProtocols || named {
		t.Fatalf("the answer is %s, with the headers %v", r.Status, r.Header)
	}
	return b
}

// receives checks the next frame.
func (b *browser) receives(t *testing.T, want string) {
	t.Helper()
	if h, payload := b.frame(t); h.Opcode != wsframe.Text || string(payload) != want {
		t.Errorf("a frame of kind %d with %q; want the text %q", h.Opcode, payload, want)
	}
}

// closes checks that the next frame is a close frame with a status.
func (b *browser) closes(t *testing.T, want wsframe.StatusCode) {
	t.Helper()
	h, payload := b.frame(t)
	code, reason, err := wsframe.ParseClose(payload)
	if h.Opcode != wsframe.Close || code != want || err != nil {
		t.Errorf("a frame of kind %d: %d %s, %v; want a close frame with %d", h.Opcode, code, reason, err, want)
	}
}

// answering replies to requests until the test ends.
func answering(t *testing.T, rep *spry.Rep, prefix string) {
	t.Helper()
	go func() {
		for {
			r, err := rep.Recv(t.Context())
			if err != nil {
				return
			}
			_ = r.Reply(t.Context(), append([]byte(prefix), r.Bytes()...))
		}
	}()
}

func TestPagesAskInText(t *testing.T) {
	leak.Check(t)
	rep := spry.NewRep(&spry.RepOptions{Options: options()})
	testkit.CloseAll(t, rep)
	e := testkit.ListenOn(t, rep, "ws")
	answering(t, rep, "re: ")
	b := page(t, e, "/?format=text")
	b.send(t, wsframe.Text, true, "grüß")
	b.receives(t, "re: grüß")
	b.send(t, wsframe.Text, false, "")
	b.send(t, wsframe.Continuation, true, "")
	b.receives(t, "re: ")
	b = page(t, e, "/?format=json")
	b.send(t, wsframe.Text, true, `{"id":7,"via":[1,2],"body":"a"}`)
	b.receives(t, `{"id":7,"via":[1,2],"body":"re: a"}`)
	b.send(t, wsframe.Text, true, `{"body_base64":"/w=="}`)
	b.receives(t, `{"id":2,"body_base64":"cmU6IP8="}`)
	many := "1" + strings.Repeat(",1", 99) // each hop is longer in the header
	b.send(t, wsframe.Text, true, `{"id":8,"via":[`+many+`],"body":""}`)
	testkit.Eventually(t, "the long header is dropped", func() bool { return rep.Stats().Recv.Dropped["ttl"] == 1 })
	b.send(t, wsframe.Text, true, `"b"`)
	b.receives(t, `{"id":4,"body":"re: b"}`)
}

// A message that is not text is no reason to end a connection on which others can be sent.
func TestTextLinksRefuseOtherMessages(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	push, pub := spry.NewPush(&spry.PushOptions{Options: options()}), spry.NewPub(&spry.PubOptions{Options: options()})
	testkit.CloseAll(t, push, pub)
	b := page(t, testkit.ListenOn(t, push, "ws"), "/?format=text")
	testkit.Check(t, push.Send(ctx, []byte("a")))
	err := push.Send(ctx, []byte("\xff"))
	if !errors.Is(err, spry.ErrNotText) || !strings.Contains(err.Error(), "format=json") {
		t.Errorf("a message that is not text: %v", err)
	}
	if n, err := push.SendBodies(ctx, [][]byte{[]byte("b"), []byte("\xff")}); n != 1 || !errors.Is(err, spry.ErrNotText) {
		t.Errorf("of a batch %d messages were sent, %v", n, err)
	}
	testkit.Check(t, push.Send(ctx, []byte("c")))
	for _, want := range []string{"a", "b", "c"} {
		b.receives(t, want)
	}

	e := testkit.ListenOn(t, pub, "ws")
	text, objects := page(t, e, "/?format=text"), page(t, e, "/?format=json")
	testkit.Eventually(t, "both are peers", func() bool { return len(pub.Stats().Pipes) == 2 })
	testkit.Check(t, pub.Send(ctx, []byte("\xff")))
	testkit.Check(t, pub.Send(ctx, []byte("ü")))
	text.receives(t, "ü")
	objects.receives(t, `{"body_base64":"/w=="}`)
	objects.receives(t, `{"body":"ü"}`)
	if dropped := pub.Stats().Send.Dropped; dropped["not_text"] != 1 || testkit.Sum(dropped) != 1 {
		t.Errorf("dropped %v", dropped)
	}
}

func TestBreachesOfText(t *testing.T) {
	pull, e := pulling(t, options())
	for _, tc := range []struct {
		path   string
		op     wsframe.Opcode
		frames []string
		code   wsframe.StatusCode
		reason spry.Reason
	}{
		{"/?format=text", wsframe.Binary, []string{"a"}, wsframe.StatusUnsupported, spry.ReasonFrameType},
		{"/?format=json", wsframe.Binary, []string{"a"}, wsframe.StatusUnsupported, spry.ReasonFrameType},
		{"/?format=text", wsframe.Text, []string{"\xc3", "\xbc", "\xff"}, wsframe.StatusInvalidData, spry.ReasonNotText},
		{"/?format=json", wsframe.Text, []string{`{}`}, wsframe.StatusInvalidData, spry.ReasonNotText},
		{"/?format=json", wsframe.Text, []string{`["a","b"]`}, wsframe.StatusInvalidData, spry.ReasonNotText},
		{"/?format=json", wsframe.Text, []string{`{"body":"` + "\xff" + `"}`}, wsframe.StatusInvalidData, spry.ReasonNotText},
	} {
		before := pull.Stats().Rejected[tc.reason]
		b := page(t, e, tc.path)
		for i, payload := range tc.frames {
			op := tc.op
			if i > 0 {
				op = wsframe.Continuation
			}
			b.send(t, op, i == len(tc.frames)-1, payload)
		}
		b.closes(t, tc.code)
		testkit.Eventually(t, tc.path+" is counted", func() bool { return pull.Stats().Rejected[tc.reason] == before+1 })
	}
}

// The limit is that of messages, however long their text is.
func TestLimitOfText(t *testing.T) {
	o := options()
	o.MaxMessageSize = 1000
	pull, e := pulling(t, o)
	for _, tc := range []struct {
		path, good, bad string
	}{
		{"/?format=text", strings.Repeat("x", 1000), strings.Repeat("x", 1001)},
		{"/?format=json", `{"body":"` + strings.Repeat(`\u0041`, 1000) + `"}`, `{"body":"` + strings.Repeat("x", 1001) + `"}`},
		{"/?format=json", `"a"`, `{"body":"a","more":"` + strings.Repeat("x", 20000) + `"}`},
	} {
		b := page(t, e, tc.path)
		b.send(t, wsframe.Text, true, tc.good)
		if _, err := pull.Recv(testkit.Watchdog(t)); err != nil {
			t.Errorf("%s: %v", tc.path, err)
		}
		b.send(t, wsframe.Text, true, tc.bad)
		b.closes(t, wsframe.StatusTooLarge)
	}
}

func TestSocketsSpeakTextByURL(t *testing.T) {
	for _, format := range []string{"text", "json", "binary"} {
		t.Run(format, func(t *testing.T) {
			leak.Check(t)
			ctx := testkit.Watchdog(t)
			big := strings.Repeat("größer ", 30000)
			push, pull := spry.NewPush(&spry.PushOptions{Options: options()}), spry.NewPull(&spry.PullOptions{Options: options()})
			a, b := spry.NewPair(&spry.PairOptions{Options: options()}), spry.NewPair(&spry.PairOptions{Options: options()})
			req, rep := spry.NewReq(&spry.ReqOptions{Options: options()}), spry.NewRep(&spry.RepOptions{Options: options()})
			testkit.CloseAll(t, push, pull, a, b, req, rep)
			_, err := push.Dial(ctx, testkit.ListenOn(t, pull, "ws").URL()+"?format="+format)
			testkit.Check(t, err)
			for _, body := range []string{"", "a", big} {
				testkit.Check(t, push.Send(ctx, []byte(body)))
				if got, err := pull.Recv(ctx); err != nil || string(got) != body {
					t.Errorf("%.20q of %d bytes, %v", got, len(got), err)
				}
			}
			_, err = a.Dial(ctx, testkit.ListenOn(t, b, "ws").URL()+"?format="+format)
			testkit.Check(t, err)
			testkit.Check(t, a.Send(ctx, []byte("to b")))
			if got, err := b.Recv(ctx); err != nil || string(got) != "to b" {
				t.Errorf("%q, %v", got, err)
			}
			answering(t, rep, "")
			_, err = req.Dial(ctx, testkit.ListenOn(t, rep, "ws").URL()+"?format="+format)
			if format == "text" {
				if err == nil || !strings.Contains(err.Error(), "use ?format=json") {
					t.Errorf("a request as text: %v", err)
				}
				return
			}
			testkit.Check(t, err)
			for i := range 10 {
				body := fmt.Sprint("\xff", i)
				if got, err := req.Do(ctx, []byte(body)); err != nil || string(got) != body {
					t.Errorf("%q, %v", got, err)
				}
			}
		})
	}
}

// A listener has a format for pages. Programs that name a subprotocol are not concerned.
func TestFormatOfAListener(t *testing.T) {
	o := options()
	o.Transports = []transport.Transport{ws.Transport{Format: "text"}}
	pull, e := pulling(t, o)
	page(t, e, "/").send(t, wsframe.Text, true, "as text")
	page(t, e, "/?format=json").send(t, wsframe.Text, true, `"as JSON"`)
	upgraded(t, e).send(t, wsframe.Binary, true, "as bytes")
	got := make(map[string]bool)
	for range 3 {
		body, err := pull.Recv(testkit.Watchdog(t))
		testkit.Check(t, err)
		got[string(body)] = true
	}
	if !got["as text"] || !got["as JSON"] || !got["as bytes"] {
		t.Errorf("got %v", got)
	}
	l, err := pull.Listen(t.Context(), "ws://127.0.0.1:0/objects?format=json")
	testkit.Check(t, err)
	if strings.Contains(l.URL(), "?") {
		t.Errorf("the URL for programs is %s", l.URL())
	}
	page(t, l, "/objects").send(t, wsframe.Text, true, `{"body":"an object"}`)
	if body, err := pull.Recv(testkit.Watchdog(t)); err != nil || string(body) != "an object" {
		t.Errorf("%q, %v", body, err)
	}
	if _, err := pull.Listen(t.Context(), "ws://127.0.0.1:0/?format=xml"); err == nil || !strings.Contains(err.Error(), "json") {
		t.Errorf("an unknown format: %v", err)
	}
	if r := visit(t, e, request("/?format=xml", "pull.sp.nanomsg.org")...).answer(t); r.StatusCode != http.StatusBadRequest { //nolint:bodyclose // answer closes it
		t.Errorf("an unknown format: %s", r.Status)
	}
	req := spry.NewReq(&spry.ReqOptions{Options: options()})
	testkit.CloseAll(t, req)
	if r := visit(t, testkit.ListenOn(t, req, "ws"), request("/?format=text", "req.sp.nanomsg.org")...).answer(t); r.StatusCode != http.StatusBadRequest { //nolint:bodyclose // answer closes it
		t.Errorf("answers as text: %s", r.Status)
	}
}
