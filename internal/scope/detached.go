// SPDX-License-Identifier: MIT

package scope

import (
	"log/slog"
	"runtime/debug"
)

// Detached runs a callback of the user in a goroutine that belongs to no scope: nobody waits for it, so that it may take any
// time and call anything. what names it where a panic of it is logged, by [slog.Default]: there is no socket that it belongs
// to.
func Detached(what string, f func()) {
	go func() {
		defer func() {
			if r := recover(); r != nil {
				slog.Error("spry callback panicked", "callback", what, "panic", r, "stack", string(debug.Stack()))
			}
		}()
		f()
	}()
}
