// SPDX-License-Identifier: MIT

// Package devices runs the devices that a file in TOML describes, and changes them when the file changes.
package devices

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/sprymq/spry/cmd/spry/internal/device"
	"github.com/sprymq/spry/cmd/spry/internal/endpoint"
	"github.com/sprymq/spry/cmd/spry/internal/exit"
	"github.com/sprymq/spry/cmd/spry/internal/settings"
	"github.com/sprymq/spry/internal/urls"
	"github.com/sprymq/spry/zmq"
)

// kinds are the names of devices, and the patterns that they forward.
var kinds = map[string]string{
	"queue": "reqrep", "forwarder": "pubsub", "streamer": "pipeline", "pair": "pair", "bus": "bus", "survey": "survey", "bridge": "",
}

// A config is what a file says.
type config struct {
	name, folder string
	linger       time.Duration
	devices      []*deviceConfig
	errs         []error
}

const defaultLinger = 5 * time.Second

// A deviceConfig is a table [[device]], over the [defaults]. All but lines decides whether a device has changed.
type deviceConfig struct {
	line  int
	lines map[string]int

	name, kind, pattern    string
	front, back, dialFront []string
	dialBack               []string
	frames                 string
	join                   bool
	ttl                    int
	limits                 device.Limits
	tap                    []string
	tapEvery               int
	tapRate                float64
	tls                    endpoint.TLS
	security               endpoint.Security
	secrets                [sha256.Size]byte // of the files that are read only when a device begins
}

func (d *deviceConfig) shared() []settings.Key {
	t, s := &d.tls, &d.security
	return []settings.Key{
		settings.Int("ttl", &d.ttl), settings.Count("queue", &d.limits.Queue), settings.Size("queue-bytes", &d.limits.QueueBytes),
		settings.SizeOrUnlimited("max-message", &d.limits.MaxMessage), settings.Rate("rate", &d.limits.Rate), settings.String("frames", &d.frames),
		settings.Count("tap-every", &d.tapEvery), settings.Rate("tap-rate", &d.tapRate),
		settings.String("cacert", &t.CACert), settings.String("crl", &t.Revoked), settings.String("cert", &t.Cert), settings.String("key", &t.Key),
		settings.String("server-name", &t.ServerName), settings.Yes("insecure", &t.Insecure),
		settings.String("curve-server-key", &s.CurveServerKey), settings.String("curve-key", &s.CurveKey), settings.Yes("curve-server", &s.CurveServer),
		settings.String("allow", &s.Allow), settings.String("plain", &s.Plain),
		settings.String("plain-password-file", &s.PlainPasswordFile), settings.String("plain-server", &s.PlainServer),
	}
}

func (d *deviceConfig) keys() []settings.Key {
	return []settings.Key{
		settings.String("name", &d.name), settings.String("kind", &d.kind), settings.String("pattern", &d.pattern),
		settings.Strings("front", &d.front), settings.Strings("back", &d.back),
		settings.Strings("dial-front", &d.dialFront), settings.Strings("dial-back", &d.dialBack), settings.Strings("tap", &d.tap),
	}
}

// read reads a file. Its error says everything that can be found out without the network.
func read(name string) (*config, error) {
	data, err := os.ReadFile(name)
	if err != nil {
		return nil, exit.Errorf(exit.Usage, "%w; spry proxy --example prints a file to begin with", err)
	}
	c := parse(name, data)
	c.check()
	return c, c.failure()
}

func parse(name string, data []byte) *config {
	c := &config{name: name, folder: filepath.Dir(name), linger: defaultLinger}
	tables, errs := settings.Parse(data)
	c.errs = errs
	var defaults deviceConfig
	seen := 0
	for _, t := range tables { // first, whatever their place
		if t.Name != "defaults" {
			continue
		}
		if seen++; seen > 1 || t.Repeated {
			c.errorf(t.Line, "[defaults] is there once, with one pair of brackets")
			continue
		}
		defaults.lines = c.set(&t, defaults.shared())
	}
	for _, t := range tables {
		switch {
		case t.Name == "":
			c.set(&t, []settings.Key{settings.Duration("linger", &c.linger)})
		case t.Name == "defaults":
		case t.Name != "device":
			c.errorf(t.Line, "there is no table %q; there are [defaults] and [[device]]", t.Name)
		case !t.Repeated:
			c.errorf(t.Line, "[device] needs two pairs of brackets, [[device]], because there may be several")
		default:
			d := defaults
			d.line, d.lines = t.Line, map[string]int{}
			maps.Copy(d.lines, defaults.lines)
			maps.Copy(d.lines, c.set(&t, append(d.keys(), d.shared()...)))
			c.devices = append(c.devices, &d)
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
		c.errorf(line, "%s: %s", key, strings.TrimPrefix(aFlag.ReplaceAllString(err.Error(), "$1"), key+": "))
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
	c.errs = slices.CompactFunc(c.errs, func(a, b error) bool { return a.Error() == b.Error() })
	var texts []string
	for _, err := range c.errs {
		texts = append(texts, fmt.Sprintf("%s:%v", c.name, err))
	}
	return exit.Errorf(exit.Usage, "%s", strings.Join(texts, "\n"))
}

func (c *config) path(name string) string {
	if name == "" || filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(c.folder, name)
}

// check finds what no key shows by itself.
func (c *config) check() {
	if len(c.devices) == 0 {
		c.errorf(1, "there is no device; add [[device]] with name, kind, front and back")
	}
	names, listened := map[string]int{}, map[string]int{}
	for _, d := range c.devices {
		if d.name == "" || strings.ContainsAny(d.name, " \n") {
			c.errorf(max(d.line, d.lines["name"]), "name: %q is no name; write one without spaces, such as \"jobs\"", d.name)
		} else if known, is := names[d.name]; is {
			c.errorf(d.lines["name"], "name: %q is already on line %d", d.name, known)
		}
		names[d.name] = d.lines["name"]
		d.checkKind(c)
		for key, list := range d.addresses() {
			d.checkAddresses(c, key, list, listened)
		}
		d.checkSecurity(c)
		if len(d.tap) == 0 && (d.lines["tap-every"] > d.line || d.lines["tap-rate"] > d.line) {
			c.errorf(max(d.lines["tap-every"], d.lines["tap-rate"]), "tap-every and tap-rate need tap")
		}
	}
}

func (d *deviceConfig) addresses() map[string][]string {
	return map[string][]string{"front": d.front, "back": d.back, "dial-front": d.dialFront, "dial-back": d.dialBack, "tap": d.tap}
}

func (d *deviceConfig) checkKind(c *config) {
	pattern, known := kinds[d.kind]
	line := max(d.line, d.lines["kind"])
	switch {
	case !known:
		c.errorf(line, "kind %q is none of %s", d.kind, strings.Join(slices.Sorted(maps.Keys(kinds)), ", "))
	case d.kind == "bridge" && !slices.Contains([]string{"pipeline", "pubsub", "reqrep"}, d.pattern):
		c.errorf(max(d.line, d.lines["pattern"]), "pattern: a bridge needs one: pipeline, pubsub or reqrep")
	case d.kind != "bridge" && d.pattern != "":
		c.errorf(d.lines["pattern"], "pattern is of the kind bridge; leave it out")
	case d.kind != "bridge":
		d.pattern = pattern
	}
	if len(d.front)+len(d.dialFront) == 0 {
		c.errorf(d.line, `the device has no front; add front = "tcp://*:5555", or dial-front`)
	}
	if len(d.back)+len(d.dialBack) == 0 {
		c.errorf(d.line, `the device has no back; add back = "tcp://*:5556", or dial-back`)
	}
	if d.ttl > 255 {
		c.errorf(d.lines["ttl"], "ttl: it is at most 255")
	}
	d.join = d.lines["frames"] > 0
}

func (d *deviceConfig) checkAddresses(c *config, key string, list []string, listened map[string]int) {
	for _, address := range list {
		u, err := endpoint.Parse(address)
		c.failed(d.lines[key], key, err)
		if err != nil {
			continue
		}
		if u.Scheme == "inproc" {
			c.errorf(d.lines[key], "%s: %s is within this process, which has no other socket", key, urls.Redact(address))
		}
		if strings.HasPrefix(key, "dial-") {
			continue
		}
		if endpoint.Secured(address) && d.tls.Cert == "" {
			c.errorf(d.lines[key], "%s: %s needs cert, the certificate of this end", key, u.Redacted())
		}
		plain := u.String()
		if known, is := listened[plain]; is && !strings.HasSuffix(plain, ":0") {
			c.errorf(d.lines[key], "%s: %s is already on line %d", key, u.Redacted(), known)
		}
		listened[plain] = d.lines[key]
	}
}

func (d *deviceConfig) checkSecurity(c *config) {
	t, s := &d.tls, &d.security
	for _, path := range []*string{&t.CACert, &t.Revoked, &t.Cert, &t.Key, &s.CurveKey, &s.Allow, &s.PlainPasswordFile, &s.PlainServer} {
		*path = c.path(*path)
	}
	if _, err := zmq.ParsePublicKey(s.CurveServerKey); err != nil {
		s.CurveServerKey = c.path(s.CurveServerKey)
	}
	first := func(keys ...string) int {
		for _, key := range keys {
			if line, is := d.lines[key]; is {
				return line
			}
		}
		return d.line
	}
	_, err := t.Dialer(nil)
	if err == nil {
		_, err = t.Server(nil)
	}
	c.failed(first("cert", "key", "cacert", "crl", "server-name", "insecure"), "TLS", err)
	security, err := s.Library()
	line := first("curve-server", "curve-server-key", "curve-key", "allow", "plain", "plain-password-file", "plain-server")
	c.failed(line, "ZeroMQ's security", err)
	zmtp := func(lists ...[]string) bool {
		return !slices.ContainsFunc(slices.Concat(lists...), func(a string) bool { return !strings.HasPrefix(a, "zmtp+") })
	}
	if security != nil && !zmtp(d.front, d.dialFront) && !zmtp(d.back, d.dialBack) {
		c.errorf(line, "CURVE and PLAIN secure a side whose addresses all begin with zmtp+, and there is none")
	}
	sum := sha256.New()
	for _, path := range []string{s.CurveServerKey, s.CurveKey, s.CurveKey + "_secret", s.PlainPasswordFile, s.PlainServer} {
		if data, err := os.ReadFile(path); err == nil {
			fmt.Fprintf(sum, "%d ", len(data))
			sum.Write(data)
		}
	}
	sum.Sum(d.secrets[:0])
}

// same reports whether two devices are the same, but for their places in the file.
func (d *deviceConfig) same(other *deviceConfig) bool {
	a, b := *d, *other
	a.line, a.lines, b.line, b.lines = 0, nil, 0, nil
	return reflect.DeepEqual(a, b)
}

// String says what the device does.
func (d *deviceConfig) String() string {
	text := d.name + ": " + d.kind
	if d.kind == "bridge" {
		text += ", " + d.pattern
	}
	for _, a := range []struct {
		what string
		list []string
	}{
		{"front listens at", d.front}, {"front dials", d.dialFront}, {"back listens at", d.back}, {"back dials", d.dialBack}, {"tap listens at", d.tap},
	} {
		for _, address := range a.list {
			text += ", " + a.what + " " + urls.Redact(address)
		}
	}
	return text
}
