// SPDX-License-Identifier: MIT

package gate

import (
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/settings"
	"github.com/sprymq/spry/gateway"
	"github.com/sprymq/spry/zmq"
)

// A route is a table [[route]], over the [defaults].
type route struct {
	line  int
	lines map[string]int // of the keys, those of the defaults among them
	own   map[string]int // of the route's own keys

	path, kind, pattern, folder, format string
	topics                              []string

	endpoint.Set
	security endpoint.Security

	queue, ttl                   int
	queueBytes, maxMessage, kept int64
	overflow                     string
	retry, deadline              time.Duration
	failFast                     bool
	options                      gateway.EventOptions
	tokenFile, tokenVariable     string
	tokens                       tokens
}

// keys are those that only a route has.
func (r *route) keys() []settings.Key {
	return []settings.Key{
		settings.String("path", &r.path), settings.String("kind", &r.kind), settings.String("pattern", &r.pattern),
		settings.Strings("dial", &r.Dial), settings.Strings("listen", &r.Listen),
		settings.Strings("topics", &r.topics), settings.String("folder", &r.folder), settings.String("format", &r.format),
	}
}

// shared are the keys of a route that may be among the defaults, by what they are about.
func (r *route) shared() [][]settings.Key {
	o, t, s := &r.options, &r.TLS, &r.security
	return [][]settings.Key{
		{ // requests
			settings.Strings("origins", &o.Origins), settings.String("token-file", &r.tokenFile), settings.String("token-variable", &r.tokenVariable),
			settings.Size("max-body", &o.MaxBody), settings.Size("max-bodies", &o.MaxBodies),
			settings.Duration("body-timeout", &o.BodyTimeout), settings.Duration("write-timeout", &o.WriteTimeout),
			settings.Duration("timeout", &o.Timeout), settings.Duration("max-timeout", &o.MaxTimeout),
			settings.Count("max-requests", &o.MaxRequests), settings.Count("max-per-client", &o.MaxPerClient),
			settings.Rate("rate", &o.Rate), settings.Count("burst", &o.Burst), settings.String("content-type", &o.ContentType),
		},
		{ // events
			settings.Count("max-events", &o.MaxEvents), settings.Size("max-event-bytes", &r.kept), settings.Duration("keep-alive", &o.KeepAlive),
		},
		{ // the socket
			settings.Count("queue", &r.queue), settings.Size("queue-bytes", &r.queueBytes), settings.SizeOrUnlimited("max-message", &r.maxMessage),
			settings.Int("ttl", &r.ttl), settings.String("overflow", &r.overflow), settings.Duration("retry", &r.retry),
			settings.Yes("fail-fast", &r.failFast), settings.Duration("deadline", &r.deadline),
		},
		{ // its security
			settings.String("cacert", &t.CACert), settings.String("crl", &t.Revoked), settings.String("cert", &t.Cert), settings.String("key", &t.Key),
			settings.String("server-name", &t.ServerName), settings.Yes("insecure", &t.Insecure),
			settings.String("curve-server-key", &s.CurveServerKey), settings.String("curve-key", &s.CurveKey), settings.Yes("curve-server", &s.CurveServer),
			settings.String("allow", &s.Allow), settings.String("plain", &s.Plain),
			settings.String("plain-password-file", &s.PlainPasswordFile), settings.String("plain-server", &s.PlainServer),
		},
	}
}

// A kind is what a route serves.
type kind struct {
	name, methods string
	patterns      []string // the first is the default; none has no socket
	keys          string   // those of the keys in someKinds that it has
}

var kinds = []kind{
	{"ask", "POST", []string{"req"}, "bodies timeout limits content-type fail-fast retry origins"},
	{"send", "POST", []string{"push", "pub"}, "bodies timeout limits overflow origins"},
	{"survey", "POST", []string{"survey"}, "bodies limits deadline overflow origins"},
	{"events", "GET", []string{"sub", "pull"}, "limits topics events overflow origins"},
	{"stream", "POST", relayed, "limits origins"},
	{"websocket", "GET", relayed, "origins format"},
	{"files", "GET", nil, "folder"},
	{"script", "GET", nil, ""},
}

// someKinds are the keys that not every kind has, by the words for them in kinds.
var someKinds = map[string]string{
	"max-body": "bodies", "max-bodies": "bodies", "body-timeout": "bodies", "max-timeout": "bodies", "timeout": "timeout",
	"write-timeout": "limits", "max-requests": "limits", "max-per-client": "limits", "rate": "limits", "burst": "limits",
	"content-type": "content-type", "fail-fast": "fail-fast", "retry": "retry", "deadline": "deadline", "overflow": "overflow",
	"max-events": "events", "max-event-bytes": "events", "keep-alive": "events", "topics": "topics", "origins": "origins",
	"folder": "folder", "format": "format",
}

// anyKind are the keys that routes without a socket have too.
var anyKind = []string{"path", "kind", "folder", "token-file", "token-variable"}

func kindNames() string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return strings.Join(names, ", ")
}

// kindOf is the kind of a name; nil if there is none.
func kindOf(name string) *kind {
	at := slices.IndexFunc(kinds, func(k kind) bool { return k.name == name })
	if at < 0 {
		return nil
	}
	return &kinds[at]
}

// has reports whether a kind has a key.
func (k *kind) has(key string) bool {
	if k.patterns == nil && !slices.Contains(anyKind, key) {
		return false
	}
	word := someKinds[key]
	return word == "" || slices.Contains(strings.Fields(k.keys), word)
}

func (r *route) check(c *config) {
	r.checkPath(c)
	k := kindOf(r.kind)
	if k == nil {
		line := max(r.line, r.lines["kind"])
		c.errorf(line, "kind %q is none of %s", r.kind, kindNames())
		return
	}
	for _, key := range slices.Sorted(maps.Keys(r.own)) {
		if !k.has(key) {
			c.errorf(r.own[key], "%s has no effect on a route of the kind %s; leave it out", key, r.kind)
		}
	}
	r.checkTokens(c)
	if r.kind == "files" {
		r.checkFolder(c)
	}
	if k.patterns == nil {
		return
	}
	r.checkPattern(c, k)
	r.checkAddresses(c)
	r.checkSecurity(c)
	r.checkRequests(c)
}

func (r *route) checkPath(c *config) {
	if !isPath(r.path) {
		c.errorf(max(r.line, r.lines["path"]), `path: %q is no path; write one such as "/ask"`, r.path)
	}
}

func (r *route) checkFolder(c *config) {
	given := r.folder
	r.folder = c.path(given)
	if entry, err := os.Stat(r.folder); given == "" || err != nil || !entry.IsDir() {
		c.errorf(max(r.line, r.lines["folder"]), "folder: %q is no folder that can be read", given)
		return
	}
	for _, secret := range c.secrets {
		if within(r.folder, secret) {
			c.errorf(r.lines["folder"], "folder: %s is in %q, and would be served; make a folder for what is public", filepath.Base(secret), given)
		}
	}
}

// secrets are the files of the route that no other route may serve.
func (r *route) secrets() []string {
	s := &r.security
	return []string{r.tokenFile, r.TLS.Key, s.CurveKey, s.PlainPasswordFile, s.PlainServer}
}

// within reports whether a file is in a folder, or in one below it.
func within(folder, file string) bool {
	place, err := filepath.Abs(filepath.Dir(file))
	if err == nil {
		place, err = filepath.EvalSymlinks(place)
	}
	if err != nil {
		return false // it does not exist, which others report
	}
	top, err := os.Stat(folder)
	for err == nil {
		var here os.FileInfo
		if here, err = os.Stat(place); err == nil && os.SameFile(top, here) {
			return true
		}
		above := filepath.Dir(place)
		if above == place {
			return false
		}
		place = above
	}
	return false
}

func (r *route) checkTokens(c *config) {
	if r.tokenFile != "" {
		c.failed(r.lines["token-file"], "token-file", r.tokens.addFile(c.path(r.tokenFile)))
	}
	if r.tokenVariable != "" {
		c.failed(r.lines["token-variable"], "token-variable", r.tokens.addVariable(r.tokenVariable))
	}
	if len(r.tokens) > 0 {
		r.options.Authorize = r.tokens.authorize
	}
}

func (r *route) checkPattern(c *config, k *kind) {
	if r.pattern == "" {
		r.pattern = k.patterns[0]
		if len(k.patterns) == len(relayed) {
			c.errorf(r.line, "a route of the kind %s needs a pattern, which its clients have: %s", r.kind, strings.Join(relayed, ", "))
			return
		}
	}
	if !slices.Contains(k.patterns, r.pattern) {
		c.errorf(max(r.line, r.lines["pattern"]), "pattern: %q is none of %s, which the kind %s has", r.pattern, strings.Join(k.patterns, ", "), r.kind)
	}
	if line, is := r.own["topics"]; is && r.kind == "events" && r.pattern != "sub" {
		c.errorf(line, "topics are those of the pattern sub")
	}
	if line, is := r.own["overflow"]; is && (r.pattern == "push" || r.pattern == "pull") {
		c.errorf(line, "overflow: a %s waits for room; leave it out", r.pattern)
	}
	policy, err := endpoint.Overflow(r.overflow)
	if err == nil && policy == spry.Disconnect && r.pattern == "sub" {
		c.errorf(r.lines["overflow"], "overflow: a sub has drop-oldest, drop-newest and block")
	}
	c.failed(r.lines["overflow"], "overflow", err)
	if r.ttl > 255 {
		c.errorf(r.lines["ttl"], "ttl: it is at most 255")
	}
	if r.format != "" && r.format != "text" && r.format != "json" {
		c.errorf(r.lines["format"], "format: %q is neither text nor json", r.format)
	}
}

func (r *route) checkAddresses(c *config) {
	if len(r.Dial)+len(r.Listen) == 0 {
		c.errorf(r.line, `the route has no peers; add dial = "tcp://host:port", or listen`)
	}
	for _, key := range []string{"dial", "listen"} {
		list := r.Dial
		if key == "listen" {
			list = r.Listen
		}
		for _, address := range list {
			u, err := endpoint.Parse(address)
			c.failed(r.lines[key], key, err)
			switch {
			case err != nil:
			case u.Scheme == "inproc":
				c.errorf(r.lines[key], "%s: %s is within this process, which has no other socket", key, address)
			case strings.HasPrefix(address, "zmtp+") && !r.zmtp():
				c.errorf(r.lines[key], "%s: ZeroMQ has no %s", key, r.pattern)
			case key == "listen" && endpoint.Secured(address) && r.TLS.Cert == "":
				c.errorf(r.lines[key], "listen: %s needs cert, the certificate of this end", u.Redacted())
			}
		}
	}
}

// zmtp reports whether ZeroMQ has the pattern.
func (r *route) zmtp() bool {
	return r.pattern != "survey" && r.pattern != "respond" && r.pattern != "bus"
}

func (r *route) checkSecurity(c *config) {
	for _, path := range []*string{
		&r.TLS.CACert, &r.TLS.Revoked, &r.TLS.Cert, &r.TLS.Key, &r.security.CurveKey, &r.security.Allow,
		&r.security.PlainPasswordFile, &r.security.PlainServer,
	} {
		*path = c.path(*path)
	}
	if _, err := zmq.ParsePublicKey(r.security.CurveServerKey); err != nil {
		r.security.CurveServerKey = c.path(r.security.CurveServerKey)
	}
	first := func(keys ...string) int {
		for _, key := range keys {
			if line, is := r.lines[key]; is {
				return line
			}
		}
		return r.line
	}
	_, err := r.TLS.Dialer(nil)
	if err == nil {
		_, err = r.TLS.Server(nil)
	}
	c.failed(first("cert", "key", "cacert", "crl", "server-name", "insecure"), "TLS", err)
	security, err := r.security.Library()
	c.failed(first("curve-server", "curve-server-key", "curve-key", "allow", "plain", "plain-password-file", "plain-server"), "ZeroMQ's security", err)
	if security != nil && !r.zmtp() {
		c.errorf(first("curve-server", "curve-server-key", "plain", "plain-server"), "CURVE and PLAIN are ZeroMQ's, which has no %s", r.pattern)
	}
}

func (r *route) checkRequests(c *config) {
	o := &r.options
	for _, origin := range o.Origins {
		u, err := url.Parse(origin)
		if origin != "*" && (err != nil || u.Scheme == "" || u.Host == "" || u.Scheme+"://"+u.Host != origin) {
			c.errorf(r.lines["origins"], `origins: %q is no origin; write "https://example.com", without a path, or "*"`, origin)
		}
	}
	longest := o.MaxTimeout
	if longest == 0 {
		longest = time.Minute
	}
	if o.Timeout > longest {
		c.errorf(r.lines["timeout"], "timeout: %s is more than max-timeout, %s; raise that", o.Timeout, longest)
	}
	if o.MaxBodies > 0 && o.MaxBodies < o.MaxBody {
		c.errorf(r.lines["max-bodies"], "max-bodies: it is less than max-body, so no such body has room; raise it")
	}
	if o.MaxRequests > 0 && o.MaxPerClient > o.MaxRequests {
		c.errorf(r.lines["max-per-client"], "max-per-client: it is more than max-requests, %d", o.MaxRequests)
	}
	if line, is := r.own["burst"]; is && o.Rate == 0 {
		c.errorf(line, "burst needs rate")
	}
	o.MaxBytes = int(r.kept)
	o.Client = c.proxies.Client
}

// on is the pattern of the paths that the route serves, as [http.ServeMux] has them.
func (r *route) on() string { return exactly(r.path, r.kind == "files") }

// exactly is the pattern of a path, and of those below it if it is that of a folder.
func exactly(path string, below bool) string {
	switch slash := strings.HasSuffix(path, "/"); {
	case below && !slash:
		return path + "/"
	case !below && slash:
		return path + "{$}"
	}
	return path
}

// String says what the route serves.
func (r *route) String() string {
	k := kindOf(r.kind)
	text := k.methods + " " + r.path + ": " + r.kind
	switch {
	case r.kind == "files":
		text += " of " + r.folder
	case k.patterns != nil:
		text += ", " + r.pattern
		for _, address := range r.Dial {
			text += ", dials " + redact(address)
		}
		for _, address := range r.Listen {
			text += ", listens at " + redact(address)
		}
	}
	if len(r.tokens) > 0 {
		text += ", with a token"
	}
	return text
}
