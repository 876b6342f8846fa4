// SPDX-License-Identifier: MIT

package guide_test

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"log"
	"net"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/internal/leak"
	"github.com/sprymq/spry/internal/testkit"
)

// TestShownFunctions compares functions that tests below call with what deployment.md shows.
func TestShownFunctions(t *testing.T) {
	const file = "deployment_test.go"
	source, page := read(t, file), read(t, "deployment.md")
	fset := token.NewFileSet()
	f, err := parser.ParseFile(fset, file, source, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"follow"} {
		d := f.Scope.Lookup(name).Decl.(*ast.FuncDecl)
		if text := source[fset.Position(d.Doc.Pos()).Offset:fset.Position(d.End()).Offset]; !strings.Contains(page, text) {
			t.Errorf("deployment.md does not have this function:\n%s", text)
		}
	}
}

// follow keeps a socket connected to all addresses that lookup returns, and asks again after each interval.
func follow(ctx context.Context, req *spry.Req, lookup func(context.Context) ([]string, error), port string, interval time.Duration) {
	dialers := make(map[string]*spry.Endpoint)
	for ; ctx.Err() == nil; time.Sleep(interval) {
		addresses, err := lookup(ctx)
		if err != nil {
			log.Print(err) // keep what there is
			continue
		}
		for _, a := range addresses {
			if dialers[a] != nil {
				continue
			}
			d, err := req.Connect("tcp://" + net.JoinHostPort(a, port))
			if err != nil {
				log.Print(err)
				continue
			}
			dialers[a] = d
		}
		for a, d := range dialers {
			connected := false
			for range d.Pipes() {
				connected = true
			}
			if !connected && !slices.Contains(addresses, a) { // not while it drains
				d.Close()
				delete(dialers, a)
			}
		}
	}
}

// TestFollow connects to a name that has one address, then two, then the second only.
func TestFollow(t *testing.T) {
	leak.Check(t)
	ctx, cancel := context.WithCancel(testkit.Watchdog(t))
	defer cancel()
	first, second := spry.NewRep(nil), spry.NewRep(nil)
	defer first.Close()
	defer second.Close()
	at := testkit.ListenAt(t, first, "tcp://127.0.0.1:0").Addr().(*net.TCPAddr)
	port := strconv.Itoa(at.Port)
	if _, err := second.Listen(ctx, "tcp://127.0.0.2:"+port); err != nil {
		t.Skipf("NOT TESTED: this machine has no second loopback address: %v", err)
	}

	var mu sync.Mutex
	addresses, lookups := []string{"127.0.0.1"}, 0
	name := func(now ...string) { mu.Lock(); defer mu.Unlock(); addresses, lookups = now, 0 }
	lookup := func(context.Context) ([]string, error) {
		mu.Lock()
		defer mu.Unlock()
		lookups++
		return addresses, nil
	}

	req := spry.NewReq(nil)
	defer req.Close()
	var following sync.WaitGroup
	following.Go(func() { follow(ctx, req, lookup, port, time.Millisecond) })
	defer following.Wait()
	defer cancel()

	connected := func(want int) func() bool {
		return func() bool { return len(slices.Collect(req.Pipes())) == want }
	}
	testkit.Eventually(t, "a connection to the first address", connected(1))
	name("127.0.0.1", "127.0.0.2")
	testkit.Eventually(t, "connections to both", connected(2))
	name("127.0.0.2")
	testkit.Eventually(t, "more lookups", func() bool { mu.Lock(); defer mu.Unlock(); return lookups > 3 })
	if !connected(2)() {
		t.Error("a connection was ended although its peer lives")
	}
	testkit.Check(t, first.Close())
	testkit.Eventually(t, "the dialer of the first address to end", func() bool { return len(req.Stats().Endpoints) == 1 })
	if !connected(1)() {
		t.Error("the second address lost its connection")
	}
}

// TestTimesOfDeployment compares the time that a service may drain with the times that it is given.
func TestTimesOfDeployment(t *testing.T) {
	page := read(t, "deployment.md")
	number := func(pattern string) int {
		t.Helper()
		found := regexp.MustCompile(pattern).FindStringSubmatch(page)
		if found == nil {
			t.Fatalf("deployment.md has no %s", pattern)
		}
		n, err := strconv.Atoi(found[1])
		testkit.Check(t, err)
		return n
	}
	draining := number(`WithTimeout\(context\.Background\(\), (\d+)\*time\.Second\)`)
	for _, limit := range []string{`TimeoutStopSec=(\d+)`, `terminationGracePeriodSeconds: (\d+)`, `: (\d+) s in the examples`} {
		if number(limit) < draining+5 {
			t.Errorf("%s is %d, and Drain may take %d s", limit, number(limit), draining)
		}
	}
}

// TestUnits checks the form of systemd's files: sections of assignments.
func TestUnits(t *testing.T) {
	for _, block := range blocksOf(t, "deployment.md", "ini") {
		sections := []string(nil)
		for line := range strings.Lines(block) {
			line = strings.TrimSpace(line)
			switch {
			case line == "" || strings.HasPrefix(line, "#"):
			case strings.HasPrefix(line, "[") && strings.HasSuffix(line, "]"):
				sections = append(sections, strings.Trim(line, "[]"))
			case len(sections) == 0 || !regexp.MustCompile(`^[A-Z][A-Za-z]+=\S`).MatchString(line):
				t.Errorf("%q is no assignment in a section", line)
			}
		}
		if !slices.Equal(sections, []string{"Unit", "Service", "Install"}) && !slices.Equal(sections, []string{"Socket", "Install"}) {
			t.Errorf("the sections are %q", sections)
		}
	}
}

// TestDockerfiles checks the form of Dockerfiles: known instructions, and stages that exist.
func TestDockerfiles(t *testing.T) {
	known := []string{"FROM", "WORKDIR", "COPY", "RUN", "USER", "EXPOSE", "ENTRYPOINT", "ENV", "ARG"}
	for _, block := range blocksOf(t, "deployment.md", "dockerfile") {
		for line := range strings.Lines(block) {
			words := strings.Fields(line)
			if len(words) > 0 && !slices.Contains(known, words[0]) {
				t.Errorf("%q is no instruction", line)
			}
		}
		for _, from := range regexp.MustCompile(`--from=(\S+)`).FindAllStringSubmatch(block, -1) {
			if !regexp.MustCompile(`(?m)^FROM \S+ AS ` + from[1] + `$`).MatchString(block) {
				t.Errorf("no stage is called %s", from[1])
			}
		}
	}
}

// blocksOf returns the fenced blocks of a language in a document. There has to be one.
func blocksOf(t *testing.T, file, language string) (blocks []string) {
	t.Helper()
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(read(t, file), -1) {
		blocks = append(blocks, m[1])
	}
	if len(blocks) == 0 {
		t.Fatalf("%s has no block of %s", file, language)
	}
	return blocks
}
