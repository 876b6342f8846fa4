// SPDX-License-Identifier: MIT

package gateway_test

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/internal/testkit"
	"github.com/sprymq/spry/interop/internal/kit"
	"github.com/sprymq/spry/interop/internal/peer"
)

// A flood is a way in which h2load speaks HTTP, with several connections, and with several requests on each where that is possible.
type flood struct {
	name   string
	secure bool
	args   []string
}

var floods = []flood{
	{"HTTP/1.1", false, []string{"--h1", "-c", "32"}},
	{"h2c", false, []string{"-c", "4", "-m", "32"}},
	{"h2", true, []string{"-c", "4", "-m", "32"}},
}

// flooded is what h2load has got.
type flooded struct {
	done    int
	classes [6]int // answers by the first digit of their status
	data    int    // bytes of bodies
}

var (
	loadDone    = regexp.MustCompile(`requests: (\d+) total, \d+ started, (\d+) done, \d+ succeeded, \d+ failed, (\d+) errored, (\d+) timeout`)
	loadClasses = regexp.MustCompile(`status codes: (\d+) 2xx, (\d+) 3xx, (\d+) 4xx, (\d+) 5xx`)
	loadData    = regexp.MustCompile(`traffic: .* \((\d+)\) data`)
)

// load starts h2load.
func load(t *testing.T, url string, requests int, args ...string) *peer.Process {
	t.Helper()
	return peer.Start(t, peer.Find(t, "h2load", "nghttp2-client"), append(args, "-n", strconv.Itoa(requests), url)...)
}

// result waits for h2load. Every request must have been answered.
func result(t *testing.T, p *peer.Process) flooded {
	t.Helper()
	text := p.Wait()
	numbers := func(r *regexp.Regexp) (n []int) {
		found := r.FindStringSubmatch(text)
		if found == nil {
			t.Fatalf("h2load prints no %s:\n%s", r, text)
		}
		for _, digits := range found[1:] {
			v, err := strconv.Atoi(digits)
			testkit.Check(t, err)
			n = append(n, v)
		}
		return n
	}
	done := numbers(loadDone)
	if done[0] != done[1] || done[2] != 0 || done[3] != 0 {
		t.Errorf("not every request is answered:\n%s", text)
	}
	f := flooded{done: done[1], data: numbers(loadData)[0]}
	copy(f.classes[2:], numbers(loadClasses))
	return f
}

// eachFlood runs a test with some ways of h2load.
func eachFlood(t *testing.T, ways []flood, what string, test func(t *testing.T, base string, args []string, s *site)) {
	t.Helper()
	for _, f := range ways {
		t.Run(strings.NewReplacer("/", "").Replace(f.name), func(t *testing.T) {
			kit.Results.Track(t, kit.Row("h2load", what, f.name, "it dials"), kit.Library)
			s := newSite(t)
			base := s.plain
			if f.secure {
				base = s.secure
			}
			test(t, base, f.args, s)
		})
	}
}

// requests is how many a flood has.
func requests() int {
	if kit.Long {
		return 50_000
	}
	return 3000
}

func TestFloodOfRequests(t *testing.T) {
	eachFlood(t, floods, "a flood of POST to Req", func(t *testing.T, base string, args []string, s *site) {
		const size = 100
		n := requests()
		got := result(t, load(t, base+"/ask", n, append(args, "-d", kit.BodyFile(t, kit.Body(size, 3)))...))
		if want := (flooded{done: n, classes: [6]int{2: n}, data: n * size}); got != want {
			t.Errorf("h2load gets %+v, not %+v", got, want)
		}
		if answers := addsUp(t, s.ask); !maps.Equal(answers, map[int]uint64{http.StatusOK: uint64(n)}) {
			t.Errorf("answers: %v", answers)
		}
	})
}

// TestFloodOfLargeRequests has bodies that are refused before they have arrived. With HTTP/1.1, net/http closes the connection half a second
// after such an answer, and a client that still sends may not see it.
func TestFloodOfLargeRequests(t *testing.T) {
	eachFlood(t, floods[1:], "a flood of POST that is too large", func(t *testing.T, base string, args []string, s *site) {
		const n = 500
		got := result(t, load(t, base+"/ask", n, append(args, "-d", kit.BodyFile(t, make([]byte, 1<<20+1)))...))
		if got.classes != [6]int{4: n} {
			t.Errorf("h2load gets %+v", got)
		}
		if answers := addsUp(t, s.ask); !maps.Equal(answers, map[int]uint64{http.StatusRequestEntityTooLarge: n}) {
			t.Errorf("answers: %v", answers)
		}
	})
}

func TestFloodOfMessages(t *testing.T) {
	eachFlood(t, floods, "a flood of POST to Push", func(t *testing.T, base string, args []string, s *site) {
		n := requests()
		received := make(chan int, 1)
		go func() {
			count := 0
			for ctx := kit.Watched(t); ; count++ {
				if body, err := s.pull.Recv(ctx); err != nil || string(body) == "last" {
					received <- count
					return
				}
			}
		}()
		got := result(t, load(t, base+"/send", n, append(args, "-d", kit.BodyFile(t, []byte("job")))...))
		if want := (flooded{done: n, classes: [6]int{2: n}}); got != want {
			t.Errorf("h2load gets %+v, not %+v", got, want)
		}
		s.curl(t, dialects[0], "/send", "--data-binary", "last", "--fail").Wait()
		if count := <-received; count != n {
			t.Errorf("%d of %d accepted messages arrive", count, n)
		}
		addsUp(t, s.send)
	})
}

// TestFloodBeyondLimits has a gateway whose queues have room for little, and that takes few requests at one time. Every request is answered,
// and exactly the accepted messages arrive.
func TestFloodBeyondLimits(t *testing.T) {
	push := spry.NewPush(&spry.PushOptions{Options: spry.Options{SendQueue: 10, Transports: kit.Options.Transports}})
	pull := spry.NewPull(&spry.PullOptions{Options: spry.Options{RecvQueue: 10, Transports: kit.Options.Transports}})
	behind(t, push, pull)
	h := gateway.Send(push, &gateway.Options{MaxRequests: 40, MaxPerClient: 30, WriteTimeout: peer.Watchdog, BodyTimeout: peer.Watchdog})
	at := peer.TCPAddress(t)
	t.Cleanup(serve(t, gateway.NewServer(h), at, ""))
	body := kit.BodyFile(t, kit.Body(10_000, 3)) // more than connections keep
	n := requests()
	got := result(t, load(t, "http://"+at, n, "-c", "4", "-m", "16", "-d", body, "-H", "spry-timeout: 50ms"))
	answers := addsUp(t, h)
	accepted, busy, late := answers[http.StatusAccepted], answers[http.StatusTooManyRequests], answers[http.StatusServiceUnavailable]
	t.Logf("of %d requests, %d are accepted, %d too many, %d without room", n, accepted, busy, late)
	if accepted == 0 || busy == 0 || late == 0 || accepted+busy+late != uint64(n) {
		t.Errorf("answers: %v", answers)
	}
	if want := [6]int{2: int(accepted), 4: int(busy), 5: int(late)}; got.classes != want {
		t.Errorf("h2load gets %v, not %v", got.classes, want)
	}
	drained := make(chan error, 1)
	go func() { drained <- push.Shutdown(kit.Watched(t)) }()
	for range accepted {
		kit.Must[[]byte](t)(pull.Recv(kit.Watched(t)))
	}
	testkit.Check(t, <-drained)
	if s := pull.Stats().Recv; s.Arrived != accepted {
		t.Errorf("%d are accepted, and %d arrive", accepted, s.Arrived)
	}
}

// TestFloodOfEvents has many streams read events.
func TestFloodOfEvents(t *testing.T) {
	for _, f := range []struct {
		name    string
		streams int
		args    []string
	}{{"HTTP/1.1", 50, []string{"--h1", "-c", "50"}}, {"h2c", 400, []string{"-c", "2", "-m", "200"}}} {
		t.Run(strings.ReplaceAll(f.name, "/", ""), func(t *testing.T) {
			kit.Results.Track(t, kit.Row("h2load", fmt.Sprint(f.streams, " streams of server-sent events"), f.name, "it dials"), kit.Library)
			s := newSite(t)
			s.floodOfEvents(t, s.plain, f.streams, f.args...)
		})
	}
}

// floodOfEvents has many streams read events, until these end. Each stream gets as many bytes as curl, which reads one more.
func (s *site) floodOfEvents(t *testing.T, base string, streams int, args ...string) {
	t.Helper()
	flood := load(t, base+"/events", streams, args...)
	one := s.curl(t, dialects[0], "/events")
	s.waitStreams(t, streams+1)
	const count = 300 // fewer than the gateway keeps
	for i := range count {
		testkit.Check(t, s.pub.Send(kit.Watched(t), fmt.Append(nil, "event ", i)))
	}
	kit.WaitFor(t, func() bool { return s.events.Stats().Received == count })
	testkit.Check(t, s.events.Close())
	text := one.Wait()
	if n := strings.Count(text, "\ndata: "); n != count {
		t.Errorf("curl gets %d events", n)
	}
	got := result(t, flood)
	if want := (flooded{done: streams, classes: [6]int{2: streams}, data: streams * len(text)}); got != want {
		t.Errorf("h2load gets %+v, not %+v", got, want)
	}
	addsUp(t, s.events.Handler)
}

// TestFloodOfSurveys has each survey end by its own time.
func TestFloodOfSurveys(t *testing.T) {
	eachFlood(t, floods, "a flood of POST to Surveyor", func(t *testing.T, base string, args []string, s *site) {
		const n = 200
		got := result(t, load(t, base+"/survey", n, append(args, "-d", kit.BodyFile(t, []byte("who")), "-H", "spry-timeout: 100ms")...))
		if got.classes != [6]int{2: n} {
			t.Errorf("h2load gets %+v", got)
		}
		if answers := addsUp(t, s.survey); !maps.Equal(answers, map[int]uint64{http.StatusOK: n}) {
			t.Errorf("answers: %v", answers)
		}
	})
}

// TestBehindProxies uses all handlers through each reverse proxy by h2load and nghttp: ../reverseproxy does by curl.
func TestBehindProxies(t *testing.T) {
	eachProxy(t, func(t *testing.T, p program) {
		kit.Results.Track(t, kit.Row(p.name, "h2load and nghttp on all handlers", "HTTP/1.1, h2c", "between"), kit.Library)
		s := newSite(t)
		x := startProxy(t, p, strings.TrimPrefix(s.plain, "http://"))
		h1, h2 := []string{"--h1", "-c", "32"}, []string{"-c", "4", "-m", "32"}
		n, body := 3000, kit.Body(100, 3)
		file := kit.BodyFile(t, body)
		for path, h := range map[string]*gateway.Handler{"/ask": s.ask, "/send": s.send} {
			for base, args := range map[string][]string{"http://" + x.front: h1, "http://" + x.front2: h2} {
				if got := result(t, load(t, base+path, n, append(args, "-d", file)...)); got.classes != [6]int{2: n} {
					t.Errorf("%s: h2load gets %+v", path, got)
				}
			}
			status := map[string]int{"/ask": http.StatusOK, "/send": http.StatusAccepted}[path]
			if answers := addsUp(t, h); !maps.Equal(answers, map[int]uint64{status: uint64(2 * n)}) {
				t.Errorf("%s: answers: %v", path, answers)
			}
		}
		for range 2 * n {
			kit.Same(t, "the message behind the gateway", kit.Must[[]byte](t)(s.pull.Recv(kit.Watched(t))), body)
		}
		if got := result(t, load(t, "http://"+x.front2+"/survey", 200, append(h2, "-d", file, "-H", "spry-timeout: 100ms")...)); got.classes != [6]int{2: 200} {
			t.Errorf("survey: h2load gets %+v", got)
		}
		s.pushByNghttp(t, "http://"+x.front2)
		s.floodOfEvents(t, "http://"+x.front2, 200, "-c", "2", "-m", "100")
	})
}
