// SPDX-License-Identifier: MIT

package timing_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/transport"
)

// A tapped network remembers what the dialing end of every link wrote.
type tapped struct {
	*simnet.Net
	mu    sync.Mutex
	links map[string]*tap // by the link's name
}

type tap struct {
	*simnet.Conn
	mu    sync.Mutex
	wrote bytes.Buffer
}

func (c *tap) Write(p []byte) (int, error) {
	n, err := c.Conn.Write(p)
	c.mu.Lock()
	c.wrote.Write(p[:n])
	c.mu.Unlock()
	return n, err
}

// whole returns the messages of which the link took every byte.
func (c *tap) whole() (messages []uint64) {
	b := c.wrote.Bytes()
	for b = b[min(8, len(b)):]; len(b) >= 8; {
		end := 8 + int(binary.BigEndian.Uint64(b))
		if end > len(b) {
			break
		}
		messages = append(messages, binary.BigEndian.Uint64(b[8:]))
		b = b[end:]
	}
	return messages
}

type tappedDialer struct {
	transport.Dialer
	net *tapped
}

func (n *tapped) Dialer(u transport.URL, o transport.DialOptions) (transport.Dialer, error) {
	d, err := n.Net.Dialer(u, o)
	return &tappedDialer{d, n}, err
}

func (d *tappedDialer) Dial(ctx context.Context) (transport.Link, error) {
	link, err := d.Dialer.Dial(ctx)
	if err != nil {
		return nil, err
	}
	s := link.(*transport.Stream)
	c := &tap{Conn: s.Conn.(*simnet.Conn)}
	d.net.mu.Lock()
	d.net.links[c.LocalAddr().String()] = c
	d.net.mu.Unlock()
	s.Conn = c
	return s, nil
}

// T09: three Push and three Pull sockets, and a network that fails. What arrives over a link is a prefix of what was
// written to it; every message was written whole exactly once; what did not arrive was on its way over a link that
// was cut.
func TestPartitionsLoseOnlyWhatWasOnItsWay(t *testing.T) {
	cuts := testkit.Figure(20, 1000)
	synctest.Test(t, func(t *testing.T) { testPartitions(t, cuts) })
}

func testPartitions(t *testing.T, cuts int) {
	n := &tapped{Net: simnet.New(9), links: map[string]*tap{}}
	n.SetLinkOptions(simnet.LinkOptions{Window: 8 << 10})
	n.SetFaults(simnet.Both, simnet.Faults{Latency: 3 * time.Millisecond, Jitter: 2 * time.Millisecond, Rate: 1 << 20})
	ctx := t.Context()
	o := spry.Options{
		Transports: []transport.Transport{n}, Linger: time.Hour, SendQueue: 50,
		Backoff: spry.Backoff{Min: time.Millisecond, Max: 10 * time.Millisecond},
	}
	var pulls [3]*spry.Pull
	var mu sync.Mutex
	arrived := map[string][]uint64{} // by link
	var receiving sync.WaitGroup
	for i := range pulls {
		pulls[i] = spry.NewPull(&spry.PullOptions{Options: o})
		if _, err := pulls[i].Listen(ctx, "sim://pull"+string(rune('a'+i))); err != nil {
			t.Fatal(err)
		}
		receiving.Go(func() {
			for m := range pulls[i].Messages(ctx) {
				link := m.Pipe().RemoteAddr().String()
				mu.Lock()
				arrived[link] = append(arrived[link], binary.BigEndian.Uint64(m.Bytes()))
				mu.Unlock()
			}
		})
	}
	var pushes [3]*spry.Push
	var accepted [3]uint64
	stop := make(chan struct{})
	var sending sync.WaitGroup
	for i := range pushes {
		pushes[i] = spry.NewPush(&spry.PushOptions{Options: o})
		for j := range pulls {
			if _, err := pushes[i].Connect("sim://pull" + string(rune('a'+j))); err != nil {
				t.Fatal(err)
			}
		}
		sending.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				body := make([]byte, 8+accepted[i]%900)
				binary.BigEndian.PutUint64(body, uint64(i)<<32|accepted[i])
				if err := pushes[i].Send(ctx, body); err != nil {
					t.Errorf("send: %v", err)
					return
				}
				accepted[i]++
				time.Sleep(200 * time.Microsecond)
			}
		})
	}
	dice := rand.New(rand.NewPCG(9, 9))
	for done := 0; done < cuts; {
		time.Sleep(15 * time.Millisecond)
		links := n.Links()
		if len(links) == 0 {
			continue
		}
		l := links[dice.IntN(len(links))]
		switch dice.IntN(3) {
		case 0:
			l.Partition(simnet.Both, true)
			time.Sleep(10 * time.Millisecond)
		case 1:
			l.Partition(simnet.ToListener, true)
			time.Sleep(10 * time.Millisecond)
		}
		l.Cut()
		done++
	}
	close(stop)
	sending.Wait()
	for i, p := range pushes {
		if err := p.Close(); err != nil {
			t.Errorf("Close of push %d: %v", i, err)
		}
	}
	synctest.Wait()
	for _, p := range pulls {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
	receiving.Wait()

	written := map[uint64]string{}
	var delivered, unknown uint64
	for name, c := range n.links {
		whole := c.whole()
		got := arrived[name]
		if len(got) > len(whole) {
			t.Fatalf("%d messages arrived over %s, to which %d were written", len(got), name, len(whole))
		}
		for i, id := range whole {
			if other, twice := written[id]; twice {
				t.Fatalf("message %x was written whole to %s and to %s", id, other, name)
			}
			written[id] = name
			if i < len(got) && got[i] != id {
				t.Fatalf("over %s message %x arrived where %x was written", name, got[i], id)
			}
		}
		delivered += uint64(len(got))
		unknown += uint64(len(whole) - len(got))
	}
	var sent, counted, reported uint64
	for i, p := range pushes {
		st := p.Stats()
		sent += accepted[i]
		counted += st.Send.Sent
		reported += st.Send.Unknown
		if why := testkit.Unbalanced(st); why != "" || st.Send.Queued != 0 || st.Pending != 0 || testkit.Sum(st.Send.Dropped) != 0 {
			t.Errorf("push %d at rest: %s: %+v", i, why, st.Send)
		}
		for seq := range accepted[i] {
			if written[uint64(i)<<32|seq] == "" {
				t.Errorf("message %d of push %d is nowhere", seq, i)
			}
		}
	}
	var received uint64
	for _, p := range pulls {
		st := p.Stats()
		received += st.Recv.Delivered
		if why := testkit.Unbalanced(st); why != "" || testkit.Sum(st.Recv.Dropped) != 0 {
			t.Errorf("pull at rest: %s: %v dropped", why, st.Recv.Dropped)
		}
	}
	if sent != counted || sent != uint64(len(written)) || delivered != received || sent != delivered+unknown || unknown > reported {
		t.Errorf("accepted %d, counted as sent %d, written whole %d; delivered %d, counted %d; lost on cut links %d, reported unknown %d", sent, counted, len(written), delivered, received, unknown, reported)
	}
	t.Logf("T09: %d cuts of %d links: %d messages = %d delivered + %d under way on cut links; 0 twice, 0 elsewhere", cuts, len(n.links), sent, delivered, unknown)
}
