// SPDX-License-Identifier: MIT

package peer_test

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/sprymq/spry/interop/internal/peer"
)

func TestParseMsgpack(t *testing.T) {
	long := bytes.Repeat([]byte("x"), 300)
	huge := bytes.Repeat([]byte("y"), 1<<16)
	stream := slices.Concat([]byte{0xc4, 0}, []byte{0xc5, 1, 44}, long, []byte{0xc6, 0, 1, 0, 0}, huge)
	bodies, err := peer.ParseMsgpack(stream)
	if err != nil || len(bodies) != 3 || len(bodies[0]) != 0 || !bytes.Equal(bodies[1], long) || !bytes.Equal(bodies[2], huge) {
		t.Fatalf("got %d bodies, %v", len(bodies), err)
	}
	for cut := range 302 {
		want := 0
		if cut >= 2 {
			want = 1
		}
		bodies, err := peer.ParseMsgpack(stream[:cut])
		whole := cut == 0 || cut == 2
		if len(bodies) != want || whole != (err == nil) || !whole && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatalf("cut at %d: got %d bodies, %v", cut, len(bodies), err)
		}
	}
	if _, err := peer.ParseMsgpack([]byte("text")); err == nil || errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("text was taken for msgpack: %v", err)
	}
}

func TestWaitListening(t *testing.T) {
	address := peer.TCPAddress(t)
	tcp, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer tcp.Close()
	peer.WaitListening(t, "tcp://"+address)

	folder, err := os.MkdirTemp("", "peer")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(folder)
	path := peer.SocketPath(folder)
	ipc, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer ipc.Close()
	peer.WaitListening(t, "ipc://"+path)
}

// recorder is a test that a missing peer ends.
type recorder struct {
	testing.TB
	skipped, failed string
}

func (r *recorder) Helper() {}

func (r *recorder) Skipf(format string, args ...any) { r.skipped = format }

func (r *recorder) Fatalf(format string, args ...any) { r.failed = format }

func TestMissingPeerIsLoud(t *testing.T) {
	const nowhere = "no-such-program-anywhere"
	t.Setenv(peer.RequireEnv, "")
	r := &recorder{TB: t}
	peer.Find(r, nowhere, "nothing")
	if r.skipped == "" || r.failed != "" {
		t.Errorf("without %s: skipped %q, failed %q", peer.RequireEnv, r.skipped, r.failed)
	}
	t.Setenv(peer.RequireEnv, "require")
	r = &recorder{TB: t}
	peer.Find(r, nowhere, "nothing")
	if r.failed == "" {
		t.Errorf("with %s=require a missing peer did not fail the test", peer.RequireEnv)
	}
	var summary strings.Builder
	peer.Summary(&summary)
	if !strings.Contains(summary.String(), nowhere+" is MISSING: 2 tests NOT RUN") {
		t.Errorf("summary: %q", summary.String())
	}
}
