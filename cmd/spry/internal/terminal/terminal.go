// SPDX-License-Identifier: MIT

// Package terminal reports what kind of streams the command's input and output are.
package terminal

import (
	"io"
	"os"
	"strconv"

	"golang.org/x/term"
)

// Is reports whether a stream is a terminal.
func Is(stream any) bool {
	f, ok := stream.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// Piped reports whether a stream is something to read to its end without being asked: a pipe, a file or a socket,
// but neither a terminal nor a device such as /dev/null.
func Piped(stream io.Reader) bool {
	f, ok := stream.(*os.File)
	if !ok {
		return stream != nil
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice == 0
}

// Colour reports whether output may be emphasised: it is a terminal, and NO_COLOR is not set.
func Colour(stream any) bool { return Is(stream) && os.Getenv("NO_COLOR") == "" }

// Width is the number of columns to keep to: COLUMNS if that is set, else the terminal's, else 0 for any.
func Width(stream any) int {
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := stream.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}
