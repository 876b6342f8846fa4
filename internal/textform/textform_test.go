// SPDX-License-Identifier: MIT

package textform_test

import (
	"bytes"
	"testing"

	"github.com/sprymq/spry/internal/textform"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
)

// What is sent as an object is received as it was.
func TestObjectsKeepTheirHeaders(t *testing.T) {
	for _, tc := range []struct {
		protocol           uint16
		header, body, want string
	}{
		{sp.Push, "", "a", `{"body":"a"}`},
		{sp.Push, "", "", `{"body":""}`},
		{sp.Push, "", "\xff", `{"body_base64":"/w=="}`},
		{sp.Pair1, "\x00\x00\x00\x01", "a", `{"body":"a"}`},
		{sp.Pair1, "\x00\x00\x00\x07", "a", `{"hops":7,"body":"a"}`},
		{sp.Req, "\x80\x00\x00\x07", "a", `{"id":7,"body":"a"}`},
		{sp.Rep, "\x00\x00\x00\x01\x7f\xff\xff\xff\x80\x00\x00\x00", "a", `{"id":0,"via":[1,2147483647],"body":"a"}`},
	} {
		e := textform.EnvelopeOf(tc.protocol)
		text, err := textform.AppendObject(nil, e, []byte(tc.header), []byte(tc.body))
		if err != nil || string(text) != tc.want {
			t.Errorf("%x %q is %s, %v; want %s", tc.header, tc.body, text, err, tc.want)
		}
		m, err := textform.Parse(text)
		if err != nil || len(m.Frames) != 1 || string(m.Frames[0]) != tc.body {
			t.Errorf("%s has the frames %q, %v", text, m.Frames, err)
		}
		if header, err := m.Append(nil, e, 1); err != nil || string(header) != tc.header {
			t.Errorf("%s has the header %x, %v; want %x", text, header, err, tc.header)
		}
	}
}

func TestObjectsOfPeople(t *testing.T) {
	for text, want := range map[string]string{
		`"a"`: "\x80\x00\x00\x05a", ` {"body":"a"}`: "\x80\x00\x00\x05a", `{"id":0,"body_base64":"YQ=="}`: "\x80\x00\x00\x00a",
		`["a"]`: "\x80\x00\x00\x05a", `{"frames":["a"],"other":1}`: "\x80\x00\x00\x05a",
		"": "", `{}`: "", `17`: "", `[]`: "", `null`: "", `{"body":1}`: "", `{"body":"a","id":-1}`: "", `{"body":"a","id":2147483648}`: "",
		`{"body":"a","id":"x"}`: "", `{"body":"a","via":[4294967295]}`: "", `{"body":"a"} x`: "", `{"body_base64":"?"}`: "",
	} {
		m, err := textform.Parse([]byte(text))
		var got []byte
		if err == nil {
			if got, err = m.Append(nil, wire.EnvelopeBacktrace, 5); err == nil {
				got = append(got, m.Frames[0]...)
			}
		}
		if (err != nil) != (want == "") || err == nil && string(got) != want {
			t.Errorf("%s is %q, %v; want %q", text, got, err, want)
		}
	}
}

// Whatever arrives, what is a message is the same after it was sent on.
func FuzzObject(f *testing.F) {
	f.Add([]byte(`{"id":7,"via":[1],"body":"a"}`))
	f.Add([]byte(`{"hops":3,"body_base64":"/w=="}`))
	f.Add([]byte(`"\ud800"`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := textform.Parse(text)
		if err != nil || len(m.Frames) != 1 {
			return
		}
		for _, e := range []wire.Envelope{wire.EnvelopeNone, wire.EnvelopeHops, wire.EnvelopeBacktrace} {
			header, err := m.Append(nil, e, 1)
			if err != nil {
				return
			}
			again, err := textform.AppendObject(nil, e, header, m.Frames[0])
			if err != nil {
				t.Fatal(err)
			}
			n, err := textform.Parse(again)
			if err != nil {
				t.Fatalf("%s: %v", again, err)
			}
			if h, err := n.Append(nil, e, 2); err != nil || !bytes.Equal(h, header) || !bytes.Equal(n.Frames[0], m.Frames[0]) {
				t.Fatalf("%s became %s: %x, %v", text, again, h, err)
			}
		}
	})
}
