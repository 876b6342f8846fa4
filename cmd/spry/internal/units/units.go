// SPDX-License-Identifier: MIT

// Package units reads the numbers with units of the command line: sizes (64KiB), counts (10k), rates
// (10k/s) and durations (1.5s, or plain seconds). Its types are flag values for pflag.
package units

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// The errors for texts that are none of these.
var (
	errSize     = errors.New("write a size like 512, 64KiB, 10MB or unlimited")
	errCount    = errors.New("write a number like 10, 5k or 1M")
	errRate     = errors.New("write a rate like 5, 10k/s or 90/m")
	errDuration = errors.New("write a time like 1.5s, 200ms or 1h30m; a plain number is seconds")
)

// whole reads a number with a prefix of 1000 (k, M, G, T) or 1024 (Ki, Mi, Gi, Ti), in either case.
func whole(s string) (n int64, ok bool) {
	if plain, err := strconv.ParseFloat(s, 64); err == nil && plain != math.Trunc(plain) {
		return 0, false // which would be rounded
	}
	value, err := humanize.ParseBytes(s)
	return int64(value), err == nil && value <= 1<<62
}

// ParseSize reads a number of bytes: "512", "64KiB", "64k", "1.5MB". "unlimited" is -1.
func ParseSize(s string) (int64, error) {
	if s == "unlimited" {
		return -1, nil
	}
	if n, ok := whole(s); ok {
		return n, nil
	}
	return 0, errSize
}

// ParseCount reads a number of things: "12", "10k", "1M".
func ParseCount(s string) (int64, error) {
	if n, ok := whole(s); ok && !strings.HasSuffix(strings.ToLower(s), "b") {
		return n, nil
	}
	return 0, errCount
}

// ParseRate reads a number of messages in a time, and returns it per second: "10k/s", "90/m", "5".
func ParseRate(s string) (float64, error) {
	number, per, _ := strings.Cut(s, "/")
	seconds, known := map[string]float64{"": 1, "s": 1, "m": 60, "min": 60, "h": 3600}[per]
	value, err := strconv.ParseFloat(number, 64)
	if err != nil {
		n, countErr := ParseCount(number)
		value, err = float64(n), countErr
	}
	if err != nil || !known || !(value > 0) || math.IsInf(value, 0) {
		return 0, errRate
	}
	return value / seconds, nil
}

// ParseDuration reads a time: "1.5s", "200ms", "1h30m", or a plain number of seconds.
func ParseDuration(s string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		if seconds < 0 || seconds > float64(math.MaxInt64)/float64(time.Second) || math.IsNaN(seconds) {
			return 0, errDuration
		}
		return time.Duration(seconds * float64(time.Second)), nil
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 {
		return 0, errDuration
	}
	return d, nil
}
