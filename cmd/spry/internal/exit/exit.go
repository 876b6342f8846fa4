// SPDX-License-Identifier: MIT

// Package exit holds the exit codes of the spry command. They are part of its interface: scripts rely on them.
package exit

import (
	"errors"
	"fmt"
)

// Exit codes of every verb.
const (
	OK      = 0 // done
	Failure = 1 // an error; standard error says which
	Usage   = 2 // the command line makes no sense
	NoPeer  = 3 // a timeout passed, or no peer was there, before anything was done
	Partial = 4 // partly done
)

// An Error is an error with the exit code that it means.
type Error struct {
	Code int
	Err  error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Errorf makes an [Error]; the format is that of [fmt.Errorf].
func Errorf(code int, format string, args ...any) error {
	return &Error{Code: code, Err: fmt.Errorf(format, args...)}
}

// Code is the exit code of an error; nil means [OK].
func Code(err error) int {
	if err == nil {
		return OK
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Code
	}
	return Failure
}
