// SPDX-License-Identifier: MIT

// Package units reads the numbers with units of the command line: sizes (64KiB), counts (10k), rates
// (10k/s) and durations (1.5s, or plain seconds). Its types are flag values for pflag.
package units

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// factors by unit: SI is a power of 1000, IEC (with an i) one of 1024.
var factors = map[string]float64{
	"": 1, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12,
	"ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40,
}

// scaled reads a non-negative number with an SI or IEC prefix, in either case.
func scaled(s string) (float64, error) {
	end := strings.LastIndexAny(s, "0123456789.") + 1
	if end == 0 {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	factor, known := factors[strings.ToLower(strings.TrimSpace(s[end:]))]
	if !known {
		return 0, fmt.Errorf("unit %q is not known; use k, M, G, T (thousands) or Ki, Mi, Gi, Ti (1024)", s[end:])
	}
	number, err := strconv.ParseFloat(strings.TrimSpace(s[:end]), 64)
	if err != nil || number < 0 || math.IsInf(number, 0) || math.IsNaN(number) {
		return 0, fmt.Errorf("%q is not a number", s)
	}
	return number * factor, nil
}

// whole is scaled for results that must be whole numbers.
func whole(s string) (int64, error) {
	value, err := scaled(s)
	switch {
	case err != nil:
		return 0, err
	case value != math.Trunc(value):
		return 0, fmt.Errorf("%q is not a whole number", s)
	case value > 1<<62:
		return 0, fmt.Errorf("%q is too large", s)
	}
	return int64(value), nil
}

// ParseSize reads a number of bytes: "512", "64KiB", "64k", "1.5MB". "unlimited" is -1.
func ParseSize(s string) (int64, error) {
	if s == "unlimited" {
		return -1, nil
	}
	number := strings.TrimSuffix(strings.TrimSuffix(s, "B"), "b")
	n, err := whole(number)
	if err != nil {
		return 0, fmt.Errorf("size: %w", err)
	}
	return n, nil
}

// ParseCount reads a number of things: "12", "10k", "1M".
func ParseCount(s string) (int64, error) {
	n, err := whole(s)
	if err != nil {
		return 0, fmt.Errorf("count: %w", err)
	}
	return n, nil
}

// ParseRate reads a number of messages in a time, and returns it per second: "10k/s", "90/m", "5".
func ParseRate(s string) (float64, error) {
	number, per, _ := strings.Cut(s, "/")
	seconds := 1.0
	switch strings.ToLower(strings.TrimSpace(per)) {
	case "", "s", "sec", "second":
	case "m", "min", "minute":
		seconds = 60
	case "h", "hour":
		seconds = 3600
	default:
		return 0, fmt.Errorf("rate: %q is not a time; use /s, /m or /h", per)
	}
	value, err := scaled(number)
	if err != nil {
		return 0, fmt.Errorf("rate: %w", err)
	}
	if value <= 0 {
		return 0, fmt.Errorf("rate: %q must be more than nothing", s)
	}
	return value / seconds, nil
}

// ParseDuration reads a time: "1.5s", "200ms", "1h30m", or a plain number of seconds.
func ParseDuration(s string) (time.Duration, error) {
	if seconds, err := strconv.ParseFloat(s, 64); err == nil {
		if seconds < 0 || seconds > float64(math.MaxInt64)/float64(time.Second) || math.IsNaN(seconds) {
			return 0, fmt.Errorf("duration: %q is out of range", s)
		}
		return time.Duration(seconds * float64(time.Second)), nil
	}
	d, err := time.ParseDuration(s)
	if err != nil {
		return 0, fmt.Errorf("duration: %q is not a time; write it like 1.5s, 200ms or 1h30m", s)
	}
	if d < 0 {
		return 0, fmt.Errorf("duration: %q is negative", s)
	}
	return d, nil
}
