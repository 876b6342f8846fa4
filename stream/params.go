// SPDX-License-Identifier: MIT

package stream

import (
	"fmt"
	"maps"
	"math"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// params are the parameters of a URL with layers.
type params struct {
	values url.Values
	used   map[string]bool
	err    error // the first one
}

// text returns a parameter that is given once, or "".
func (p *params) text(name string) string {
	p.used[name] = true
	all := p.values[name]
	if len(all) > 1 {
		p.fail(name, "is given %d times; give it once", len(all))
	}
	if len(all) == 0 {
		return ""
	}
	if all[0] == "" {
		p.fail(name, "has no value")
	}
	return all[0]
}

func (p *params) fail(name, form string, args ...any) {
	if p.err == nil {
		p.err = fmt.Errorf("the parameter %s %s", name, fmt.Sprintf(form, args...))
	}
}

// duration returns a parameter such as 10ms.
func (p *params) duration(name string) time.Duration {
	text := p.text(name)
	if text == "" {
		return 0
	}
	d, err := time.ParseDuration(text)
	if err != nil || d <= 0 {
		p.fail(name, "is %.40q; write a duration such as 10ms", text)
		return 0
	}
	return d
}

// size returns a parameter such as 64KiB, in bytes.
func (p *params) size(name string) int64 {
	text := p.text(name)
	if text == "" {
		return 0
	}
	n, ok := quantity(text)
	if !ok || n < 1 || n > math.MaxInt32 {
		p.fail(name, "is %.40q; write a size such as 1000, 64KiB or 1MB, at most 2 GiB", text)
		return 0
	}
	return int64(n)
}

// rate returns a parameter such as 1MB/s.
func (p *params) rate(name string) Rate {
	text := p.text(name)
	if text == "" {
		return Rate{}
	}
	amount, ok := strings.CutSuffix(text, "/s")
	n, valid := quantity(amount)
	if !ok || !valid || n < 1 || n > 1e15 {
		p.fail(name, "is %.40q; write a rate such as 64KiB/s, 1MB/s or 8Mbit/s", text)
		return Rate{}
	}
	return Rate{PerSecond: n}
}

// rates returns the rates of both directions, which a parameter names together and two others each.
func (p *params) rates(both, in, out string, rate func(name string) Rate) (read, write Rate) {
	all := rate(both)
	if read, write = rate(in), rate(out); read.PerSecond == 0 {
		read = all
	}
	if write.PerSecond == 0 {
		write = all
	}
	return read, write
}

// messageRate returns a parameter such as 100/s.
func (p *params) messageRate(name string) Rate {
	text := p.text(name)
	if text == "" {
		return Rate{}
	}
	amount, ok := strings.CutSuffix(text, "/s")
	n, err := strconv.ParseFloat(amount, 64)
	if !ok || err != nil || !(n >= 1e-6 && n <= 1e12) {
		p.fail(name, "is %.40q; write a rate of messages such as 100/s or 0.5/s", text)
		return Rate{}
	}
	return Rate{PerSecond: n}
}

// count returns a parameter that is a number from 1 on.
func (p *params) count(name string) int {
	text := p.text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseUint(text, 10, 31)
	if err != nil || n == 0 {
		p.fail(name, "is %.40q; write a number from 1 to %d", text, math.MaxInt32)
	}
	return int(n)
}

// part returns a parameter from 0 to 1.
func (p *params) part(name string) float64 {
	text := p.text(name)
	if text == "" {
		return 0
	}
	n, err := strconv.ParseFloat(text, 64)
	if err != nil || !(n > 0 && n <= 1) {
		p.fail(name, "is %.40q; write a part of all, such as 0.1, at most 1", text)
	}
	return n
}

// dropUsed removes the parameters that were asked for.
func (p *params) dropUsed() {
	maps.DeleteFunc(p.values, func(name string, _ []string) bool { return p.used[name] })
}

// units are the units of a quantity, in bytes. "" is bytes.
var units = map[string]float64{
	"": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "kib": 1 << 10, "mib": 1 << 20, "gib": 1 << 30,
	"bit": 1. / 8, "kbit": 1e3 / 8, "mbit": 1e6 / 8, "gbit": 1e9 / 8,
}

// quantity parses a number with a unit, whose case does not matter. The result is in bytes.
func quantity(s string) (bytes float64, ok bool) {
	digits := len(s) - len(strings.TrimLeft(s, "0123456789."))
	unit, known := units[strings.ToLower(strings.TrimSpace(s[digits:]))]
	n, err := strconv.ParseFloat(s[:digits], 64)
	return n * unit, known && err == nil
}
