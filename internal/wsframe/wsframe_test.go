// SPDX-License-Identifier: MIT

package wsframe

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
)

// The examples of RFC 6455 section 5.7.
func TestExamplesOfTheRFC(t *testing.T) {
	for _, tc := range []struct {
		wire, payload string
		h             Header
	}{
		{"810548656c6c6f", "Hello", Header{Opcode: Text, Final: true, Length: 5}},
		{"818537fa213d7f9f4d5158", "Hello", Header{Opcode: Text, Final: true, Masked: true, Key: [4]byte{0x37, 0xfa, 0x21, 0x3d}, Length: 5}},
		{"010348656c", "Hel", Header{Opcode: Text, Length: 3}},
		{"80026c6f", "lo", Header{Opcode: Continuation, Final: true, Length: 2}},
		{"890548656c6c6f", "Hello", Header{Opcode: Ping, Final: true, Length: 5}},
		{"8a8537fa213d7f9f4d5158", "Hello", Header{Opcode: Pong, Final: true, Masked: true, Key: [4]byte{0x37, 0xfa, 0x21, 0x3d}, Length: 5}},
		{"827e0100" + strings.Repeat("00", 256), strings.Repeat("\x00", 256), Header{Opcode: Binary, Final: true, Length: 256}},
		{"827f0000000000010000" + strings.Repeat("00", 65536), strings.Repeat("\x00", 65536), Header{Opcode: Binary, Final: true, Length: 65536}},
	} {
		wire, err := hex.DecodeString(tc.wire)
		if err != nil {
			t.Fatal(err)
		}
		h, size, err := ParseHeader(wire, tc.h.Masked)
		if err != nil || h != tc.h {
			t.Errorf("%.20s is %+v, %v", tc.wire, h, err)
			continue
		}
		for cut := range size {
			if _, n, err := ParseHeader(wire[:cut], tc.h.Masked); n != 0 || err != nil {
				t.Errorf("%d bytes of %.20s are a header of %d, %v", cut, tc.wire, n, err)
			}
		}
		payload := bytes.Clone(wire[size:])
		if h.Masked {
			Mask(h.Key, 0, payload)
		}
		if string(payload) != tc.payload {
			t.Errorf("%.20s has the payload %.20q", tc.wire, payload)
		}
		if got := AppendHeader(nil, h); !bytes.Equal(got, wire[:size]) {
			t.Errorf("%+v is %x", h, got)
		}
	}
}

func TestBreaches(t *testing.T) {
	for _, tc := range []struct {
		wire   string
		masked bool
	}{
		{"c200", false},     // a reserved bit
		{"8300", false},     // an unknown kind
		{"8b00", false},     // and an unknown control frame
		{"0900", false},     // a control frame in pieces
		{"897e", false},     // and one that is too long
		{"8200", true},      // no mask
		{"8280", false},     // a mask
		{"827e007d", false}, // lengths that fit into fewer bytes
		{"827f000000000000ffff", false},
		{"827f8000000000000000", false}, // a negative length
	} {
		wire, err := hex.DecodeString(tc.wire)
		if err != nil {
			t.Fatal(err)
		}
		var breach *ProtocolError
		if h, n, err := ParseHeader(wire, tc.masked); !errors.As(err, &breach) || breach.Code != StatusProtocolError {
			t.Errorf("%s is %+v of %d bytes, %v", tc.wire, h, n, err)
		}
	}
}

func TestMaskIsOfTheWholePayload(t *testing.T) {
	key := [4]byte{1, 2, 3, 4}
	for n := range 100 {
		for cut := range n + 1 {
			got := bytes.Repeat([]byte{'x'}, n)
			Mask(key, 0, got[:cut])
			Mask(key, cut, got[cut:])
			for i, b := range got {
				if b != 'x'^key[i%4] {
					t.Fatalf("%d bytes, cut at %d: byte %d is %x", n, cut, i, b)
				}
			}
		}
	}
}

// Long payloads are masked in another way than short ones, and to other memory.
func TestMaskOfLongPayloads(t *testing.T) {
	key := [4]byte{1, 2, 3, 4}
	for _, n := range []int{31, 33, patternFrom - 1, patternFrom, patternFrom + 1, 3*patternSize + 45} {
		for offset := range 5 {
			src, dst := bytes.Repeat([]byte{'x'}, n), make([]byte, n+1)
			MaskCopy(key, offset, dst, src)
			for i, b := range dst[:n] {
				if b != 'x'^key[(offset+i)%4] {
					t.Fatalf("%d bytes at offset %d: byte %d is %x", n, offset, i, b)
				}
			}
			if dst[n] != 0 || bytes.Count(src, []byte{'x'}) != n {
				t.Errorf("%d bytes: what is behind them, or what they were made of, has changed", n)
			}
			if Mask(key, offset, dst[:n]); !bytes.Equal(dst[:n], src) {
				t.Errorf("%d bytes: twice masked, they are others", n)
			}
		}
	}
}

func TestSequence(t *testing.T) {
	begin, more, last := Header{Opcode: Binary, Length: 4}, Header{Length: 4}, Header{Final: true, Length: 4}
	whole, ping, end := Header{Opcode: Text, Final: true, Length: 4}, Header{Opcode: Ping, Final: true}, Header{Opcode: Close, Final: true}
	for _, tc := range []struct {
		frames []Header
		code   StatusCode
	}{
		{[]Header{begin, ping, more, ping, last, whole, end}, 0},
		{[]Header{more}, StatusProtocolError},
		{[]Header{begin, whole}, StatusProtocolError},
		{[]Header{begin, last, last}, StatusProtocolError},
		{[]Header{end, ping}, StatusProtocolError},
		{[]Header{begin, more, more, more}, StatusTooLarge},
		{[]Header{{Opcode: Binary, Final: true, Length: 1<<63 - 1}}, StatusTooLarge},
		{[]Header{begin, {Length: 1<<63 - 1}}, StatusTooLarge},
	} {
		s := Sequence{Limit: 12}
		var err error
		for i, h := range tc.frames {
			if _, err = s.Next(h); err != nil && i < len(tc.frames)-1 {
				t.Errorf("%+v: frame %d: %v", tc.frames, i, err)
			}
		}
		var breach *ProtocolError
		if code := StatusCode(0); errors.As(err, &breach) || err == nil {
			if breach != nil {
				code = breach.Code
			}
			if code != tc.code {
				t.Errorf("%+v: %v", tc.frames, err)
			}
		}
	}
}

func TestClose(t *testing.T) {
	for _, tc := range []struct {
		code   StatusCode
		reason string
	}{{StatusNormal, ""}, {StatusNone, ""}, {StatusTooLarge, "too large: größer"}, {4999, "x"}} {
		code, reason, err := ParseClose(AppendClose(nil, tc.code, tc.reason))
		if err != nil || code != tc.code || reason != tc.reason {
			t.Errorf("%+v is %d, %q, %v", tc, code, reason, err)
		}
	}
	if long := AppendClose(nil, StatusNormal, strings.Repeat("ö", 100)); len(long) > MaxControl {
		t.Errorf("a close frame of %d bytes", len(long))
	} else if _, _, err := ParseClose(long); err != nil {
		t.Error(err)
	}
	for _, bad := range []string{"\x03", "\x03\xe7", "\x03\xed", "\x13\x88", "\x03\xe8\xff"} {
		if code, _, err := ParseClose([]byte(bad)); err == nil {
			t.Errorf("%q has the code %d", bad, code)
		}
	}
}

// Whatever bytes arrive, a header that is parsed is written as it was.
func FuzzHeader(f *testing.F) {
	f.Add([]byte("\x81\x05Hello"), false)
	f.Add([]byte("\x82\xfe\x01\x00abcd"), true)
	f.Fuzz(func(t *testing.T, b []byte, masked bool) {
		h, n, err := ParseHeader(b, masked)
		if err != nil || n == 0 {
			return
		}
		if got := AppendHeader(nil, h); !bytes.Equal(got, b[:n]) {
			t.Errorf("%x is %+v, which is %x", b[:n], h, got)
		}
		if h.Masked != masked || h.Length < 0 || h.Opcode.IsControl() && h.Length > MaxControl {
			t.Errorf("%x is %+v", b[:n], h)
		}
	})
}
