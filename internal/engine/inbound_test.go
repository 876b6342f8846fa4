// SPDX-License-Identifier: MIT

package engine

import (
	"testing"

	"github.com/sprymq/spry/internal/reasons"

	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/msg"
	"github.com/sprymq/spry/internal/queue"
	"github.com/sprymq/spry/internal/wire/sp"
)

// A message that was delivered and is taken back counts as dropped, and as one.
func TestUndeliver(t *testing.T) {
	leak.Check(t)
	s, e := testSocket(Options{}, &recorder{})
	defer s.Close()
	p, _ := streamPipe(t, e, &fakeConn{}, streamSession(t, sp.Pull, 0))
	p.Took(3)
	p.Undeliver(reasons.TTL, 1)
	if st := p.Stats().Recv; st.Arrived != 3 || st.Delivered != 2 || st.Dropped["ttl"] != 1 {
		t.Errorf("figures %+v", st)
	}
}

// A source that is closed leaves its figures to its pipe.
func TestFiguresOfAClosedSource(t *testing.T) {
	leak.Check(t)
	s, e := testSocket(Options{}, &recorder{})
	defer s.Close()
	p, _ := streamPipe(t, e, &fakeConn{}, streamSession(t, sp.Sub, 0))
	inbox := queue.NewInbox(queue.Limits{Messages: 4, Bytes: 1 << 20}, queue.DropNewest)
	source := p.NewSource(inbox)
	run := make([]msg.Message, 6)
	for i := range run {
		run[i] = msg.Of([]byte{byte(i)})
	}
	source.Put(run)
	m, err := inbox.TryRecv()
	if err != nil {
		t.Fatal(err)
	}
	m.Release()
	inbox.Close(ErrClosed)
	p.CloseSource(source)
	st := p.Stats().Recv
	if st.Arrived != 6 || st.Delivered != 1 || st.Queued != 0 || st.Dropped["overflow"] != 2 || st.Dropped["closed"] != 3 {
		t.Errorf("figures %+v", st)
	}
}
