// SPDX-License-Identifier: MIT

package scope

import (
	"log/slog"
	"runtime/debug"
)

// Detached runs a callback of the user in a goroutine that belongs to no scope. No Close waits for it, so it may take any
// time and call anything. If it panics, the panic is logged under the name what by [slog.Default], because it belongs to no
// socket.
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
