// SPDX-License-Identifier: MIT

package otel

import (
	"encoding/binary"
	"maps"
	"slices"
	"strings"
)

// The envelope lies behind the body, because a body begins with its topic: fields, their length, a version and a magic number.
const (
	magic    = "\x89SPRY\x1atc"
	version  = 1
	tailSize = 2 + 1 + len(magic)

	maxFields    = 16
	maxFieldSize = 8192 // of all fields together
	maxKey       = 64
)

// appendEnvelope appends an envelope of these fields to dst. Fields that are invalid or find no room are left out, those of a trace
// last. Without a field, there is no envelope.
func appendEnvelope(dst []byte, fields map[string]string) []byte {
	begin, n := len(dst), 0
	for _, key := range slices.SortedFunc(maps.Keys(fields), byImportance) {
		value := fields[key]
		if !validKey(key) || n == maxFields || len(dst)-begin+3+len(key)+len(value) > maxFieldSize {
			continue
		}
		dst = append(dst, byte(len(key)))
		dst = append(dst, key...)
		dst = binary.BigEndian.AppendUint16(dst, uint16(len(value)))
		dst = append(dst, value...)
		n++
	}
	if n == 0 {
		return dst
	}
	dst = binary.BigEndian.AppendUint16(dst, uint16(len(dst)-begin))
	dst = append(dst, version)
	return append(dst, magic...)
}

// byImportance orders the fields of W3C before others.
func byImportance(a, b string) int {
	rank := func(key string) int {
		if i := slices.Index([]string{"traceparent", "tracestate"}, key); i >= 0 {
			return i
		}
		return 2
	}
	if d := rank(a) - rank(b); d != 0 {
		return d
	}
	return strings.Compare(a, b)
}

// cutEnvelope returns data without the envelope at its end, and the fields of that. Without a valid envelope, it returns data. Fields
// of a later version are not read.
func cutEnvelope(data []byte) (body []byte, fields map[string]string, found bool) {
	tail := len(data) - tailSize
	if tail < 0 || string(data[tail+3:]) != magic {
		return data, nil, false
	}
	size := int(binary.BigEndian.Uint16(data[tail:]))
	if size > maxFieldSize || size > tail {
		return data, nil, false
	}
	body = data[: tail-size : tail-size]
	switch v := data[tail+2]; {
	case v == 0:
		return data, nil, false
	case v > version:
		return body, nil, true
	}
	if fields = parseFields(data[tail-size : tail]); fields == nil {
		return data, nil, false
	}
	return body, fields, true
}

// parseFields returns nil if p is not a sequence of distinct fields, at least one.
func parseFields(p []byte) map[string]string {
	fields := make(map[string]string)
	for len(p) > 0 {
		n := int(p[0])
		if len(p) < 1+n+2 {
			return nil
		}
		key := string(p[1 : 1+n])
		size := int(binary.BigEndian.Uint16(p[1+n:]))
		p = p[1+n+2:]
		if _, twice := fields[key]; twice || !validKey(key) || size > len(p) || len(fields) == maxFields {
			return nil
		}
		fields[key] = string(p[:size])
		p = p[size:]
	}
	if len(fields) == 0 {
		return nil
	}
	return fields
}

// validKey reports whether key is one of lower-case letters, digits and hyphens.
func validKey(key string) bool {
	return key != "" && len(key) <= maxKey && strings.Trim(key, "abcdefghijklmnopqrstuvwxyz0123456789-") == ""
}
