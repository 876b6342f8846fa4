// SPDX-License-Identifier: MIT

package dash

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/observe"
)

const (
	interval    = time.Second            // between two reports of a process
	pollTimeout = 2 * time.Second        // in which it answers
	gather      = 500 * time.Millisecond // how long the page waits for slow ones
	atOnce      = 32                     // processes that are asked at one time
)

// A watched is a process that the collector asks.
type watched struct {
	source *source
	node   *observe.Node // nil: this process
	key    string        // its URL; empty for this process
	found  bool          // by observe.Local
	asking bool
	events eventsOf
}

// An answer is the result of asking a process.
type answer struct {
	of     *watched
	report *observe.Report
	err    error
}

// A collector asks all processes once a second, and gives the pages what it learns.
type collector struct {
	d       *Dash
	model   *model
	all     []*watched
	answers chan answer
	turns   chan struct{}
	started time.Time
	shown   map[string]bool // topics of processes that are in the store
	asking  int             // processes that have not answered yet
}

func newCollector(d *Dash) *collector {
	c := &collector{
		d: d, model: newModel(), answers: make(chan answer), turns: make(chan struct{}, atOnce), started: time.Now(), shown: make(map[string]bool),
	}
	c.watch(&watched{source: &source{url: "", lasting: false}})
	for _, n := range d.options.Nodes {
		c.watch(&watched{source: &source{url: shownURL(n.URL), lasting: true}, node: n, key: n.URL})
	}
	return c
}

func (c *collector) watch(w *watched) {
	c.all = append(c.all, w)
	c.model.add(w.source)
}

// run collects until the scope ends.
func (c *collector) run() {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	defer func() {
		for c.asking > 0 { // they end with the scope
			c.take(<-c.answers)
		}
	}()
	for {
		c.discover()
		c.ask()
		if !c.gather() {
			return
		}
		c.publish(time.Now())
		for waiting := true; waiting; {
			select {
			case <-tick.C:
				waiting = false
			case a := <-c.answers:
				c.take(a)
			case <-c.d.scope.Done():
				return
			}
		}
	}
}

// discover finds the user's own processes, and forgets those that have ended.
func (c *collector) discover() {
	if !c.d.options.Local {
		return
	}
	urls := observe.Local()
	c.all = slices.DeleteFunc(c.all, func(w *watched) bool {
		ended := w.found && !w.asking && !slices.Contains(urls, w.key)
		if ended {
			c.model.remove(w.source)
			w.events.stop()
		}
		return ended
	})
	for _, url := range urls {
		if len(c.all) <= c.d.options.MaxNodes && !slices.ContainsFunc(c.all, func(w *watched) bool { return w.key == url }) {
			c.watch(&watched{source: &source{url: url}, node: &observe.Node{URL: url}, key: url, found: true})
		}
	}
}

// ask begins to ask all that have answered the last time.
func (c *collector) ask() {
	for _, w := range c.all {
		if w.asking {
			continue
		}
		if c.d.scope.Go(func() { c.answers <- c.poll(w) }) == nil {
			w.asking = true
			c.asking++
		}
	}
}

// poll asks one process.
func (c *collector) poll(w *watched) answer {
	if w.node == nil {
		r := observe.Take()
		if len(r.Sockets) == 0 {
			return answer{of: w, err: errNoSockets}
		}
		return answer{of: w, report: &r}
	}
	select {
	case c.turns <- struct{}{}:
	case <-c.d.scope.Done():
		return answer{of: w, err: spry.ErrClosed}
	}
	defer func() { <-c.turns }()
	ctx, cancel := context.WithTimeout(c.d.scope.Context(), pollTimeout)
	defer cancel()
	r, err := w.node.Report(ctx)
	return answer{w, r, err}
}

var errNoSockets = errors.New("this process has no sockets")

// gather waits for answers, but not long. It reports false at the end.
func (c *collector) gather() bool {
	late := time.NewTimer(gather)
	defer late.Stop()
	for c.asking > 0 {
		select {
		case a := <-c.answers:
			c.take(a)
		case <-late.C:
			return true
		case <-c.d.scope.Done():
			return false
		}
	}
	return c.d.scope.Context().Err() == nil
}

func (c *collector) take(a answer) {
	c.asking--
	w := a.of
	w.asking = false
	now := time.Now()
	if a.err != nil {
		w.source.failed(a.err, ended(a.err), now)
		w.events.stop()
		return
	}
	w.source.answered(a.report, now)
	w.events.follow(c.d, w, a.report.Instance)
}

// ended reports whether no process is at an address any more.
func ended(err error) bool {
	return errors.Is(err, observe.ErrNoProcess) || errors.Is(err, errNoSockets)
}

// publish gives the pages what has changed.
func (c *collector) publish(now time.Time) {
	views := c.model.render(c.d.options.MaxNodes, now)
	shown := make(map[string]bool, len(views))
	nodes := 0
	for _, v := range views {
		name := "node/" + v.Instance
		shown[name] = true
		if v.State == up {
			nodes++
		}
		if v.State == removed {
			c.putJSON(name, map[string]any{"instance": v.Instance, "state": removed})
			continue
		}
		c.putJSON(name, v)
	}
	for name := range c.shown {
		if !shown[name] {
			c.d.store.remove(name)
		}
	}
	c.shown = shown
	c.putJSON("dash", map[string]any{"at": now, "nodes": nodes, "started": c.started, "version": version(), "tap": false})
}

func (c *collector) putJSON(name string, v any) {
	data, err := json.Marshal(v)
	if err != nil { // a number or time that a process made up
		data, _ = json.Marshal(map[string]any{"error": fmt.Sprint(err)})
	}
	c.d.store.put(name, data)
}

// version is that of this module, or "(devel)".
func version() string {
	const module = "github.com/sprymq/spry/dash"
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, m := range info.Deps {
			if m.Path == module {
				return m.Version
			}
		}
	}
	return "(devel)"
}

// shownURL is a URL without a password.
func shownURL(text string) string {
	scheme, rest, _ := strings.Cut(text, "://")
	if at := strings.LastIndex(rest, "@"); at >= 0 && scheme != "unix" {
		rest = rest[at+1:]
	}
	return scheme + "://" + rest
}
