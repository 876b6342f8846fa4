// SPDX-License-Identifier: MIT

package engine

import (
	"fmt"
	"reflect"

	"github.com/sprymq/spry/internal/lock"
)

// IsNil reports whether v, which the application passed as an interface, is nil or holds a nil pointer, map or function.
func IsNil(v any) bool {
	if v == nil {
		return true
	}
	switch r := reflect.ValueOf(v); r.Kind() {
	case reflect.Pointer, reflect.Map, reflect.Func, reflect.Chan, reflect.Slice:
		return r.IsNil()
	default:
		return false
	}
}

// NilError refuses a nil that a call cannot do without.
func NilError(what string) error { return fmt.Errorf("%w: the %s is nil", ErrConfig, what) }

// Protect calls f, which may run code of the user in a goroutine that is not the user's, and makes a panic of it an error.
func Protect(what string, f func() error) (err error) {
	lock.AssertNone()
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%s panicked: %v", what, r)
		}
	}()
	return f()
}
