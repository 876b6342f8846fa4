// SPDX-License-Identifier: MIT

package cli

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sprymq/spry/cmd/spry/internal/exit"
)

// errUnexpected is the error for an argument that belongs to no flag.
func errUnexpected(arg string) error {
	if strings.Contains(arg, "://") {
		return fmt.Errorf("%q stands alone: write --dial %s or --listen %s", arg, arg, arg)
	}
	return fmt.Errorf("%q stands alone: write --data %q to send it", arg, arg)
}

// unescape reads the text of a flag in which bytes may be written as in string literals of C and Go, as in \t and \x00.
func unescape(flag, text string) (string, error) {
	var out []byte
	for rest := text; rest != ""; {
		if rest[0] != '\\' {
			out, rest = append(out, rest[0]), rest[1:]
			continue
		}
		c, multibyte, tail, err := strconv.UnquoteChar(rest, 0)
		switch {
		case strings.HasPrefix(rest, `\0`) && err != nil:
			c, tail = 0, rest[2:]
		case err != nil:
			return "", exit.Errorf(exit.Usage, "%s %q: a backslash begins one of \\t \\n \\r \\0 \\xNN and \\\\", flag, text)
		}
		if rest = tail; multibyte {
			out = utf8.AppendRune(out, c)
		} else {
			out = append(out, byte(c))
		}
	}
	return string(out), nil
}
