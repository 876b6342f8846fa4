// SPDX-License-Identifier: MIT

// Package gate serves sockets to clients that have only HTTP, as a file says.
package gate

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/settings"
)

// A config is what a file says.
type config struct {
	name   string // of the file
	folder string // to which the paths in it are relative
	errs   []error

	listeners []*listener
	routes    []*route
	proxies   proxies

	accessLog, logFailures bool
	health                 string

	maxHeader                                       int64
	maxStreams                                      int
	headerTimeout, idleTimeout, stopTimeout, linger time.Duration

	lines   map[string]int // of the keys above the tables
	secrets []string       // files that no route may serve, this one among them
}

const (
	defaultStop   = 10 * time.Second
	defaultLinger = time.Second
)

func (c *config) keys() []settings.Key {
	return slices.Concat([]settings.Key{
		settings.Yes("access-log", &c.accessLog), settings.Yes("log-failures", &c.logFailures), settings.String("health", &c.health),
		settings.Size("max-header", &c.maxHeader), settings.Count("max-streams", &c.maxStreams),
		settings.Duration("header-timeout", &c.headerTimeout), settings.Duration("idle-timeout", &c.idleTimeout),
		settings.Duration("stop-timeout", &c.stopTimeout), settings.Duration("linger", &c.linger),
	}, c.proxies.keys())
}

// read reads a file. Its error says everything that can be found out without the network.
func read(name string) (*config, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, exit.Errorf(exit.Usage, "%w; spry gateway --example prints a file to begin with", err)
	}
	c := parse(name, data)
	c.check()
	return c, c.failure()
}

// parse reads the tables of a file, and notes the errors of each of them by itself.
func parse(name string, data []byte) *config {
	c := &config{name: name, folder: filepath.Dir(name), stopTimeout: defaultStop, linger: defaultLinger}
	tables, errs := settings.Parse(data)
	c.errs = errs
	var defaults route
	seen := 0
	for _, t := range tables { // first, whatever their place
		if t.Name != "defaults" {
			continue
		}
		if seen++; seen > 1 || t.Repeated {
			c.errorf(t.Line, "[defaults] is there once, with one pair of brackets")
			continue
		}
		defaults.lines = c.set(&t, slices.Concat(defaults.shared()...))
	}
	for _, t := range tables {
		switch {
		case t.Name == "":
			c.lines = c.set(&t, c.keys())
		case t.Name == "defaults":
		case t.Name != "listen" && t.Name != "route":
			c.errorf(t.Line, "there is no table %q; there are [[listen]], [defaults] and [[route]]", t.Name)
		case !t.Repeated:
			c.errorf(t.Line, "[%s] needs two pairs of brackets, [[%s]], because there may be several", t.Name, t.Name)
		case t.Name == "listen":
			l := &listener{line: t.Line}
			l.lines = c.set(&t, l.keys())
			c.listeners = append(c.listeners, l)
		default:
			r := defaults
			r.line = t.Line
			own := c.set(&t, slices.Concat(append(r.shared(), r.keys())...))
			c.routes = append(c.routes, &r)
			r.own, r.lines = own, maps.Clone(defaults.lines)
			if r.lines == nil {
				r.lines = map[string]int{}
			}
			maps.Copy(r.lines, own)
		}
	}
	return c
}

func (c *config) set(t *settings.Table, keys []settings.Key) map[string]int {
	lines, errs := t.Set(keys)
	c.errs = append(c.errs, errs...)
	return lines
}

func (c *config) errorf(line int, format string, args ...any) {
	c.errs = append(c.errs, &settings.Error{Line: line, Err: fmt.Errorf(format, args...)})
}

// aFlag is a flag in a text of the command. The keys of the same meaning have the same names.
var aFlag = regexp.MustCompile(`--([a-z]+)`)

// failed notes an error, if there is one, of a key on a line.
func (c *config) failed(line int, key string, err error) {
	if err != nil {
		text := aFlag.ReplaceAllString(err.Error(), "$1")
		c.errorf(line, "%s: %s", key, strings.TrimPrefix(text, key+": "))
	}
}

// failure is all errors, in the order of their lines.
func (c *config) failure() error {
	if len(c.errs) == 0 {
		return nil
	}
	line := func(err error) int {
		at := new(settings.Error)
		errors.As(err, &at)
		return at.Line
	}
	slices.SortStableFunc(c.errs, func(a, b error) int { return line(a) - line(b) })
	c.errs = slices.CompactFunc(c.errs, func(a, b error) bool { return a.Error() == b.Error() }) // of defaults, which several routes have
	var text strings.Builder
	for i, err := range c.errs {
		if i > 0 {
			text.WriteString("\n")
		}
		fmt.Fprintf(&text, "%s:%v", c.name, err)
	}
	return exit.Errorf(exit.Usage, "%s", text.String())
}

// path is a path in the file.
func (c *config) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.folder, name)
}

// check finds what no table shows by itself.
func (c *config) check() {
	if len(c.listeners) == 0 {
		c.errorf(1, "nothing listens; add [[listen]] with address = \"127.0.0.1:8080\"")
	}
	if len(c.routes) == 0 {
		c.errorf(1, "nothing is served; add [[route]] with path, kind and dial")
	}
	if c.health != "" && !isPath(c.health) {
		c.errorf(c.lines["health"], "health: %q is no path such as /healthz", c.health)
	}
	c.proxies.check(c)
	c.collectSecrets()
	at := map[string]int{}
	for _, l := range c.listeners {
		l.check(c)
		if known, is := at[l.address]; is && !strings.HasSuffix(l.address, ":0") {
			c.errorf(l.lines["address"], "address: %s is already on line %d", l.address, known)
		}
		at[l.address] = l.lines["address"]
	}
	paths := map[string]int{}
	if c.health != "" {
		paths[exactly(c.health, false)] = c.lines["health"]
	}
	for _, r := range c.routes {
		r.check(c)
		if known, is := paths[r.on()]; is && r.path != "" {
			c.errorf(r.lines["path"], "path: %s is already on line %d", r.path, known)
		}
		paths[r.on()] = r.lines["path"]
	}
}

// collectSecrets finds the files with secrets, before the checks complete their paths. The certificate of CURVE has its secret key in a file
// beside it.
func (c *config) collectSecrets() {
	var files []string
	for _, l := range c.listeners {
		files = append(files, l.key)
	}
	for _, r := range c.routes {
		files = append(files, r.secrets()...)
	}
	c.secrets = []string{c.name}
	for _, f := range files {
		if f != "" {
			c.secrets = append(c.secrets, c.path(f))
		}
	}
	slices.Sort(c.secrets[1:])
	c.secrets = slices.Compact(c.secrets)
}

var pathForm = regexp.MustCompile(`^(/[A-Za-z0-9._~!$&'()*+,;=:@-]+)+/?$|^/$`)

// isPath reports whether a text is a path as requests have it, without . and .. parts.
func isPath(text string) bool {
	for part := range strings.SplitSeq(text, "/") {
		if part == "." || part == ".." {
			return false
		}
	}
	return pathForm.MatchString(text)
}
