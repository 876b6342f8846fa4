// SPDX-License-Identifier: MIT

package scope

import (
	"context"
	"sync"
)

// Watch runs f in a goroutine when ctx ends, unless stop is called before. stop reports whether it prevented f; otherwise it
// waits for f to return, so that the goroutine belongs to the caller of stop. It may be called more than once.
func Watch(ctx context.Context, f func()) (stop func() bool) {
	ran := make(chan struct{})
	cancel := context.AfterFunc(ctx, func() {
		defer close(ran)
		f()
	})
	return sync.OnceValue(func() bool {
		if cancel() {
			return true
		}
		<-ran
		return false
	})
}
