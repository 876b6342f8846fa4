// SPDX-License-Identifier: MIT

package otel

import (
	"encoding/hex"
	"encoding/json"
	"maps"
	"os"
	"strings"
	"testing"
)

// A vector is one of docs/wire/vectors/tracing.json.
type vector struct {
	Name   string            `json:"name"`
	Bytes  string            `json:"bytes"`  // of the message or its last frame, hexadecimal
	Body   string            `json:"body"`   // without the envelope
	Fields map[string]string `json:"fields"` // null: a later version, whose fields are not read
	None   bool              `json:"none"`   // there is no valid envelope
	Sent   bool              `json:"sent"`   // what a sender of this version makes of body and fields
}

func vectors(t testing.TB) (all []vector) {
	t.Helper()
	text, err := os.ReadFile("../../docs/wire/vectors/tracing.json")
	if err != nil {
		t.Fatal(err)
	}
	var file struct{ Envelopes []vector }
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	if len(file.Envelopes) < 20 {
		t.Fatalf("there are only %d vectors", len(file.Envelopes))
	}
	return file.Envelopes
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.ReplaceAll(s, " ", ""))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Name, func(t *testing.T) {
			data := unhex(t, v.Bytes)
			body, fields, found := cutEnvelope(data)
			if v.None {
				if found || fields != nil || string(body) != string(data) {
					t.Errorf("found an envelope of %q behind %q", fields, body)
				}
				return
			}
			if want := unhex(t, v.Body); !found || string(body) != string(want) || !maps.Equal(fields, v.Fields) {
				t.Errorf("found %v: %q behind %q; want %q behind %q", found, fields, body, v.Fields, want)
			}
			if v.Sent {
				if got := appendEnvelope(unhex(t, v.Body), v.Fields); string(got) != string(data) {
					t.Errorf("sent % x\nwant % x", got, data)
				}
			}
		})
	}
}

// Fields that are invalid or too many are left out, the trace's last.
func TestEnvelopeIsBounded(t *testing.T) {
	const parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
	fields := map[string]string{
		"baggage": strings.Repeat("b", maxFieldSize), "traceparent": parent, "tracestate": "a=b", "Upper": "x", "": "y",
		strings.Repeat("k", maxKey+1): "z",
	}
	body, got, found := cutEnvelope(appendEnvelope([]byte("body"), fields))
	if want := map[string]string{"traceparent": parent, "tracestate": "a=b"}; !found || string(body) != "body" || !maps.Equal(got, want) {
		t.Errorf("%q behind %q", got, body)
	}
	many := map[string]string{"traceparent": parent}
	for i := range 2 * maxFields {
		many["a"+string(rune('a'+i%26))+strings.Repeat("x", i/26)] = ""
	}
	if _, got, _ := cutEnvelope(appendEnvelope(nil, many)); len(got) != maxFields || got["traceparent"] != parent {
		t.Errorf("of %d fields, %d were sent", len(many), len(got))
	}
	if got := appendEnvelope(nil, map[string]string{"Upper": "x"}); got != nil {
		t.Errorf("an envelope without fields is %q", got)
	}
}

// Whatever a peer sends, a body is what it was or begins what it was, and valid fields are what this end could have sent.
func FuzzEnvelope(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(unhex(f, v.Bytes))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		body, fields, found := cutEnvelope(data)
		switch {
		case !found:
			if fields != nil || string(body) != string(data) {
				t.Fatalf("%q behind %q without an envelope", fields, body)
			}
			return
		case !strings.HasPrefix(string(data), string(body)) || len(data)-len(body) > maxFieldSize+tailSize:
			t.Fatalf("the body is %q", body)
		case fields == nil:
			return
		}
		again, same, _ := cutEnvelope(appendEnvelope(body, fields))
		if string(again) != string(body) || !maps.Equal(same, fields) {
			t.Fatalf("%q behind %q, and then %q behind %q", fields, body, same, again)
		}
	})
}
