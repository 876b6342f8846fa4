// SPDX-License-Identifier: MIT

package gateway

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/sse"
)

// The client takes any bytes for what they are, within its limit, and reads what the gateway writes.
func FuzzEvents(f *testing.F) {
	f.Add([]byte("id: e-1\ndata: {\"body\":\"x\"}\n\nevent: gap\ndata: {\"missed\":1}\r\n\r\n:\n\n"), []byte("body"), []byte("\xff"))
	f.Add([]byte("data\ndata\n\n"), []byte(""), []byte("a\nb\r"))
	f.Fuzz(func(t *testing.T, text, first, second []byte) {
		const limit = 500
		p := sse.Parser{Lines: bufio.NewReader(bytes.NewReader(text)), Limit: limit}
		for {
			raw, err := p.Next()
			if err != nil {
				break
			}
			if len(raw.Data) > limit || len(raw.ID) > limit {
				t.Fatalf("%d bytes", len(raw.Data))
			}
			if raw.Data != nil {
				_, _ = eventOf(&raw)
			}
		}
		for _, frames := range [][][]byte{{first}, {first, second}} {
			m := spry.NewMessage(0)
			_, _ = m.Write(frames[0])
			for _, frame := range frames[1:] {
				m.AppendFrame(frame)
			}
			e := newEvent(m, sse.Position{Epoch: "e", Offset: 7})
			m.Release()
			p := sse.Parser{Lines: bufio.NewReader(bytes.NewReader(append(e.text, appendGap(nil, sse.Position{Epoch: "e", Offset: 8}, 3, false)...))), Limit: 1 << 20}
			raw, err := p.Next()
			if err != nil {
				t.Fatal(err)
			}
			got, err := eventOf(&raw)
			if err != nil || got.ID != "e-7" || !bytes.Equal(bytes.Join(got.Frames, []byte{0}), bytes.Join(frames, []byte{0})) || len(got.Frames) != len(frames) {
				t.Fatalf("%+v, %v, want %q", got, err, frames)
			}
			if raw, err = p.Next(); err != nil {
				t.Fatal(err)
			}
			if got, err = eventOf(&raw); err != nil || !got.Gap || got.Missed != 3 || got.ID != "e-8" {
				t.Fatalf("%+v, %v", got, err)
			}
			if len(frames) > 1 || !bytes.Equal(bytes.ToValidUTF8(first, nil), first) || bytes.ContainsRune(first, '\r') {
				continue
			}
			p = sse.Parser{Lines: bufio.NewReader(bytes.NewReader(e.appendText(nil, "e"))), Limit: 1 << 20}
			if raw, err := p.Next(); err != nil || !bytes.Equal(raw.Data, first) || raw.Kind != "" {
				t.Fatalf("%+v, %v, want %q", raw, err, first)
			}
		}
	})
}

func FuzzHeaders(f *testing.F) {
	for _, text := range []string{"1500ms", "2s", "7", "-1", "1e9h", "99999999999999999999", "a b", "\x7f"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if d, err := parseTimeout(text); (err == nil) != (d > 0) && err == nil {
			t.Fatalf("%q is %v", text, d)
		}
		id := requestIDOf(text)
		if id == "" || len(id) > maxRequestID || strings.ContainsFunc(id, func(c rune) bool { return c <= ' ' || c >= 0x7f }) {
			t.Fatalf("%q became %q", text, id)
		}
	})
}

type echoes struct{}

func (echoes) Do(_ context.Context, body []byte) ([]byte, error) {
	if len(body)%5 == 4 {
		return nil, spry.ErrNoPeer
	}
	return body, nil
}

type nothing struct{}

func (nothing) RecvMsg(ctx context.Context) (*spry.Message, error) { return nil, spry.ErrClosed }

// Every request has one answer, which is counted, and none keeps memory.
func FuzzRequests(f *testing.F) {
	f.Add("POST", "", "Spry-Timeout", "2s", "Origin", "null", []byte("body"), true)
	f.Add("OPTIONS", "topic=%zz", "Origin", "http://example.com", "Last-Event-ID", "e-1", []byte(nil), false)
	f.Fuzz(func(t *testing.T, method, query, name, value, otherName, otherValue string, body []byte, chunked bool) {
		events := NewEvents(nothing{}, &EventOptions{Options: Options{MaxBody: 100}})
		defer events.Close()
		for _, h := range []*Handler{Ask(echoes{}, &Options{MaxBody: 100, MaxBodies: 100, Timeout: time.Second}), events.Handler} {
			r := httptest.NewRequest(http.MethodPost, "/", bytes.NewReader(body))
			r.Method, r.URL = method, &url.URL{Path: "/", RawQuery: query}
			r.Header.Add(name, value)
			r.Header.Add(otherName, otherValue)
			if chunked && len(body) > 0 {
				r.ContentLength, r.TransferEncoding = -1, []string{"chunked"}
			}
			w := httptest.NewRecorder()
			func() {
				defer func() {
					if cause := recover(); cause != nil && !errors.Is(cause.(error), http.ErrAbortHandler) {
						panic(cause)
					}
				}()
				h.ServeHTTP(w, r)
			}()
			st := h.Stats()
			if st.Requests != 1 || st.Open != 0 || st.Answers[w.Code] != 1 || h.bodies.Load() != 0 {
				t.Fatalf("%d: %+v and %d bytes", w.Code, st, h.bodies.Load())
			}
			if w.Code == http.StatusOK && h != events.Handler && (method != http.MethodPost || len(body) > 100 || !bytes.Equal(w.Body.Bytes(), body)) {
				t.Fatalf("%s of %d bytes: %q", method, len(body), w.Body)
			}
			if w.Code == http.StatusInternalServerError {
				t.Fatal(w.Body)
			}
		}
	})
}
