// SPDX-License-Identifier: MIT

package examples_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sprymq/spry"
)

// Workers are stopped and started under load: each job is done, and replied to once.
func TestJobs(t *testing.T) {
	t.Parallel()
	const jobs = 300
	at := url(t)
	dispatcher := run(t, "jobs", "-url", at, "-dispatch", fmt.Sprint(jobs))
	first := run(t, "jobs", "-url", at)
	first.await(`job`)
	second := run(t, "jobs", "-url", at)
	first.stop(syscall.SIGTERM)
	second.await(`job`)
	third := run(t, "jobs", "-url", at)
	second.stop(syscall.SIGTERM)
	var want, worked []string
	for job := range jobs {
		want = append(want, fmt.Sprintf("job %d: done <nil>", job))
	}
	slices.Sort(want)
	if got := dispatcher.expect(0); !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
	third.await(`job`)
	third.stop(syscall.SIGTERM)
	for line := range strings.Lines(first.output() + second.output() + third.output()) {
		if job, done := strings.CutSuffix(line, " <nil>\n"); done { // another worker does what could not be replied to
			worked = append(worked, job+": done <nil>")
		}
	}
	if slices.Sort(worked); !slices.Equal(worked, want) {
		t.Errorf("the workers did %q", worked)
	}
}

// A call ends at its deadline, and a server that crashes fails the call that crashed it, and no other.
func TestRPC(t *testing.T) {
	t.Parallel()
	one, two := url(t), url(t)
	servers := []*program{run(t, "rpc", "-serve", one), run(t, "rpc", "-serve", two)}
	got := run(t, "rpc", "-ask", one+","+two, "ACME", "SLOW", "CRASH", "IBM").expect(0)
	for i, want := range []string{`^ACME \{400 \} <nil>$`, `^CRASH .*given up`, `^IBM \{300 \} <nil>$`, `^SLOW .*deadline exceeded`} {
		if !regexp.MustCompile(want).MatchString(got[i]) {
			t.Errorf("%q instead of %s", got[i], want)
		}
	}
	crashed := servers[0]
	select {
	case <-crashed.exited:
	case <-servers[1].exited:
		crashed = servers[1]
	}
	crashed.expect(1)
}

// Late subscribers have the last price, and slow ones the newest.
func TestMarket(t *testing.T) {
	t.Parallel()
	at := url(t)
	market := run(t, "market", "-url", at)
	run(t, "market", "-url", at, "-watch", "FAST", "-count", "3").expect(0)
	if got := run(t, "market", "-url", at, "-watch", "RARE", "-count", "1").expect(0); got[0] != "RARE 7" {
		t.Errorf("the late subscriber got %q", got)
	}
	slow := run(t, "market", "-url", at, "-watch", "FAST", "-count", "4", "-pause", "100ms")
	slow.expect(0)
	var prices [4]int
	if _, err := fmt.Sscanf(slow.output(), "FAST %d\nFAST %d\nFAST %d\nFAST %d\n", &prices[0], &prices[1], &prices[2], &prices[3]); err != nil {
		t.Fatalf("%v: %q", err, slow.output())
	}
	if prices[3]-prices[0] <= 3 || strings.Contains(slow.output(), "overflow 0") {
		t.Errorf("the slow subscriber got prices in turn: %q", slow.output())
	}
	market.stop(os.Interrupt)
}

func TestSurvey(t *testing.T) {
	t.Parallel()
	at := url(t)
	ada, bob := run(t, "survey", "-url", at, "-name", "ada"), run(t, "survey", "-url", at, "-name", "bob")
	lead := run(t, "survey", "-url", at, "-lead", "4")
	lead.expect(0)
	if !regexp.MustCompile(`(?m)^round \d: (ada|bob): \S+ \S+ +\d+ \d\d:\d\d:\d\d \d+$`).MatchString(lead.output()) || !strings.Contains(lead.output(), "node came: ") {
		t.Errorf("got %s", lead.output())
	}
	ada.stop(os.Interrupt)
	bob.stop(os.Interrupt)
}

// Each request of each client is answered, by some worker.
func TestBroker(t *testing.T) {
	t.Parallel()
	got := run(t, "broker", "-clients", "3", "-requests", "4", "-workers", "2").expect(0)
	var want []string
	for client := range 3 {
		for request := range 4 {
			want = append(want, fmt.Sprintf("client %d request %d", client, request))
		}
	}
	for i := range got {
		got[i], _, _ = strings.Cut(got[i], " by worker ")
	}
	if !slices.Equal(got, want) {
		t.Errorf("got %q", got)
	}
}

func TestSeveral(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	defer cancel()
	jobs, commands, questions := url(t), url(t), url(t)
	program := run(t, "several", jobs, commands, questions)
	push, pub, req := spry.NewPush(nil), spry.NewPub(nil), spry.NewReq(nil)
	for at, s := range map[string]*spry.Socket{jobs: &push.Socket, commands: &pub.Socket, questions: &req.Socket} {
		defer s.Close()
		if _, err := s.Connect(at); err != nil {
			t.Fatal(err)
		}
		if err := s.WaitPipes(ctx, 1); err != nil {
			t.Fatal(err)
		}
	}
	until := func(want string) {
		t.Helper()
		for {
			reply, err := req.Do(ctx, nil)
			if err != nil {
				t.Fatalf("no reply %q: %v", want, err)
			}
			if string(reply) == want {
				return
			}
		}
	}
	for range 5 {
		if err := push.Send(ctx, nil); err != nil {
			t.Fatal(err)
		}
	}
	until("5 jobs")
	if err := pub.Send(ctx, []byte("reset")); err != nil {
		t.Fatal(err)
	}
	until("0 jobs")
	if got := program.stop(syscall.SIGTERM); !regexp.MustCompile(`^0 jobs in \d+ ticks$`).MatchString(got[0]) {
		t.Errorf("got %q", got)
	}
}
