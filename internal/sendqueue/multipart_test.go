// SPDX-License-Identifier: MIT

package sendqueue

import (
	"bytes"
	"slices"
	"testing"

	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/wire"
	"github.com/sprymq/spry/internal/wire/zmtp"
)

// zmtpSession is a session of a ZeroMQ socket with a peer that fits.
func zmtpSession(tb testing.TB, local zmtp.Socket) *wire.Session {
	tb.Helper()
	mine := zmtp.Dialect.Handshake(wire.Config{Hello: local.Hello(), TTL: 8})
	theirs := zmtp.Dialect.Handshake(wire.Config{Hello: zmtp.Socket(local.Hello().Peer & 0xff).Hello(), Listening: true, TTL: 8})
	var forMe, forThem []byte
	for range 10 {
		n, out, session, err := mine.Step(forMe)
		forMe, forThem = forMe[n:], append(forThem, out...)
		if err != nil || session != nil {
			if err != nil {
				tb.Fatal(err)
			}
			return session
		}
		if n, out, _, err = theirs.Step(forThem); err != nil {
			tb.Fatal(err)
		}
		forThem, forMe = forThem[n:], append(forMe, out...)
	}
	tb.Fatal("the handshake does not end")
	return nil
}

// Messages of several frames are encoded as they are, and come back as they were if nobody took them, envelopes left out.
func TestMultipartRuns(t *testing.T) {
	large := bytes.Repeat([]byte("l"), 100_000)
	contents := [][][]byte{
		{[]byte("one")},
		{[]byte("one"), []byte("two")},
		{nil, nil, nil},
		{large, []byte("small"), large},
		{[]byte("body"), large},
		slices.Repeat([][]byte{[]byte("x")}, 1000),
	}
	for _, socket := range []zmtp.Socket{zmtp.Push, zmtp.Req, zmtp.Dealer} {
		session := zmtpSession(t, socket)
		header := []byte(nil)
		if socket == zmtp.Req {
			header = []byte{0x80, 0, 0, 1}
		}
		q := NewFrames(session)
		var want []byte
		costs, wantCosts := 0, 0
		for _, frames := range contents {
			m := message(frames)
			want = session.Multipart.AppendMessage(want, header, &m)
			n := q.Put(header, nil, &m)
			wantCosts += msg.BaseCost + msg.FrameCost*(len(frames)-1)
			if costs += n; m.Len() != 0 || m.Multipart() {
				t.Fatal("a message that was taken is not empty")
			}
		}
		e := q.pend
		var got []byte
		for _, b := range e.buffers(nil, 0) {
			got = append(got, b...)
		}
		wantCosts += len(want)
		if !bytes.Equal(got, want) || e.size != int64(len(want)) {
			t.Fatalf("%s: %d bytes are written, want %d", socket.Name(), len(got), len(want))
		}
		if costs != wantCosts || e.cost() != int64(wantCosts) {
			t.Fatalf("%s: charged %d, and %d together, want %d", socket.Name(), costs, e.cost(), wantCosts)
		}
		back := e.messages(session.Multipart)
		if len(back) != len(contents) || e.len() != 0 {
			t.Fatalf("%s: %d messages come back of %d", socket.Name(), len(back), len(contents))
		}
		for i := range back {
			for k, f := range back[i].Frames() {
				if !bytes.Equal(f, contents[i][k]) {
					t.Errorf("%s: frame %d of message %d differs", socket.Name(), k, i)
				}
			}
			if back[i].Count() != len(contents[i]) {
				t.Errorf("%s: message %d has %d frames, want %d", socket.Name(), i, back[i].Count(), len(contents[i]))
			}
		}
	}
}

func message(frames [][]byte) (m msg.Message) {
	_, _ = m.Write(frames[0])
	for _, f := range frames[1:] {
		m.AppendFrame(f)
	}
	return m
}
