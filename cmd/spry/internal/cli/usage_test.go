// SPDX-License-Identifier: MIT

package cli

import "testing"

func TestUnescape(t *testing.T) {
	for text, want := range map[string]string{
		"": "", ", ": ", ", `\t`: "\t", `a\x00\xffb`: "a\x00\xffb", `\0`: "\x00", `\0x`: "\x00x", `\\`: `\`, "é": "é", `\u00e9`: "é", `"'`: `"'`, "\xff": "\xff",
	} {
		if got, err := unescape("--flag", text); err != nil || got != want {
			t.Errorf("%q became %q, %v; want %q", text, got, err, want)
		}
	}
	for _, bad := range []string{`\`, `\q`, `\x`, `\xg0`} {
		if got, err := unescape("--flag", bad); err == nil {
			t.Errorf("%q was taken as %q", bad, got)
		}
	}
}
