// SPDX-License-Identifier: MIT

package timing_test

import (
	"bytes"
	"io"
	"net"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/simnet"
	"github.com/sprymq/spry/internal/testkit"
)

// A silentPeer is a ZMTP peer that says nothing by itself after its handshake. It counts the pings that it gets, and
// answers them if it answers.
func silentPeer(t *testing.T, conn io.ReadWriter, answers bool) (pings *atomic.Int32) {
	t.Helper()
	pings = new(atomic.Int32)
	go func() {
		greeting := make([]byte, 64+2+0x1a)
		_, _ = io.ReadFull(conn, greeting)
		frame := make([]byte, 256)
		for {
			n, err := conn.Read(frame)
			if err != nil {
				return
			}
			for rest := frame[:n]; ; { // pings are short, and come whole
				at := bytes.Index(rest, []byte("\x04PING"))
				if at < 0 {
					break
				}
				pings.Add(1)
				rest = rest[at+7:]
				if answers {
					_, _ = io.WriteString(conn, "\x04\x05\x04PONG")
				}
			}
		}
	}()
	_, err := io.WriteString(conn, testkit.OpenAs("PUSH"))
	testkit.Check(t, err)
	return pings
}

// endsSilent waits until a pipe ends because its peer was silent, after the time want. 0 means that it lives.
func endsSilent(t *testing.T, p *spry.Pipe, want time.Duration) {
	t.Helper()
	start := time.Now()
	select {
	case <-p.Done():
		if d := time.Since(start); d != want || !strings.Contains(p.Err().Error(), "was silent") {
			t.Errorf("ended after %v: %v", d, p.Err())
		}
	case <-time.After(94 * time.Second):
		if want != 0 {
			t.Error("it lives")
		}
	}
	synctest.Wait()
}

// A peer that is silent is asked whether it is still there, and given up if it does not answer.
func TestHeartbeats(t *testing.T) {
	for name, c := range map[string]struct {
		interval time.Duration
		answers  bool
		ends     time.Duration // 0 = it does not
		pings    int           // within the time
	}{
		"silent":       {0, false, 20 * time.Second, 1},
		"answering":    {0, true, 0, 5}, // what it answers is a sign of life until the next beat
		"one second":   {time.Second, false, 2 * time.Second, 1},
		"not wanted":   {-1, false, 0, 0},
		"answers fast": {time.Second, true, 0, 47},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Heartbeat: c.interval}})
				defer pull.Close()
				near, far := simnet.Pipe()
				defer far.Close()
				pings := silentPeer(t, far, c.answers)
				p, err := pull.Attach(t.Context(), near, &spry.AttachConfig{Listening: true})
				testkit.Check(t, err)
				endsSilent(t, p, c.ends)
				if n := int(pings.Load()); n != c.pings {
					t.Errorf("%d pings, want %d", n, c.pings)
				}
			})
		})
	}
}

// A peer that sends, and to which this end has nothing to say, is told that this end lives: its own questions may take long to
// come, behind what it has sent.
func TestIdleReceiversSendSignsOfLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{Heartbeat: time.Second}})
		defer pull.Close()
		near, far := simnet.Pipe()
		defer far.Close()
		pings := silentPeer(t, far, false)
		_, err := pull.Attach(t.Context(), near, &spry.AttachConfig{Listening: true})
		testkit.Check(t, err)
		for range 25 {
			time.Sleep(400 * time.Millisecond)
			_, err := io.WriteString(far, "\x00\x01x")
			testkit.Check(t, err)
			_, err = pull.Recv(t.Context())
			testkit.Check(t, err)
		}
		synctest.Wait()
		if n := pings.Load(); n < 9 || n > 10 {
			t.Errorf("%d pings within 10 heartbeats", n)
		}
	})
}

// Who pings is answered, and a peer that pings and never reads costs no memory.
func TestPingsAreAnswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pull := spry.NewPull(nil)
		defer pull.Close()
		near, far := simnet.Pipe()
		defer far.Close()
		attached := make(chan error, 1)
		go func() {
			_, err := pull.Attach(t.Context(), near, &spry.AttachConfig{Listening: true})
			attached <- err
		}()
		_, err := io.WriteString(far, testkit.OpenAs("PUSH"))
		testkit.Check(t, err)
		testkit.Check(t, <-attached)
		_, err = io.ReadFull(far, make([]byte, 64+2+0x1a))
		testkit.Check(t, err)
		for _, context := range []string{"", "abc"} {
			_, err = io.WriteString(far, "\x04"+string(rune(7+len(context)))+"\x04PING\x00\x00"+context)
			testkit.Check(t, err)
			want := "\x04" + string(rune(5+len(context))) + "\x04PONG" + context
			got := make([]byte, len(want))
			_, err = io.ReadFull(far, got)
			testkit.Check(t, err)
			if string(got) != want {
				t.Errorf("answered %q, want %q", got, want)
			}
		}
	})
}

// A peer is not given up while it is this end that does not read, because nobody takes what has come. It is told that this end
// lives, whose answers it waits for in vain.
func TestHeartbeatsWithoutReceivers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{RecvQueue: 1}})
		defer pull.Close()
		near, far := simnet.Pipe()
		defer far.Close()
		pings := silentPeer(t, far, true)
		p, err := pull.Attach(t.Context(), near, &spry.AttachConfig{Listening: true})
		testkit.Check(t, err)
		const messages = 5
		for i := range messages {
			_, err := far.Write([]byte{0, 1, byte(i)})
			testkit.Check(t, err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if p.Err() != nil || pings.Load() < 5 {
			t.Fatalf("the pipe ended with %v; the peer got %d signs of life", p.Err(), pings.Load())
		}
		for i := range messages {
			if b, err := pull.Recv(t.Context()); err != nil || b[0] != byte(i) {
				t.Fatalf("message %d: %v, %v", i, b, err)
			}
		}
	})
}

// While nobody receives, a peer is told that this end lives as often as its own heartbeats make necessary, however long this
// end's are.
func TestSignsOfLifeSuitThePeer(t *testing.T) {
	for name, c := range map[string]struct {
		pings []string      // of the peer, before messages come
		gap   time.Duration // between them
		want  int           // signs of life within 10 s
	}{
		"unknown":      {nil, 0, 20},
		"by its TTL":   {[]string{"\x04\x07\x04PING\x00\x02"}, 0, 200},
		"by its pings": {[]string{"\x04\x07\x04PING\x00\x00", "\x04\x07\x04PING\x00\x00"}, 400 * time.Millisecond, 50},
		"a long TTL":   {[]string{"\x04\x07\x04PING\x02\x00"}, 0, 20},
		"hasty pings":  {[]string{"\x04\x07\x04PING\x00\x00", "\x04\x07\x04PING\x00\x00"}, time.Microsecond, 200},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{RecvQueue: 1, Heartbeat: time.Hour}})
				defer pull.Close()
				near, far := simnet.Pipe()
				defer far.Close()
				pings := silentPeer(t, far, true)
				_, err := pull.Attach(t.Context(), near, &spry.AttachConfig{Listening: true})
				testkit.Check(t, err)
				for _, p := range c.pings {
					_, err := io.WriteString(far, p)
					testkit.Check(t, err)
					time.Sleep(c.gap)
				}
				_, err = far.Write([]byte{0, 1, 1, 0, 1, 2, 0, 1, 3})
				testkit.Check(t, err)
				time.Sleep(10*time.Second + time.Millisecond)
				synctest.Wait()
				if n := int(pings.Load()); n < c.want*9/10 || n > c.want {
					t.Errorf("%d signs of life in 10 s, want %d", n, c.want)
				}
			})
		})
	}
}

// A peer that does not read what is sent to it, as a ZeroMQ socket does whose queue is full, cannot see a question, and is
// not given up for not answering.
func TestHeartbeatsWhileThePeerDoesNotRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		push := spry.NewPush(nil)
		defer push.Close()
		near, far := net.Pipe() // which takes nothing that nobody reads
		defer far.Close()
		attached := make(chan error, 1)
		var p *spry.Pipe
		go func() {
			var err error
			p, err = push.Attach(t.Context(), near, &spry.AttachConfig{Dialects: []string{"zmtp"}})
			attached <- err
		}()
		go func() { _, _ = io.WriteString(far, testkit.OpenAs("PULL")) }()
		said := make([]byte, 256)
		_, err := io.ReadFull(far, said[:64+2])
		testkit.Check(t, err)
		_, err = io.ReadFull(far, said[:said[65]])
		testkit.Check(t, err)
		testkit.Check(t, <-attached)
		testkit.Check(t, push.Send(t.Context(), []byte("a")))
		time.Sleep(time.Minute)
		synctest.Wait()
		if p.Err() != nil {
			t.Fatalf("the pipe ended with %v", p.Err())
		}
		_, err = io.ReadFull(far, said[:3])
		testkit.Check(t, err)
		if string(said[:3]) != "\x00\x01a" {
			t.Errorf("read % x", said[:3])
		}
	})
}

// A machine that is gone, with all that was on its way to it, is given up within four heartbeats: also when bytes wait
// before the question.
func TestGoneMachineIsGivenUp(t *testing.T) {
	for name, rate := range map[string]int64{"at once": 0, "within a message": 1000} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Heartbeat: time.Second, Linger: -1}})
				defer push.Close()
				near, far := simnet.Pipe()
				defer far.Close()
				p, _ := testkit.AttachBare(t, push, near, far, &spry.AttachConfig{Dialects: []string{"zmtp"}}, func(b *testkit.Bare) { b.ShakeZMTP(t, "PULL") })
				near.Link().SetFaults(simnet.Both, simnet.Faults{Rate: rate})
				testkit.Check(t, push.Send(t.Context(), make([]byte, 60_000)))
				if rate > 0 {
					select {
					case <-p.Done():
						t.Fatalf("ended while bytes arrived: %v", p.Err())
					case <-time.After(20 * time.Second):
					}
				}
				near.Link().Partition(simnet.Both, true)
				start := time.Now()
				<-p.Done()
				if d := time.Since(start); d > 4*time.Second {
					t.Errorf("given up after %v: %v", d, p.Err())
				}
			})
		})
	}
}
