// SPDX-License-Identifier: MIT

package engine

import (
	"errors"
	"io"
	"testing"
	"testing/synctest"

	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/wire/sp"
	"github.com/sprymq/spry/transport"
)

// An endingLink takes every message until it is broken.
type endingLink struct {
	limitedLink
	broken bool
}

func (l *endingLink) WriteMessages(ps []transport.Packet) (int, error) {
	if l.broken {
		return 0, errors.New("the link is broken")
	}
	return len(ps), nil
}
func (l *endingLink) CloseWrite() error { return nil }

// Messages of a link that proves nothing by itself are known to have arrived only if this end ends its direction first, and
// then the peer.
func TestMessagesAreKnownToArriveIfThePeerEndsLast(t *testing.T) {
	for name, test := range map[string]struct {
		end     func(p *Pipe, l *endingLink)
		unknown uint64
	}{
		"this end first": {func(p *Pipe, _ *endingLink) { p.endSending(); synctest.Wait(); p.peerEnded(io.EOF) }, 0},
		"the peer first": {func(p *Pipe, _ *endingLink) { p.peerEnded(io.EOF) }, 1},
		"at once":        {func(p *Pipe, _ *endingLink) { p.end(ErrClosed) }, 1},
		"a failed write": {func(p *Pipe, l *endingLink) {
			l.broken = true
			trySend(p, []byte("lost"))
			synctest.Wait()
			p.peerEnded(io.EOF)
		}, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			leak.Check(t)
			s, e := testSocket(Options{}, &recorder{traits: Traits{FlushesEnded: true}})
			l := &endingLink{}
			p := e.newPipe(l, streamSession(t, sp.Push, 0))
			p.carryMessages(l)
			if err := s.attach(p); err != nil {
				t.Fatal(err)
			}
			p.release()
			trySend(p, []byte("sent"))
			synctest.Wait()
			test.end(p, l)
			<-p.Done()
			if st := p.Stats().Send; st.Sent != 1 || st.Unknown != test.unknown {
				t.Errorf("%s: %d messages are sent and %d may not have arrived, want 1 and %d", name, st.Sent, st.Unknown, test.unknown)
			}
			_ = s.Close()
		})
	}
}
