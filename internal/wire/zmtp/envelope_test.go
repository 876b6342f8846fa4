// SPDX-License-Identifier: MIT

package zmtp_test

import (
	"bytes"
	"slices"
	"testing"

	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// enveloped returns the bytes of a message with an envelope of these frames, as a socket sends it that has no
// envelopes of its own.
func enveloped(tb testing.TB, parts []hexBytes, body string) []byte {
	tb.Helper()
	router, _ := plainPair(tb, zmtp.Router, zmtp.Dealer)
	frames := append(slices.Clone(parts), hexBytes{}, hexBytes(body))
	return router.Multipart.AppendMessage(nil, nil, frameMessage(frames))
}

// backtrace returns the header that a REP socket gives a request.
func backtrace(tb testing.TB, rep *wire.Session, request []byte, body string) []byte {
	tb.Helper()
	b := newBatch(request, 1)
	if n, _, err := rep.Decoder.Decode(request, b); n != len(request) || err != nil || len(b.Msgs) != 1 || string(b.Msgs[0].Bytes()) != body {
		tb.Fatalf("took %d of %d bytes and gave %d messages: %v", n, len(request), len(b.Msgs), err)
	}
	return bytes.Clone(b.Msgs[0].Header())
}

func TestVectorsOfEnvelopes(t *testing.T) {
	for _, v := range readVectors(t).Envelopes {
		t.Run(v.Name, func(t *testing.T) {
			for name, pair := range map[string]func(testing.TB, zmtp.Socket, zmtp.Socket) (d, l *wire.Session){"plain": plainPair, "sealed": curvePair} {
				router, rep := pair(t, zmtp.Dealer, zmtp.Rep)
				frames := append(slices.Clone(v.Frames), hexBytes{}, hexBytes("body"))
				request := router.Multipart.AppendMessage(nil, nil, frameMessage(frames))
				if got := backtrace(t, rep, bytes.Clone(request), "body"); string(got) != string(v.Backtrace) {
					t.Errorf("%s: backtrace %x, want %x", name, got, v.Backtrace)
				}
				answer := decode(t, router.Decoder, 1, rep.Framing.AppendFrame(nil, v.Backtrace, []byte("body")))
				if want := describeMessage(frameMessage(frames)); len(answer.messages) != 1 || answer.messages[0] != want {
					t.Errorf("%s: answered %v, want %s", name, answer, want)
				}
			}
			if !isBacktrace(t, v.Backtrace) {
				t.Errorf("%x is no backtrace", v.Backtrace)
			}
			if !v.Words {
				return
			}
			req, router := plainPair(t, zmtp.Req, zmtp.Router)
			request := decode(t, router.Decoder, 1, req.Framing.AppendFrame(nil, v.Backtrace, []byte("body")))
			if want := describeMessage(frameMessage(append(slices.Clone(v.Frames), hexBytes{}, hexBytes("body")))); len(request.messages) != 1 || request.messages[0] != want {
				t.Errorf("asked with %v, want %s", request, want)
			}
		})
	}
}

// isBacktrace asks the other dialect.
func isBacktrace(tb testing.TB, header []byte) bool {
	tb.Helper()
	p, _ := sp.Lookup(sp.Req)
	s, err := sp.Dialect.Session(wire.Config{Hello: p.Hello(), TTL: 255}, mustLookup(tb, sp.Rep).Hello())
	if err != nil {
		tb.Fatal(err)
	}
	head, expired, err := s.Splitter.Split(header)
	return err == nil && !expired && head == len(header)
}

func mustLookup(tb testing.TB, number uint16) sp.Protocol {
	tb.Helper()
	p, ok := sp.Lookup(number)
	if !ok {
		tb.Fatalf("no protocol 0x%02x", number)
	}
	return p
}

// A request of SP goes over a proxy to a ZeroMQ server, and its answer finds back, be the id what it may.
func TestRequestsOfSPGoToZeroMQ(t *testing.T) {
	for _, header := range [][]byte{{0x80, 0, 0, 0}, {0x80, 0, 0, 1}, {0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff}, {0x7f, 0, 0, 1, 0, 0, 0, 0, 0x80, 0, 0, 0}} {
		req, rep := plainPair(t, zmtp.Req, zmtp.Rep)
		atServer := backtrace(t, rep, req.Framing.AppendFrame(nil, header, []byte("ask")), "ask")
		answer := rep.Framing.AppendFrame(nil, atServer, []byte("answer"))
		b := newBatch(answer, 1)
		if _, _, err := req.Decoder.Decode(answer, b); err != nil || len(b.Msgs) != 1 {
			t.Fatal(len(b.Msgs), err)
		}
		if m := &b.Msgs[0]; string(m.Header()) != string(header) || string(m.Body()) != "answer" {
			t.Errorf("%x came back as %x with %q", header, m.Header(), m.Body())
		}
	}
}

// A request of ZeroMQ goes over two proxies, each of which puts a word in front, to an SP server, which looks for the
// backtrace's end and sends back what it got.
func TestRequestsOfZeroMQGoToSP(t *testing.T) {
	for _, v := range readVectors(t).Envelopes {
		_, rep := plainPair(t, zmtp.Dealer, zmtp.Rep)
		header := backtrace(t, rep, enveloped(t, v.Frames, "ask"), "ask")
		proxied := slices.Concat([]byte{0, 0, 0, 5, 0x7f, 0xff, 0xff, 0xff}, header)
		request := slices.Concat(proxied, []byte("ask"))
		s, err := sp.Dialect.Session(wire.Config{Hello: mustLookup(t, sp.Rep).Hello(), TTL: 255}, mustLookup(t, sp.Req).Hello())
		if err != nil {
			t.Fatal(err)
		}
		if head, expired, err := s.Splitter.Split(request); head != len(proxied) || expired || err != nil {
			t.Fatalf("%s: split after %d of %d: %v", v.Name, head, len(proxied), err)
		}
		answer := rep.Framing.AppendFrame(nil, proxied[8:], []byte("answer"))
		if want := enveloped(t, v.Frames, "answer"); string(answer) != string(want) {
			t.Errorf("%s: answered %x, want %x", v.Name, answer, want)
		}
	}
}

// What libzmq's own identities make of the words that foreign SP servers take by default, eight.
func TestEnvelopesOfLibzmqFitTheUsualTTL(t *testing.T) {
	generated := hexBytes{0, 0x12, 0x34, 0x56, 0x78}
	_, rep := plainPair(t, zmtp.Dealer, zmtp.Rep)
	header := backtrace(t, rep, enveloped(t, []hexBytes{generated, generated, generated, {1, 0, 0, 0}}, "ask"), "ask")
	if words := len(header)/4 + 1; words > 8 {
		t.Errorf("three routers and a proxy make %d words", words)
	}
}

func FuzzEnvelope(f *testing.F) {
	for _, v := range readVectors(f).Envelopes {
		f.Add(enveloped(f, v.Frames, ""), []byte(v.Backtrace))
	}
	f.Fuzz(func(t *testing.T, request, header []byte) {
		_, rep := plainPair(t, zmtp.Dealer, zmtp.Rep)
		for _, local := range []zmtp.Socket{zmtp.Req, zmtp.Rep} { // whatever a raw socket is given
			s, _ := plainPair(t, local, zmtp.Socket(local.Hello().Peer))
			if n := len(s.Framing.AppendFrame(nil, header, nil)); n > 2*len(header)+32 {
				t.Fatalf("%s made %d bytes of a header of %d, for which nobody has room", local.Name(), n, len(header))
			}
		}

		b := newBatch(bytes.Clone(request), 1)
		n, _, _ := rep.Decoder.Decode(b.Chunk.Data, b)
		if len(b.Msgs) == 0 {
			return
		}
		m := &b.Msgs[0]
		if !isBacktrace(t, m.Header()) {
			t.Fatalf("%x became %x, which is no backtrace", request[:n], m.Header())
		}
		_, router := plainPair(t, zmtp.Dealer, zmtp.Dealer) // has no envelopes of its own
		sent := decode(t, router.Decoder, 8, bytes.Clone(request[:n]))
		_, router = plainPair(t, zmtp.Dealer, zmtp.Dealer)
		again := decode(t, router.Decoder, 8, rep.Multipart.AppendMessage(nil, m.Header(), m))
		if last := sent.messages[len(sent.messages)-1:]; !slices.Equal(again.messages, last) {
			t.Fatalf("%v came back as %v", last, again.messages)
		}
	})
}
