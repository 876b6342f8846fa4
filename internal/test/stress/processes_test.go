// SPDX-License-Identifier: MIT

//go:build unix

package stress_test

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/testkit"
)

func init() {
	children["pull"], children["files"], children["memory"] = pullChild, filesChild, memoryChild
}

// pullChild receives from the address SPRY_STRESS_URL and appends the number of each message to the file SPRY_STRESS_FILE.
func pullChild() error {
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{RecvQueue: 16, Backoff: quick}})
	defer pull.Close()
	file, err := os.OpenFile(os.Getenv("SPRY_STRESS_FILE"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	if _, err := pull.Connect(os.Getenv("SPRY_STRESS_URL")); err != nil {
		return err
	}
	for m, err := range pull.Messages(context.Background()) {
		if err != nil {
			return err
		}
		if _, err := file.Write(m.Bytes()[:8]); err != nil {
			return err
		}
	}
	return nil
}

// A worker is a child process that receives.
type worker struct {
	*exec.Cmd
	file string
}

func startWorker(t *testing.T, url string, n int) *worker {
	t.Helper()
	w := &worker{file: filepath.Join(t.TempDir(), fmt.Sprint(n))}
	w.Cmd = child(t, "pull", "SPRY_STRESS_URL="+url, "SPRY_STRESS_FILE="+w.file)
	testkit.Check(t, w.Start())
	t.Cleanup(w.kill)
	return w
}

func (w *worker) kill() {
	_ = w.Process.Kill()
	_ = w.Wait()
}

// received returns the numbers of the messages that the worker took.
func (w *worker) received(t *testing.T) (numbers []uint64) {
	t.Helper()
	data, err := os.ReadFile(w.file)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	testkit.Check(t, err)
	for ; len(data) >= 8; data = data[8:] {
		numbers = append(numbers, binary.BigEndian.Uint64(data))
	}
	return numbers
}

// A feeder is a Push that sends numbered messages to workers for as long as the test goes on.
type feeder struct {
	push     *spry.Push
	url      string
	accepted uint64
	sending  sync.WaitGroup
	stop     context.CancelFunc
}

func newFeeder(t *testing.T, scheme string, o spry.Options) *feeder {
	t.Helper()
	f := &feeder{push: spry.NewPush(&spry.PushOptions{Options: o})}
	e, err := f.push.Listen(testkit.Watchdog(t), fresh(t.TempDir(), scheme, 0))
	testkit.Check(t, err)
	f.url = e.URL()
	ctx, stop := context.WithCancel(context.Background())
	f.stop = stop
	f.sending.Go(func() {
		body := make([]byte, 2000)
		for ctx.Err() == nil {
			binary.BigEndian.PutUint64(body, f.accepted)
			if f.push.Send(ctx, body[:8+f.accepted%1900]) == nil {
				f.accepted++
			}
		}
	})
	return f
}

// settle stops sending, closes the socket and checks that what no worker received is in the figures.
func (f *feeder) settle(t *testing.T, workers []*worker) (missing, unknown uint64) {
	t.Helper()
	f.stop()
	f.sending.Wait()
	within(t, "Shutdown", func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		_ = f.push.Shutdown(ctx)
	})
	st := f.push.Stats()
	if why := testkit.Unbalanced(st); why != "" {
		t.Error(why)
	}
	explained := st.Send.Unknown + testkit.Sum(st.Send.Dropped) + uint64(st.Pending)
	what := fmt.Sprintf("of %d messages no more are missing than the figures explain: unknown %d, dropped %v, pending %d",
		f.accepted, st.Send.Unknown, st.Send.Dropped, st.Pending)
	testkit.Eventually(t, what, func() bool { // workers that live have some in their queues
		missing = f.accepted - f.seen(t, workers)
		return missing <= explained
	})
	for _, w := range workers {
		w.kill()
	}
	return missing, st.Send.Unknown
}

// seen is how many messages the workers took so far, each once.
func (f *feeder) seen(t *testing.T, workers []*worker) uint64 {
	t.Helper()
	seen := map[uint64]bool{}
	for _, w := range workers {
		for _, n := range w.received(t) {
			if seen[n] {
				t.Errorf("message %d arrived twice", n)
			}
			seen[n] = true
		}
	}
	return uint64(len(seen))
}

// Workers are killed without warning, again and again. What they took with them is in the sender's figures, and nothing
// arrives twice.
func TestKilledWorkers(t *testing.T) {
	for n, rng := range rounds(t) {
		scheme := []string{"tcp", "ipc", "zmtp+tcp", "zmtp+ipc"}[n%4]
		f := newFeeder(t, scheme, spry.Options{SendQueue: 100})
		var workers, alive []*worker
		for i := range 3 {
			alive = append(alive, startWorker(t, f.url, i))
		}
		workers = append(workers, alive...)
		for range 5 + rng.IntN(10) {
			time.Sleep(time.Duration(rng.IntN(100)) * time.Millisecond)
			i := rng.IntN(len(alive))
			alive[i].kill()
			alive[i] = startWorker(t, f.url, len(workers))
			workers = append(workers, alive[i])
		}
		missing, unknown := f.settle(t, workers)
		t.Logf("%s: %d messages, %d missing, %d unknown", scheme, f.accepted, missing, unknown)
	}
}

// Workers are stopped and continued. No connection is given up, and no message is lost.
func TestStoppedWorkers(t *testing.T) {
	for n, rng := range rounds(t) {
		scheme := []string{"tcp", "ipc", "zmtp+tcp", "zmtp+ipc"}[n%4]
		f := newFeeder(t, scheme, spry.Options{SendQueue: 100})
		workers := []*worker{startWorker(t, f.url, 0), startWorker(t, f.url, 1)}
		testkit.Check(t, f.push.WaitPipes(testkit.Watchdog(t), 2))
		for range 5 {
			w := workers[rng.IntN(2)]
			testkit.Check(t, w.Process.Signal(syscall.SIGSTOP))
			time.Sleep(time.Duration(rng.IntN(300)) * time.Millisecond)
			testkit.Check(t, w.Process.Signal(syscall.SIGCONT))
		}
		established := f.push.Stats().Endpoints[0].Established
		f.stop()
		f.sending.Wait()
		testkit.Eventually(t, "all messages arrive", func() bool {
			return len(workers[0].received(t))+len(workers[1].received(t)) == int(f.accepted)
		})
		if established != 2 {
			t.Errorf("%s: %d connections were made, want 2", scheme, established)
		}
		f.settle(t, workers)
	}
}

// filesChild listens, dials and accepts with hardly any file descriptors, until standard input ends; then it must serve.
func filesChild() error {
	if err := limitFiles(64); err != nil {
		return err
	}
	rep := spry.NewRep(nil)
	defer rep.Close()
	e, err := rep.Listen(context.Background(), "tcp://127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println(e.Addr())
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var serving sync.WaitGroup
	serving.Go(func() {
		_ = rep.Serve(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, r.Bytes()) }))
	})
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{Backoff: quick}})
	defer push.Close()
	for range 100 {
		if _, err := push.Connect("tcp://127.0.0.1:1"); err != nil {
			return err
		}
	}
	_, err = io.Copy(io.Discard, os.Stdin)
	cancel()
	serving.Wait()
	return err
}

// A process with 64 file descriptors has 100 dialers and more clients than it can serve. It lives, and serves again when
// the clients have gone.
func TestFewFiles(t *testing.T) {
	c := child(t, "files")
	in, err := c.StdinPipe()
	testkit.Check(t, err)
	out, err := c.StdoutPipe()
	testkit.Check(t, err)
	testkit.Check(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	var address string
	if _, err := fmt.Fscan(bufio.NewReader(out), &address); err != nil {
		t.Fatal(err)
	}
	for range rounds(t) {
		var crowd []*spry.Req
		for range 100 {
			req := spry.NewReq(&spry.ReqOptions{Options: spry.Options{Backoff: quick, Linger: -1}})
			_, err := req.Connect("tcp://" + address)
			testkit.Check(t, err)
			crowd = append(crowd, req)
		}
		time.Sleep(200 * time.Millisecond) // how long they crowd
		for _, req := range crowd {
			testkit.Check(t, req.Close())
		}
		good := spry.NewReq(&spry.ReqOptions{Options: spry.Options{Backoff: quick, Linger: -1}})
		_, err := good.Connect("tcp://" + address)
		testkit.Check(t, err)
		if _, err := good.Do(testkit.Watchdog(t), []byte("are you there?")); err != nil {
			t.Fatalf("a process that ran out of file descriptors does not serve again: %v", err)
		}
		testkit.Check(t, good.Close())
	}
	testkit.Check(t, in.Close())
	if err := c.Wait(); err != nil {
		t.Errorf("the process ended with %v", err)
	}
}

// memoryChild echoes requests under the memory limit that it was started with, and says every 10 ms how large its heap is.
func memoryChild() error {
	rep, pull := spry.NewRep(nil), spry.NewPull(nil)
	defer rep.Close()
	defer pull.Close()
	for _, s := range []anySocket{rep, pull} {
		e, err := s.Listen(context.Background(), "tcp://127.0.0.1:0")
		if err != nil {
			return err
		}
		fmt.Println(e.Addr())
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	var serving sync.WaitGroup
	serving.Go(func() {
		_ = rep.Serve(ctx, 4, spry.HandlerFunc(func(ctx context.Context, r *spry.Request) { _ = r.Reply(ctx, r.Bytes()) }))
	})
	serving.Go(func() {
		for ctx.Err() == nil {
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			fmt.Println(m.HeapInuse)
			time.Sleep(10 * time.Millisecond)
		}
	})
	_, err := io.Copy(io.Discard, os.Stdin)
	cancel()
	serving.Wait()
	return err
}

// A process has a memory limit of 128 MiB. Its peers begin large messages that they do not end, and fill queues that
// nobody empties. It stays within the limit, and serves a good client all the time.
func TestSmallMemory(t *testing.T) {
	const limit = 128 << 20
	c := child(t, "memory", fmt.Sprintf("GOMEMLIMIT=%d", limit))
	in, err := c.StdinPipe()
	testkit.Check(t, err)
	out, err := c.StdoutPipe()
	testkit.Check(t, err)
	testkit.Check(t, c.Start())
	t.Cleanup(func() { _ = c.Process.Kill(); _ = c.Wait() })
	said := bufio.NewReader(out)
	var repAt, pullAt string
	if _, err := fmt.Fscan(said, &repAt, &pullAt); err != nil {
		t.Fatal(err)
	}
	largest := make(chan uint64, 1)
	go func() {
		var most, now uint64
		for {
			if _, err := fmt.Fscan(said, &now); err != nil {
				largest <- most
				return
			}
			most = max(most, now)
		}
	}()
	good := spry.NewReq(nil)
	defer good.Close()
	_, err = good.Dial(testkit.Watchdog(t), "tcp://"+repAt)
	testkit.Check(t, err)
	for _, rng := range rounds(t) {
		hostile := make([]*halfFrames, 40)
		for i := range hostile {
			hostile[i] = attack(t, pullAt, rng)
		}
		for range 100 {
			if _, err := good.Do(testkit.Watchdog(t), make([]byte, 1000)); err != nil {
				t.Fatalf("a good client is not served: %v", err)
			}
		}
		for _, h := range hostile {
			h.stop()
		}
	}
	testkit.Check(t, in.Close())
	if err := c.Wait(); err != nil {
		t.Errorf("the process ended with %v", err)
	}
	if most := <-largest; most > limit {
		t.Errorf("the heap had %d MiB, and the limit is %d MiB", most>>20, limit>>20)
	} else {
		t.Logf("the heap had up to %d MiB of %d MiB", most>>20, limit>>20)
	}
}

// limitFiles bounds how many descriptors the process may have.
func limitFiles(n uint64) error {
	var l syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l); err != nil {
		return err
	}
	l.Cur = as(l.Cur, n)
	return syscall.Setrlimit(syscall.RLIMIT_NOFILE, &l)
}

// as gives n the type that the system has for limits.
func as[T int64 | uint64](_ T, n uint64) T { return T(n) }
