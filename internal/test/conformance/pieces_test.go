// SPDX-License-Identifier: MIT

package conformance_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
)

// A feeding is what a peer sends, header first, to a socket that receives, and what must come of it.
type feeding struct {
	name  string
	typed bool
	open  func() attachable
	input []byte
	want  []string
}

type attachable interface {
	testkit.Socket
	Attach(context.Context, net.Conn, *spry.AttachConfig) (*spry.Pipe, error)
	recvString(context.Context) (string, error)
}

type attachablePull struct{ *spry.Pull }

func (s attachablePull) recvString(ctx context.Context) (string, error) {
	b, err := s.Recv(ctx)
	return string(b), err
}

type attachablePair struct{ *spry.Pair }

func (s attachablePair) recvString(ctx context.Context) (string, error) {
	b, err := s.Recv(ctx)
	return string(b), err
}

type attachableRep struct{ *spry.Rep }

func (s attachableRep) recvString(ctx context.Context) (string, error) {
	r, err := s.Recv(ctx)
	if err != nil {
		return "", err
	}
	return string(r.Bytes()), nil
}

func feedings() []feeding {
	pull := func() attachable { return attachablePull{spry.NewPull(nil)} }
	pair := func() attachable { return attachablePair{spry.NewPair(nil)} }
	rep := func() attachable { return attachableRep{spry.NewRep(nil)} }
	feed := func(name string, typed bool, p spry.Protocol, open func() attachable, prefix string, bodies ...string) feeding {
		f := feeding{name: name, typed: typed, open: open, input: testkit.Header(p), want: bodies}
		for _, b := range bodies {
			f.input = append(f.input, testkit.Frame(typed, []byte(prefix+b))...)
		}
		return f
	}
	return []feeding{
		feed("pull", false, spry.ProtocolPush, pull, "", "one", "", "a third message"),
		feed("pull, typed", true, spry.ProtocolPush, pull, "", "one", "", "a third message"),
		feed("pair1", false, spry.ProtocolPair1, pair, "\x00\x00\x00\x01", "hops", ""),
		feed("pair0", false, spry.ProtocolPair0, pair, "", "no hops", "x"),
		feed("rep", false, spry.ProtocolReq, rep, "\x00\x00\x00\x07\x80\x00\x00\x01", "request", ""),
	}
}

// attachSplit feeds a listening socket in pieces. With net.Pipe each piece is one read at the other end.
func attachSplit(ctx context.Context, t *testing.T, f feeding, pieces ...[]byte) {
	t.Helper()
	s := f.open()
	defer s.Close()
	near, far := net.Pipe()
	config := &spry.AttachConfig{Listening: true}
	if f.typed {
		config.Framing = transport.FramingTyped
	}
	var all sync.WaitGroup
	all.Go(func() { _, _ = io.Copy(io.Discard, far) })
	all.Go(func() {
		for _, p := range pieces {
			if len(p) == 0 {
				continue
			}
			if _, err := far.Write(p); err != nil {
				t.Errorf("%s: write: %v", f.name, err)
			}
		}
	})
	if _, err := s.Attach(ctx, near, config); err != nil {
		t.Errorf("%s: attach: %v", f.name, err)
	}
	for i, want := range f.want {
		if got, err := s.recvString(ctx); err != nil || got != want {
			t.Fatalf("%s, in pieces of %v: message %d is %q, %v; want %q", f.name, lengths(pieces), i, got, err, want)
		}
	}
	_ = far.Close()
	all.Wait()
}

func lengths(pieces [][]byte) (ls []int) {
	for _, p := range pieces {
		ls = append(ls, len(p))
	}
	return ls
}

// T29: a stream may be cut anywhere: frames are put together again.
func TestInputMayComeInPieces(t *testing.T) {
	leak.Check(t)
	ctx, splits := testkit.Watchdog(t), 0
	for _, f := range feedings() {
		for at := range len(f.input) + 1 {
			attachSplit(ctx, t, f, f.input[:at], f.input[at:])
			splits++
		}
		var single [][]byte
		for i := range f.input {
			single = append(single, f.input[i:i+1])
		}
		attachSplit(ctx, t, f, single...)
		splits++
	}
	t.Logf("T29: %d ways to cut the input of a socket, each with the same messages", splits)
}

// T29: a kernel takes what it has room for, wherever that ends. The peer reads in odd pieces.
func TestShortWritesGoOn(t *testing.T) {
	leak.Check(t)
	ctx := testkit.Watchdog(t)
	for _, scheme := range []string{"ipc", "tcp"} {
		push := spry.NewPush(nil)
		e := testkit.ListenOn(t, push, scheme)
		b := testkit.BareTo(t, e)
		b.Shake(t, spry.ProtocolPull)
		testkit.Check(t, push.WaitPipes(ctx, 1))
		const messages = 400
		var all sync.WaitGroup
		all.Go(func() {
			for i := range messages {
				if err := push.Send(ctx, shortWriteBody(i)); err != nil {
					t.Errorf("send: %v", err)
				}
			}
		})
		for i := range messages {
			want := testkit.Frame(b.Typed, shortWriteBody(i))
			got := make([]byte, len(want))
			for at := 0; at < len(got); {
				n, err := b.Read(got[at:min(len(got), at+1+i*97%5000)])
				testkit.Check(t, err)
				at += n
			}
			if !bytes.Equal(got, want) {
				t.Fatalf("%s: frame %d of %d bytes is not what was sent", scheme, i, len(want))
			}
		}
		all.Wait()
		testkit.Check(t, push.Flush(ctx))
		if st := push.Stats().Send; st.Sent != messages || st.Offered != messages {
			t.Errorf("%s: sent %d of %d offered, want %d", scheme, st.Sent, st.Offered, messages)
		}
		_ = b.Close()
		_ = push.Close()
	}
}

func shortWriteBody(i int) []byte { return bytes.Repeat([]byte{byte(i)}, i*7919%60_000) }
