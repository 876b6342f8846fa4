// SPDX-License-Identifier: MIT

package cat

import (
	"context"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/source"
)

// linesTo returns a run that sends lines, and its socket's other end.
func linesTo(t *testing.T, o *Options, queue int) (r *run, push *spry.Push, pull *spry.Pull) {
	t.Helper()
	limits := spry.Options{SendQueue: queue, RecvQueue: queue}
	push, pull = spry.NewPush(&spry.PushOptions{Options: limits}), spry.NewPull(&spry.PullOptions{Options: limits})
	t.Cleanup(func() { push.Close(); pull.Close() })
	url := "inproc://" + t.Name()
	if _, err := pull.Listen(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	if _, err := push.Dial(t.Context(), url); err != nil {
		t.Fatal(err)
	}
	return &run{Options: o, socket: push}, push, pull
}

// calls counts the calls of a way.
func calls(to way) (counted way, one, many *int) {
	one, many = new(int), new(int)
	return way{
		one: func(ctx context.Context, frames [][]byte) error { *one++; return to.one(ctx, frames) },
		many: func(ctx context.Context, bodies [][]byte) (int, error) {
			*many++
			return to.many(ctx, bodies)
		},
	}, one, many
}

func TestLinesAreSentTogether(t *testing.T) {
	for _, test := range []struct {
		name      string
		options   Options
		one, many int
	}{
		{"lines", Options{}, 0, 1},
		{"counted", Options{Count: 2, Repeat: true}, 0, 1},
		{"with a limit for each", Options{SendTimeout: time.Minute}, 3, 0},
		{"with numbers", Options{Templates: true}, 3, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			test.options.Source = source.Source{Split: source.Lines, Stdin: strings.NewReader("one\ntwo\nthree\n")}
			r, push, pull := linesTo(t, &test.options, 16)
			to, one, many := calls(through(push))
			if err := r.sendAll(t.Context(), to); err != nil {
				t.Fatal(err)
			}
			if *one != test.one || *many != test.many {
				t.Errorf("%d messages by themselves and %d together; want %d and %d", *one, *many, test.one, test.many)
			}
			want := []string{"one", "two", "three"}
			if r.Count > 0 {
				want = want[:r.Count]
			}
			if int(r.sent.Load()) != len(want) {
				t.Errorf("%d sent, want %d", r.sent.Load(), len(want))
			}
			for _, line := range want {
				if got, err := pull.Recv(t.Context()); err != nil || string(got) != line {
					t.Errorf("received %q, %v; want %s", got, err, line)
				}
			}
		})
	}
}

// Lines are often jobs, so several peers take turns line by line.
func TestLinesAreSharedEvenly(t *testing.T) {
	o := &Options{Source: source.Source{Split: source.Lines, Stdin: strings.NewReader(strings.Repeat("job\n", 20))}, Peers: 2}
	r, push, first := linesTo(t, o, 100)
	second := spry.NewPull(nil)
	defer second.Close()
	if _, err := second.Listen(t.Context(), "inproc://second"); err != nil {
		t.Fatal(err)
	}
	if _, err := push.Dial(t.Context(), "inproc://second"); err != nil {
		t.Fatal(err)
	}
	if err := r.sendAll(t.Context(), through(push)); err != nil {
		t.Fatal(err)
	}
	for _, pull := range []*spry.Pull{first, second} {
		for range 10 {
			if _, err := pull.Recv(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A line that was typed is sent before the next one is there.
func TestALoneLineIsSentAtOnce(t *testing.T) {
	in, typed := io.Pipe()
	r, push, pull := linesTo(t, &Options{Source: source.Source{Split: source.Lines, Stdin: in}}, 16)
	ended := make(chan error, 1)
	go func() { ended <- r.sendAll(t.Context(), through(push)) }()
	for _, line := range []string{"one", "two"} {
		io.WriteString(typed, line+"\n")
		if got, err := pull.Recv(t.Context()); err != nil || string(got) != line {
			t.Errorf("received %q, %v; want %s", got, err, line)
		}
	}
	typed.Close()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// Lines that were read and are not in the socket's queue when a run is interrupted count as not sent.
func TestLinesNotSentAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := &Options{Source: source.Source{Split: source.Lines, Stdin: strings.NewReader("1\n2\n3\n4\n5\n6\n7\n8\n")}}
		r, push, _ := linesTo(t, o, 2)
		ctx, interrupt := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() { ended <- r.sendAll(ctx, through(push)) }()
		synctest.Wait() // the queues are full
		interrupt()
		err := r.ended(ctx, <-ended)
		if sent := r.sent.Load(); sent == 0 || sent+r.left != 8 || !r.unsent {
			t.Errorf("%d sent, %d not sent; want 8 together", sent, r.left)
		}
		if err == nil || !strings.Contains(err.Error(), "interrupted") {
			t.Errorf("got %v", err)
		}
		push.Close()
	})
}
