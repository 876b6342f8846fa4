// SPDX-License-Identifier: MIT

package examples_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry"
)

// programs is the folder of the programs, built once.
var programs string

func TestMain(m *testing.M) {
	if runtime.GOOS == "windows" {
		os.Exit(0) // the tests stop programs by signals
	}
	dir, err := os.MkdirTemp("", "spry-examples-")
	if err != nil {
		panic(err)
	}
	programs = dir
	code := 1
	if out, err := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "./...").CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the examples: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// watchdog is how long any program may take.
const watchdog = time.Minute

// A program is a running example.
type program struct {
	t      *testing.T
	cmd    *exec.Cmd
	exited chan struct{}

	mu  sync.Mutex
	out bytes.Buffer // standard output and standard error
}

func (p *program) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.Write(b)
}

func (p *program) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.out.String()
}

func run(t *testing.T, name string, args ...string) *program {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), watchdog)
	p := &program{t: t, cmd: exec.CommandContext(ctx, filepath.Join(programs, name), args...), exited: make(chan struct{})}
	p.cmd.Stdout, p.cmd.Stderr = p, p
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { defer close(p.exited); p.cmd.Wait() }()
	t.Cleanup(func() { cancel(); <-p.exited })
	return p
}

// expect waits for the end of the program and returns its lines, sorted.
func (p *program) expect(code int) []string {
	p.t.Helper()
	<-p.exited
	if got := p.cmd.ProcessState.ExitCode(); got != code {
		p.t.Fatalf("%v: exit code %d instead of %d\n%s", p.cmd.Args[1:], got, code, p.output())
	}
	lines := strings.Split(strings.TrimSuffix(p.output(), "\n"), "\n")
	slices.Sort(lines)
	return lines
}

// stop sends a signal and waits for the end of the program.
func (p *program) stop(signal os.Signal) []string {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
	return p.expect(0)
}

// await waits until the output matches.
func (p *program) await(pattern string) {
	p.t.Helper()
	for re := regexp.MustCompile(pattern); !re.MatchString(p.output()); time.Sleep(2 * time.Millisecond) {
		select {
		case <-p.exited:
			p.t.Fatalf("%v ended without %q\n%s", p.cmd.Args[1:], pattern, p.output())
		default:
		}
	}
}

// url is an address for a test. The path of an ipc socket has to be short.
func url(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "spry-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return "ipc://" + filepath.Join(dir, "s")
}

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
	if !regexp.MustCompile(`(?m)^round \d: (ada|bob): \d\d:\d\d:\d\d$`).MatchString(lead.output()) || !strings.Contains(lead.output(), "node came: ") {
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
