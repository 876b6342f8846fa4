// SPDX-License-Identifier: MIT

package devices

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/device"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// A proxy runs a file whose devices are watched.
type proxy struct {
	t      *testing.T
	folder string
	reload chan os.Signal
	stop   context.CancelFunc
	ended  chan error

	mu     sync.Mutex // guards the fields below
	said   []string
	events []string              // "begin NAME" and "drain NAME"
	fail   map[string]chan error // by the name of a device
}

// A watched device can be made to fail.
type watched struct {
	machine
	name string
	p    *proxy
	fail chan error
}

func (w *watched) Ended() <-chan error { return w.fail }

func (w *watched) Drain(ctx context.Context) {
	w.p.note("drain " + w.name)
	w.machine.Drain(ctx)
}

func (p *proxy) note(event string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.events = append(p.events, event)
}

func (p *proxy) say(form string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.said = append(p.said, fmt.Sprintf(form, args...))
}

// heard reports how often something was said.
func (p *proxy) heard(text string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, line := range p.said {
		n += strings.Count(line, text)
	}
	return n
}

func (p *proxy) at(name string) string { return "ipc://" + filepath.Join(p.folder, name) }

// streamer is a device at the addresses NAMEf and NAMEb.
func (p *proxy) streamer(name, more string) string {
	return fmt.Sprintf("[[device]]\nname = %q\nkind = \"streamer\"\nfront = %q\nback = %q\n%s\n", name, p.at(name+"f"), p.at(name+"b"), more)
}

func (p *proxy) write(devices ...string) {
	p.t.Helper()
	text := "linger = \"30s\"\n" + strings.Join(devices, "")
	testkit.Check(p.t, os.WriteFile(filepath.Join(p.folder, "proxy.toml"), []byte(text), 0o600))
}

// become writes the file, lets it be read again, and waits until something more was said of that.
func (p *proxy) become(answer string, devices ...string) {
	p.t.Helper()
	before := p.heard(answer)
	p.write(devices...)
	p.reload <- os.Interrupt
	testkit.Eventually(p.t, "it says "+answer, func() bool { return p.heard(answer) > before })
}

func run(t *testing.T, devices func(p *proxy) []string) *proxy {
	leak.Check(t)
	folder, err := os.MkdirTemp("", "spry-") // a short path
	testkit.Check(t, err)
	t.Cleanup(func() { os.RemoveAll(folder) })
	p := &proxy{t: t, folder: folder, reload: make(chan os.Signal), ended: make(chan error, 1), fail: make(map[string]chan error)}
	p.write(devices(p)...)
	s := newSite(&Options{File: filepath.Join(folder, "proxy.toml"), Reload: p.reload, Say: p.say, Print: p.say})
	real := s.begin
	s.begin = func(ctx context.Context, o device.Options, limits device.Limits, look func(bool, []*spry.Message)) (machine, error) {
		m, err := real(ctx, o, limits, look)
		if err != nil {
			return nil, err
		}
		name := strings.TrimSuffix(filepath.Base(o.Front.Listen[0]), "f")
		p.note("begin " + name)
		w := &watched{machine: m, name: name, p: p, fail: make(chan error, 1)}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.fail[name] = w.fail
		return w, nil
	}
	ctx, stop := context.WithCancel(context.Background())
	p.stop = stop
	go func() { p.ended <- s.run(ctx) }()
	testkit.Eventually(t, "it listens", func() bool { return p.heard("listening at") == 2*len(devices(p)) })
	return p
}

// A load is numbered messages through a device, of which none may be lost or come twice.
type load struct {
	push     *spry.Push
	pull     *spry.Pull
	sent     int
	stop     chan struct{}
	stopped  chan struct{}
	received chan map[string]int
}

// under begins a load on a device. A puller whose begin is not nil waits for that.
func (p *proxy) under(name string, begin <-chan struct{}) *load {
	options := spry.Options{Linger: -1, Backoff: spry.Backoff{Min: time.Millisecond, Max: 20 * time.Millisecond}, RecvQueue: 10}
	l := &load{
		push: spry.NewPush(&spry.PushOptions{Options: options}), pull: spry.NewPull(&spry.PullOptions{Options: options}),
		stop: make(chan struct{}), stopped: make(chan struct{}), received: make(chan map[string]int, 1),
	}
	ctx := testkit.Watchdog(p.t)
	_, err := l.push.Connect(p.at(name + "f"))
	testkit.Check(p.t, err)
	_, err = l.pull.Connect(p.at(name + "b"))
	testkit.Check(p.t, err)
	testkit.Check(p.t, l.push.WaitPipes(ctx, 1))
	testkit.Check(p.t, l.pull.WaitPipes(ctx, 1))
	go func() {
		defer close(l.stopped)
		for ctx.Err() == nil {
			select {
			case <-l.stop:
				return
			default:
			}
			sending, cancel := context.WithTimeout(ctx, 20*time.Millisecond) // where the queues are full
			if l.push.Send(sending, []byte(strconv.Itoa(l.sent))) == nil {
				l.sent++
			}
			cancel()
		}
	}()
	go func() {
		got := make(map[string]int)
		defer func() { l.received <- got }()
		if begin != nil {
			<-begin
		}
		for {
			body, err := l.pull.Recv(ctx)
			if err != nil || string(body) == "end" {
				return
			}
			got[string(body)]++
		}
	}()
	return l
}

// whole ends the load, and checks that all came.
func (l *load) whole(t *testing.T) {
	t.Helper()
	close(l.stop)
	<-l.stopped
	l.check(t, l.push.Send(testkit.Watchdog(t), []byte("end")))
}

func (l *load) check(t *testing.T, err error) {
	t.Helper()
	testkit.Check(t, err)
	got := <-l.received
	if len(got) != l.sent || l.sent == 0 {
		t.Errorf("%d messages of %d came", len(got), l.sent)
	}
	for text, n := range got {
		if n != 1 {
			t.Errorf("message %s came %d times", text, n)
		}
	}
	testkit.Shut(t, l.push, l.pull)
}

// A device that fails ends the proxy, with an error that names it. The others pass on what they have.
func TestADeviceThatFails(t *testing.T) {
	p := run(t, func(p *proxy) []string { return []string{p.streamer("bad", ""), p.streamer("good", "queue = 20")} })
	defer p.stop()
	begin := make(chan struct{})
	l := p.under("good", begin)
	testkit.Eventually(t, "the queues are full", func() bool { return l.push.Stats().Send.Queued > 0 })
	close(l.stop)
	<-l.stopped
	testkit.Check(t, l.push.Send(testkit.Watchdog(t), []byte("end"))) // into its own queue
	broken := errors.New("it is broken")
	p.fail["bad"] <- broken
	testkit.Eventually(t, "the other one is drained", func() bool {
		p.mu.Lock()
		defer p.mu.Unlock()
		return slices.Contains(p.events, "drain good")
	})
	close(begin)
	if err := <-p.ended; !errors.Is(err, broken) || !strings.Contains(err.Error(), "bad failed") {
		t.Errorf("the proxy ended with %v", err)
	}
	l.check(t, nil)
}

// A file that was read again takes effect as a whole, or not at all: new devices begin before those that they replace end, and if one cannot
// begin, all go on as before. No message is lost in either case.
func TestReloadChangesAllOrNothing(t *testing.T) {
	p := run(t, func(p *proxy) []string { return []string{p.streamer("a", ""), p.streamer("b", "")} })
	l := p.under("a", nil)
	nowhere := fmt.Sprintf("tap = %q", p.at("no/such/folder"))
	took := func(what string, want ...string) {
		t.Helper()
		p.mu.Lock()
		defer p.mu.Unlock()
		if !slices.Equal(p.events, want) {
			t.Errorf("%s: %q, want %q", what, p.events, want)
		}
		p.events = nil
	}
	took("at first", "begin a", "begin b")
	const undone, done = "all devices stay as they were", "was read again"

	p.become(undone, p.streamer("a", "queue = 7"), p.streamer("c", ""), p.streamer("d", nowhere))
	took("one of two new ones cannot begin", "begin c", "drain c")
	if n := l.push.Stats().Endpoints[0].Established; n != 1 {
		t.Errorf("the device that was to change was ended: %d connections", n)
	}
	p.become(undone, p.streamer("c", ""), p.streamer("a", nowhere))
	took("one at an old address cannot begin", "begin c", "drain a", "drain c", "begin a")
	p.become(done, p.streamer("a", ""), p.streamer("c", ""))
	took("one takes the place of another", "begin c", "drain b")
	p.become(done, p.streamer("a", "queue = 9"), p.streamer("d", ""))
	took("one changes, and one is replaced", "begin d", "drain a", "begin a", "drain c")
	another := strings.Replace(p.streamer("d", ""), p.folder, p.folder+"/.", 1) // the same file
	p.become(done, p.streamer("a", "queue = 9"), another)
	took("one has an address of another under another name", "drain d", "begin d")
	l.whole(t)
	p.stop()
	testkit.Check(t, <-p.ended)
}
