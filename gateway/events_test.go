// SPDX-License-Identifier: MIT

package gateway_test

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/leak"
)

// A view is what a client sees of a stream of events.
type view struct {
	*http.Response
	lines *bufio.Reader
	epoch string
	leave func()
}

// view asks for a stream.
func (p *place) view(t *testing.T, query string, header ...string) *view {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, p.url+"/"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	got, err := p.client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	leave := func() {
		cancel()
		_ = got.Body.Close()
	}
	t.Cleanup(leave)
	return &view{Response: got, lines: bufio.NewReader(got.Body), leave: leave}
}

var anyEpoch = regexp.MustCompile(`[0-9a-z]{12}`)

// next is the next block of lines, without the empty one. The epoch is EPOCH.
func (v *view) next() string {
	text := ""
	for {
		line, err := v.lines.ReadString('\n')
		if err != nil {
			return text + "end: " + err.Error()
		}
		if line == "\n" {
			break
		}
		text += line
	}
	if found := anyEpoch.FindString(text); found != "" && strings.Contains(text, "id: ") {
		if v.epoch == "" {
			v.epoch = found
		}
		text = strings.ReplaceAll(text, v.epoch, "EPOCH")
	}
	return text
}

// want makes the test fail if the next blocks are not these.
func (v *view) want(t *testing.T, blocks ...string) {
	t.Helper()
	for _, want := range blocks {
		if got := v.next(); got != want {
			t.Fatalf("got %q, want %q", got, want)
		}
	}
}

// newEvents returns events and the source that they have.
func newEvents(t *testing.T, o *gateway.EventOptions) (*gateway.Events, source) {
	t.Helper()
	from := make(source)
	e := gateway.NewEvents(from, o)
	t.Cleanup(func() { _ = e.Close() })
	return e, from
}

// event is the block of a message.
func event(offset int, data string) string {
	return fmt.Sprintf("id: EPOCH-%d\ndata: %s\n", offset, data)
}

// What streams of every kind have of messages of every kind.
func TestEvents(t *testing.T) {
	everyVersion(t, func(t *testing.T, version string) {
		e, from := newEvents(t, nil)
		p := open(t, version, e)
		all := p.view(t, "")
		some := p.view(t, "?topic=a&topic=%ff")
		text := p.view(t, "?format=text")
		for _, v := range []*view{all, some, text} {
			if v.StatusCode != http.StatusOK || v.Header.Get("Content-Type") != "text/event-stream" || v.Header.Get("X-Accel-Buffering") != "no" ||
				v.Header.Get("Cache-Control") != "no-store" || v.Header.Get("X-Request-Id") == "" {
				t.Error(v.Header)
			}
			v.want(t, "retry: 1000\nid: EPOCH-0\n")
		}
		from.give(t, e, "a")
		from.give(t, e, "two\nlines\n")
		from.give(t, e, "\xff")
		from.give(t, e, "a", "\xfe", "c")
		from.give(t, e, "")
		from.give(t, e, "a\rb")
		from.give(t, e, "\u2028<&>\"\x00")
		all.want(t, event(1, `{"body":"a"}`), event(2, `{"body":"two\nlines\n"}`), event(3, `{"body_base64":"/w=="}`),
			event(4, `{"frames":["a",{"base64":"/g=="},"c"]}`), event(5, `{"body":""}`), event(6, `{"body":"a\rb"}`), event(7, `{"body":"\u2028\u003c\u0026\u003e\"\u0000"}`))
		some.want(t, event(1, `{"body":"a"}`), event(3, `{"body_base64":"/w=="}`), event(4, `{"frames":["a",{"base64":"/g=="},"c"]}`), event(6, `{"body":"a\rb"}`))
		text.want(t, event(1, "a"), "id: EPOCH-2\ndata: two\ndata: lines\ndata: \n", "event: binary\n"+event(3, `{"body_base64":"/w=="}`),
			"event: binary\n"+event(4, `{"frames":["a",{"base64":"/g=="},"c"]}`), event(5, ""), "event: binary\n"+event(6, `{"body":"a\rb"}`), event(7, "\u2028<&>\"\x00"))
		p.view(t, "?from=oldest&topic=a").want(t, "retry: 1000\nid: EPOCH-0\n", event(1, `{"body":"a"}`))
		if st := e.Stats(); st.Received != 7 || st.Kept != 7 || st.Missed != 0 || st.Open != 4 || st.Requests != 4 {
			t.Errorf("%+v", st)
		}
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		for _, v := range []*view{all, some, text} {
			v.want(t, "end: EOF")
		}
		if a := p.do(t, "GET", "/", nil); a.status != 503 || !strings.Contains(a.text, "no more events") {
			t.Error(a)
		}
		answered(t, func() gateway.Stats { return e.Stats().Stats }, "200:4 503:1")
	})
}

// A client that comes back gets what it has missed, or is told how much is gone, or that nobody knows.
func TestResuming(t *testing.T) {
	everyVersion(t, func(t *testing.T, version string) {
		e, from := newEvents(t, &gateway.EventOptions{MaxEvents: 3})
		p := open(t, version, e)
		first := p.view(t, "")
		first.want(t, "retry: 1000\nid: EPOCH-0\n")
		for i := range 5 {
			from.give(t, e, strconv.Itoa(i+1))
		}
		epoch := first.epoch
		rest := func(from int) (list []string) {
			for i := from; i <= 5; i++ {
				list = append(list, event(i, fmt.Sprintf(`{"body":"%d"}`, i)))
			}
			return list
		}
		gap := func(at int, more string) string {
			return fmt.Sprintf("id: EPOCH-%d\nevent: gap\ndata: {\"epoch\":\"EPOCH\"%s}\n", at, more)
		}
		unknown := append([]string{"retry: 1000\n" + gap(2, "")}, rest(3)...)
		for last, want := range map[string][]string{
			epoch + "-3":                    append([]string{"retry: 1000\nid: EPOCH-3\n"}, rest(4)...),
			epoch + "-2":                    append([]string{"retry: 1000\nid: EPOCH-2\n"}, rest(3)...),
			epoch + "-1":                    append([]string{"retry: 1000\nid: EPOCH-1\n", gap(2, `,"missed":1`)}, rest(3)...),
			epoch + "-0":                    append([]string{"retry: 1000\nid: EPOCH-0\n", gap(2, `,"missed":2`)}, rest(3)...),
			epoch + "-6":                    unknown, // of a future
			epoch + "-18446744073709551615": unknown,
			epoch + "-18446744073709551616": unknown,
			epoch + "-x":                    unknown,
			"other-3":                       unknown,
			"-":                             unknown,
			"\"{}":                          unknown,
			"\xff\xfe":                      unknown,
			strings.Repeat("9", 10_000):     unknown,
		} {
			p.view(t, "", "Last-Event-ID", last).want(t, want...)
			query := strings.NewReplacer("\xff", "%ff", "\xfe", "%fe", "\"", "%22", "{", "%7b", "}", "%7d").Replace(last)
			p.view(t, "?last_event_id="+query).want(t, want...)
			p.view(t, "?from=oldest&last_event_id=x-1", "Last-Event-ID", last).want(t, want...)
		}
		if st := e.Stats(); st.Missed != 3*3 || st.Received != 5 || st.Kept != 3 {
			t.Errorf("%+v", st)
		}
	})
}

// Requests for events that are malformed have statuses of their own, and streams none.
func TestMalformedRequestsForEvents(t *testing.T) {
	leak.Check(t)
	e, _ := newEvents(t, nil)
	p := open(t, "HTTP/1.1", e)
	for _, query := range []string{
		"?format=xml", "?from=newest", "?topic=%zz", "?a;b", "?" + strings.Repeat("topic=a&", 65), "?" + strings.Repeat("topic=&", 2000), "?format=\x00",
	} {
		query = strings.ReplaceAll(query, "\x00", "%00")
		if a := p.do(t, "GET", "/"+query, nil); a.status != 400 {
			t.Errorf("%.40s: %v", query, a)
		}
	}
	if a := p.do(t, "GET", "/", strings.NewReader("body")); a.status != 400 {
		t.Error(a)
	}
	if a := p.do(t, "GET", "/?"+strings.Repeat("topic=a&", 64)+"format=json", nil, "Authorization", strings.Repeat("x", 32<<10)); a.status != 431 {
		t.Error(a)
	}
	if a := p.do(t, "POST", "/", nil); a.status != 405 {
		t.Error(a)
	}
	if st := settled(t, func() gateway.Stats { return e.Stats().Stats }); st.Answers[400] != 8 || st.Answers[405] != 1 {
		t.Errorf("%+v", st)
	}
}

// A stream without events of its own has signs of life, however many others pass, and remembers where it is. Silence is no reason to cut it.
func TestKeepAlive(t *testing.T) {
	leak.Check(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, from := newEvents(t, &gateway.EventOptions{KeepAlive: 15 * time.Second, Options: gateway.Options{WriteTimeout: 2 * time.Second}})
				p := open(t, version, e)
				v := p.view(t, "?topic=a")
				v.want(t, "retry: 1000\nid: EPOCH-0\n")
				began := time.Now()
				for range 3 {
					v.want(t, ":\n")
				}
				if took := time.Since(began); took != 45*time.Second {
					t.Errorf("three signs of life took %v", took)
				}
				stop := make(chan struct{})
				done := make(chan struct{})
				go func() { // messages of other topics, one a second
					defer close(done)
					for {
						select {
						case <-time.After(time.Second):
							from <- messageOf("b")
						case <-stop:
							return
						}
					}
				}()
				began = time.Now()
				if got := v.next(); !strings.HasPrefix(got, "id: EPOCH-1") || time.Since(began) != 15*time.Second {
					t.Errorf("%q after %v", got, time.Since(began))
				}
				if got := v.next(); !strings.HasPrefix(got, "id: EPOCH-") || time.Since(began) != 30*time.Second {
					t.Errorf("%q after %v", got, time.Since(began))
				}
				close(stop)
				<-done
				from <- messageOf("a")
				if got := v.next(); !strings.HasSuffix(got, "data: {\"body\":\"a\"}\n") {
					t.Errorf("%q", got)
				}
			})
		})
	}
}

// A stream whose topics leave out many messages says where it is before it is asked again.
func TestPositionsOfFilteredStreams(t *testing.T) {
	leak.Check(t)
	e, from := newEvents(t, nil)
	p := open(t, "HTTP/1.1", e)
	v := p.view(t, "?topic=a")
	v.want(t, "retry: 1000\nid: EPOCH-0\n")
	for range 600 {
		from <- messageOf("b")
	}
	from <- messageOf("a")
	positions, text := 0, v.next()
	for ; regexp.MustCompile(`^id: EPOCH-\d+\n$`).MatchString(text); text = v.next() {
		positions++
	}
	if text != event(601, `{"body":"a"}`) || positions < 1 || positions > 2 {
		t.Errorf("%q after %d positions", text, positions)
	}
}

// A client that takes nothing is cut, and counted. One that takes events more slowly than they come is told of a gap. Neither keeps
// what the ring has forgotten.
func TestSlowReadersOfEvents(t *testing.T) {
	leak.Check(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, from := newEvents(t, &gateway.EventOptions{MaxEvents: 16, Options: gateway.Options{WriteTimeout: 5 * time.Second}})
				p := open(t, version, e)
				stalled, slow := p.view(t, ""), p.view(t, "")
				stalled.want(t, "retry: 1000\nid: EPOCH-0\n")
				slow.want(t, "retry: 1000\nid: EPOCH-0\n")
				body := strings.Repeat("x", 20_000)
				for range 500 {
					from <- messageOf(body)
				}
				time.Sleep(time.Second)
				slow.epoch = ""
				got, missed, gaps := 0, 0, 0
				for got+missed < 500 {
					block := slow.next()
					switch {
					case strings.HasPrefix(block, "end"):
						t.Fatal(block)
					case strings.Contains(block, "event: gap"):
						gaps++
						n, _ := strconv.Atoi(regexp.MustCompile(`"missed":(\d+)`).FindStringSubmatch(block)[1])
						missed += n
					case strings.Contains(block, "data: "):
						got++
						if !strings.HasPrefix(block, fmt.Sprintf("id: EPOCH-%d\n", got+missed)) {
							t.Fatalf("%.40q after %d events and %d that are missing", block, got, missed)
						}
					}
				}
				if gaps == 0 {
					t.Error("no gap")
				}
				go slow.next() // takes the end of what it has read
				time.Sleep(6 * time.Second)
				synctest.Wait()
				if st := e.Stats(); st.Cut != 1 || st.Open != 1 || st.Answers[200] != 1 || st.Missed < uint64(missed) {
					t.Errorf("%+v, and %d were missed by one of them", st, missed)
				}
			})
		})
	}
}

// Clients that leave are not counted as cut, whenever they do.
func TestClientsLeaveEvents(t *testing.T) {
	leak.Check(t)
	for _, version := range versions {
		t.Run(version, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				e, from := newEvents(t, nil)
				p := open(t, version, e)
				for _, idle := range []time.Duration{0, 11 * time.Second, 20 * time.Second} {
					v := p.view(t, "")
					v.next()
					time.Sleep(idle)
					v.leave()
				}
				busy := p.view(t, "")
				busy.next()
				for range 20 {
					from <- messageOf(strings.Repeat("x", 20_000))
				}
				time.Sleep(time.Second) // the stream is in the middle of an event
				busy.leave()
				synctest.Wait()
				if st := e.Stats(); st.Cut != 0 || st.Open != 0 || st.Answers[200] != 4 {
					t.Errorf("%+v", st)
				}
			})
		})
	}
}

// Events end when their socket is closed.
func TestEventsOfAClosedSocket(t *testing.T) {
	leak.Check(t)
	sub := closes(t, spry.NewSub(nil))
	e := gateway.NewEvents(sub, nil)
	defer e.Close()
	p := open(t, "HTTP/1.1", e)
	v := p.view(t, "")
	v.want(t, "retry: 1000\nid: EPOCH-0\n")
	_ = sub.Close()
	v.want(t, "end: EOF")
	if a := p.do(t, "GET", "/", nil); a.status != 503 || a.header.Get("Retry-After") == "" {
		t.Error(a)
	}
	for range 2 {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	}
}

// The ring forgets by bytes, too, but never the latest event.
func TestKeptBytes(t *testing.T) {
	leak.Check(t)
	e, from := newEvents(t, &gateway.EventOptions{MaxBytes: 10_000})
	for i := range 100 {
		from.give(t, e, strings.Repeat("x", 1000))
		if st := e.Stats(); st.Bytes > 10_000 || st.Kept > i+1 {
			t.Fatalf("%+v", st)
		}
	}
	if st := e.Stats(); st.Kept < 3 {
		t.Errorf("%+v", st)
	}
	from.give(t, e, strings.Repeat("x", 100_000))
	if st := e.Stats(); st.Kept != 1 || st.Bytes < 100_000 || st.Received != 101 {
		t.Errorf("%+v", st)
	}
}

// Frames of a ZeroMQ publisher arrive as they were sent.
func TestEventsOfZeroMQ(t *testing.T) {
	leak.Check(t)
	e, sub, pub := eventsOfZeroMQ(t)
	p := open(t, "HTTP/1.1", e)
	v := p.view(t, "?topic=topic")
	v.want(t, "retry: 1000\nid: EPOCH-0\n")
	if err := pub(t.Context(), "topic", "\xff", ""); err != nil {
		t.Fatal(err)
	}
	v.want(t, event(1, `{"frames":["topic",{"base64":"/w=="},""]}`))
	client := gateway.Client{HTTP: p.client}
	for got, err := range client.Events(t.Context(), p.url, &gateway.EventConfig{Oldest: true}) {
		if err != nil || fmt.Sprintf("%q", got.Frames) != `["topic" "\xff" ""]` || string(got.Body()) != "topic\xff" {
			t.Errorf("%+v, %v", got, err)
		}
		break
	}
	_ = sub.Close()
}
